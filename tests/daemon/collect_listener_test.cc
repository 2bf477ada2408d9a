// The socket: who may speak there, what is heard, and what is refused without a trace.
#include "collect/listener.h"

#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <chrono>
#include <csignal>

#include "ring_scratch.h"

namespace jitcorral::ring_test {
namespace {

using collect::Listener;
using collect::Message;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

Descriptor connected(const std::string& path, int type = SOCK_SEQPACKET) {
  Descriptor s(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (connect(s.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
  return s;
}

bool send_on(const Descriptor& s, const void* bytes, std::size_t size,
             const std::vector<int>& fds) {
  iovec body = {const_cast<void*>(bytes), size};
  msghdr header = {};
  header.msg_iov = &body;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(253 * sizeof(int))] = {};
  if (!fds.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(c), fds.data(), fds.size() * sizeof(int));
  }
  return sendmsg(s.get(), &header, MSG_NOSIGNAL) == static_cast<ssize_t>(size);
}

Hello hello_of(Hello::Subject subject) {
  Hello hello;
  hello.size = sizeof hello;
  hello.subject = subject;
  return hello;
}

bool say(const Listener& listener, const Hello& hello, const std::vector<int>& fds = {}) {
  const Descriptor s = connected(listener.path());
  return s && send_on(s, &hello, sizeof hello, fds);
}

class CollectListener : public ::testing::Test {
 protected:
  Folder folder;
  Listener listener{folder.path(), false};
  Ring ring;

  // Heard and refused, of all that is queued.
  std::pair<int, std::uint64_t> outcome() {
    const std::uint64_t before = listener.refused();
    int heard = 0;
    while (listener.receive()) ++heard;
    return {heard, listener.refused() - before};
  }
};

TEST_F(CollectListener, HearsWhatTheShimSaysAndKnowsTheSenderFromTheKernel) {
  EXPECT_FALSE(listener.receive());
  Hello hello = hello_of(Hello::Subject::kBegin);
  hello.pid = 1;  // a lie
  std::strcpy(hello.executable, "/bin/x");
  ASSERT_TRUE(say(listener, hello));
  const auto message = listener.receive();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->pid, getpid());
  EXPECT_EQ(message->hello.pid, static_cast<std::uint32_t>(getpid()));
  EXPECT_EQ(message->uid, geteuid());
  EXPECT_STREQ(message->hello.executable, "/bin/x");
  EXPECT_FALSE(message->ring);
  EXPECT_TRUE(message->pidfd);
  EXPECT_FALSE(listener.receive());
  EXPECT_EQ(listener.refused(), 0U);
}

TEST_F(CollectListener, TakesARingThatCanBeRead) {
  ring.append(1, 0);
  ASSERT_TRUE(say(listener, hello_of(Hello::Subject::kRing), {ring.fd.get()}));
  const auto message = listener.receive();
  ASSERT_TRUE(message);
  ASSERT_TRUE(message->ring);
  EXPECT_NE(fcntl(message->ring.get(), F_GETFD) & FD_CLOEXEC, 0);
  RingReader reader(message->ring, true);
  EXPECT_EQ(reader.peek(false).size(), 1U);
}

TEST_F(CollectListener, KnowsASenderThatIsGone) {
  int child_pid = 0;
  const pid_t child = fork();
  if (child == 0) _exit(say(listener, hello_of(Hello::Subject::kEnd)) ? 0 : 1);
  child_pid = child;
  siginfo_t info = {};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  const auto message = listener.receive();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->pid, child_pid);
  ASSERT_TRUE(message->pidfd);
  pollfd entry = {message->pidfd.get(), POLLIN, 0};
  EXPECT_EQ(poll(&entry, 1, 0), 1);
  waitpid(child, nullptr, 0);
}

TEST_F(CollectListener, RefusesMessagesOfTheWrongForm) {
  const auto refused = [&](auto change, const std::vector<int>& fds = {}) {
    Hello hello = hello_of(Hello::Subject::kBegin);
    change(hello);
    EXPECT_TRUE(say(listener, hello, fds));
    return outcome() == std::pair<int, std::uint64_t>(0, 1);
  };
  EXPECT_TRUE(refused([](Hello& h) { h.magic ^= 1; }));
  EXPECT_TRUE(refused([](Hello& h) { h.major = 2; }));
  EXPECT_TRUE(refused([](Hello& h) { h.size -= 1; }));
  EXPECT_TRUE(refused([](Hello& h) { h.size = 0xffff; }));
  EXPECT_TRUE(refused([](Hello& h) { h.subject = Hello::Subject::kCount; }));
  EXPECT_TRUE(refused([](Hello& h) { h.subject = static_cast<Hello::Subject>(255); }));
  EXPECT_TRUE(refused([](Hello& h) { h.subject = Hello::Subject::kRing; }));  // without a ring
  EXPECT_TRUE(refused([](Hello&) {}, {ring.fd.get()}));                       // with one
}

TEST_F(CollectListener, RefusesMessagesOfTheWrongLength) {
  std::vector<char> bytes(3 * Hello::kMostSize);
  for (const std::size_t size : {std::size_t{1}, Hello::kFirstSize / 2, Hello::kFirstSize - 1,
                                 Hello::kMostSize + 1, bytes.size()}) {
    Hello hello = hello_of(Hello::Subject::kBegin);
    hello.size = static_cast<std::uint16_t>(size);
    std::memcpy(bytes.data(), &hello, sizeof hello);
    ASSERT_TRUE(send_on(connected(listener.path()), bytes.data(), size, {}));
    EXPECT_EQ(outcome(), (std::pair<int, std::uint64_t>(0, 1))) << size;
  }
}

TEST_F(CollectListener, RefusesAMessageThatGoesOnBehindAHello) {
  const Hello hello = hello_of(Hello::Subject::kBegin);
  std::vector<char> bytes(sizeof hello + 1024);
  std::memcpy(bytes.data(), &hello, sizeof hello);
  for (const std::size_t size : {sizeof hello + 1, bytes.size()}) {
    ASSERT_TRUE(send_on(connected(listener.path()), bytes.data(), size, {}));
    EXPECT_EQ(outcome(), (std::pair<int, std::uint64_t>(0, 1))) << size;
  }
}

TEST_F(CollectListener, RefusesTenThousandMessagesAndKeepsNoDescriptor) {
  const std::size_t before = open_descriptors();
  Hello bad = hello_of(Hello::Subject::kRing);
  bad.magic = 0;
  Hello begin = hello_of(Hello::Subject::kBegin);
  const int fd = ring.fd.get();
  constexpr int kMessages = kSanitized ? 2000 : 10'000;
  for (int i = 0; i < kMessages; ++i) {
    // A ring of the wrong magic, with any number of descriptors; a beginning that comes with some.
    const std::vector<int> fds(static_cast<std::size_t>(i % 8), fd);
    ASSERT_TRUE(say(listener, i % 2 == 0 ? bad : begin, fds));
    ASSERT_FALSE(listener.receive());
  }
  EXPECT_EQ(listener.refused(), static_cast<std::uint64_t>(kMessages));
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(CollectListener, OfManyDescriptorsKeepsOneAtMost) {
  const std::size_t before = open_descriptors();
  for (const std::size_t count : {1U, 2U, 3U, 4U, 5U, 6U, 64U, 253U}) {
    ASSERT_TRUE(
        say(listener, hello_of(Hello::Subject::kRing), std::vector<int>(count, ring.fd.get())));
    {
      const auto message = listener.receive();
      // Its ring and its pidfd.
      EXPECT_EQ(open_descriptors(), before + (message ? 2U : 0U)) << count;
      EXPECT_TRUE(count != 1 || message);
    }
    EXPECT_EQ(open_descriptors(), before) << count;
  }
}

TEST_F(CollectListener, HearsAThousandThatQueued) {
  constexpr std::uint64_t kMany = 1000;
  for (std::uint64_t i = 0; i < kMany; ++i) {
    Hello hello = hello_of(Hello::Subject::kBegin);
    hello.seed = i;
    ASSERT_TRUE(say(listener, hello)) << i;
  }
  for (std::uint64_t i = 0; i < kMany; ++i) {
    const auto message = listener.receive();
    ASSERT_TRUE(message);
    EXPECT_EQ(message->hello.seed, i);
  }
  EXPECT_FALSE(listener.receive());
}

TEST_F(CollectListener, WhoLeavesWithoutAWordHoldsNobodyUp) {
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(connected(listener.path()));
  ASSERT_TRUE(say(listener, hello_of(Hello::Subject::kBegin)));
  const auto begin = steady_clock::now();
  EXPECT_TRUE(listener.receive());
  EXPECT_LT(steady_clock::now() - begin, milliseconds(150));
  EXPECT_EQ(listener.refused(), 100U);
}

TEST_F(CollectListener, WhoKeepsSilentIsGivenUp) {
  const Descriptor silent = connected(listener.path());
  const auto begin = steady_clock::now();
  EXPECT_FALSE(listener.receive());
  EXPECT_LT(steady_clock::now() - begin, milliseconds(1000));
}

TEST_F(CollectListener, ManyWhoKeepSilentDoNotAddUp) {
  std::vector<Descriptor> silent;
  for (int i = 0; i < 8; ++i) silent.push_back(connected(listener.path()));
  ASSERT_TRUE(say(listener, hello_of(Hello::Subject::kBegin)));
  const auto begin = steady_clock::now();
  // Meanwhile no ring is read, and no end of a command is seen.
  while (!listener.receive() && steady_clock::now() - begin < std::chrono::seconds(5)) {
  }
  const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
  EXPECT_LT(took.count(), 1000);
}

TEST_F(CollectListener, WhoSpeaksLateIsHeardLate) {
  const Descriptor late = connected(listener.path());
  ASSERT_TRUE(say(listener, hello_of(Hello::Subject::kBegin)));
  EXPECT_TRUE(listener.receive());
  EXPECT_FALSE(listener.receive());
  const Hello hello = hello_of(Hello::Subject::kDoorbell);
  ASSERT_TRUE(send_on(late, &hello, sizeof hello, {}));
  const auto message = listener.receive();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->hello.subject, Hello::Subject::kDoorbell);
}

TEST_F(CollectListener, OfThousandsWhoKeepSilentFewAreKept) {
  std::vector<Descriptor> silent;
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 800; ++i) {
    silent.push_back(connected(listener.path()));
    ASSERT_TRUE(silent.back());
    ASSERT_FALSE(listener.receive());
  }
  EXPECT_LE(open_descriptors(), before + 800 + 100);
  ASSERT_TRUE(say(listener, hello_of(Hello::Subject::kBegin)));
  EXPECT_TRUE(listener.receive());
}

