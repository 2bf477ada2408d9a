// What a core tells of a crash: plain values, and the conclusion from them. Pure.
#pragma once

#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autopsy/distances.h"
#include "decode/audit.h"
#include "decode/operands.h"

namespace jitcorral::autopsy {

enum class Conclusion : std::uint8_t {
  kRuledOut,  // every reference of the JITs' code lands where it should
  kCause,     // what the faulting instruction meant was cut off to its field
  kCanBe,     // references were cut off, but none is seen to lead to this crash
  kUnknown,
  kCount,
};

struct Line {
  Address at;
  std::string text;
};

// How the address that was touched came about.
struct Origin {
  std::string reg;          // that held it
  std::vector<Line> steps;  // the last one that ran first
  decode::Trail::End end = decode::Trail::End::kBlock;
  std::vector<decode::Landed> references;  // that the steps make
};

struct Crash {
  Isa isa = Isa::kUnknown;
  std::string executable;
  std::size_t threads = 0;
  std::int32_t thread = 0;
  int signal = 0;
  int code = 0;  // si_code
  Address pc;
  std::optional<decode::Place> pc_place;  // none: nothing is mapped there
  bool in_jit = false;                    // the faulting instruction is a JIT's

  // The one that faulted; where control went to a place that is no code: the one that sent it
  // there.
  std::optional<Line> instruction;
  bool sent_away = false;  // control did not come back from where `instruction` sent it
  decode::Access access = decode::Access::kRead;
  std::uint8_t size = 0;
  std::optional<Address> touched;
  std::optional<decode::Place> touched_place;
  std::optional<Origin> origin;

  std::optional<decode::Miss> culprit;
  std::optional<decode::Audit> here;  // of the mapping that the instruction is in
  decode::Audit audit;                // of all code of JITs
  std::vector<std::string> engines;   // that the mapped files hold, by their names
  bool under_shim = false;
  std::vector<Span> spans;              // by the mappings alone
  std::vector<decode::Landed> guesses;  // what `touched` may have meant, by the mappings alone
  std::vector<std::string> missing;     // what was not there to be seen, one clause each

  Conclusion conclusion = Conclusion::kUnknown;

  void conclude();
  // What was touched lies exactly so far from a JIT's memory as a cut-off leads away.
  bool guess_is_good() const;
  // It ended by its own will: abort().
  bool ended_itself() const;
};

}  // namespace jitcorral::autopsy
