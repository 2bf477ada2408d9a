// Shim and recorder of different releases: what an older or a newer shim says is understood as far
// as it goes.
#include <sys/socket.h>
#include <sys/un.h>

#include "collect/fill_in.h"
#include "collect/listener.h"
#include "ring_scratch.h"

namespace jitcorral::ring_test {
namespace {

using collect::Listener;

// As release 0.1.0 sent it, by offsets that no later release may move.
std::vector<unsigned char> first_hello(Hello::Subject subject) {
  std::vector<unsigned char> bytes(696);
  const auto put = [&](std::size_t at, auto value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
  };
  put(0, std::uint32_t{0x6f6c6c68});
  put(4, std::uint16_t{1});
  put(6, static_cast<std::uint16_t>(bytes.size()));
  put(8, subject);
  put(10, std::uint8_t{1});       // mode: observe
  put(12, std::uint8_t{2});       // aarch64, or what is second
  put(24, std::uint64_t{0xabc});  // identity
  put(40, std::uint64_t{77});     // time
  std::memcpy(bytes.data() + 200, "0.1.0", 6);
  std::memcpy(bytes.data() + 216, "/bin/old", 9);
  return bytes;
}

class CollectReleases : public ::testing::Test {
 protected:
  Folder folder;
  Listener listener{folder.path(), false};

  std::optional<collect::Message> heard(const std::vector<unsigned char>& bytes, int fd = -1) {
    const Descriptor s(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, listener.path().c_str(), listener.path().size() + 1);
    EXPECT_EQ(connect(s.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    iovec body = {const_cast<unsigned char*>(bytes.data()), bytes.size()};
    msghdr header = {};
    header.msg_iov = &body;
    header.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
    if (fd >= 0) {
      header.msg_control = control;
      header.msg_controllen = sizeof control;
      cmsghdr* c = CMSG_FIRSTHDR(&header);
      c->cmsg_level = SOL_SOCKET;
      c->cmsg_type = SCM_RIGHTS;
      c->cmsg_len = CMSG_LEN(sizeof fd);
      std::memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    EXPECT_EQ(sendmsg(s.get(), &header, MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    return listener.receive();
  }
};

TEST_F(CollectReleases, AnOlderShimsHelloIsWholeAndWhatItLacksIsEmpty) {
  const auto message = heard(first_hello(Hello::Subject::kBegin));
  ASSERT_TRUE(message);
  const Hello& hello = message->hello;
  EXPECT_EQ(hello.identity, 0xabcU);
  EXPECT_EQ(hello.time, 77U);
  EXPECT_EQ(hello.mode, Mode::kObserve);
  EXPECT_STREQ(hello.version, "0.1.0");
  EXPECT_STREQ(hello.executable, "/bin/old");
  EXPECT_STREQ(hello.label, "");
  EXPECT_STREQ(hello.slurm_job, "");
}

TEST_F(CollectReleases, ANewerShimsHelloIsReadAsFarAsItIsKnown) {
  Hello hello;
  std::strcpy(hello.label, "blue");
  std::strcpy(hello.slurm_job, "4711");
  for (const std::size_t size : {sizeof hello + 8, sizeof hello + 1024, Hello::kMostSize}) {
    std::vector<unsigned char> bytes(size, 0xff);
    hello.size = static_cast<std::uint16_t>(size);
    std::memcpy(bytes.data(), &hello, sizeof hello);
    const auto message = heard(bytes);
    ASSERT_TRUE(message) << size;
    EXPECT_STREQ(message->hello.label, "blue");
    EXPECT_STREQ(message->hello.slurm_job, "4711");
  }
}

TEST_F(CollectReleases, AHelloThatEndsInTheMiddleOfAFieldIsReadUpToThere) {
  std::vector<unsigned char> bytes = first_hello(Hello::Subject::kBegin);
  bytes.resize(Hello::kFirstSize + 4, 'x');
  const auto size = static_cast<std::uint16_t>(bytes.size());
  std::memcpy(bytes.data() + 6, &size, sizeof size);
  const auto message = heard(bytes);
  ASSERT_TRUE(message);
  EXPECT_STREQ(message->hello.label, "xxxx");
}

// A ring of release 0.1.0: minor version 0, zeros where the header has grown since, an old hello.
TEST_F(CollectReleases, AnOlderShimsRingIsReadAsBefore) {
  const Ring ring;
  ring.header().minor = 0;
  const std::vector<unsigned char> old = first_hello(Hello::Subject::kRing);
  // At the very end of the texts, where a hello of today would not fit.
  const auto at = static_cast<std::uint32_t>(ring::kTextsSize - old.size());
  std::memcpy(ring.texts() + at, old.data(), old.size());
  ring.header().hello_offset = at;
  for (std::uint64_t i = 0; i < 5; ++i) ring.append(1, i);
  const auto message = heard(old, ring.fd.get());
  ASSERT_TRUE(message && message->ring);
  RingReader reader(message->ring, true);
  EXPECT_EQ(reader.peek(true).size(), 5U);
  reader.release();
  EXPECT_EQ(reader.unfinished(), 0U);
  ASSERT_TRUE(reader.hello());
  EXPECT_STREQ(reader.hello()->executable, "/bin/old");
  EXPECT_STREQ(reader.hello()->label, "");
}

TEST_F(CollectReleases, ANewerShimsRingMayHaveALongerHeader) {
  const Ring ring;
  ring.header().minor = 99;
  std::memset(ring.bytes() + sizeof(ring::Header), 0xff, ring::kHeaderSize - sizeof(ring::Header));
  ring.append(1, 0);
  RingReader reader = ring.open();
  EXPECT_EQ(reader.peek(true).size(), 1U);
}

}  // namespace
}  // namespace jitcorral::ring_test
