// Records many processes for months: takes their hellos, reads their rings when they have something
// to say, stores it, sees them end, and goes on where an earlier daemon was killed. One thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "collect/listener.h"
#include "serve/followed.h"
#include "serve/keeper.h"
#include "serve/options.h"
#include "store/checkpointer.h"
#include "store/database.h"

namespace jitcorral::serve {

// What became of messages and events; for people and metrics.
struct Tally {
  std::uint64_t hellos = 0;
  std::uint64_t refused = 0;        // no message of ours, or of nobody who may send one
  std::uint64_t foreign = 0;        // for another user's process
  std::uint64_t rings_refused = 0;  // descriptors that are no ring of ours
  std::uint64_t over_rings = 0;     // of a user with as many processes as he may have
  std::uint64_t over_rate = 0;      // of a user who has said as much as he may
  std::uint64_t events = 0;         // stored
  std::uint64_t store_failures = 0;
  std::uint64_t removed_runs = 0;  // by retention
};

class Recorder {
 public:
  // `say`: takes one line for people; `warn`: the same, when something is amiss.
  struct Voice {
    std::function<void(const std::string&)> say;
    std::function<void(const std::string&)> warn;
  };
  // `watch`: a pidfd to be waited for (its process, by identity), and to be forgotten.
  struct Watch {
    std::function<void(int fd, std::uint64_t identity)> add;
  };
  Recorder(Options options, std::unique_ptr<Keeper> keeper, Voice voice, Watch watch);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // Opens the database if it can, and takes up what an earlier daemon left.
  void begin();
  void reconfigure(const Options& options) { options_ = options; }

  void receive(collect::Listener& listener);
  // The process of that identity has ended.
  void process_ended(std::uint64_t identity);
  // Looks at what is due, stores what is new; when to look next.
  Clock::time_point look(Clock::time_point now);
  // Everything that lies in rings is stored now, as far as possible.
  void flush();
  // The last look of a daemon that is told to stop: rings stay with the keeper.
  void finish();

  std::size_t size() const { return living_.size(); }
  const Tally& tally() const { return tally_; }
  bool is_failing() const { return !database_ || storing_fails_; }
  std::uint64_t database_bytes() const { return database_ ? database_->size() : 0; }
  const std::map<std::uint64_t, std::shared_ptr<Followed>>& living() const { return living_; }
  // What the analysis of an ended run found; stored with what is stored next.
  void keep_verdict(model::RunId run, std::string verdict);
  // Called with each run that has ended, once its row is stored.
  std::function<void(const model::Run&)> on_end;

 private:
  using Shared = std::shared_ptr<Followed>;

  // recorder.cc
  void take(collect::Message message);
  bool may_add(uid_t uid);
  Shared add(collect::Message& message);
  bool take_ring(Followed& followed, const Descriptor& ring);
  void replace_ring(Followed& followed, const Descriptor& ring);
  void schedule(Followed& followed, Clock::time_point due);
  void read(Followed& followed, Clock::time_point now);
  void sample(Followed& followed, Clock::time_point now);
  void see_end(Followed& followed);
  std::optional<collect::proc::Exit> exit_of(const Followed& followed) const;
  void acknowledge();
  Shared living(pid_t pid) const;
  User& user(uid_t uid);
  // recorder_store.cc
  void open_database();
  void note_look(const Followed& followed, std::size_t events);
  bool is_enough() const;
  bool store();
  void begin_anew();
  void write_batch(std::vector<std::pair<Followed*, model::RunId>>& added);
  void after_storing();
  void let_go();
  void retain(Clock::time_point now);
  void failed(const std::string& why);
  // recorder_resume.cc
  void take_up();
  void resume(Kept kept, const std::map<std::uint64_t, model::Run>& known);
  void take_up_books(Followed& followed);
  void explain_stored(Followed& followed);
  void close_the_lost(const std::map<std::uint64_t, model::Run>& known);

  Options options_;
  std::unique_ptr<Keeper> keeper_;
  Voice voice_;
  Watch watch_;
  std::string boot_;

  std::optional<store::Database> database_;
  std::unique_ptr<store::Checkpointer> checkpointer_;
  model::Session session_;
  Clock::time_point retry_{};
  bool storing_fails_ = false;
  std::string said_failing_;
  Clock::time_point next_retention_{};

  std::vector<Kept>
      kept_;  // of an earlier daemon; waits for the database, which knows what is stored
  bool taken_up_ = false;
  std::map<std::uint64_t, Shared> living_;  // by identity
  std::map<pid_t, std::uint64_t> by_pid_;
  std::set<std::pair<Clock::time_point, std::uint64_t>> queue_;  // due, identity
  std::set<std::uint64_t> changed_;    // to be stored, ended ones among them
  std::vector<std::uint64_t> unsafe_;  // kept, but not acknowledged yet
  std::vector<std::pair<model::RunId, std::string>> verdicts_;  // not stored yet
  std::size_t buffered_ = 0;                                    // events
  std::size_t looked_at_ = 0;                                   // bytes of their rings
  std::map<uid_t, User> users_;
  Tally tally_;
  double sampled_for_ = 0;  // seconds, of this stretch of the budget
  Clock::time_point sampling_since_{};
};

}  // namespace jitcorral::serve
