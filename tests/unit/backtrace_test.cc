// Our unwinder against libunwind, and what it promises about `from`, capacity and errno.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <cerrno>
#include <thread>
#include <vector>

struct SubjectAnswer {
  const void* ours[8];
  std::size_t our_count;
  const void* theirs[8];
  std::size_t their_count;
};
extern "C" void subject_both(int depth, SubjectAnswer* answer);
extern "C" std::size_t subject_unwind(const void* from, const void** out, std::size_t capacity);

namespace {

void expect_agreement(int depth) {
  SCOPED_TRACE(depth);
  SubjectAnswer answer = {};
  subject_both(depth, &answer);
  EXPECT_GE(answer.our_count, static_cast<std::size_t>(depth < 7 ? depth + 1 : 8));
  for (std::size_t i = 0; i < answer.our_count; ++i)
    EXPECT_NE(answer.ours[i], nullptr) << "frame " << i << " is no return address";
  ASSERT_EQ(answer.our_count, answer.their_count);
  for (std::size_t i = 0; i < answer.our_count; ++i)
    EXPECT_EQ(answer.ours[i], answer.theirs[i]) << "frame " << i;
}

TEST(Backtrace, AgreesWithLibunwindAtEveryDepth) {
  for (int depth = 1; depth <= 6; ++depth) expect_agreement(depth);
}

TEST(Backtrace, AgreesWhereTheStackIsDeeperThanItsCapacity) {
  expect_agreement(100);
}

TEST(Backtrace, AgreesInAThreadWhoseStackEndsEarly) {
  std::thread([] {
    for (int depth = 1; depth <= 3; ++depth) expect_agreement(depth);
  }).join();
}

void on_signal(int) {
  expect_agreement(1);
}

TEST(Backtrace, AgreesAcrossASignalFrame) {
  struct sigaction action = {}, old = {};
  action.sa_handler = on_signal;
  sigaction(SIGUSR1, &action, &old);
  raise(SIGUSR1);
  sigaction(SIGUSR1, &old, nullptr);
}

int compare(const void*, const void*) {
  expect_agreement(2);
  return 0;
}

TEST(Backtrace, AgreesThroughFramesOfTheCLibrary) {
  int pair[2] = {1, 2};
  qsort(pair, 2, sizeof pair[0], compare);
}

TEST(Backtrace, BeginsWithFrom) {
  const void* out[8] = {};
  const std::size_t count = subject_unwind(nullptr, out, 8);
  ASSERT_GE(count, 2U);
  Dl_info here = {}, there = {};
  ASSERT_NE(dladdr(out[0], &here), 0);
  ASSERT_NE(dladdr(reinterpret_cast<void*>(&on_signal), &there), 0);
  EXPECT_EQ(here.dli_fbase, there.dli_fbase) << "the first return address lies in this test";
}

TEST(Backtrace, FromThatIsNotOnTheStackGivesNothing) {
  const void* out[8] = {};
  int on_stack = 0;
  for (const void* from : {static_cast<const void*>(&on_stack), reinterpret_cast<const void*>(1),
                           reinterpret_cast<const void*>(&getenv)}) {
    EXPECT_EQ(subject_unwind(from, out, 8), 0U);
    for (const void* p : out) EXPECT_EQ(p, nullptr);
  }
}

TEST(Backtrace, FillsNoMoreThanItsCapacity) {
  for (std::size_t capacity = 1; capacity <= 6; ++capacity) {
    const void* out[64] = {};
    EXPECT_LE(subject_unwind(nullptr, out, capacity), capacity);
    EXPECT_EQ(out[capacity], nullptr) << capacity;
  }
}

TEST(Backtrace, NoCapacityFillsNothing) {
  const void* out[64] = {};
  EXPECT_EQ(subject_unwind(nullptr, out, 0), 0U);
  EXPECT_EQ(out[0], nullptr);
}

TEST(Backtrace, KeepsErrno) {
  const void* out[8] = {};
  for (const void* from : {static_cast<const void*>(nullptr), reinterpret_cast<const void*>(1)}) {
    errno = 123;
    subject_unwind(from, out, 8);
    EXPECT_EQ(errno, 123);
  }
}

TEST(Backtrace, ThreadsUnwindAtOnce) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([] {
      for (int i = 0; i < 200; ++i) expect_agreement(1 + i % 6);
    });
  for (std::thread& t : threads) t.join();
}

}  // namespace
