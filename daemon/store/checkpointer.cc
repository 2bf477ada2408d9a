#include "store/checkpointer.h"

#include <signal.h>
#include <sys/stat.h>

#include <chrono>

#include "store/opening.h"

namespace jitcorral::store {

Checkpointer::Checkpointer(const std::string& path) {
  // Signals are the business of the thread that waits for them.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this, path] { work(path); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Checkpointer::~Checkpointer() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  woken_.notify_one();
  thread_.join();
}

void Checkpointer::work(const std::string& path) {
  constexpr auto kInterval = std::chrono::milliseconds(250);
  constexpr off_t kEnough = 4 << 20;  // bytes of log
  std::unique_ptr<Connection> connection;
  std::unique_lock lock(mutex_);
  while (!woken_.wait_for(lock, kInterval, [this] { return over_; })) {
    struct stat log;
    if (stat((path + "-wal").c_str(), &log) != 0 || log.st_size < kEnough) continue;
    lock.unlock();
    try {
      if (!connection) connection = open_for_writing(path);
      // Passive: what a reader or writer is at stays in the log. What fails now is tried again, and
      // is nobody's loss: the log is as good a place.
      connection->attempt("PRAGMA wal_checkpoint(PASSIVE)");
    } catch (const Error&) {
      connection.reset();
    }
    lock.lock();
  }
}

}  // namespace jitcorral::store
