// Records for the tests of the analysis, event by event.
#pragma once

#include <string>
#include <utility>

#include "analyze/report.h"
#include "model/run.h"

namespace jitcorral::analyze {

inline constexpr int kRead = 1, kReadWrite = 3, kReadExec = 5, kReadWriteExec = 7;
inline constexpr std::uint32_t kPrivateAnonymous = 0x22;

class Recording {
 public:
  explicit Recording(Isa isa = Isa::kX86_64) {
    record.run.isa = isa;
    record.run.state = model::RunState::kEnded;
    record.run.samples = 1;
    record.run.has_ring = true;
  }

  std::uint32_t site(Role role, std::string module, std::string version = "",
                     std::string symbol = "") {
    model::Site s;
    s.id = static_cast<std::uint32_t>(record.sites.size() + 8);
    s.role = role;
    s.module = std::move(module);
    s.version = std::move(version);
    s.symbol = std::move(symbol);
    record.sites.push_back(s);
    return s.id;
  }
  std::uint32_t llvm() { return site(Role::kLlvm, "/usr/lib/libllvmlite.so", "14.0.6"); }

  // The event stays at its place until the next one is added.
  Event& add(Call call, std::uint64_t address, std::uint64_t length,
             Outcome outcome = Outcome::kDone, int prot = 0) {
    Event e{};
    e.ticket = ticket++;
    e.time = e.ticket * 10;
    e.address = address;
    e.length = length;
    e.call = call;
    e.outcome = outcome;
    e.prot_kind = static_cast<std::uint8_t>(prot);
    record.events.push_back(e);
    return record.events.back();
  }
  Event& map(std::uint32_t by, std::uint64_t address, std::uint64_t length,
             Outcome outcome = Outcome::kSteered, int prot = kReadWrite) {
    Event& e = add(Call::kMap, address, length, outcome, prot);
    e.site = by;
    e.flags = kPrivateAnonymous;
    return e;
  }
  Event& pass(std::uint32_t by, std::uint64_t address, std::uint64_t length, PassReason reason,
              int prot = kReadWrite) {
    Event& e = map(by, address, length, Outcome::kPassed, prot);
    e.reason = static_cast<std::uint8_t>(reason);
    return e;
  }
  Event& protect(std::uint64_t address, std::uint64_t length, int prot, std::uint32_t by = 0) {
    Event& e = add(Call::kProtect, address, length, Outcome::kDone, prot);
    e.site = by;
    return e;
  }
  Event& cancel(std::uint64_t other) {
    Event& e = add(Call::kCancel, 0, 0);
    e.other = other;
    return e;
  }
  Event& move(std::uint64_t from, std::uint64_t length, std::uint64_t to,
              std::uint64_t new_length) {
    add(Call::kMoveFrom, from, length);
    Event& e = add(Call::kMoveTo, to, new_length);
    e.other = from;
    return e;
  }
  // Code and data of one engine, `apart` bytes from first to first.
  void code_and_data(std::uint32_t by, std::uint64_t apart, std::uint64_t code = 0x7f0000000000,
                     Outcome outcome = Outcome::kSteered) {
    map(by, code, 0x1000, outcome);
    protect(code, 0x1000, kReadExec);
    map(by, code + apart, 0x1000, outcome);
  }
  Report analysed() const { return analyse(record); }

  model::Record record;
  std::uint64_t ticket = 0;
};

// As in kReported.
inline constexpr std::size_t kBl = 0, kDelta = 1, kAdrpPages = 2;

}  // namespace jitcorral::analyze
