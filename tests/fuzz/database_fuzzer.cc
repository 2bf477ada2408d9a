// A database that somebody made: bytes changed in a sound one, or rows that hold what they should
// not, in a file that SQLite finds sound.
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

#include "analyze/report.h"
#include "command/load.h"
#include "input.h"
#include "show/show.h"
#include "store/database.h"
#include "store/image.h"

namespace jitcorral::fuzz {
namespace {

// One session with a run and its fork, sites, events, and a range that nothing explains.
std::string sound_image() {
  std::string folder = (std::filesystem::temp_directory_path() / "fuzz-XXXXXX").string();
  check(mkdtemp(folder.data()) != nullptr, "a folder");
  const std::string path = folder + "/some.db";
  {
    store::Database database = store::Database::open(path);
    database.batch([&] {
      model::Session session;
      session.command = "prog";
      const auto of = database.add_session(session);
      model::Run run;
      run.session = of;
      run.pid = 7;
      run.executable = "/usr/bin/prog";
      run.verdict = "within-reach";
      run.counters.emplace();
      run.window = model::WindowInfo{range_of(Address{1ULL << 40}, Bytes{1ULL << 31}), {}, true};
      const auto parent = database.add_run(run);
      run.parent = parent;
      const auto child = database.add_run(run);
      model::Site site;
      site.id = 8;
      site.role = Role::kLlvm;
      site.module = "/usr/lib/libLLVM-14.so.1";
      std::vector<Event> events;
      for (std::uint64_t i = 0; i < 24; ++i) {
        Event e = {};
        e.ticket = i;
        e.time = i;
        e.address = (1ULL << 40) + (i / 3 << 16);
        e.length = 4096;
        e.site = 8;
        e.call = i % 3 == 0 ? Call::kMap : i % 3 == 1 ? Call::kProtect : Call::kUnmap;
        e.outcome = i % 3 == 0 ? Outcome::kSteered : Outcome::kDone;
        e.prot_kind = i % 3 == 1 ? 5 : 3;
        events.push_back(e);
      }
      for (const auto id : {parent, child}) {
        database.add_site(id, site);
        database.append_events(id, events);
        database.add_unseen(id, {3, range_of(Address{1ULL << 41}, Bytes{4096}), "rwxp"});
      }
    });
  }
  store::Wanted wanted;
  wanted.number = 1;
  std::string image = store::image_of(path, wanted);
  std::filesystem::remove_all(folder);
  return image;
}

class Sqlite {
 public:
  explicit Sqlite(const std::string& image) {
    check(sqlite3_open(":memory:", &db_) == SQLITE_OK, "a database in memory");
    auto* const bytes = static_cast<unsigned char*>(sqlite3_malloc64(image.size()));
    std::memcpy(bytes, image.data(), image.size());
    const auto size = static_cast<sqlite3_int64>(image.size());
    check(sqlite3_deserialize(db_, "main", bytes, size, size,
                              SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE) ==
              SQLITE_OK,
          "the image is sound");
  }
  ~Sqlite() { sqlite3_close(db_); }
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;

  std::string image() const {
    sqlite3_int64 size = 0;
    unsigned char* const bytes = sqlite3_serialize(db_, "main", &size, 0);
    std::string all(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    sqlite3_free(bytes);
    return all;
  }
  std::vector<std::string> column(const std::string& sql) const {
    std::vector<std::string> all;
    sqlite3_stmt* statement = prepare(sql);
    while (sqlite3_step(statement) == SQLITE_ROW)
      all.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(statement, 0)));
    sqlite3_finalize(statement);
    return all;
  }
  // Sets it in one row or all; what SQLite refuses stays.
  void set(const std::string& column_of, Input& input) const {
    const std::size_t dot = column_of.find('.');
    const auto kind = input.take<std::uint8_t>();
    sqlite3_stmt* const statement =
        prepare("UPDATE OR IGNORE " + column_of.substr(0, dot) + " SET \"" +
                column_of.substr(dot + 1) + "\" = ?1" + (kind >= 128 ? " WHERE rowid = 1" : ""));
    const std::string bytes =
        kind % 4 == 0 ? std::string() : input.text(kind % 4 == 1 ? 8 : input.take<std::uint16_t>());
    switch (kind % 4) {
      case 0:
        sqlite3_bind_null(statement, 1);
        break;
      case 1: {
        std::int64_t number = 0;
        std::memcpy(&number, bytes.data(), bytes.size());
        sqlite3_bind_int64(statement, 1, number);
        break;
      }
      case 2:
        sqlite3_bind_text(statement, 1, bytes.data(), static_cast<int>(bytes.size()), nullptr);
        break;
      default:
        sqlite3_bind_blob(statement, 1, bytes.data(), static_cast<int>(bytes.size()), nullptr);
    }
    sqlite3_step(statement);
    sqlite3_finalize(statement);
  }

 private:
  sqlite3_stmt* prepare(const std::string& sql) const {
    sqlite3_stmt* statement = nullptr;
    // WITHOUT ROWID tables have no such column: then it is no statement, which does nothing.
    sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr);
    return statement;
  }
  sqlite3* db_ = nullptr;
};

std::vector<std::string> all_columns(const Sqlite& sqlite) {
  return sqlite.column(
      "SELECT m.name || '.' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c "
      "WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'");
}

std::string with_bytes_changed(std::string image, Input& input) {
  while (!input.is_empty()) {
    const std::size_t at = input.take<std::uint32_t>() % image.size();
    const std::string bytes = input.text(input.take<std::uint8_t>() % 32);
    image.replace(at, std::min(bytes.size(), image.size() - at), bytes, 0, image.size() - at);
  }
  return image;
}

std::string with_values_changed(const std::string& image, Input& input) {
  const Sqlite sqlite(image);
  static const std::vector<std::string> columns = all_columns(sqlite);
  for (int i = 0; i < 16 && !input.is_empty(); ++i)
    sqlite.set(columns[input.take<std::uint8_t>() % columns.size()], input);
  return sqlite.image();
}

void read_all(const store::Database& database) {
  const auto sessions = database.sessions();
  database.latest_session();
  database.living_runs();
  database.runs_of_pid(7);
  database.run_of_identity(0);
  for (const model::Session& session : sessions) {
    const std::vector<model::Run> runs = database.runs(session.id);
    for (const model::Run& run : runs) {
      const auto record = database.record(run.id);
      if (!record) continue;
      for (std::size_t i = 0; i < record->events.size(); ++i) {
        check(is_plausible(record->events[i]), "events are plausible");
        check(i == 0 || record->events[i - 1].ticket <= record->events[i].ticket,
              "events come by ticket");
      }
      database.tickets_since(run.id, 0);
    }
    const std::vector<show::Shown> shown = command::load(database, runs);
    show::text(&session, shown, {});
    show::dump(show::json(&session, shown));
    const show::Listed listed[] = {{session, runs}};
    show::listing(listed, {});
  }
}

}  // namespace
}  // namespace jitcorral::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace jitcorral;
  static const std::string sound = fuzz::sound_image();
  fuzz::Input input(data, size);
  const bool by_values = (input.take<std::uint8_t>() & 1) != 0;
  std::string image =
      by_values ? fuzz::with_values_changed(sound, input) : fuzz::with_bytes_changed(sound, input);
  try {
    fuzz::read_all(store::Database::open_image(std::move(image), "image"));
  } catch (const store::Error&) {
  }
  return 0;
}
