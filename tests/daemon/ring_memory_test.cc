// Where a ring's memory comes from.
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "ring_scratch.h"

namespace jitcorral::ring_test {
namespace {

std::string expanded(std::string_view pattern, std::size_t size = 512, std::uint64_t pid = 42,
                     std::string_view host = "host", std::string_view executable = "prog") {
  std::string out(size + 16, '#');
  if (!expand_pattern(pattern, pid, host, executable, out.data(), size)) {
    EXPECT_EQ(out.find_first_not_of('#', size), std::string::npos);
    return "(refused)";
  }
  EXPECT_EQ(out.substr(size), std::string(16, '#'));
  return out.c_str();
}

TEST(RingPattern, NamesProcessHostAndExecutable) {
  EXPECT_EQ(expanded("/tmp/%h-%e.%p.ring"), "/tmp/host-prog.42.ring");
  EXPECT_EQ(expanded("plain"), "plain");
  EXPECT_EQ(expanded("%p%p"), "4242");
  EXPECT_EQ(expanded("100%%"), "100%");
  EXPECT_EQ(expanded("%%p"), "%p");
  EXPECT_EQ(expanded("%p", 512, 0), "0");
  EXPECT_EQ(expanded("%p", 512, UINT64_MAX), "18446744073709551615");
  EXPECT_EQ(expanded("%p", 512, 1000), "1000");
}

TEST(RingPattern, NamesDoNotLeaveTheFolder) {
  EXPECT_EQ(expanded("/tmp/%h", 512, 1, "../../etc/passwd"), "/tmp/.._.._etc_passwd");
  EXPECT_EQ(expanded("/tmp/%e", 512, 1, "h", "a/b"), "/tmp/a_b");
  // What looks like a pattern in a name is none.
  EXPECT_EQ(expanded("%e", 512, 1, "h", "%p"), "%p");
}

TEST(RingPattern, RefusesWhatItDoesNotKnow) {
  for (const char* bad : {"%", "a%", "%x", "%P", "%%%", "% p", ""})
    EXPECT_EQ(expanded(bad), "(refused)") << bad;
}

TEST(RingPattern, RefusesWhatDoesNotFitAndWritesNotBeyond) {
  EXPECT_EQ(expanded("abc", 4), "abc") << "four bytes hold three letters and the 0";
  EXPECT_EQ(expanded("abcd", 4), "(refused)");
  EXPECT_EQ(expanded("%e", 4, 1, "h", std::string(1000, 'x')), "(refused)");
  EXPECT_EQ(expanded("%p", 3, 12345), "(refused)");
  EXPECT_EQ(expanded("a", 1), "(refused)");
}

TEST(RingMemory, IsSealedZeroedAllocatedAndNoLargerThanAMebibyte) {
  const RingMemory made = make_memory_ring();
  ASSERT_NE(made.memory, nullptr);
  const Descriptor fd(made.fd);
  struct stat s = {};
  ASSERT_EQ(fstat(made.fd, &s), 0);
  EXPECT_EQ(s.st_size, ring::kSize);
  EXPECT_GE(s.st_blocks * 512, ring::kSize);
  EXPECT_LE(s.st_blocks * 512, 1 << 20);
  const int seals = fcntl(made.fd, F_GET_SEALS);
  EXPECT_EQ(seals & (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
            F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  EXPECT_NE(ftruncate(made.fd, 0), 0);
  EXPECT_NE(fcntl(made.fd, F_GETFD) & FD_CLOEXEC, 0);
  const auto* bytes = static_cast<const unsigned char*>(made.memory);
  EXPECT_TRUE(std::all_of(bytes, bytes + ring::kSize, [](unsigned char b) { return b == 0; }));
  munmap(made.memory, ring::kSize);
}

TEST(RingMemory, IsNotMadeWhereItWouldPassTheLimitOfFiles) {
  const Folder folder;
  const int status = in_child([&] {
    struct rlimit limit = {ring::kSize - 1, ring::kSize - 1};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    const RingMemory made = make_memory_ring();
    if (made.memory != nullptr || made.reason != Hello::Cannot::kFileLimit) return 2;
    const RingMemory file = make_file_ring((folder / "f").c_str(), "x");
    if (file.memory != nullptr || file.reason != Hello::Cannot::kFileLimit) return 3;
    return access((folder / "f").c_str(), F_OK) == 0 ? 4 : 0;
  });
  EXPECT_EQ(status, 0);
}

TEST(RingMemory, SaysWhyWhenThereAreNoDescriptors) {
  const int status = in_child([] {
    struct rlimit limit = {3, 3};
    for (int fd = 3; fd < 1024; ++fd) close(fd);
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
    const RingMemory made = make_memory_ring();
    return made.memory == nullptr && made.reason == Hello::Cannot::kMemory && made.error == EMFILE
               ? 0
               : 2;
  });
  EXPECT_EQ(status, 0);
}

TEST(RingFile, IsNewPrivateAndNamedByItsPattern) {
  const Folder folder;
  const mode_t before = umask(0);
  const RingMemory made = make_file_ring((folder / "%e.%p").c_str(), "/usr/bin/prog");
  umask(before);
  if (made.reason == Hello::Cannot::kFileSystem)
    GTEST_SKIP() << "the temporary folder's file system";
  ASSERT_NE(made.memory, nullptr) << made.error;
  const Descriptor fd(made.fd);
  const std::string path = folder / ("prog." + std::to_string(getpid()));
  struct stat s = {};
  ASSERT_EQ(stat(path.c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 07777, 0600U);
  EXPECT_EQ(s.st_size, ring::kSize);
  munmap(made.memory, ring::kSize);
  // Nobody's file is written over.
  const RingMemory again = make_file_ring(path.c_str(), "");
  EXPECT_EQ(again.memory, nullptr);
  EXPECT_EQ(again.reason, Hello::Cannot::kFile);
  EXPECT_EQ(again.error, EEXIST);
  EXPECT_EQ(std::filesystem::file_size(path), ring::kSize);
}

TEST(RingFile, FollowsNoLinkAndLeavesNothingBehindWhenRefused) {
  const Folder folder;
  ASSERT_EQ(symlink((folder / "target").c_str(), (folder / "link").c_str()), 0);
  EXPECT_EQ(make_file_ring((folder / "link").c_str(), "").reason, Hello::Cannot::kFile);
  EXPECT_NE(access((folder / "target").c_str(), F_OK), 0);
  const RingMemory missing = make_file_ring((folder / "no/such").c_str(), "");
  EXPECT_EQ(missing.reason, Hello::Cannot::kFile);
  EXPECT_EQ(missing.error, ENOENT);
  EXPECT_EQ(make_file_ring((folder / std::string(600, 'x')).c_str(), "").error, ENAMETOOLONG);
  const std::size_t before = open_descriptors();
  EXPECT_EQ(make_file_ring("/proc/self/nothing", "").memory, nullptr);
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace jitcorral::ring_test
