#include "store_scratch.h"

#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

namespace jitcorral::store {

namespace fs = std::filesystem;

Folder::Folder() {
  std::string name = (fs::temp_directory_path() / "jitcorral-store-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) std::abort();
  path_ = name;
}

Folder::~Folder() {
  if (mounted_) umount2(path_.c_str(), MNT_DETACH);
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

bool Folder::mount(std::size_t bytes) {
  const std::string options = "mode=0755,size=" + std::to_string(bytes);
  mounted_ = ::mount("none", path_.c_str(), "tmpfs", 0, options.c_str()) == 0;
  return mounted_;
}

bool Folder::make_readonly() {
  return ::mount("none", path_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr) == 0;
}

std::map<std::string, std::string> Folder::contents() const {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(path_))
    files[entry.path().string()] =
        entry.is_regular_file() ? digest_of(bytes_of(entry.path().string())) : "";
  return files;
}

std::string digest_of(const std::string& bytes) {
  return std::to_string(bytes.size()) + " bytes, " +
         std::to_string(std::hash<std::string>()(bytes));
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

int mode_of(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 ? static_cast<int>(status.st_mode & 07777) : -1;
}

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

::testing::AssertionResult is_about(const std::string& line, const std::string& path,
                                    const std::string& words) {
  if (line.empty()) return ::testing::AssertionFailure() << "nothing was refused";
  if (line.find('\n') != std::string::npos)
    return ::testing::AssertionFailure() << "more than one line: " << line;
  if (line.rfind(path + ": ", 0) != 0)
    return ::testing::AssertionFailure() << "does not begin with " << path << ": " << line;
  if (line.find(words) == std::string::npos)
    return ::testing::AssertionFailure() << "does not say '" << words << "': " << line;
  return ::testing::AssertionSuccess();
}

std::string as_nobody(const std::function<std::string()>& act) {
  int ends[2];
  if (pipe(ends) != 0) std::abort();
  const pid_t child = fork();
  if (child == 0) {
    std::string answer;
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) {
      answer = "cannot become nobody";
    } else {
      try {
        answer = act();
      } catch (const std::exception& error) {
        answer = error.what();
      }
    }
    const bool sent = write(ends[1], answer.data(), answer.size()) >= 0;
    _exit(sent ? 0 : 1);
  }
  close(ends[1]);
  std::string answer;
  char piece[4096];
  for (ssize_t n; (n = read(ends[0], piece, sizeof piece)) > 0;)
    answer.append(piece, static_cast<std::size_t>(n));
  close(ends[0]);
  return wait_for(child) == 0 ? answer : "the child died";
}

pid_t start(const std::function<void()>& act) {
  const pid_t child = fork();
  if (child != 0) return child;
  try {
    act();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "child: %s\n", error.what());
    _exit(1);
  }
  _exit(0);
}

int wait_for(pid_t child) {
  int status = -1;
  if (waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string shell(const std::string& path, const std::string& sql) {
  sqlite3* handle = nullptr;
  sqlite3_open(path.c_str(), &handle);
  std::string first;
  bool seen = false;
  const auto keep = [&](char* text) {
    if (!seen && text != nullptr) first = text;
    seen = true;
  };
  char* error = nullptr;
  sqlite3_exec(
      handle, sql.c_str(),
      [](void* keeper, int count, char** columns, char**) {
        if (count > 0) (*static_cast<decltype(keep)*>(keeper))(columns[0]);
        return 0;
      },
      const_cast<void*>(static_cast<const void*>(&keep)), &error);
  if (error != nullptr) first = std::string("error: ") + error;
  sqlite3_free(error);
  sqlite3_close(handle);
  return first;
}

Event event_at(std::uint64_t ticket) {
  Event event{};
  event.ticket = ticket;
  event.time = 1000 + ticket;
  event.address = 0x7f0000000000 + ticket * 4096;
  event.length = 4096;
  event.call = Call::kMap;
  event.outcome = Outcome::kSteered;
  return event;
}

std::vector<Event> events_from(std::uint64_t first, std::size_t count) {
  std::vector<Event> events;
  for (std::size_t i = 0; i < count; ++i) events.push_back(event_at(first + i));
  return events;
}

std::vector<Event> noisy_events(std::uint64_t first, std::size_t count) {
  std::mt19937_64 random(first);
  std::vector<Event> events = events_from(first, count);
  for (Event& event : events) {
    for (std::uint64_t* field : {&event.time, &event.other, &event.fingerprint}) *field = random();
    event.address = random() >> 8;
    event.length = random() >> 8;
    for (std::uint32_t* field : {&event.flags, &event.thread, &event.site})
      *field = static_cast<std::uint32_t>(random());
  }
  return events;
}

model::RunId add_any_run(Database& database) {
  model::RunId id = 0;
  database.batch([&] {
    model::Session session;
    session.command = "python3";
    model::Run run;
    run.session = database.add_session(session);
    id = database.add_run(run);
  });
  return id;
}

}  // namespace jitcorral::store
