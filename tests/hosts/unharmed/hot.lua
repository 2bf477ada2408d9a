-- Hot enough to be JIT-compiled in many traces; LuaJIT places its machine code by hints of its own.
local function work(n)
  local s = 0
  for i = 1, n do
    if i % 3 == 0 then s = s + i elseif i % 5 == 0 then s = s - i else s = s + 1 end
  end
  return s
end
local t = {}
for i = 1, 2000 do t[i] = work(i) end
table.sort(t, function(a, b) return a > b end)
print(t[1], t[1000], #t, jit.status())