TEST_F(CollectListener, AnotherKindOfSocketCanNotConnect) {
  EXPECT_FALSE(connected(listener.path(), SOCK_STREAM));
  EXPECT_FALSE(connected(listener.path(), SOCK_DGRAM));
}

TEST_F(CollectListener, ASenderInAnotherPidNamespaceIsNotTakenForOurselves) {
  // Seen from a new namespace of processes, the one outside has no pid: 0, which elsewhere means
  // the recorder itself.
  int ready[2], go[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(go), 0);
  const pid_t outer = fork();
  if (outer == 0) {
    if (unshare(CLONE_NEWPID) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0) _exit(77);
    const int status = in_child([&] {
      char c = 0;
      if (write(ready[1], "r", 1) != 1 || read(go[0], &c, 1) != 1) return 78;
      const auto message = listener.receive();
      return !message ? 0 : message->pid > 0 ? 0 : 1;
    });
    _exit(status & 0xff);
  }
  close(ready[1]);
  char c = 0;
  if (read(ready[0], &c, 1) == 1) {
    const Descriptor s = connected(listener.path());
    const Hello hello = hello_of(Hello::Subject::kBegin);
    EXPECT_TRUE(send_on(s, &hello, sizeof hello, {}));
    EXPECT_EQ(write(go[1], "g", 1), 1);
  }
  int status = 0;
  waitpid(outer, &status, 0);
  close(ready[0]);
  close(go[0]);
  close(go[1]);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) GTEST_SKIP() << "no namespaces here";
  EXPECT_EQ(WEXITSTATUS(status), 0) << "a message with pid 0 was taken";
}

