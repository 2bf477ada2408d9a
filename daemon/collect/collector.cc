#include "collect/collector.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "collect/fill_in.h"

namespace jitcorral::collect {
namespace {

using std::chrono::milliseconds;

// A session that knows no end must not take all memory.
constexpr std::size_t kMostProcesses = 100'000;
}  // namespace

Collector::Collector(std::string shim, std::function<void(const std::string&)> say)
    : shim_(std::move(shim)), say_(std::move(say)), own_filters_(proc::seccomp_filters(0)) {}

void Collector::store_into(store::Database database, model::Session session) {
  session_ = std::move(session);
  database.batch([&] { session_.id = database.add_session(session_); });
  database_ = std::move(database);
}

void Collector::follow(pid_t pid, const std::string& executable) {
  command_ = pid;
  command_executable_ = executable;
  // Not before: who forks has one thread.
  if (database_ && !checkpointer_) begin_checkpoints();
}

void Collector::begin_checkpoints() {
  database_->leave_checkpoints();
  // From now on signals are to be handed on, and the command's end is to be seen.
  database_->wait_at_most(std::chrono::milliseconds(20));
  checkpointer_ = std::make_unique<store::Checkpointer>(database_->path());
}

Process* Collector::living(pid_t pid) {
  for (auto process = followed_.rbegin(); process != followed_.rend(); ++process)
    if ((*process)->pid == pid && !(*process)->ended) return *process;
  return nullptr;
}

Process* Collector::keep(std::shared_ptr<Process> process) {
  if (processes_.size() >= kMostProcesses) {
    if (!too_many_)
      say_("more than " + std::to_string(kMostProcesses) + " processes: later ones go unrecorded");
    too_many_ = true;
    return nullptr;
  }
  followed_.push_back(process.get());
  processes_.push_back(std::move(process));
  return followed_.back();
}

Process* Collector::add(pid_t pid, Descriptor pidfd, const Hello& hello) {
  Process* process = nullptr;
  // Who was listed as silent has only been slow: the row is its own.
  if (const auto silent = silent_.find(pid); silent != silent_.end()) {
    Process* listed = silent->second.listed;
    if (listed != nullptr && !listed->run.ended) {
      const model::RunId id = listed->run.id;
      std::destroy_at(listed);
      std::construct_at(listed);
      listed->run.id = id;
      process = listed;
      if (std::find(followed_.begin(), followed_.end(), process) == followed_.end())
        followed_.push_back(process);
    }
    silent_.erase(silent);
  }
  if (process == nullptr) process = keep(std::make_shared<Process>());
  if (process == nullptr) return nullptr;
  process->pid = pid;
  process->pidfd = std::move(pidfd);
  process->identity = hello.identity;
  process->run.session = session_.id;
  fill_in(process->run, hello);
  process->run.pid = static_cast<std::uint32_t>(pid);
  process->run.page_size = static_cast<std::uint32_t>(sysconf(_SC_PAGESIZE));
  if (hello.forked != 0) {
    for (const auto& other : processes_)
      // Peers may lie; nobody is an ancestor of itself.
      if (other->identity == hello.parent && hello.parent != 0 && other.get() != process)
        process->parent = other;
  }
  process->next_sample = Clock::now() + process->sample_interval;
  return process;
}

void Collector::take(Message message) {
  const Hello& hello = message.hello;
  Process* known = living(message.pid);
  // A vfork child speaks for its parent, whose memory it is in.
  if (hello.subject != Hello::Subject::kBegin && hello.identity != 0)
    for (Process* process : followed_)
      if (process->identity == hello.identity && !process->ended) known = process;
  switch (hello.subject) {
    case Hello::Subject::kBegin:
      // A pid that says hello once more has become another program.
      if (known != nullptr) known->close(model::RunState::kReplaced, std::nullopt);
      add(message.pid, std::move(message.pidfd), hello);
      break;
    case Hello::Subject::kRing: {
      const bool its_own = known != nullptr && !known->ring && hello.forked == 0;
      if (known != nullptr && !its_own) known->close(model::RunState::kReplaced, std::nullopt);
      Process* process = its_own ? known : add(message.pid, std::move(message.pidfd), hello);
      if (process == nullptr) break;
      try {
        process->ring.emplace(message.ring, true);
        process->read_ring(false);
        last_event_ = process->next_sample = Clock::now();
      } catch (const std::exception& problem) {
        process->run.reason = problem.what();
        process->changed = true;
      }
      break;
    }
    case Hello::Subject::kDoorbell:
      last_event_ = Clock::now();
      break;
    case Hello::Subject::kEnd:
      if (known == nullptr || known->ring) break;
      known->run.counters.emplace();
      std::copy(std::begin(hello.counters), std::end(hello.counters), known->run.counters->begin());
      known->changed = true;
      break;
    case Hello::Subject::kCannot: {
      Process* process = known != nullptr && hello.forked == 0
                             ? known
                             : add(message.pid, std::move(message.pidfd), hello);
      if (process == nullptr) break;
      fill_in(process->run, hello);
      process->changed = true;
      break;
    }
    case Hello::Subject::kCount:
      break;
  }
}

void Collector::receive(Listener& listener) {
  // Who says hello without end must not keep us from the rings.
  constexpr int kMostAtOnce = 4096;
  for (int i = 0; i < kMostAtOnce; ++i) {
    auto message = listener.receive();
    if (!message) return;
    take(*std::move(message));
  }
}

void Collector::see_ends() {
  const auto how = [&](const Process& process) {
    return process.pid == command_ && command_exit_
               ? command_exit_
               : proc::exit_of(process.pidfd.get(), process.pid);
  };
  for (Process* process : followed_) {
    if (!process->ended) {
      if (process->has_ended()) process->close(model::RunState::kEnded, how(*process));
    } else if (process->run.state == model::RunState::kEnded && !process->run.exit_code &&
               !process->run.signal) {
      // How it ended is said only once it was reaped, which may be a little later.
      const auto exit = how(*process);
      if (!exit) continue;
      process->run.exit_code = exit->code;
      process->run.signal = exit->signal;
      process->changed = true;
    }
  }
}

void Collector::command_ended(int wait_status) {
  command_exit_ = proc::exit_from_status(wait_status);
}

std::chrono::milliseconds Collector::look() {
  const Clock::time_point now = Clock::now();
  constexpr milliseconds kBusy(1), kActive(10), kAwake(200), kIdle(500), kFiltered(50);
  std::size_t most = 0;
  bool filtered = false;
  for (Process* process : followed_) {
    if (process->ended) continue;
    const std::size_t before = process->events.size();
    // By its books something was committed late, or is being written just now.
    const bool late = process->ring && process->ring->unfinished() != 0;
    if (process->read_ring(late)) last_event_ = now;
    most = std::max(most, process->events.size() - before);
    filtered |= process->ring && process->ring->is_filtered();
    if (now >= process->next_sample && !process->sample(now))
      process->close(model::RunState::kReplaced, std::nullopt);
  }
  see_ends();
  if (now >= next_scan_) see_children(now);
  store();
  const bool awake = now - last_event_ < kAwake;
  milliseconds sleep = most > ring::kSlots / 8 ? kBusy : awake ? kActive : kIdle;
  if (filtered) sleep = std::min(sleep, kFiltered);
  for (Process* process : followed_) {
    if (process->ended) continue;
    if (process->ring) {
      process->ring->wait_for(awake ? ring::kSlots / 2 : 1);
      // What was committed before the writer could know that we wait rang no bell.
      if (process->ring->has_news()) sleep = kBusy;
    }
    const auto until = std::chrono::ceil<milliseconds>(process->next_sample - now);
    sleep = std::clamp(until, milliseconds(1), sleep);
  }
  const auto until_scan = std::chrono::ceil<milliseconds>(next_scan_ - now);
  return std::clamp(until_scan, milliseconds(1), sleep);
}

void Collector::adopt(const std::vector<pid_t>& left_behind) {
  const auto now = Clock::now();
  for (const pid_t pid : left_behind)
    if (living(pid) == nullptr) silent_.try_emplace(pid, Silent{now, proc::executable(pid)});
}

void Collector::finish(int status) {
  // Everything that was sent before the command ended is in the socket's queue or in the rings.
  see_ends();
  for (Process* process : followed_)
    if (!process->ended) process->read_ring(true);
  const bool command_was_seen =
      std::any_of(processes_.begin(), processes_.end(),
                  [&](const auto& process) { return process->pid == command_; });
  if (command_ != 0 && !command_was_seen) {
    std::string why = proc::why_not_loadable(command_executable_);
    add_not_loaded(command_, command_executable_, why, model::RunState::kNotLoaded);
  }
  session_.ended = wall_time_now();
  session_.status = status;
  if (database_) database_->wait_at_most(std::chrono::seconds(5));
  retry_store_ = {};
  store();
}

}  // namespace jitcorral::collect
