#include "autopsy/crash.h"

#include <algorithm>
#include <csignal>

namespace jitcorral::autopsy {
namespace {

bool is_page_of(Address page, Address address) {
  return page <= address && address < page + kib(4);
}

}  // namespace

bool Crash::ended_itself() const {
  return signal == SIGABRT;
}

bool Crash::guess_is_good() const {
  constexpr double kSurely = 0.001;  // as rarely is it found by chance
  return std::any_of(guesses.begin(), guesses.end(), [](const decode::Landed& guess) {
    return guess.truncation->place.owner <= decode::Owner::kConstant &&
           guess.truncation->chance < kSurely;
  });
}

void Crash::conclude() {
  // A reference of the faulting instruction or of what made its address; else one that leads there.
  const auto made_it = [&](const decode::Reference& r) {
    const auto is = [&](Address at) {
      if (instruction && instruction->at == at) return true;
      return origin && std::any_of(origin->steps.begin(), origin->steps.end(),
                                   [&](const Line& step) { return step.at == at; });
    };
    return is(r.from) || (r.with && is(*r.with));
  };
  const auto leads_there = [&](const decode::Reference& r) {
    if (!touched) return false;
    if (r.names_page()) return is_page_of(r.to, *touched);
    // An address that was made and handed on, to a function of libc's, say, is of something larger.
    const Bytes around =
        r.access == decode::Access::kAddress ? kib(64) : Bytes{std::max<std::uint64_t>(r.size, 1)};
    return r.to <= *touched && *touched < r.to + around;
  };
  const decode::Miss* best = nullptr;
  int best_rank = 0;
  for (const decode::Miss& miss : audit.misses) {
    const decode::Reference& r = miss.landed.reference;
    const int rank = (made_it(r) ? 2 : 0) + (leads_there(r) ? 1 : 0);
    if (rank == 0 || rank < best_rank) continue;
    if (rank == best_rank && best != nullptr && (best->proof || !miss.proof)) continue;
    best = &miss;
    best_rank = rank;
  }
  if (best != nullptr) culprit = *best;
  // A jump leaves no return address: what seemed to send control away called the code that jumped.
  if (sent_away && culprit && best_rank == 1) {
    const decode::Reference& r = culprit->landed.reference;
    if (r.access == decode::Access::kCall || r.access == decode::Access::kJump) {
      instruction = Line{r.from, culprit->text};
      in_jit = true;
      origin.reset();
    }
  }
  if (culprit && culprit->proof)
    conclusion = Conclusion::kCause;
  else if (culprit && culprit->landed.truncation)
    conclusion = Conclusion::kCanBe;
  else if (audit.finding == decode::Finding::kOutOfReach)
    conclusion = Conclusion::kCanBe;
  else if (!culprit && !audit.blind.empty() && guess_is_good())
    conclusion = Conclusion::kCanBe;
  // Where a JIT's code may have been freed, what it referred to is not known either. What aborted
  // itself may have found a reference out of range before it wrote it.
  else if (culprit || ended_itself() || audit.finding == decode::Finding::kUnknown ||
           (audit.finding == decode::Finding::kNoCode && !pc_place))
    conclusion = Conclusion::kUnknown;
  else
    conclusion = Conclusion::kRuledOut;
}

}  // namespace jitcorral::autopsy
