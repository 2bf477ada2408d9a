#!/usr/bin/env escript
%% Erlang's JIT (BeamAsm) compiles modules when they are loaded: this one, and all of its library.
%%! -mode compile
-mode(compile).
-export([work/1]).

work(N) -> work(0, N, 0).
work(I, N, S) when I >= N -> S;
work(I, N, S) when I rem 3 =:= 0 -> work(I + 1, N, S + I);
work(I, N, S) when I rem 5 =:= 0 -> work(I + 1, N, S - I);
work(I, N, S) -> work(I + 1, N, S + 1).

main(_) ->
    Values = lists:reverse(lists:sort([work(N) || N <- lists:seq(0, 1999)])),
    io:format("~p ~p ~p~n", [hd(Values), lists:nth(1001, Values), length(Values)]),
    io:format("compiled ~p~n", [erlang:system_info(emu_flavor) =:= jit]).
