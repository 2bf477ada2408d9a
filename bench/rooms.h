// Doors into the shim's rooms for bench_parts: what cannot be linked into an executable.
#pragma once

#include <cstdint>

extern "C" {
// Looks a call site up as every mapping call does; returns its role.
unsigned rooms_caller_at(const void* site);
// The same, making sure that the module is still there.
unsigned rooms_confirmed_at(const void* site);
// Walks the stack above the caller as for an LLVM host and hashes it.
std::uint64_t rooms_fingerprint(void);
// The walk alone.
unsigned rooms_unwind(void);
// The learner's scan behind each mprotect of a steered extent.
void rooms_protected_as(unsigned first, unsigned pages);
void rooms_note_passed(void);
void rooms_suspect(std::uint64_t begin);
// Records to the recorder at this socket from now on.
void rooms_record_to(const char* socket_path);
// One event, as a steered mmap records it: time, thread, call site, ring. False: it was dropped.
bool rooms_record_event(std::uint64_t address);
}
