#include "say.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "jitcorral/glob.h"

namespace jitcorral {
namespace {

std::string said(const Line& line) {
  return std::string(line.text());
}
// What a line holds behind its beginning.
template <typename... T>
std::string body(T... values) {
  Line line("t");
  const std::size_t begin = line.text().size();
  (line << ... << values);
  return said(line).substr(begin);
}

TEST(SayLine, BeginsWithTagPidAndExecutable) {
  char path[PATH_MAX] = {};
  ASSERT_GT(readlink("/proc/self/exe", path, sizeof path - 1), 0);
  EXPECT_EQ(said(Line("exit")), "[jitcorral:exit] pid=" + std::to_string(getpid()) +
                                    " exe=" + std::string(basename_of(path)));
}

TEST(SayLine, NumbersAreDecimal) {
  EXPECT_EQ(body(0), "0");
  EXPECT_EQ(body(-1), "-1");
  EXPECT_EQ(body(INT_MAX), std::to_string(INT_MAX));
  EXPECT_EQ(body(INT_MIN), std::to_string(INT_MIN));
  EXPECT_EQ(body(std::uint64_t{0}), "0");
  EXPECT_EQ(body(UINT64_MAX), "18446744073709551615");
  EXPECT_EQ(body(Bytes{4096}), "4096");
}

TEST(SayLine, AddressesAreHexadecimal) {
  EXPECT_EQ(body(Address{0}), "0x0");
  EXPECT_EQ(body(Address{0xdeadbeef}), "0xdeadbeef");
  EXPECT_EQ(body(Address{UINT64_MAX}), "0xffffffffffffffff");
  EXPECT_EQ(body(AddressRange{{0x10}, {0x20}}), "0x10-0x20");
}

TEST(SayLine, ControlCharactersAreReplaced) {
  EXPECT_EQ(body("a\nb\rc\td\x1b[0m\x01z"), "a?b?c?d?[0m?z");
  EXPECT_EQ(body(std::string_view("a\0b", 3)), "a?b");
  EXPECT_EQ(body("caf\xc3\xa9"), "caf\xc3\xa9");
  EXPECT_EQ(body("~"), "~");
}

TEST(SayLine, DeleteIsAControlCharacterToo) {
  EXPECT_EQ(body("a\x7f"), "a?");
}

TEST(SayLine, IsCutAtAThousandCharacters) {
  Line line("t");
  const std::size_t begin = line.text().size();
  line << std::string(1000 - begin, 'x');
  EXPECT_EQ(line.text().size(), 1000U);
  line << "y" << 7 << Address{1} << AddressRange{{1}, {2}};
  EXPECT_EQ(line.text().size(), 1000U);
  EXPECT_EQ(line.text().back(), 'x');
  Line long_line("t");
  long_line << std::string(100000, 'z');
  EXPECT_EQ(long_line.text().size(), 1000U);
  Line long_tag(std::string(5000, 'T'));
  EXPECT_EQ(long_tag.text().size(), 1000U);
}

// What a forked child says of one write_line.
constexpr int kWrote = 10, kDidNot = 11, kErrnoLost = 12, kSignalLeft = 13;

// Runs `prepare` and then one write_line in a child whose descriptor 2 is `error`; `prepare` runs
// behind remember_stderr. A child that hangs is killed by its alarm.
template <typename Prepare>
int status_of_child(int error, Prepare prepare, std::size_t length = 5) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(10);
    if (error >= 0)
      dup2(error, 2);
    else
      close(2);
    say::remember_stderr();
    prepare();
    Line line("t");
    line << std::string(length, 'B');
    sigset_t before, after, pending;
    sigprocmask(SIG_SETMASK, nullptr, &before);
    errno = 123;
    const bool wrote = say::write_line(line);
    if (errno != 123) _exit(kErrnoLost);
    sigprocmask(SIG_SETMASK, nullptr, &after);
    sigpending(&pending);
    for (const int s : {SIGPIPE, SIGXFSZ, SIGTTOU})
      if (sigismember(&before, s) != sigismember(&after, s) || sigismember(&pending, s) != 0)
        _exit(kSignalLeft);
    _exit(wrote ? kWrote : kDidNot);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
int status_of_child(int error) {
  return status_of_child(error, [] {});
}

struct Pipe {
  Pipe() { EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0); }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_end(int i) {
    if (ends[i] >= 0) close(ends[i]);
    ends[i] = -1;
  }
  // All that is in it now.
  std::string drain() {
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    std::string all;
    char some[4096];
    for (ssize_t n; (n = read(ends[0], some, sizeof some)) > 0;)
      all.append(some, static_cast<std::size_t>(n));
    return all;
  }
  void fill() {
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    const std::string block(4096, 'f');
    while (write(ends[1], block.data(), block.size()) > 0) {
    }
    while (write(ends[1], "f", 1) > 0) {
    }
    fcntl(ends[1], F_SETFL, 0);
  }
  int ends[2] = {-1, -1};
};

struct TempFile {
  TempFile() : fd(mkstemp(path)) { EXPECT_GE(fd, 0); }
  ~TempFile() {
    close(fd);
    unlink(path);
  }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  std::string content() const {
    std::string all(4096, '\0');
    const ssize_t n = pread(fd, all.data(), all.size(), 0);
    all.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return all;
  }
  char path[32] = "/tmp/jitcorral-say-XXXXXX";
  int fd;
};

TEST(SayWrite, LineGoesToAPipeWholeWithOneNewline) {
  Pipe p;
  EXPECT_EQ(status_of_child(
                p.ends[1], [] {}, 5000),
            kWrote);
  const std::string text = p.drain();
  ASSERT_EQ(text.size(), 1001U);
  EXPECT_EQ(text.find('\n'), 1000U);
}

TEST(SayWrite, LineGoesToAFile) {
  const TempFile file;
  EXPECT_EQ(status_of_child(file.fd), kWrote);
  EXPECT_NE(file.content().find("BBBBB\n"), std::string::npos);
}

TEST(SayWrite, ClosedDescriptorGetsNothing) {
  EXPECT_EQ(status_of_child(-1), kDidNot);
}

TEST(SayWrite, DescriptorThatWasClosedAtTheStartAndOpenedLaterGetsNothing) {
  const TempFile database;
  const int fd = database.fd;
  EXPECT_EQ(status_of_child(-1, [fd] { dup2(fd, 2); }), kDidNot);
  EXPECT_EQ(database.content(), "");
}

TEST(SayWrite, AnotherFileBehindDescriptorTwoGetsNothing) {
  Pipe p;
  const TempFile database;
  const int fd = database.fd;
  EXPECT_EQ(status_of_child(p.ends[1], [fd] { dup2(fd, 2); }), kDidNot);
  EXPECT_EQ(database.content(), "");
  EXPECT_EQ(p.drain(), "");
  EXPECT_EQ(status_of_child(fd, [&] { dup2(p.ends[1], 2); }), kDidNot);
  EXPECT_EQ(p.drain(), "");
}

TEST(SayWrite, ClosedLaterGetsNothing) {
  Pipe p;
  EXPECT_EQ(status_of_child(p.ends[1], [] { close(2); }), kDidNot);
}

TEST(SayWrite, GoneReaderRaisesNoSignal) {
  Pipe p;
  p.close_end(0);
  EXPECT_EQ(status_of_child(p.ends[1]), kDidNot);
}

TEST(SayWrite, FullPipeDoesNotBlock) {
  Pipe p;
  p.fill();
  EXPECT_EQ(status_of_child(p.ends[1]), kDidNot);
  EXPECT_EQ(p.drain().find('B'), std::string::npos);
}

TEST(SayWrite, FullFileRaisesNoSignal) {
  const TempFile file;
  const auto no_room = [] {
    const rlimit none = {0, 0};
    setrlimit(RLIMIT_FSIZE, &none);
  };
  EXPECT_EQ(status_of_child(file.fd, no_room), kDidNot);
  EXPECT_EQ(file.content(), "");
}

TEST(SayWrite, ReadOnlyDescriptorIsNoError) {
  const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(status_of_child(fd), kDidNot);
  close(fd);
}

TEST(SayWrite, PendingSignalsOfTheHostAreKept) {
  Pipe p;
  p.close_end(0);
  const auto host_blocks = [] {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    raise(SIGPIPE);
  };
  EXPECT_EQ(status_of_child(p.ends[1], host_blocks), kSignalLeft) << "the host's own SIGPIPE";
}

TEST(SayWrite, SilenceWritesNothingUntilItEnds) {
  Pipe p;
  EXPECT_FALSE(say::is_silent());
  EXPECT_EQ(status_of_child(p.ends[1], [] { say::fall_silent(true); }), kDidNot);
  EXPECT_EQ(p.drain(), "");
  const auto and_back = [] {
    say::fall_silent(true);
    say::fall_silent(false);
  };
  EXPECT_EQ(status_of_child(p.ends[1], and_back), kWrote);
}

// A terminal whose reader stopped: POLLOUT there only says that one character has room.
TEST(SayWrite, TerminalWithLittleRoomDoesNotBlock) {
  int master = -1, slave = -1;
  termios raw = {};
  cfmakeraw(&raw);
  ASSERT_EQ(openpty(&master, &slave, nullptr, &raw, nullptr), 0);
  const auto non_blocking = [](int fd, bool yes) { fcntl(fd, F_SETFL, yes ? O_NONBLOCK : 0); };
  non_blocking(master, true);
  const auto writable = [slave] {
    pollfd entry = {slave, POLLOUT, 0};
    return poll(&entry, 1, 0) == 1 && (entry.revents & POLLOUT) != 0;
  };
  const std::string block(4096, 'f');
  char some[64];
  // Fills it, frees a little, and takes away ever more of the room that this made.
  for (std::size_t taken = 0; taken < block.size(); taken += 97) {
    non_blocking(slave, true);
    while (write(slave, block.data(), block.size()) > 0) {
    }
    while (!writable() && read(master, some, sizeof some) > 0) {
    }
    if (taken > 0 && write(slave, block.data(), taken) < 0) continue;
    non_blocking(slave, false);
    const int status = status_of_child(
        slave, [] {}, 5000);
    ASSERT_NE(status, -SIGALRM) << "write_line blocked; " << taken << " characters of room taken";
    ASSERT_TRUE(status == kWrote || status == kDidNot) << status;
  }
  close(slave);
  close(master);
}

}  // namespace
}  // namespace jitcorral
