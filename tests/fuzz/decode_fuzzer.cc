// Bytes that call themselves code: the first says of which ISA and where they lie, the next eight
// what else is mapped.
#include "decode/audit.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace jitcorral;
  using namespace jitcorral::decode;
  if (size < 9) return 0;
  const bool x86 = (data[0] & 1) != 0;
  // Also at both ends of the address space.
  const Address base{data[0] < 64    ? 0x7f0000001000U
                     : data[0] < 128 ? 0x1000U
                                     : 0xFFFFFFFFFFF00000U};
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data) + 9, size - 9);
  Place code;
  code.range = range_of(base, Bytes{size});
  code.readable = code.executable = true;
  code.owner = Owner::kEngine;
  std::vector<Place> all = {code};
  for (unsigned i = 1; i < 9; ++i) {
    Place place;
    place.range = range_of(base + Bytes{std::uint64_t{data[i]} << (8 + 4 * i)}, Bytes{4096U << i});
    place.readable = true;
    place.writable = (data[i] & 1) != 0;
    place.owner = static_cast<Owner>(data[i] % static_cast<unsigned>(Owner::kCount));
    all.push_back(place);
  }
  const Places places(all);
  const Code what{x86 ? Isa::kX86_64 : Isa::kAarch64, base, bytes, {}};
  const Decoded decoded = decode::decode(what);
  const FlowMap::Counts& n = decoded.bytes;
  fuzz::check(n.flowed + n.data + n.padding + n.swept + n.undecoded <= Bytes{bytes.size()},
              "no byte is counted twice");
  for (const Reference& r : decoded.references) {
    fuzz::check(base <= r.from && (r.from - base).count < bytes.size(),
                "instructions lie in the code");
    fuzz::check(!r.with || (r.from < *r.with && (*r.with - base).count < bytes.size()),
                "what adds the low bits follows");
  }
  Auditor auditor(what.isa, places);
  auditor.add(code, bytes);
  const Audit audit = auditor.finish();
  fuzz::check(audit.landed() <= audit.seen(), "what lands was seen");
  for (const Miss& miss : audit.misses) {
    fuzz::check(!miss.proof || miss.landed.truncation, "a proof says what was meant");
    if (miss.landed.truncation)
      fuzz::check(miss.landed.truncation->place.range.contains(miss.landed.truncation->meant),
                  "what was meant is mapped");
  }
  return 0;
}
