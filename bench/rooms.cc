#include "rooms.h"

#include <cstring>

#include "backtrace.h"
#include "call_path.h"
#include "caller.h"
#include "process.h"
#include "recorder.h"

#define ROOM extern "C" __attribute__((visibility("default"), noinline))

using jitcorral::PassReason;
using jitcorral::process;
using jitcorral::Role;
namespace callers = jitcorral::callers;

ROOM unsigned rooms_caller_at(const void* where) {
  return static_cast<unsigned>(callers::at(where).role);
}
ROOM unsigned rooms_confirmed_at(const void* where) {
  return static_cast<unsigned>(callers::confirmed_at(where).role);
}
ROOM std::uint64_t rooms_fingerprint(void) {
  return jitcorral::call_path::fingerprint(__builtin_return_address(0), Role::kLlvm);
}
ROOM unsigned rooms_unwind(void) {
  const void* frames[4];
  return static_cast<unsigned>(jitcorral::unwind_from(__builtin_return_address(0), frames, 4));
}
ROOM void rooms_protected_as(unsigned first, unsigned pages) {
  process.learner.protected_as({{first}, {pages}}, 5);
}
ROOM void rooms_note_passed(void) {
  process.record.note_passed(PassReason::kCaller);
}
ROOM void rooms_record_to(const char* socket_path) {
  jitcorral::settings.record = jitcorral::RecordTo::kUnix;
  jitcorral::settings.record_filters = 255;
  std::strncpy(jitcorral::settings.record_path, socket_path,
               sizeof jitcorral::settings.record_path - 1);
  jitcorral::recorder::begin();
}
ROOM bool rooms_record_event(std::uint64_t address) {
  jitcorral::recorder::Note note;
  note.call = jitcorral::Call::kMap;
  note.outcome = jitcorral::Outcome::kSteered;
  note.at = {{address}, {address + 4096}};
  note.prot = 3;
  note.fingerprint = 42;
  note.site = __builtin_return_address(0);
  note.role = Role::kLlvm;
  return jitcorral::recorder::note(note) != jitcorral::RingWriter::kDropped;
}
ROOM void rooms_suspect(std::uint64_t begin) {
  process.suspects.mapped({{begin}, {begin + 4096}}, __builtin_return_address(0));
}
