#include "greeting.h"

#include <cstring>

#include "clock.h"
#include "layout.h"
#include "post.h"
#include "process.h"

namespace jitcorral::greeting {

constinit Hello hello;
constinit std::atomic<const char*> recorder_socket{nullptr};

namespace {
constinit Hello doorbell;  // ready to be sent
constexpr const char* kSystemSocket = "/run/jitcorral/socket";
}  // namespace

void fill_in() {
  hello.size = sizeof hello;
  hello.mode = settings.mode;
  hello.near = settings.near;
  hello.pid = static_cast<std::uint32_t>(kernel::getpid().raw);
  hello.seed = settings.seeded ? settings.seed : 0;
  hello.window = settings.window.count;
  hello.max = process.max.count;
  const std::string_view version(JITCORRAL_VERSION);
  static_assert(sizeof JITCORRAL_VERSION <= sizeof hello.version);
  std::memcpy(hello.version, version.data(), version.size());
  std::memcpy(hello.label, settings.label, sizeof hello.label);
  std::memcpy(hello.slurm_job, process.slurm_job, sizeof hello.slurm_job);
  std::memset(hello.executable, 0, sizeof hello.executable);
  kernel::readlink("/proc/self/exe", hello.executable, sizeof hello.executable - 1);
  // Random enough for two records of one session to differ: where the stack, the library and the
  // clock are.
  hello.identity = mix(process.random ^ mix(clock::now(true)) ^
                       (std::uint64_t{hello.pid} << 32 | reinterpret_cast<std::uintptr_t>(&hello)));
}

bool find_socket() {
  const char* found = nullptr;
  if (settings.record == RecordTo::kUnix)
    found = settings.record_path;
  else if (process.runtime_socket[0] != '\0' && kernel::exists(process.runtime_socket).ok())
    found = process.runtime_socket;
  else if (kernel::exists(kSystemSocket).ok())
    found = kSystemSocket;
  // Another thread may be on its way there: it is never unset.
  if (found != nullptr) recorder_socket.store(found, std::memory_order_relaxed);
  return found != nullptr;
}

KernelResult say(Hello::Subject subject, int fd) {
  hello.subject = subject;
  hello.time = clock::now(true);
  return post::send(recorder_socket.load(std::memory_order_relaxed), hello, fd);
}

KernelResult offer(int fd) {
  const KernelResult sent = say(Hello::Subject::kRing, fd);
  if (sent.error() != ECONNREFUSED ||
      recorder_socket.load(std::memory_order_relaxed) != process.runtime_socket ||
      !kernel::exists(kSystemSocket).ok())
    return sent;
  recorder_socket.store(kSystemSocket, std::memory_order_relaxed);
  return say(Hello::Subject::kRing, fd);
}

void prepare_doorbell() {
  doorbell = hello;
  doorbell.subject = Hello::Subject::kDoorbell;
}

KernelResult ring_doorbell() {
  return post::send(recorder_socket.load(std::memory_order_relaxed), doorbell);
}

}  // namespace jitcorral::greeting
