// The record on disk: SQLite, WAL, mode 0600. Events are kept as blobs of up to 1024 (encoding.h),
// everything else as rows.
//
// Not thread-safe: one Database a thread. Not to be used by a child that was forked while it was
// open, which must not open the same file anew either, unless it called exec. Every failure is an
// Error whose text is one line that names the file and what to do; nothing is half-written (each
// Batch is one transaction).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "model/run.h"

namespace jitcorral::store {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// PRAGMA application_id of our files ("JCRL") and PRAGMA user_version of the schema below.
inline constexpr std::int32_t kApplicationId = 0x4a43524c;
inline constexpr std::int32_t kSchemaVersion = 3;

struct Retention {
  model::WallTime oldest = 0;    // runs that ended before are deleted; 0: none
  std::uint64_t most_bytes = 0;  // the database is kept below this; 0: no bound
  unsigned at_once = 64;         // rows deleted in one transaction: a recorder waits for it
};
struct Removed {
  std::uint64_t runs = 0;
  std::uint64_t segments = 0;  // of runs that are kept; their reports say that events are missing
  bool more = false;           // something was deleted: there may be more
};

class Database {
 public:
  // Opens for writing; makes the file (0600) and its missing folders (0700) if need be. Refuses,
  // and leaves as it is: a file that is no SQLite database, one of another program, one of a newer
  // jitcorral, a symbolic link's missing target, a folder, a corrupt file.
  static Database open(const std::string& path);
  // Opens for reading only; never makes a file, and works while another process writes, on a
  // read-only file system too.
  static Database open_readonly(const std::string& path);
  // Reads what image_of() made (image.h), which is kept in memory. `name`: for errors.
  static Database open_image(std::string bytes, const std::string& name);

  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  const std::string& path() const;
  // Whether the file that is written to is not the one at that path any more: deleted, or replaced.
  bool is_gone() const;

  // Everything that `write` does is one transaction: done wholly or, when it throws, not at all.
  // A database that another process holds is waited for, 5 s at most.
  void batch(const std::function<void()>& write);

  // How long a database that another process holds is waited for, from now on; 5 s at first.
  void wait_at_most(std::chrono::milliseconds patience);
  // From now on a Checkpointer does what commits did by the way.
  void leave_checkpoints();
  // Moves all of the log into the database at once, which takes as long as the disk does.
  void empty_log();

  // Deletes one portion of what a database need not keep; not in a batch (retention.h).
  Removed retain(const Retention& retention);
  std::uint64_t size() const;  // bytes in use

  // In a batch only, an Error elsewhere. `id`s are given by the database; add_* return them. After
  // an Error the batch is lost, also when `write` catches it. A site that is added again replaces
  // the one with its id. Texts above 64 KiB of a site, or 16 MiB, are cut.
  model::SessionId add_session(const model::Session& session);
  void update_session(const model::Session& session);
  model::RunId add_run(const model::Run& run);
  void update_run(const model::Run& run);
  void set_verdict(model::RunId run, const std::string& verdict);  // of a run that is gone: nothing
  void add_site(model::RunId run, const model::Site& site);
  void add_unseen(model::RunId run, const model::Unseen& unseen);
  // Appends events; segments are closed at 64 KiB, so many small appends make few rows.
  void append_events(model::RunId run, std::span<const Event> events);

  std::vector<model::Session> sessions() const;  // newest first
  std::optional<model::Session> session(model::SessionId id) const;
  std::optional<model::SessionId> latest_session() const;
  std::vector<model::Run> runs(model::SessionId session) const;  // in the order they began
  std::optional<model::Run> run(model::RunId id) const;
  bool has_run(model::RunId id) const;
  std::vector<model::Run> living_runs() const;                                // not seen to end
  std::vector<model::Run> runs_of_pid(std::uint32_t pid) const;               // newest first
  std::optional<model::RunId> run_of_identity(std::uint64_t identity) const;  // the newest
  // Which tickets from `first` on are stored of a run, in their order.
  std::vector<std::uint64_t> tickets_since(model::RunId run, std::uint64_t first) const;
  // All of its events that make sense, a segment at a time: of a run that may be long.
  void each_segment(model::RunId run,
                    const std::function<void(const std::vector<Event>&)>& take) const;
  // The run with all of its events (sorted by ticket), sites and unseen ranges; `parent` stays
  // null. An event or site that makes no sense (is_plausible) is left out and counted as torn.
  std::optional<model::Record> record(model::RunId id) const;

 private:
  struct Implementation;
  explicit Database(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace jitcorral::store
