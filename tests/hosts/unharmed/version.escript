#!/usr/bin/env escript
main(_) -> io:format("~s.0~n", [erlang:system_info(otp_release)]).
