// A JIT host as many are: LLVM as a library, modules added and looked up one after another. Each
// has code, constants and a variable, and refers to those of earlier modules directly (small, pic,
// dso_local). Prints the same at each run, whatever the engine, and exits with 1 if a result is
// wrong.
//
//   jit_host [--engine=lljit|mcjit] [--linker=rtdyld|jitlink] [--modules=N] [--threads=N]
//            [--batch=N] [--code=KIB] [--data=KIB] [--uneven] [--hostile-after=N]
//
// --batch: so many modules are added before their code is made, at once (MCJIT's finalizeObject).
// --code, --data: the least size of each module's function and variable; --uneven: on average, from
// next to nothing to twice as much. --hostile-after: after so many modules hostile_layout() is
// called, where it is preloaded.
#include <dlfcn.h>
#include <llvm/AsmParser/Parser.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/ExecutionEngine/ExecutionEngine.h>
#include <llvm/ExecutionEngine/MCJIT.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h>
#include <llvm/ExecutionEngine/Orc/RTDyldObjectLinkingLayer.h>
#include <llvm/ExecutionEngine/SectionMemoryManager.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/TargetSelect.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "jit_program.h"

namespace {

struct Options {
  std::string engine = "lljit", linker = "rtdyld";
  unsigned modules = 12, threads = 1, batch = 1, hostile_after = 0;
  ModuleShape shape;
};

void check(llvm::Error error) {
  if (!error) return;
  std::fflush(stdout);
  llvm::logAllUnhandledErrors(std::move(error), llvm::errs(), "jit_host: ");
  // Not exit(): other threads may be compiling.
  _Exit(1);
}
template <typename T>
T checked(llvm::Expected<T> value) {
  check(value.takeError());
  return std::move(*value);
}

std::unique_ptr<llvm::Module> parsed(llvm::LLVMContext& context, const std::string& text) {
  llvm::SMDiagnostic what;
  auto module = llvm::parseAssemblyString(text, what, context);
  if (module == nullptr) {
    what.print("jit_host", llvm::errs());
    _Exit(2);
  }
  return module;
}

// An engine: modules go in, addresses of functions come out.
struct Engine {
  virtual ~Engine() = default;
  virtual void add(const std::string& text) = 0;
  virtual Step* find(const std::string& name) = 0;
};

class LLJITEngine : public Engine {
 public:
  LLJITEngine(const std::string& linker, unsigned threads) {
    auto machine = checked(llvm::orc::JITTargetMachineBuilder::detectHost());
    machine.setCodeModel(llvm::CodeModel::Small).setRelocationModel(llvm::Reloc::PIC_);
    machine.setCodeGenOptLevel(llvm::CodeGenOpt::None);
    llvm::orc::LLJITBuilder builder;
    builder.setJITTargetMachineBuilder(std::move(machine));
    builder.setObjectLinkingLayerCreator(
        [linker](llvm::orc::ExecutionSession& session,
                 const llvm::Triple&) -> llvm::Expected<std::unique_ptr<llvm::orc::ObjectLayer>> {
          if (linker == "jitlink") return std::make_unique<llvm::orc::ObjectLinkingLayer>(session);
          return std::make_unique<llvm::orc::RTDyldObjectLinkingLayer>(
              session, [] { return std::make_unique<llvm::SectionMemoryManager>(); });
        });
    if (threads > 1) builder.setNumCompileThreads(threads);
    jit_ = checked(builder.create());
  }
  void add(const std::string& text) override {
    auto context = std::make_unique<llvm::LLVMContext>();
    auto module = parsed(*context, text);
    check(jit_->addIRModule({std::move(module), std::move(context)}));
  }
  Step* find(const std::string& name) override {
    return reinterpret_cast<Step*>(checked(jit_->lookup(name)).getAddress());
  }

