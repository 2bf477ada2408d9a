#include "collect/closer.h"

#include <signal.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace jitcorral::collect {

struct Closer::State {
  std::mutex mutex;
  std::condition_variable woken;
  std::deque<std::pair<Descriptor, uid_t>> queue;
  std::map<uid_t, std::size_t> waiting;  // with the one that is being closed
  bool over = false;

  void work() {
    std::unique_lock lock(mutex);
    for (;;) {
      woken.wait(lock, [&] { return over || !queue.empty(); });
      if (queue.empty()) return;
      auto [descriptor, sender] = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      descriptor = {};
      lock.lock();
      if (--waiting[sender] == 0) waiting.erase(sender);
    }
  }
};

Closer::~Closer() {
  if (!state_) return;
  const std::lock_guard lock(state_->mutex);
  state_->over = true;
  state_->woken.notify_one();
}

void Closer::forget() {
  // Never locked or destroyed again: the thread may have held it at the fork.
  if (state_) new std::shared_ptr<State>(std::move(state_));
}

void Closer::close(Descriptor descriptor, uid_t sender) {
  if (!state_) {
    state_ = std::make_shared<State>();
    // Signals are the business of the thread that waits for them.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    // Not joined: it may never come back. It shares what it needs.
    std::thread([state = state_] { state->work(); }).detach();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  const std::lock_guard lock(state_->mutex);
  state_->queue.emplace_back(std::move(descriptor), sender);
  ++state_->waiting[sender];
  state_->woken.notify_one();
}

std::size_t Closer::waiting(uid_t sender) const {
  if (!state_) return 0;
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->waiting.find(sender);
  return found == state_->waiting.end() ? 0 : found->second;
}

}  // namespace jitcorral::collect
