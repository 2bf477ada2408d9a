#include "serve/judge.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "analyze/report.h"
#include "store/ancestors.h"

namespace jitcorral::serve {
namespace {

constexpr std::size_t kMostAsked = 4096;
// A record of that many events would take seconds and hundreds of MiB; whoever asks for its report
// has it analysed then.
constexpr std::uint64_t kMostEvents = 200'000;

}  // namespace

Judge::Judge(std::string database, std::function<void()> done)
    : database_(std::move(database)), done_(std::move(done)) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Judge::~Judge() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  woken_.notify_one();
  thread_.join();
}

void Judge::ask(const model::Run& run) {
  {
    const std::lock_guard lock(mutex_);
    if (asked_.size() >= kMostAsked) return;
    asked_.push_back(run);
  }
  woken_.notify_one();
}

std::vector<Judge::Judged> Judge::take() {
  const std::lock_guard lock(mutex_);
  return std::move(judged_);
}

std::string Judge::verdict_of(model::RunId id) const try {
  const store::Database database = store::Database::open_readonly(database_);
  const auto run = database.run(id);
  if (!run || run->recorded > kMostEvents) return {};
  auto record = database.record(id);
  if (!record) return {};
  store::Ancestors ancestors(database);
  record->parent = ancestors.parent_of(record->run);
  return std::string(
      analyze::kVerdictNames[static_cast<std::size_t>(analyze::analyse(*record).verdict)]);
} catch (const std::exception&) {
  return {};  // deleted since, or the database is out of order: the recorder says so
}

void Judge::work() {
  setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), 19);
  std::unique_lock lock(mutex_);
  for (;;) {
    woken_.wait(lock, [&] { return over_ || !asked_.empty(); });
    if (over_) return;
    Judged judged{std::move(asked_.front())};
    asked_.pop_front();
    lock.unlock();
    judged.run.verdict = verdict_of(judged.run.id);
    lock.lock();
    judged_.push_back(std::move(judged));
    if (asked_.empty() || judged_.size() >= 64) {
      lock.unlock();
      done_();
      lock.lock();
    }
  }
}

}  // namespace jitcorral::serve
