#include "store/database.h"

#include <utility>

#include "store/opening.h"
#include "store/retention.h"
#include "store/rows.h"
#include "store/segments.h"

namespace jitcorral::store {

struct Database::Implementation {
  explicit Implementation(std::unique_ptr<Connection> opened) : connection(std::move(opened)) {}

  // Does `write`, which belongs to a batch. After a failure the batch is lost, whether its writer
  // goes on or not: half of it is never committed.
  template <typename Write>
  auto in_batch(Write&& write) {
    if (!batched || broken)
      throw Error(shown(connection->path()) +
                  (batched ? ": the batch has failed, nothing more is written in it"
                           : ": written to outside of a batch"));
    try {
      return write(*connection);
    } catch (...) {
      broken = true;
      throw;
    }
  }

  std::unique_ptr<Connection> connection;
  SegmentEncoder encoder;
  bool batched = false;
  bool broken = false;
};

Database::Database(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Database Database::open(const std::string& path) {
  return Database(std::make_unique<Implementation>(open_for_writing(path)));
}

Database Database::open_readonly(const std::string& path) {
  return Database(std::make_unique<Implementation>(open_for_reading(path)));
}

Database Database::open_image(std::string bytes, const std::string& name) {
  return Database(std::make_unique<Implementation>(store::open_image(std::move(bytes), name)));
}

const std::string& Database::path() const {
  return implementation_->connection->path();
}

bool Database::is_gone() const {
  int moved = 0;
  return sqlite3_file_control(implementation_->connection->handle(), "main", SQLITE_FCNTL_HAS_MOVED,
                              &moved) == SQLITE_OK &&
         moved != 0;
}

void Database::wait_at_most(std::chrono::milliseconds patience) {
  sqlite3_busy_timeout(implementation_->connection->handle(), static_cast<int>(patience.count()));
}

void Database::leave_checkpoints() {
  implementation_->connection->execute("PRAGMA wal_autocheckpoint = 0");
}

void Database::empty_log() {
  // What a reader is at stays; the next time it goes.
  implementation_->connection->attempt("PRAGMA wal_checkpoint(TRUNCATE)");
}

void Database::batch(const std::function<void()>& write) {
  Implementation& state = *implementation_;
  if (state.batched) throw Error(shown(path()) + ": a batch inside of a batch");
  struct Mark {  // whatever happens, the batch is over
    bool& batched;
    ~Mark() { batched = false; }
  } mark{state.batched};
  Transaction transaction(*state.connection, Transaction::For::kWriting);
  state.batched = true;
  state.broken = false;
  write();
  if (state.broken)
    throw Error(shown(path()) + ": the batch has failed, nothing of it was written");
  transaction.commit();
}

model::SessionId Database::add_session(const model::Session& session) {
  return implementation_->in_batch([&](Connection& c) { return insert(c, session); });
}

void Database::update_session(const model::Session& session) {
  implementation_->in_batch([&](Connection& c) { update(c, session); });
}

model::RunId Database::add_run(const model::Run& run) {
  return implementation_->in_batch([&](Connection& c) { return insert(c, run); });
}

void Database::update_run(const model::Run& run) {
  implementation_->in_batch([&](Connection& c) { update(c, run); });
}

void Database::set_verdict(model::RunId run, const std::string& verdict) {
  implementation_->in_batch([&](Connection& c) {
    c.prepare("UPDATE run SET verdict = ? WHERE id = ?")
        .bind(std::string_view(verdict))
        .bind(run)
        .run();
  });
}

void Database::add_site(model::RunId run, const model::Site& site) {
  implementation_->in_batch([&](Connection& c) { insert(c, run, site); });
}

void Database::add_unseen(model::RunId run, const model::Unseen& unseen) {
  implementation_->in_batch([&](Connection& c) { insert(c, run, unseen); });
}

void Database::append_events(model::RunId run, std::span<const Event> events) {
  implementation_->in_batch(
      [&](Connection& c) { append(c, implementation_->encoder, run, events); });
}

std::vector<model::Session> Database::sessions() const {
  return load_sessions(*implementation_->connection);
}

std::optional<model::Session> Database::session(model::SessionId id) const {
  return load_session(*implementation_->connection, id);
}

std::optional<model::SessionId> Database::latest_session() const {
  return store::latest_session(*implementation_->connection);
}

std::vector<model::Run> Database::runs(model::SessionId session) const {
  return load_runs(*implementation_->connection, session);
}

std::optional<model::Run> Database::run(model::RunId id) const {
  return load_run(*implementation_->connection, id);
}

bool Database::has_run(model::RunId id) const {
  return implementation_->connection->prepare("SELECT 1 FROM run WHERE id = ?").bind(id).step();
}

std::vector<model::Run> Database::living_runs() const {
  return load_living(*implementation_->connection);
}

std::vector<model::Run> Database::runs_of_pid(std::uint32_t pid) const {
  return load_runs_of_pid(*implementation_->connection, pid);
}

std::optional<model::RunId> Database::run_of_identity(std::uint64_t identity) const {
  Statement row = implementation_->connection->prepare(
      "SELECT id FROM run WHERE identity = ? AND identity <> 0 ORDER BY id DESC LIMIT 1");
  if (!row.bind(identity).step()) return std::nullopt;
  return row.number();
}

std::vector<std::uint64_t> Database::tickets_since(model::RunId run, std::uint64_t first) const {
  return store::tickets_since(*implementation_->connection, run, first);
}

void Database::each_segment(model::RunId run,
                            const std::function<void(const std::vector<Event>&)>& take) const {
  store::each_segment(*implementation_->connection, run, take);
}

Removed Database::retain(const Retention& retention) {
  if (implementation_->batched) throw Error(shown(path()) + ": retain inside of a batch");
  return store::retain(*implementation_->connection, retention);
}

std::uint64_t Database::size() const {
  return size_of(*implementation_->connection);
}

std::optional<model::Record> Database::record(model::RunId id) const {
  Connection& connection = *implementation_->connection;
  // One moment of the database, while others write.
  std::optional<Transaction> moment;
  if (!connection.in_transaction()) moment.emplace(connection, Transaction::For::kReading);
  std::optional<model::Run> run = load_run(connection, id);
  if (!run) return std::nullopt;
  model::Record record;
  record.run = std::move(*run);
  load_sites(connection, record);
  load_events(connection, record);
  load_unseen(connection, record);
  return record;
}

}  // namespace jitcorral::store