int as_nobody(const std::string& path) {
  return in_child([&] {
    if (setgid(65534) != 0 || setuid(65534) != 0) return 2;
    const Descriptor s = connected(path);
    const Hello hello = hello_of(Hello::Subject::kBegin);
    return s && send_on(s, &hello, sizeof hello, {}) ? 0 : 1;
  });
}

TEST(CollectListenerOfUsers, OthersMaySpeakOnlyWhereTheyAreMeantTo) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
  const Folder folder;
  ASSERT_EQ(chmod(folder.path().c_str(), 0755), 0);
  {
    Listener open(folder.path(), true);
    EXPECT_EQ(as_nobody(open.path()), 0);
    const auto message = open.receive();
    ASSERT_TRUE(message);
    EXPECT_EQ(message->uid, 65534U);
  }
  Listener closed(folder.path(), false);
  EXPECT_EQ(as_nobody(closed.path()), 1);
  // Where the folder's mode does not keep them out, the credentials do.
  ASSERT_EQ(chmod(std::filesystem::path(closed.path()).parent_path().c_str(), 0755), 0);
  ASSERT_EQ(chmod(closed.path().c_str(), 0777), 0);
  EXPECT_EQ(as_nobody(closed.path()), 0);
  EXPECT_FALSE(closed.receive());
  EXPECT_EQ(closed.refused(), 1U);
}

