// What jit_host.cc compiles, and what it must come to. Module i has a function, a table of
// constants and a variable; it calls the function of module i/2, and reads the variable of module
// i-1:
//
//   step_i(x) = weights_i[x & 7] + state_{i-1} + ++state_i + step_{i/2}(x)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

using Step = std::int64_t(std::int64_t);

struct ModuleShape {
  unsigned code = 0, data = 0;  // least sizes, bytes; on average if uneven
  bool uneven = false;

  // An eighth to 15 eighths, another for each module; four bytes are an instruction.
  unsigned of(unsigned size, unsigned i, unsigned salt) const {
    return uneven ? size / 8 * ((i * 5 + salt * 3) % 8 * 2 + 1) / 16 * 16 : size;
  }
};

inline std::string step_name(unsigned thread, unsigned i) {
  return "step_" + std::to_string(thread) + "_" + std::to_string(i);
}
inline std::int64_t weight(unsigned i, std::int64_t x) {
  return (i * 31 + x % 8 * 7 + 3) % 1000;
}

// The same in C++.
class Expected {
 public:
  explicit Expected(unsigned modules) : states_(modules) {
    for (unsigned i = 0; i < modules; ++i) states_[i] = i;
  }
  std::int64_t step(unsigned i, std::int64_t x) {
    std::int64_t sum = weight(i, x) + (i == 0 ? 0 : states_[i - 1]) + ++states_[i];
    return i == 0 ? sum : sum + step(i / 2, x);
  }

 private:
  std::vector<std::int64_t> states_;
};

inline std::string module_text(unsigned thread, unsigned i, const ModuleShape& shape) {
#if defined(__aarch64__)
  const char* const jump = "b";
#else
  const char* const jump = "jmp";
#endif
  const auto id = [thread](unsigned k) { return std::to_string(thread) + "_" + std::to_string(k); };
  const std::string words = std::to_string(shape.of(shape.data, i, 1) / 8);
  const std::string type = "{ i64, [" + words + " x i64] }", state = "@state_" + id(i);
  std::string t = "@weights = internal unnamed_addr constant [8 x i64] [";
  for (unsigned k = 0; k < 8; ++k) t += (k == 0 ? "i64 " : ", i64 ") + std::to_string(weight(i, k));
  t += "]\n";
  // An initial value other than zero: not .bss.
  t += state + " = dso_local global " + type + " { i64 " + std::to_string(i) + ", [" + words +
       " x i64] zeroinitializer }\n";
  if (i > 0) {
    t += "@state_" + id(i - 1) + " = external dso_local global i64\n";
    t += "declare dso_local i64 @step_" + id(i / 2) + "(i64)\n";
  }
  t += "define dso_local i64 @step_" + id(i) + "(i64 %x) uwtable {\n";
  if (shape.code > 0)  // jumped over
    t += std::string("  call void asm sideeffect \"") + jump + " 1f\\0A.fill " +
         std::to_string(shape.of(shape.code, i, 0) / 4) + ", 4, 0\\0A1:\", \"\"()\n";
  t += "  %at = and i64 %x, 7\n"
       "  %where = getelementptr [8 x i64], [8 x i64]* @weights, i64 0, i64 %at\n"
       "  %weight = load i64, i64* %where\n"
       "  %own = getelementptr " +
       type + ", " + type + "* " + state +
       ", i64 0, i32 0\n"
       "  %before = load i64, i64* %own\n"
       "  %after = add i64 %before, 1\n"
       "  store i64 %after, i64* %own\n"
       "  %a = add i64 %weight, %after\n";
  if (i == 0) return t + "  ret i64 %a\n}\n";
  return t + "  %other = load i64, i64* @state_" + id(i - 1) +
         "\n"
         "  %b = add i64 %a, %other\n"
         "  %c = call i64 @step_" +
         id(i / 2) +
         "(i64 %x)\n"
         "  %d = add i64 %b, %c\n"
         "  ret i64 %d\n}\n";
}
