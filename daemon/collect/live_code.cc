#include "collect/live_code.h"

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <tuple>

#include "collect/memory.h"

namespace jitcorral::collect {
namespace {

using decode::Owner;
using decode::Place;

// Files that programs make to map code twice, and take away again.
bool is_scratch_file(const std::string& name) {
  return name.ends_with(" (deleted)") &&
         (name.starts_with("/tmp/") || name.starts_with("/var/tmp/") ||
          name.starts_with("/dev/shm/") || name.starts_with("/run/"));
}

bool is_jit_code(const proc::Mapping& mapping) {
  return proc::is_anonymous_code(mapping) ||
         (mapping.permissions[2] == 'x' && is_scratch_file(mapping.name));
}

Owner owner_of(const proc::Mapping& mapping) {
  if (is_jit_code(mapping)) return Owner::kEngine;
  const bool nameless = mapping.name.empty() || mapping.name.starts_with("[anon:");
  if (nameless) return mapping.permissions == "r--p" ? Owner::kConstant : Owner::kNameless;
  const bool of_file = mapping.name[0] == '/' && !mapping.name.starts_with("/memfd:") &&
                       !mapping.name.starts_with("/dev/") && !is_scratch_file(mapping.name);
  return of_file || mapping.name == "[vdso]" ? Owner::kFile : Owner::kOther;
}

struct Machine {
  Isa isa = Isa::kUnknown;
  std::string why_not;
};

Machine machine_of(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/exe";
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {Isa::kUnknown, why_unreadable(pid, errno)};
  Elf64_Ehdr header{};
  const bool whole = pread(file, &header, sizeof header, 0) == sizeof header;
  close(file);
  const std::string process = "process " + std::to_string(pid);
  if (!whole) return {Isa::kUnknown, process + " runs no ELF file"};
  if (header.e_ident[EI_CLASS] != ELFCLASS64)
    return {Isa::kUnknown, process + " is a 32-bit program; accepted: x86-64, aarch64"};
  if (header.e_machine == EM_X86_64) return {Isa::kX86_64, ""};
  if (header.e_machine == EM_AARCH64) return {Isa::kAarch64, ""};
  return {Isa::kUnknown, process + " runs the code of ELF machine " +
                             std::to_string(header.e_machine) + "; accepted: x86-64, aarch64"};
}

AddressRange moved_down(AddressRange range, Bytes shift) {
  return {range.begin - shift, range.end - shift};
}

bool is_audited(const Place& place, const WhatToAudit& what) {
  if (!place.executable || !place.readable) return false;
  return place.owner == Owner::kEngine || (what.files && place.owner == Owner::kFile);
}

struct Look {
  std::string why_not;
  decode::Audit audit;
};

Look look(pid_t pid, const WhatToAudit& what, Isa isa, const ProcessMemory& memory) {
  const auto before = proc::mappings(pid);
  if (!before) return {why_unreadable(pid, ESRCH), {}};
  struct Stretch {
    Place place;
    std::vector<std::byte> bytes;
  };
  std::vector<Stretch> code;
  std::vector<std::string> blind;
  Bytes left = what.most, passed_over{};
  std::uint64_t unread = 0;
  const std::vector<Place> places_before = places_of(*before, what);
  for (const Place& place : places_before) {
    if (!is_audited(place, what)) continue;
    if (left < place.range.size()) {
      passed_over = passed_over + place.range.size();
      continue;
    }
    const AddressRange there = {place.range.begin + what.shift, place.range.end + what.shift};
    auto bytes = memory.read(there, place.name.empty());
    if (!bytes) {
      ++unread;
      continue;
    }
    left = left - place.range.size();
    code.push_back({place, std::move(*bytes)});
  }
  // What came or went meanwhile is no miss: both lists count, and code that is not in both does
  // not.
  const auto after = proc::mappings(pid);
  if (!after) return {"process " + std::to_string(pid) + " ended meanwhile", {}};
  std::vector<Place> all = places_of(*after, what);
  const decode::Places now(all);
  all.insert(all.end(), places_before.begin(), places_before.end());
  const decode::Places places(std::move(all));
  decode::Auditor auditor(isa, places);
  for (const Stretch& stretch : code) {
    const Place* still = now.at(stretch.place.range.begin);
    if (still != nullptr && still->executable) auditor.add(stretch.place, stretch.bytes);
  }
  if (passed_over > Bytes{})
    auditor.add_blind(std::to_string(passed_over.count >> 20) + " MiB of code beyond the first " +
                      std::to_string(what.most.count >> 20) + " MiB");
  if (unread > 0)
    auditor.add_blind(std::to_string(unread) + " mapping" + (unread == 1 ? "" : "s") +
                      " of code could not be read");
  return {"", auditor.finish()};
}

auto identity_of(const decode::Miss& miss) {
  const decode::Reference& r = miss.landed.reference;
  return std::tuple(r.from, r.to, r.with, r.access);
}

}  // namespace

std::vector<Place> places_of(const std::vector<proc::Mapping>& mappings, const WhatToAudit& what) {
  std::vector<Place> places;
  for (const proc::Mapping& mapping : mappings) {
    if (mapping.permissions.size() != 4 || mapping.range.begin.value < what.shift.count) continue;
    Place whole;
    whole.range = moved_down(mapping.range, what.shift);
    whole.readable = mapping.permissions[0] == 'r';
    whole.writable = mapping.permissions[1] == 'w';
    whole.executable = mapping.permissions[2] == 'x';
    // An emulator reads its guest's code, and never lets the processor execute it.
    if (what.emulated) whole.executable = whole.readable && !mapping.name.empty();
    whole.name = mapping.name;
    whole.owner = owner_of(mapping);
    std::vector<Place> pieces;
    for (const EngineMemory& known : what.known) {
      const AddressRange part = intersection(whole.range, known.range);
      if (part.empty()) continue;
      Place piece = whole;
      piece.range = part;
      piece.owner = Owner::kEngine;
      piece.engine = known.engine;
      if (what.emulated) piece.executable = known.code;
      pieces.push_back(std::move(piece));
    }
    std::sort(pieces.begin(), pieces.end(),
              [](const Place& a, const Place& b) { return a.range.begin < b.range.begin; });
    Address at = whole.range.begin;
    const auto gap_to = [&](Address end) {
      if (!(at < end)) return;
      Place gap = whole;
      gap.range = {at, end};
      places.push_back(std::move(gap));
    };
    for (Place& piece : pieces) {
      gap_to(piece.range.begin);
      if (piece.range.end <= at) continue;
      at = piece.range.end;
      places.push_back(std::move(piece));
    }
    gap_to(whole.range.end);
  }
  return places;
}

LiveAudit audit_process(pid_t pid, const WhatToAudit& what) {
  const ProcessMemory memory(pid);
  if (memory.error() != 0) return {why_unreadable(pid, memory.error()), {}};
  Isa isa = what.isa;
  if (isa == Isa::kUnknown) {
    Machine machine = machine_of(pid);
    if (!machine.why_not.empty()) return {std::move(machine.why_not), {}};
    isa = machine.isa;
  }
  Look first = look(pid, what, isa, memory);
  if (!first.why_not.empty() || first.audit.misses.empty())
    return {std::move(first.why_not), std::move(first.audit)};
  // Code that is being written or thrown away looks broken for a moment: what misses has to miss
  // twice.
  Look second = look(pid, what, isa, memory);
  if (!second.why_not.empty()) return {std::move(second.why_not), {}};
  second.audit.keep_misses([&](const decode::Miss& miss) {
    return std::any_of(
        first.audit.misses.begin(), first.audit.misses.end(),
        [&](const decode::Miss& one) { return identity_of(one) == identity_of(miss); });
  });
  return {"", std::move(second.audit)};
}

}  // namespace jitcorral::collect
