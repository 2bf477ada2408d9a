// Doors into the shim's rooms for stress.cc: events without mappings, and a clock of its own.
#include "recorder.h"
#include "reoffer.h"

#define ROOM extern "C" __attribute__((visibility("default"), noinline))

ROOM bool rooms_event(unsigned long address) {
  jitcorral::process.record.note_steered();
  jitcorral::recorder::Note note;
  note.call = jitcorral::Call::kMap;
  note.outcome = jitcorral::Outcome::kSteered;
  note.at = {{address}, {address + 4096}};
  note.prot = 3;
  note.site = __builtin_return_address(0);
  note.role = jitcorral::Role::kLlvm;
  return jitcorral::recorder::note(note) != jitcorral::RingWriter::kDropped;
}
// As an event would whose time this is, in seconds from the first.
ROOM void rooms_look(unsigned long seconds) {
  static unsigned long begin = 0;
  if (begin == 0) begin = jitcorral::reoffer::look_at.load();
  jitcorral::reoffer::look(begin + seconds * 1000000000U);
}
ROOM unsigned long rooms_steered(void) {
  return jitcorral::process.record.totals().steered;
}