TEST(CollectListenerFolder, IsPrivateAndGoneAfterwards) {
  const Folder folder;
  {
    const Listener first(folder.path(), false), second(folder.path(), false);
    EXPECT_NE(first.path(), second.path());
    struct stat s = {};
    ASSERT_EQ(stat(std::filesystem::path(first.path()).parent_path().c_str(), &s), 0);
    EXPECT_EQ(s.st_mode & 07777, 0700U);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(CollectListenerFolder, MayAlreadyBeGone) {
  const Folder folder;
  {
    const Listener listener(folder.path(), false);
    std::filesystem::remove_all(std::filesystem::path(listener.path()).parent_path());
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(CollectListenerFolder, OfAnotherUserIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
  const Folder folder;
  const std::string his = folder / "his";
  ASSERT_TRUE(std::filesystem::create_directory(his));
  ASSERT_EQ(chown(his.c_str(), 65534, 65534), 0);
  const std::string line =
      refusal([&] { Listener listener(his + "/socket", std::filesystem::perms(0600)); });
  EXPECT_NE(line.find("another user (uid 65534)"), std::string::npos) << line;
  EXPECT_TRUE(std::filesystem::is_empty(his));
}

TEST(CollectListenerFolder, ThatIsMissingOrTooLongIsSaidInOneLine) {
  const Folder folder;
  const std::size_t before = open_descriptors();
  const std::string missing = refusal([&] { Listener listener(folder / "nowhere", false); });
  EXPECT_NE(missing.find(folder / "nowhere"), std::string::npos) << missing;
  EXPECT_NE(missing.find("No such file"), std::string::npos) << missing;
  const std::string longer = folder / std::string(100, 'x');
  ASSERT_TRUE(std::filesystem::create_directory(longer));
  const std::string line = refusal([&] { Listener listener(longer, false); });
  EXPECT_NE(line.find(longer), std::string::npos) << line;
  EXPECT_NE(line.find("longer than"), std::string::npos) << line;
  EXPECT_TRUE(std::filesystem::is_empty(longer));
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_NE(refusal([&] { Listener listener("/dev/null", false); }), "");
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace jitcorral::ring_test
