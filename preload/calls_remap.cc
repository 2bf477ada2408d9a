#include <cerrno>

#include "calls.h"
#include "messages.h"
#include "process.h"
#include "steer.h"
#include "window_calls.h"
#include "witness.h"

namespace jitcorral::calls {
namespace {

// As the host made it. What the window holds goes first if a limit of address space is in the way.
KernelResult remap_as_host(const RemapCall& call) {
  const KernelResult r = kernel::remap(call);
  return steering::gave_way(r) ? kernel::remap(call) : r;
}

// Grows a mapping where it is, over free pages of the window.
KernelResult grow_in_place(const RemapCall& call, AddressRange old) {
  RemapCall in_place = call;
  in_place.flags &= ~MREMAP_MAYMOVE;
  const AddressRange more{old.end, old.begin + round_up(call.new_length, page())};
  if (process.window.any_claimed(more)) return kernel::remap(in_place);  // and be refused
  const Window::Lifted lifted = process.window.lift(more);
  const KernelResult r = kernel::remap(in_place);
  process.window.settle(lifted, r.ok());
  return r;
}

// To a place that the host names.
KernelResult remap_to_target(const RemapCall& call, AddressRange old) {
  const AddressRange target = pages_around(call.target, call.new_length);
  const Window::Lifted lifted = process.window.lift(target);
  const KernelResult r = remap_as_host(call);
  process.window.settle(lifted, r.ok());
  if (r.ok() && (call.flags & MREMAP_DONTUNMAP) == 0) process.window.forget(old);
  return r;
}

// Whether this kernel refuses to leave as it is what is not mapped: asked of a place that never is.
bool looks_at_first_page(int flags) {
  return !kernel::remap({Address{0}, page(), page(), flags, {}}).ok();
}

KernelResult remap_unseen(const RemapCall& call, const void* site) {
  const AddressRange old =
      pages_around(Address{arch::untag(call.old_address.value)}, call.old_length);
  const bool to_target = (call.flags & MREMAP_FIXED) != 0;
  const Bytes new_length = round_up(call.new_length, page());
  const bool grows = new_length > old.size();
  const AddressRange touched = hull(old, to_target ? pages_around(call.target, call.new_length)
                                                   : range_of(old.begin, new_length));
  const bool sane = is_aligned(old.begin, page()) && call.new_length.count != 0 &&
                    call.old_length < gib(1ULL << 17) && call.new_length < gib(1ULL << 17);
  if (!process.window.is_open() || !sane || !process.window.overlaps(touched))
    return grows && (call.flags & MREMAP_MAYMOVE) != 0 ? remap_as_host(call) : kernel::remap(call);
  const bool copies = call.old_length.count == 0 || (call.flags & MREMAP_DONTUNMAP) != 0;
  if (process.window.any_shielded(old)) {
    // To the host these pages are not mapped.
    if (grows || to_target || copies) return {-EFAULT};
    // Where nothing grows, kernels from 5.16 on look at the first page, older ones at none.
    if (process.window.any_shielded(range_of(old.begin, page())) && looks_at_first_page(call.flags))
      return {-EFAULT};
    if (new_length == old.size()) return kernel::remap(call);
    const KernelResult r = process.window.unmap({old.begin + new_length, old.end});
    return r.ok() ? KernelResult{static_cast<long>(old.begin.value)} : r;
  }
  if (to_target) return remap_to_target(call, old);

  if (!grows && !copies) {
    const KernelResult r = kernel::remap(call);
    if (r.ok() && new_length < old.size())
      process.window.forget(AddressRange{old.begin + new_length, old.end});
    return r;
  }
  if (!copies) {
    const KernelResult r = grow_in_place(call, old);
    if (r.ok() || r.error() != ENOMEM || (call.flags & MREMAP_MAYMOVE) == 0) return r;
  }
  // It has to move: what lay inside stays inside.
  if (process.window.contains(old.begin)) {
    const Placed moved = process.window.move(call, Kind::kUnknown);
    if (moved.failure == PlaceFailure::kNone) {
      if (!copies) process.window.forget(old);
      process.record.note_steered();
      return {static_cast<long>(moved.at.value)};
    }
    const bool fails = settings.on_full == OnFull::kFail && moved.failure == PlaceFailure::kFull;
    if (fails) {
      process.record.note_failed();
      messages::fell_back("mremap", call.new_length, moved, true, site);
      return {-ENOMEM};
    }
    const KernelResult r = remap_as_host(call);
    if (!r.ok()) return r;
    if (!copies) process.window.forget(old);
    if (!process.window.contains(r.address())) {
      process.record.note_fell_back();
      messages::fell_back("mremap", call.new_length, moved, false, site);
    }
    process.window.settle({intersection(process.window.range(), range_of(r.address(), new_length))},
                          true);
    return r;
  }
  const KernelResult r = remap_as_host(call);
  if (r.ok()) {
    if (!copies && r.address() != old.begin) process.window.forget(old);
    process.window.settle({intersection(process.window.range(), range_of(r.address(), new_length))},
                          true);
  }
  return r;
}

}  // namespace

KernelResult remap(const RemapCall& call, const void* site) {
  if (!recorder::is_on()) return remap_unseen(call, site);
  const AddressRange old =
      pages_around(Address{arch::untag(call.old_address.value)}, call.old_length);
  const AddressRange target = pages_around(call.target, call.new_length);
  const bool to_target = (call.flags & MREMAP_FIXED) != 0;
  const auto matters = [](AddressRange r) {
    return process.window.overlaps(r) || recorder::watches(r);
  };
  // A copy names its source by no length at all.
  const AddressRange source = old.empty() ? range_of(old.begin, page()) : old;
  if (!matters(source) && !(to_target && matters(target))) return remap_unseen(call, site);
  const bool copies = call.old_length.count == 0 || (call.flags & MREMAP_DONTUNMAP) != 0;
  const std::uint64_t replaced =
      to_target ? witness::going(Call::kReplace, target, site) : RingWriter::kDropped;
  const std::uint64_t left =
      copies ? RingWriter::kDropped : witness::going(Call::kMoveFrom, old, site);
  const KernelResult r = remap_unseen(call, site);
  witness::gone(left, r);
  witness::gone(replaced, r);
  if (r.ok()) witness::moved(old, pages_around(r.address(), call.new_length), call.flags, site);
  return r;
}

}  // namespace jitcorral::calls
