#include "inspect/engine_version.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace jitcorral::inspect {
namespace {

namespace fs = std::filesystem;

class EngineVersionTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "jitcorral-version-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string file(const std::string& name, const std::string& content = "") {
    const fs::path path = folder_ / name;
    std::ofstream(path, std::ios::binary) << content;
    return path.string();
  }

  fs::path folder_;
};

TEST_F(EngineVersionTest, ALibrarysNameSaysIt) {
  EXPECT_EQ(engine_version(Role::kLlvm, "/nowhere/libLLVM-14.so.1"), "14");
  EXPECT_EQ(engine_version(Role::kLlvm, "/nowhere/libLLVM-14.0.6.so.1"), "14.0.6");
  EXPECT_EQ(engine_version(Role::kLlvm, "/nowhere/libLLVM.so.19.1"), "19.1");
  EXPECT_EQ(engine_version(Role::kLlvm, "/nowhere/libLLVM.so.22.1-rust-1.95.0-stable"), "22.1");
  EXPECT_EQ(engine_version(Role::kJulia, "/nowhere/libjulia.so.1.5.3"), "1.5.3");
  EXPECT_EQ(engine_version(Role::kJulia, "/nowhere/libjulia-codegen.so.1.10.2"), "1.10.2");
}

TEST_F(EngineVersionTest, ALinkThatSaysLessIsFollowed) {
  const std::string real = file("libjulia.so.1.5.3");
  const std::string link = (folder_ / "libjulia.so.1").string();
  fs::create_symlink(real, link);
  EXPECT_EQ(engine_version(Role::kJulia, link), "1.5.3");
  EXPECT_EQ(engine_version(Role::kJulia, "/nowhere/libjulia.so.1"), "");
}

TEST_F(EngineVersionTest, CraneliftLeavesItsPathsInEveryHost) {
  EXPECT_EQ(engine_version(Role::kCranelift,
                           file("h", "y/cranelift-jit-x cranelift-jit-0.116.1/src/backend.rs")),
            "0.116.1");
  EXPECT_EQ(engine_version(Role::kCranelift, file("git", "cranelift/jit/src/backend.rs")), "");
}

TEST_F(EngineVersionTest, StaticLlvmSaysItInItsTexts) {
  EXPECT_EQ(engine_version(Role::kLlvm, file("libllvmlite.so", "LLVM IR LLVM15.0.7\n")), "15.0.7");
  EXPECT_EQ(engine_version(Role::kLlvm, file("a.so", "Debian LLVM version 14.0.6 ")), "14.0.6");
  EXPECT_EQ(engine_version(Role::kLlvm, file("b.so", "LLVM22.1.2-rust-1.95.0")), "22.1.2");
  EXPECT_EQ(engine_version(Role::kLlvm, file("c.so", "LLVM3 LLVM. LLVM14. LLVM")), "");
}

TEST_F(EngineVersionTest, TextsAreFoundAcrossChunks) {
  constexpr std::size_t kChunk = std::size_t{1} << 20;
  const std::string text = "cranelift-jit-0.127.3/src";
  for (std::size_t before = kChunk - text.size() - 1; before <= kChunk + 1; ++before)
    ASSERT_EQ(engine_version(Role::kCranelift, file("big", std::string(before, '.') + text +
                                                               std::string(kChunk, '-'))),
              "0.127.3")
        << before;
  EXPECT_EQ(engine_version(Role::kCranelift, file("end", std::string(kChunk, '.') + text)),
            "0.127.3");
}

TEST_F(EngineVersionTest, FilesThatCannotBeReadHaveNone) {
  EXPECT_EQ(engine_version(Role::kLlvm, ""), "");
  EXPECT_EQ(engine_version(Role::kLlvm, folder_.string()), "");
  EXPECT_EQ(engine_version(Role::kLlvm, "/nowhere/at/all.so"), "");
  EXPECT_EQ(engine_version(Role::kNone, file("none", "LLVM15.0.7")), "");
  const std::string fifo = (folder_ / "fifo").string();
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(engine_version(Role::kLlvm, fifo), "");
}

TEST_F(EngineVersionTest, AVersionWithoutEndIsCutOff) {
  EXPECT_LE(engine_version(Role::kLlvm, file("long", "LLVM1.2." + std::string(500, '3'))).size(),
            24U);
}

// Debian's own LLVM, without the help of its name.
TEST_F(EngineVersionTest, DebiansLlvmSaysWhatItIs) {
  const fs::path llvm = "/usr/lib/x86_64-linux-gnu/libLLVM-14.so.1";
  if (!fs::exists(llvm)) GTEST_SKIP() << "no libLLVM-14";
  const std::string copy = (folder_ / "hidden.so").string();
  std::error_code across;  // of file systems
  fs::create_hard_link(llvm, copy, across);
  if (across) fs::copy_file(llvm, copy);
  EXPECT_EQ(engine_version(Role::kLlvm, copy), "14.0.6");
}

}  // namespace
}  // namespace jitcorral::inspect
