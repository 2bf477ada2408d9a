#include "inspect/module.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "jitcorral/engines.h"
#include "jitcorral/glob.h"

namespace jitcorral::inspect {
namespace {

// "llvm::sys::Memory::allocateMappedMemory": without parameters; itself if it is no C++ name.
std::string readable(const std::string& symbol) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status), &std::free);
  if (!text) return symbol;
  const std::string name(text.get());
  return name.substr(0, name.find('('));
}

// Parts of the names of functions by which programs have LLVM compile into their own memory: C's
// LLVMCreateMCJITCompilerForModule, LLVMOrcCreateLLJIT, C++'s llvm::orc::, EngineBuilder, ...
constexpr std::string_view kLlvmJit[] = {"MCJIT",           "LLVMOrc",       "4llvm3orc",
                                         "ExecutionEngine", "EngineBuilder", "RuntimeDyld"};

}  // namespace

bool is_libc(std::string_view name) {
  constexpr std::string_view kGlobs[] = {"libc.so*",    "ld-linux*",  "ld-*.so*",
                                         "libpthread*", "libc.musl*", "ld-musl*"};
  return std::any_of(std::begin(kGlobs), std::end(kGlobs),
                     [&](std::string_view glob) { return glob_match(glob, name); });
}

Facts facts_of(const File& file, const Elf& elf, std::string_view name) {
  Facts facts;
  each_symbol(file, elf, [&](const Symbol& symbol) {
    const std::string_view text = symbol.name;
    if (text == kScanHint) facts.has_personality = true;
    if (symbol.is_defined) {
      if (text == "__tsan_init") facts.has_tsan = true;
      if (text == "__msan_init") facts.has_msan = true;
      if (text == "__asan_init") facts.has_asan = true;
      if (!symbol.is_function || symbol.size == 0 || !facts.engine_symbol.empty()) return;
      for (const Engine& engine : kEngines) {
        if (engine.symbol.empty() || !glob_match(engine.symbol, text)) continue;
        facts.engine_symbol = text;
        facts.symbol_role = engine.role;
      }
      return;
    }
    if (text == "dlopen") facts.opens_libraries = true;
    if (text == "dlmopen") facts.opens_namespaces = true;
    if (!facts.asks_for_llvm_jit)
      facts.asks_for_llvm_jit = std::any_of(
          std::begin(kLlvmJit), std::end(kLlvmJit),
          [&](std::string_view part) { return text.find(part) != std::string_view::npos; });
  });
  facts.is_asan_library = facts.has_asan && elf.interpreter.empty();
  if (is_libc(name)) return facts;
  facts.contents = look_through(file, elf);
  return facts;
}

std::optional<Recognition> recognise(const Facts& facts, std::string_view name,
                                     bool is_executable) {
  for (const Engine& engine : kEngines) {
    if (!engine.symbol.empty()) {
      if (facts.symbol_role == engine.role && !facts.engine_symbol.empty())
        return Recognition{engine.role, "its function " + readable(facts.engine_symbol), true,
                           false};
    } else if (!is_executable && glob_match(engine.library, name)) {
      return Recognition{engine.role, "the library's name", true, true};
    }
  }
  for (std::size_t i = 0; i < kEngineTexts; ++i)
    if (facts.contents.texts[i])
      return Recognition{kMarkers[i].role,
                         "the text \"" + std::string(kMarkers[i].text) + "\" in its read-only data",
                         facts.has_personality, false};
  return std::nullopt;
}

}  // namespace jitcorral::inspect
