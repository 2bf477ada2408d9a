// In the place of an engine's library, for load.c: the events alone, by the shim's recorder and
// with no mapping behind them, so that very many processes fit on few processors.
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

void rooms_record_to(const char* socket_path);
bool rooms_record_event(uint64_t address);

static uint64_t count;

__attribute__((constructor)) static void begin(void) {
  rooms_record_to(getenv("LOAD_SOCKET"));
}

void* engine_map(unsigned long length, int prot) {
  (void)prot;
  (void)length;
  // Addresses come again, as those of an engine that frees and maps do.
  const uint64_t address = (1UL << 32) + count++ % 512 * 4096;
  rooms_record_event(address);
  return (void*)address;
}
int engine_unmap(void* at, unsigned long length) {
  (void)length;
  rooms_record_event((uint64_t)at);
  return 0;
}
