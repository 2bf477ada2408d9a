// Where the socket lies: at a path of its own choice, over what died there, or inherited.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <csignal>
#include <fstream>

#include "collect/listener.h"
#include "ring_scratch.h"

namespace jitcorral::ring_test {
namespace {

using collect::Listener;
using std::filesystem::perms;

constexpr perms kPrivate = perms{0600};
constexpr perms kOpen = perms{0666};

bool say_hello(const std::string& path) {
  const Descriptor s(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Hello hello;
  hello.size = sizeof hello;
  return connect(s.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
         send(s.get(), &hello, sizeof hello, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof hello);
}

mode_t mode_of(const std::string& path) {
  struct stat s = {};
  return lstat(path.c_str(), &s) == 0 ? s.st_mode & 07777 : 0;
}

// A recorder that was killed: its socket is there, and nobody behind it.
void leave_stale(const std::string& path) {
  ASSERT_EQ(in_child([&] {
              const Listener dies(path, kPrivate);
              raise(SIGKILL);
              return 0;
            }),
            1000 + SIGKILL);
  ASSERT_TRUE(std::filesystem::is_socket(path));
}

TEST(CollectListenerPlace, HearsAtThePathThatItWasGivenAndLeavesNoSocketThere) {
  const Folder folder;
  const std::string path = folder / "jitcorral/socket";
  {
    Listener listener(path, kPrivate);
    EXPECT_EQ(listener.path(), path);
    ASSERT_TRUE(say_hello(path));
    const auto message = listener.receive();
    ASSERT_TRUE(message);
    EXPECT_EQ(message->pid, getpid());
    EXPECT_EQ(message->uid, geteuid());
    EXPECT_EQ(message->gid, getegid());
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(CollectListenerPlace, HasTheModeThatWasAskedForWhateverTheUmask) {
  const Folder folder;
  const mode_t before = umask(0);
  const Listener closed(folder / "closed/socket", kPrivate);
  umask(0777);
  const std::string mine = folder / "mine";
  umask(before);
  std::filesystem::create_directory(mine);
  umask(0277);
  const Listener open(mine + "/socket", kOpen);
  umask(before);
  EXPECT_EQ(mode_of(closed.path()), 0600U);
  EXPECT_EQ(mode_of(folder / "closed"), 0700U);
  EXPECT_EQ(mode_of(open.path()), 0666U);
}

TEST(CollectListenerPlace, TakesOverFromARecorderThatDied) {
  const Folder folder;
  const std::string path = folder / "socket";
  leave_stale(path);
  EXPECT_FALSE(say_hello(path));
  Listener listener(path, kPrivate);
  ASSERT_TRUE(say_hello(path));
  EXPECT_TRUE(listener.receive());
}

TEST(CollectListenerPlace, LeavesARecorderThatLivesAlone) {
  const Folder folder;
  const std::string path = folder / "socket";
  Listener first(path, kPrivate);
  const std::string line = refusal([&] { Listener second(path, kPrivate); });
  EXPECT_NE(line.find(path + ": another recorder listens there"), std::string::npos) << line;
  ASSERT_TRUE(say_hello(path));
  EXPECT_TRUE(first.receive());
}

TEST(CollectListenerPlace, OfManyThatStartAtOnceOneListens) {
  const Folder folder;
  const std::string path = folder / "socket";
  leave_stale(path);
  int go[2], done[2];
  ASSERT_EQ(pipe(go), 0);
  ASSERT_EQ(pipe(done), 0);
  std::vector<pid_t> children;
  for (int i = 0; i < 12; ++i) {
    children.push_back(fork());
    if (children.back() != 0) continue;
    close(go[1]);
    char c = 0;
    if (read(go[0], &c, 1) != 0) _exit(9);
    char said = 'n';
    {
      std::optional<Listener> listener;
      refusal([&] { listener.emplace(path, kPrivate); });
      said = listener ? 'y' : 'n';
      if (write(done[1], &said, 1) != 1) _exit(9);
      if (listener) pause();  // until it is killed
    }
    _exit(0);
  }
  close(go[0]);
  close(go[1]);  // they start
  int listening = 0;
  for (std::size_t i = 0; i < children.size(); ++i) {
    char c = 0;
    ASSERT_EQ(read(done[0], &c, 1), 1);
    listening += c == 'y' ? 1 : 0;
  }
  EXPECT_EQ(listening, 1);
  EXPECT_TRUE(say_hello(path));
  for (const pid_t child : children) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  close(done[0]);
  close(done[1]);
}

TEST(CollectListenerPlace, WhatIsNoSocketStays) {
  const Folder folder;
  const std::string path = folder / "socket";
  std::ofstream(path) << "mine";
  const std::string line = refusal([&] { Listener listener(path, kPrivate); });
  EXPECT_NE(line.find("no socket"), std::string::npos) << line;
  EXPECT_EQ(std::filesystem::file_size(path), 4U);
  const std::string link = folder / "link";
  std::filesystem::create_symlink(path, link);
  EXPECT_NE(refusal([&] { Listener listener(link, kPrivate); }), "");
  EXPECT_TRUE(std::filesystem::is_symlink(link));
}

TEST(CollectListenerPlace, DoesNotRemoveWhatIsAnothersByNow) {
  const Folder folder;
  const std::string path = folder / "socket";
  {
    const Listener first(path, kPrivate);
    std::filesystem::remove(path);
    std::ofstream(path) << "another's";
  }
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(CollectListenerPlace, MissingFoldersAndLongNamesAreSaidInOneLine) {
  const Folder folder;
  const std::size_t before = open_descriptors();
  for (const std::string& path : {folder / "a/b/socket", folder / std::string(120, 'x')}) {
    const std::string line = refusal([&] { Listener listener(path, kPrivate); });
    EXPECT_NE(line.find(folder.path()), std::string::npos) << line;
    EXPECT_EQ(line.find('\n'), std::string::npos) << line;
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_EQ(open_descriptors(), before);
}

TEST(CollectListenerPlace, ListensOnASocketThatWasInherited) {
  const Folder folder;
  const std::string path = folder / "socket";
  std::optional<Listener> maker(std::in_place, path, kPrivate);
  Listener heir(Descriptor(dup(maker->fd())), false);
  EXPECT_EQ(heir.path(), path);
  ASSERT_TRUE(say_hello(path));
  EXPECT_TRUE(heir.receive());
  EXPECT_FALSE(heir.receive());  // without waiting
  { const Listener passes(Descriptor(dup(maker->fd())), false); }
  EXPECT_TRUE(std::filesystem::exists(path)) << "the file is its maker's";
}

TEST(CollectListenerPlace, WhatIsNoListeningSocketIsRefused) {
  const std::size_t before = open_descriptors();
  const auto refused = [](int fd) {
    return refusal([&] { const Listener listener(Descriptor(fd), false); });
  };
  EXPECT_NE(refused(socket(AF_UNIX, SOCK_SEQPACKET, 0)).find("not a listening"), std::string::npos);
  EXPECT_NE(refused(socket(AF_UNIX, SOCK_STREAM, 0)).find("not a listening"), std::string::npos);
  EXPECT_NE(refused(open("/dev/null", O_RDONLY)), "");
  EXPECT_NE(refused(-1), "");
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace jitcorral::ring_test
