// A host whose threads record without end, while its recorder is killed again and again.
//
//   record_stress THREADS      reads lines: "look" (twice, 5 s and 10 s on: a reader that does not
//                              move between them is given up), "fork" (a child records an event),
//                              "end"
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

extern "C" {
bool rooms_event(unsigned long address);
void rooms_look(unsigned long seconds);
unsigned long rooms_steered(void);
}

int main(int argc, char** argv) {
  const unsigned long threads = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1;
  std::atomic<bool> over{false};
  std::atomic<unsigned long> events{1}, dropped{0};
  rooms_event(0x1000);  // the ring is there
  std::vector<std::thread> writers;
  for (unsigned long who = 1; who <= threads; ++who) {
    writers.emplace_back([&, who] {
      for (unsigned long i = 1; !over.load(std::memory_order_relaxed); ++i) {
        events.fetch_add(1, std::memory_order_relaxed);
        if (!rooms_event(who << 40 | i << 12)) dropped.fetch_add(1, std::memory_order_relaxed);
        // As fast as a recorder can be started anew without the ring being full most of the time.
        if (i % 16 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
  }
  unsigned long now = 0;
  for (std::string line; std::getline(std::cin, line) && line != "end";) {
    if (line == "look") {
      rooms_look(now += 700);  // more than the longest wait between offers
      rooms_look(now += 700);
    } else if (line == "fork") {
      const pid_t child = fork();
      if (child == 0) {
        rooms_event(0x2000);
        _exit(0);
      }
      waitpid(child, nullptr, 0);
    }
    std::puts("done");
    std::fflush(stdout);
  }
  over.store(true);
  for (std::thread& writer : writers) writer.join();
  std::printf("events %lu dropped %lu steered %lu\n", events.load(), dropped.load(),
              rooms_steered());
  std::fflush(stdout);
  char c;
  if (read(0, &c, 1) < 0) return 1;  // stays until all of it is read
  return 0;
}