 private:
  std::unique_ptr<llvm::orc::LLJIT> jit_;
};

class MCJITEngine : public Engine {
 public:
  MCJITEngine() {
    std::string error;
    engine_.reset(llvm::EngineBuilder(std::make_unique<llvm::Module>("first", context_))
                      .setEngineKind(llvm::EngineKind::JIT)
                      .setErrorStr(&error)
                      .setOptLevel(llvm::CodeGenOpt::None)
                      .setCodeModel(llvm::CodeModel::Small)
                      .setRelocationModel(llvm::Reloc::PIC_)
                      .create());
    if (engine_ == nullptr) {
      std::fprintf(stderr, "jit_host: %s\n", error.c_str());
      _Exit(2);
    }
  }
  void add(const std::string& text) override { engine_->addModule(parsed(context_, text)); }
  // Makes the code of all modules that were added, then protects it.
  Step* find(const std::string& name) override {
    engine_->finalizeObject();
    return reinterpret_cast<Step*>(engine_->getFunctionAddress(name));
  }

 private:
  llvm::LLVMContext context_;
  std::unique_ptr<llvm::ExecutionEngine> engine_;
};

// Modules of one thread, from the first on; returns how many results were wrong.
unsigned compile_and_run(Engine& engine, const Options& o, unsigned thread) {
  Expected expected(o.modules);
  unsigned wrong = 0;
  for (unsigned i = 0; i < o.modules;) {
    const unsigned first = i;
    for (; i < o.modules && i - first < o.batch; ++i) engine.add(module_text(thread, i, o.shape));
    for (unsigned k = first; k < i; ++k) {
      const std::int64_t x = 1000 + k, right = expected.step(k, x);
      const std::int64_t found = engine.find(step_name(thread, k))(x);
      if (found == right) continue;
      if (++wrong <= 3) std::printf("module %u: %" PRId64 ", not %" PRId64 "\n", k, found, right);
    }
    if (o.hostile_after != 0 && first < o.hostile_after && o.hostile_after <= i)
      if (auto* make_hostile = reinterpret_cast<void (*)()>(dlsym(RTLD_DEFAULT, "hostile_layout")))
        make_hostile();
  }
  return wrong;
}

Options options_of(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto at = word.find('=');
    const std::string name = word.substr(0, at), value = at == word.npos ? "" : word.substr(at + 1);
    const auto number = static_cast<unsigned>(std::strtoul(value.c_str(), nullptr, 10));
    if (name == "--engine")
      o.engine = value;
    else if (name == "--linker")
      o.linker = value;
    else if (name == "--modules")
      o.modules = number;
    else if (name == "--threads")
      o.threads = number;
    else if (name == "--batch")
      o.batch = number;
    else if (name == "--code")
      o.shape.code = number << 10;
    else if (name == "--data")
      o.shape.data = number << 10;
    else if (name == "--uneven")
      o.shape.uneven = true;
    else if (name == "--hostile-after")
      o.hostile_after = number;
    else if (name == "--version") {
      std::puts(LLVM_VERSION_STRING);
      std::exit(0);
    } else {
      std::fprintf(stderr, "jit_host: %s?\n", word.c_str());
      std::exit(2);
    }
  }
  return o;
}

}  // namespace

int main(int argc, char** argv) {
  const Options o = options_of(argc, argv);
#if defined(__aarch64__)
  LLVMInitializeAArch64TargetInfo();
  LLVMInitializeAArch64Target();
  LLVMInitializeAArch64TargetMC();
  LLVMInitializeAArch64AsmPrinter();
  LLVMInitializeAArch64AsmParser();
#else
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  LLVMInitializeX86AsmParser();
#endif
  std::unique_ptr<Engine> engine;
  if (o.engine == "mcjit")
    engine = std::make_unique<MCJITEngine>();
  else
    engine = std::make_unique<LLJITEngine>(o.linker, o.threads);
  std::vector<unsigned> wrong(o.threads);
  std::vector<std::thread> others;
  for (unsigned t = 1; t < o.threads; ++t)
    others.emplace_back([&, t] { wrong[t] = compile_and_run(*engine, o, t); });
  wrong[0] = compile_and_run(*engine, o, 0);
  for (std::thread& t : others) t.join();
  unsigned in_all = 0;
  for (const unsigned n : wrong) in_all += n;
  std::printf("%s: %u modules, %u threads, %u wrong\n", o.engine.c_str(), o.modules, o.threads,
              in_all);
  return in_all == 0 ? 0 : 1;
}
