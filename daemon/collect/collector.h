// Follows the processes of one session: takes their hellos, reads their rings, sees them end, and
// stores all of it. One thread; nothing in it waits for a followed process.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "collect/listener.h"
#include "collect/process.h"
#include "store/checkpointer.h"
#include "store/database.h"

namespace jitcorral::collect {

class Collector {
 public:
  // `shim`: path of the library. `say`: takes one line for people.
  Collector(std::string shim, std::function<void(const std::string&)> say);

  // Stores into this database from now on, as this session. Throws store::Error.
  void store_into(store::Database database, model::Session session);

  // The session's first process, our child, after its fork. `executable`: what will be started.
  void follow(pid_t pid, const std::string& executable);

  void receive(Listener& listener);
  // Looks at everything once, stores what is new, and says how long nothing has to be looked at if
  // no message comes.
  std::chrono::milliseconds look();
  // The first process ended.
  void command_ended(int wait_status);
  // Processes that are no child of anybody known: their parents ended before they were seen.
  void adopt(const std::vector<pid_t>& left_behind);
  // The last look: closes what has ended, leaves open what goes on, writes the session's row.
  void finish(int status);

  // Whether there is still somebody to follow: a process that lives, or has ended just now.
  bool follows() const;
  // Runs that were not seen to end.
  std::vector<model::RunId> open_runs() const;
  // A descriptor of each process that lives, readable at its end; where one could be had.
  std::vector<int> pidfds() const;
  // Before a fork: nothing of the database is open afterwards, and there is one thread.
  void close_database();
  // Afterwards, in the process that goes on following (go_on) or in one that only reads and writes
  // verdicts. Throws store::Error.
  void open_database(const std::string& path);
  // The session is over, its processes are followed to their ends. After open_database().
  void go_on();
  // Runs that were closed and stored since this was asked last.
  std::vector<model::RunId> take_closed();

  const model::Session& session() const { return session_; }
  // Whether the latest attempt to store has failed.
  bool is_failing() const { return storing_fails_; }
  // Writes the verdicts that were analysed since.
  void keep_verdicts(const std::vector<model::Run>& runs);
  const store::Database* database() const { return database_ ? &*database_ : nullptr; }

 private:
  // Descendants without a hello: since when, and as which program.
  struct Silent {
    Clock::time_point since;
    std::string executable;
    bool settled = false;  // listed, or known to be nobody worth a row
    Process* listed = nullptr;
  };
  void list_silent(Silent& silent, pid_t pid, const std::string& why, model::RunState state);

  Process* living(pid_t pid);
  // Null when there are too many already.
  Process* add(pid_t pid, Descriptor pidfd, const Hello& hello);
  Process* keep(std::shared_ptr<Process> process);
  void take(Message message);
  void see_ends();
  void see_children(Clock::time_point now);
  void see_child(pid_t pid, Clock::time_point now);
  Process* add_not_loaded(pid_t pid, const std::string& executable, const std::string& why,
                          model::RunState state);
  void store();
  void begin_checkpoints();

  std::string shim_;
  std::function<void(const std::string&)> say_;
  std::optional<store::Database> database_;
  std::unique_ptr<store::Checkpointer> checkpointer_;
  model::Session session_;
  // All that the session ever had, for their children's sake; and those that there is still
  // something to do about.
  std::vector<std::shared_ptr<Process>> processes_;
  std::vector<Process*> followed_;
  std::vector<model::RunId> closed_;
  bool goes_on_ = false;
  bool too_many_ = false;

  pid_t command_ = 0;
  std::string command_executable_;
  std::optional<proc::Exit> command_exit_;
  unsigned own_filters_ = 0;

  std::map<pid_t, Silent> silent_;
  Clock::time_point next_scan_{};
  Clock::duration scan_interval_ = std::chrono::milliseconds(20);
  Clock::time_point last_event_{};
  Clock::time_point retry_store_{};
  bool storing_fails_ = false;
  bool said_failing_ = false;
  Clock::time_point failing_since_{};
};

}  // namespace jitcorral::collect
