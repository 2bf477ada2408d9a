// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/run.h"

namespace jitcorral::show {

std::string size_of(Bytes bytes);              // "512 bytes", "4 KiB", "5.2 GiB"
std::string count_of(std::uint64_t n);         // "48,201"
std::string duration_of(std::int64_t nanos);   // "12 ms", "1.2 s", "3 min 20 s"
std::string iso_utc(model::WallTime time);     // "2026-11-21T09:33:26.123Z"
std::string local_time(model::WallTime time);  // "2026-11-21 09:33:26"
std::string hex(Address address);              // "0x7f39c0000000"
std::string hex(AddressRange range);           // "0x7f39c0000000-0x7f3a3a000000"
// "1 call", "2,000 calls": for nouns that take an s, or the plural given.
std::string counted(std::uint64_t n, std::string_view one, std::string_view many = {});
std::string signal_name(int signal);  // "SIGSEGV", "signal 99"
// How the process ended: "exit status 1", "killed by SIGSEGV", "still running".
std::string end_of(const model::Run& run);

}  // namespace jitcorral::show
