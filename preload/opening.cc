#include "opening.h"

namespace jitcorral {
namespace {

constexpr Bytes kLeastWindow = mib(1);

// Whether address space is rationed: then holding any of it could fail a later call of the host.
bool is_rationed(const Surroundings& around) {
  if (!around.limits_known) return true;
  struct rlimit limit = {};
  if (!kernel::get_rlimit(RLIMIT_AS, &limit).ok()) return true;
  return limit.rlim_cur != RLIM_INFINITY;
}

// A PROT_NONE block somewhere; its unwanted edges are given back.
std::optional<Site> keep_part(AddressRange block, const Layout& layout, AddressRange anchor,
                              const Surroundings& around) {
  const AddressRange low{block.begin, layout.window.begin};
  const AddressRange high{layout.window.end, block.end};
  if (!low.empty()) kernel::unmap(low);
  if (!high.empty()) kernel::unmap(high);
  return Site{layout, anchor, true, around.atomic_fixed, false};
}

// Where the kernel itself puts a block of that size: below the lowest library, or above the highest
// in a bottom-up address space. Smaller blocks fit into nearer holes.
std::optional<Site> reserve_where_kernel_does(AddressRange anchor, Bytes wanted,
                                              const Surroundings& around) {
  constexpr int kMaxTries = 12;
  Bytes size = wanted;
  for (int tries = 0; tries < kMaxTries && size >= kLeastWindow; ++tries) {
    const Shares shares = shares_beside_libraries(size, anchor, around.random);
    if (shares.window < kLeastWindow) return std::nullopt;
    const Bytes length = shares.window + shares.gap + kGrain + kGrain;
    const KernelResult r = kernel::reserve({}, length, 0);
    size = shares.window / 2;
    if (!r.ok()) continue;
    const AddressRange block = range_of(r.address(), length);
    if (const auto layout = carve(block, anchor, shares))
      return keep_part(block, *layout, anchor, around);
    kernel::unmap(block);
    // Other mappings lie between the anchor and the block: a window that is smaller by as much as
    // it overshot reaches from the same place.
    const Bytes span = hull(block, anchor).size();
    const Bytes overshoot = span > kMaxSpan ? span - kMaxSpan + mib(1) : mib(1);
    if (overshoot < shares.window / 2) size = shares.window - overshoot;
  }
  return std::nullopt;
}

// Holds a range within reach of `anchor`: below it if possible, else above.
std::optional<Site> reserve_near(AddressRange anchor, Bytes wanted, const Surroundings& around) {
  constexpr Bytes kStep = mib(16);
  for (Bytes size = wanted; size >= kLeastWindow; size = size / 2) {
    const Shares shares = shares_beside_libraries(size, anchor, around.random);
    if (shares.window < kLeastWindow) return std::nullopt;
    // At the least distance first, so that what cannot be held there is looked for further away.
    for (Bytes gap = random_gap(around.random, mib(16));
         gap + shares.window + anchor.size() + kGrain + kGrain < kMaxSpan; gap = gap + kStep) {
      for (const bool below : {true, false}) {
        if (below && anchor.begin.value < (gap + shares.window + mib(1)).count) continue;
        const Address begin = below ? round_down(anchor.begin - gap - shares.window, kGrain)
                                    : round_up(anchor.end + gap, kGrain);
        const AddressRange range = range_of(begin, shares.window);
        if (!within_span(range, anchor)) continue;
        const KernelResult r = kernel::reserve(begin, shares.window, MAP_FIXED_NOREPLACE);
        if (r.ok() && r.address() == begin)
          return Site{{range, below}, anchor, true, around.atomic_fixed, false};
        if (r.ok()) kernel::unmap(range_of(r.address(), shares.window));
      }
    }
  }
  return std::nullopt;
}

std::optional<Site> anywhere(Bytes wanted, const Surroundings& around) {
  return reserve_where_kernel_does({}, wanted, around);
}

// Without a shield: the window is drawn around the place where the kernel put the host's own call
// and the anchor, for that is where the kernel will go on to place; the anchor's own pages are
// simply taken.
std::optional<Site> around_probe(AddressRange probe, AddressRange anchor, Bytes wanted) {
  if (probe.empty()) return std::nullopt;
  const bool below = anchor.empty() || probe.begin < anchor.begin || probe.end < anchor.end;
  const AddressRange near = within_span(probe, anchor) ? hull(probe, anchor) : probe;
  const Bytes room = round_down(kMaxSpan - kGrain - kGrain, kGrain);
  if (near.size() + mib(1) > room) return std::nullopt;
  // A small window is for the probe's neighbourhood alone, and still within the anchor's reach.
  const AddressRange core = near.size() < wanted ? near : probe;
  const Bytes beyond = near.size() - core.size();
  const Bytes most = room - (beyond < room ? beyond : room);
  const Bytes size = round_down(wanted < most ? wanted : most, kGrain);
  const Address edge = below ? round_up(core.end, kGrain) : round_down(core.begin, kGrain);
  if (below && edge.value < size.count) return std::nullopt;
  const Address begin = below ? edge - size : edge;
  if (!range_of(begin, size).contains(probe)) return std::nullopt;
  return Site{{range_of(begin, size), below}, anchor, false, false, true};
}

Near resolve(const Policy& policy, const Surroundings& around) {
  if (policy.near == Near::kLibrary && around.named.empty()) return Near::kAuto;
  return policy.near;
}

bool wants_executable(Near near, const Surroundings& around) {
  return near == Near::kExe || (near == Near::kAuto && around.from_allocator);
}

std::optional<Site> beside_libraries(AddressRange anchor, Bytes wanted,
                                     const Surroundings& around) {
  if (const auto site = reserve_where_kernel_does(anchor, wanted, around)) return site;
  // Nothing large is free within reach of the libraries: then bare placement could not count on it
  // either. What must hold is that the pieces reach each other.
  return anywhere(wanted, around);
}

}  // namespace

bool needs_probe(const Policy& policy, const Surroundings& around, bool may_shield) {
  const Near near = resolve(policy, around);
  if (near == Near::kLow) return false;
  if (wants_executable(near, around) && !are_neighbours(around.executable, around.libraries))
    return false;
  return !may_shield || is_rationed(around);
}

std::optional<Site> find_site(const Policy& policy, const Surroundings& around, bool may_shield) {
  const Bytes wanted = policy.window;
  const std::uint64_t random = around.random;
  const Near near = resolve(policy, around);
  if (near == Near::kLow) {
    const auto layout = plan_low(around.executable, around.heap_end, wanted, random);
    if (!layout) return std::nullopt;
    return Site{*layout, {Address{0}, Address{1}}};
  }
  AddressRange anchor = around.libraries;
  if (wants_executable(near, around)) {
    if (!are_neighbours(around.executable, around.libraries)) {
      const auto layout =
          plan_beside_executable(around.executable, around.heap_end, wanted, random);
      if (!layout) return std::nullopt;
      return Site{*layout, around.executable};
    }
    anchor = hull(around.executable, around.libraries);
  } else if (near == Near::kLibrary) {
    anchor = around.named;
  } else if (near == Near::kAddress) {
    anchor = range_of(policy.near_address, Bytes{1});
  } else if (near == Near::kNone) {
    anchor = {};
  }
  if (!around.probe.empty()) return around_probe(around.probe, anchor, wanted);
  if (!may_shield) return std::nullopt;
  if (near == Near::kLibrary || near == Near::kAddress) return reserve_near(anchor, wanted, around);
  if (anchor.empty()) return anywhere(wanted, around);
  return beside_libraries(anchor, wanted, around);
}

}  // namespace jitcorral
