// What /proc says, of real children. They wait at pipes for what is asked of them.
#include "collect/proc.h"

#include <elf.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "collect_child.h"
#include "ring_scratch.h"

namespace jitcorral::ring_test {
namespace {

namespace proc = collect::proc;

std::optional<proc::Mapping> mapping_at(pid_t pid, std::uint64_t address) {
  const auto all = proc::mappings(pid);
  if (!all) return std::nullopt;
  for (const auto& m : *all)
    if (m.range.contains(Address{address})) return m;
  return std::nullopt;
}
Descriptor pidfd_of(pid_t pid) {
  return Descriptor(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

TEST(CollectProc, SeesMappingsAndWhichAreAnonymousCode) {
  const Child child([](int out) {
    tell(out, code_page());
    const int memfd = memfd_create("jit code", 0);
    if (ftruncate(memfd, 0x3000) != 0) _exit(1);
    tell(out, code_page(MAP_SHARED, memfd));
    tell(out, code_page(MAP_SHARED | MAP_ANONYMOUS));
    tell(out, reinterpret_cast<std::uint64_t>(
                  mmap(nullptr, 0x1000, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
    const int file = open("/proc/self/exe", O_RDONLY);
    tell(out, code_page(MAP_PRIVATE, file));
  });
  for (std::size_t i = 0; i < 3; ++i) {
    const auto m = mapping_at(child.pid(), child.said(i));
    ASSERT_TRUE(m);
    EXPECT_TRUE(proc::is_anonymous_code(*m)) << i << m->name;
    EXPECT_EQ(m->permissions[2], 'x');
    EXPECT_GE(m->range.size().count, 0x3000U);
  }
  EXPECT_EQ(mapping_at(child.pid(), child.said(1))->name, "/memfd:jit code (deleted)");
  for (std::size_t i = 3; i < 5; ++i) {
    const auto m = mapping_at(child.pid(), child.said(i));
    ASSERT_TRUE(m);
    EXPECT_FALSE(proc::is_anonymous_code(*m)) << m->name;
  }
  const auto all = proc::mappings(child.pid());
  for (const auto& m : all.value()) {
    EXPECT_LT(m.range.begin, m.range.end);
    EXPECT_EQ(m.permissions.size(), 4U);
  }
}

TEST(CollectProc, AnonymousCodeMayHaveANameOfItsOwn) {
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif
  const Child child([](int out) {
    for (const int flags : {MAP_PRIVATE | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS}) {
      const std::uint64_t page = code_page(flags);
      prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, page, 0x3000, "jit");
      tell(out, page);
    }
  });
  for (std::size_t i = 0; i < 2; ++i) {
    const auto m = mapping_at(child.pid(), child.said(i));
    ASSERT_TRUE(m);
    EXPECT_TRUE(proc::is_anonymous_code(*m)) << m->name;
  }
}

TEST(CollectProc, FindsTheChildrenOfAllThreads) {
  const Child child([](int out) {
    const auto start = [out] {
      const pid_t own = fork();
      if (own == 0) {
        pause();
        _exit(0);
      }
      tell(out, static_cast<std::uint64_t>(own));
    };
    start();
    // A thread that stays, as its child is its own.
    auto* thread = new std::thread([&] {
      start();
      tell(out, 0);
      pause();
    });
    thread->join();
  });
  auto children = proc::children(child.pid());
  std::vector<pid_t> expected = {static_cast<pid_t>(child.said(0)),
                                 static_cast<pid_t>(child.said(1))};
  std::sort(children.begin(), children.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(children, expected);
  for (const pid_t pid : expected) kill(pid, SIGKILL);
  kill(child.pid(), SIGKILL);
}

TEST(CollectProc, KnowsTheExecutable) {
  const Child child([](int) {});
  EXPECT_EQ(proc::executable(child.pid()),
            std::filesystem::read_symlink("/proc/self/exe").string());
}

TEST(CollectProc, OfAZombieSaysHowItEndedAndNothingElse) {
  Child ended([](int) {});
  const Descriptor pidfd = pidfd_of(ended.pid());
  ended.end();
  EXPECT_FALSE(proc::mappings(ended.pid()));
  EXPECT_TRUE(proc::children(ended.pid()).empty());
  EXPECT_EQ(proc::executable(ended.pid()), "");
  const auto exit = proc::exit_of(pidfd.get(), ended.pid());
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->code, 0);
  EXPECT_FALSE(exit->signal);
}

TEST(CollectProc, OfNobodySaysNothing) {
  Child gone([](int) {});
  gone.end();
  gone.reap();
  EXPECT_FALSE(proc::mappings(gone.pid()));
  EXPECT_TRUE(proc::children(gone.pid()).empty());
  EXPECT_EQ(proc::executable(gone.pid()), "");
  EXPECT_FALSE(proc::exit_of(-1, gone.pid()));
  EXPECT_EQ(proc::seccomp_filters(gone.pid()), 0U);
}

TEST(CollectProc, KnowsExitCodesAndSignals) {
  for (const int status : {0, 1, 42, 255}) {
    const pid_t pid = fork();
    if (pid == 0) _exit(status);
    siginfo_t info = {};
    ASSERT_EQ(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
    const Descriptor pidfd = pidfd_of(pid);
    const auto exit = proc::exit_of(pidfd.get(), pid);
    ASSERT_TRUE(exit);
    EXPECT_EQ(exit->code, status);
    EXPECT_FALSE(exit->signal);
    EXPECT_FALSE(proc::exit_of(-1, pid)) << "a pid alone may be somebody else's";
    waitpid(pid, nullptr, 0);
  }
  for (const int signal : {SIGKILL, SIGTERM, SIGUSR1}) {
    Child child([](int) {});
    const Descriptor pidfd = pidfd_of(child.pid());
    EXPECT_FALSE(proc::exit_of(pidfd.get(), child.pid()));
    EXPECT_FALSE(proc::exit_of(-1, child.pid()));
    child.end(signal);
    const auto exit = proc::exit_of(pidfd.get(), child.pid());
    ASSERT_TRUE(exit);
    EXPECT_EQ(exit->signal, signal);
    EXPECT_FALSE(exit->code);
  }
}

TEST(CollectProc, KnowsHowOneEndedThatWasReapedWhereTheKernelSays) {
  Child child([](int) {});
  const Descriptor pidfd = pidfd_of(child.pid());
  child.end(SIGTERM);
  child.reap();
  const auto exit = proc::exit_of(pidfd.get(), child.pid());
  if (!exit) GTEST_SKIP() << "Linux before 6.15";
  EXPECT_EQ(exit->signal, SIGTERM);
}

TEST(CollectProc, ANameWithParenthesesDoesNotConfuseTheStatus) {
  Child child([](int) { prctl(PR_SET_NAME, "a) Z 1 (b"); });
  const Descriptor pidfd = pidfd_of(child.pid());
  EXPECT_FALSE(proc::exit_of(pidfd.get(), child.pid()));
  child.end(SIGKILL);
  EXPECT_EQ(proc::exit_of(pidfd.get(), child.pid()).value().signal, SIGKILL);
}

// An ELF file with one segment of that type.
std::string elf_file(const Folder& folder, const char* name, bool wide, std::uint32_t segment) {
  std::string bytes(4096, '\0');
  if (wide) {
    Elf64_Ehdr header = {};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_type = ET_DYN;
    header.e_phoff = sizeof header;
    header.e_phnum = 1;
    header.e_phentsize = sizeof(Elf64_Phdr);
    Elf64_Phdr program = {};
    program.p_type = segment;
    std::memcpy(bytes.data(), &header, sizeof header);
    std::memcpy(bytes.data() + sizeof header, &program, sizeof program);
  } else {
    Elf32_Ehdr header = {};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS32;
    header.e_type = ET_EXEC;
    header.e_phoff = sizeof header;
    header.e_phnum = 1;
    header.e_phentsize = sizeof(Elf32_Phdr);
    Elf32_Phdr program = {};
    program.p_type = segment;
    std::memcpy(bytes.data(), &header, sizeof header);
    std::memcpy(bytes.data() + sizeof header, &program, sizeof program);
  }
  std::ofstream(folder / name, std::ios::binary) << bytes;
  return folder / name;
}

TEST(CollectProc, TellsAStaticExecutable) {
  const Folder folder;
  EXPECT_EQ(proc::why_not_loadable(elf_file(folder, "static", true, PT_LOAD)), "static executable");
  EXPECT_EQ(proc::why_not_loadable(elf_file(folder, "dynamic", true, PT_INTERP)), "");
  EXPECT_EQ(proc::why_not_loadable("/proc/self/exe"), "");
  EXPECT_EQ(proc::why_not_loadable(folder / "missing"), "");
  EXPECT_EQ(proc::why_not_loadable(folder.path()), "");
  std::ofstream(folder / "script") << "#!/bin/sh\n";
  EXPECT_EQ(proc::why_not_loadable(folder / "script"), "");
  ASSERT_EQ(mkfifo((folder / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(proc::why_not_loadable(folder / "fifo"), "");
}

TEST(CollectProc, DoesNotTakeADynamic32BitExecutableForAStaticOne) {
  const Folder folder;
  EXPECT_NE(proc::why_not_loadable(elf_file(folder, "dynamic32", false, PT_INTERP)),
            "static executable");
}

TEST(CollectProc, ParsesNoMappingOfARaceToDeath) {
  // Asked again and again while the process and its threads die.
  for (int i = 0; i < (kSanitized ? 10 : 60); ++i) {
    int said[2];
    ASSERT_EQ(pipe(said), 0);
    const pid_t pid = fork();
    if (pid == 0) {
      for (int k = 0; k < 8; ++k) std::thread([] { pause(); }).detach();
      if (write(said[1], "x", 1) != 1) _exit(1);
      pause();
    }
    char c = 0;
    ASSERT_EQ(read(said[0], &c, 1), 1);
    std::thread killer([&] {
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    });
    for (int k = 0; k < 30; ++k) {
      EXPECT_NO_THROW(proc::children(pid));
      EXPECT_NO_THROW(proc::mappings(pid));
      EXPECT_NO_THROW(proc::executable(pid));
      EXPECT_NO_THROW(proc::exit_of(-1, pid));
      EXPECT_NO_THROW(proc::why_not_loaded(pid, "/x.so"));
    }
    killer.join();
    close(said[0]);
    close(said[1]);
  }
}

}  // namespace
}  // namespace jitcorral::ring_test
