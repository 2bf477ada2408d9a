#include "inspect/program.h"

#include <gtest/gtest.h>

#include "inspect/beside.h"
#include "inspect_scratch.h"

namespace jitcorral::inspect {
namespace {

class ProgramTest : public testing::Test {
 protected:
  void SetUp() override { program_ = folder_.elf("bin/program", {.interpreter = kGlibc}); }

  int status(const std::vector<std::string>& command) {
    try {
      find_program(command, here_);
      return 0;
    } catch (const CannotStart& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      return error.status();
    }
  }
  std::string script(const std::string& text) { return folder_.file("bin/script", text, 0755); }

  Scratch folder_;
  Surroundings here_ = folder_.surroundings();
  std::string program_;
};

TEST_F(ProgramTest, PathIsSearchedForNamesWithoutASlash) {
  EXPECT_EQ(find_program({"program", "-x"}, here_).path, program_);
  EXPECT_EQ(find_program({"bin/program"}, here_).arguments.size(), 0U);
  EXPECT_EQ(status({"nobody"}), kNotFound);
  EXPECT_EQ(status({"./nobody"}), kNotFound);
}

TEST_F(ProgramTest, WhatCannotBeRunIsSaid) {
  EXPECT_EQ(status({folder_ / "bin"}), kCannotRun);
  EXPECT_EQ(status({folder_.file("plain", "#!/bin/sh\n")}), kCannotRun);
  EXPECT_EQ(status({folder_.file("empty", "", 0755)}), kCannotRun);
  EXPECT_EQ(status({folder_.file("garbage", std::string("\1\2\0\3", 4), 0755)}), kCannotRun);
}

TEST_F(ProgramTest, ScriptsAreFollowedAsTheKernelDoes) {
  const std::string path = script("#! " + program_ + "  -a b \nrest");
  const Program found = find_program({path, "c"}, here_);
  EXPECT_EQ(found.path, program_);
  EXPECT_EQ(found.arguments, (std::vector<std::string>{"-a b", path, "c"}));
  EXPECT_EQ(found.script, path);
  EXPECT_EQ(status({script("#!/no/such/interpreter\n")}), kNotFound);
  EXPECT_EQ(status({script("#!\n")}), kCannotRun);
  EXPECT_EQ(status({script("#!" + (folder_ / "bin/script"))}), kCannotRun);  // for itself
}

TEST_F(ProgramTest, EnvIsLookedThrough) {
  folder_.elf("bin/env", {.interpreter = kGlibc});
  for (const std::vector<std::string>& command : {std::vector<std::string>{"env", "program", "x"},
                                                  {"env", "A=b", "--", "program", "x"},
                                                  {"env", "-u", "HOME", "program", "x"},
                                                  {"env", "-S", "program x"}}) {
    const Program found = find_program(command, here_);
    EXPECT_EQ(found.path, program_);
    EXPECT_EQ(found.arguments, (std::vector<std::string>{"x"}));
    EXPECT_FALSE(found.loses_preload);
  }
  EXPECT_TRUE(find_program({"env", "-i", "program"}, here_).loses_preload);
  EXPECT_TRUE(find_program({"env", "-u", "LD_PRELOAD", "program"}, here_).loses_preload);
  EXPECT_EQ(find_program({"env"}, here_).name(), "env");
}

TEST_F(ProgramTest, APyenvShimLeadsToThePythonThatIsChosen) {
  const std::string root = folder_ / "pyenv";
  const std::string shim = folder_.file("bin/python3",
                                        "#!/usr/bin/env bash\nexport PYENV_ROOT=\"" + root +
                                            "\"\nexec \"" + root + "/libexec/pyenv\" exec $@\n",
                                        0755);
  const std::string python = folder_.elf("pyenv/versions/3.11.7/bin/python3", {});
  folder_.file("pyenv/version", "3.11.7\n");
  EXPECT_EQ(find_program({shim}, here_).path, python);
  here_.environment["PYENV_VERSION"] = "../../../bin";
  folder_.elf("bin/bash", {.interpreter = kGlibc});
  folder_.elf("bin/env", {.interpreter = kGlibc});
  if (std::filesystem::exists("/usr/bin/env")) {
    const Program bash = find_program({shim}, here_);
    EXPECT_EQ(bash.name(), "bash");
    EXPECT_TRUE(bash.is_shell);
  }
}

TEST(PythonImports, AreReadFromTheText) {
  EXPECT_EQ(python_imports("import os, numba.core as n\nfrom llvmlite import binding\n"),
            (std::vector<std::string>{"os", "numba", "llvmlite"}));
  EXPECT_EQ(python_imports("def f():\n    import jax; import tvm\n#import no\nimportant = 1\n"),
            (std::vector<std::string>{"jax", "tvm"}));
  EXPECT_TRUE(python_imports("").empty());
}

class PythonTest : public ProgramTest {
 protected:
  void SetUp() override {
    python_ = folder_.elf("usr/bin/python3.11", {.interpreter = kGlibc});
    library_ = folder_.elf("usr/lib/python3/dist-packages/llvmlite/binding/libllvmlite.so", {});
  }
  Beside beside(const std::vector<std::string>& arguments) {
    std::vector<std::string> command = {python_};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const Program program = find_program(command, here_);
    return look_beside(program, read_elf(File::open(program.path).value()), here_);
  }
  std::string python_, library_;
};

TEST_F(PythonTest, WhatIsInstalledMayBeLoaded) {
  const Beside found = beside({});
  ASSERT_EQ(found.libraries.size(), 1U);
  EXPECT_EQ(found.libraries[0].path, library_);
  EXPECT_EQ(found.libraries[0].certainty, Certainty::kBeside);
  EXPECT_FALSE(found.limits.empty());
}

TEST_F(PythonTest, WhatTheTextImportsIsAskedFor) {
  folder_.file("prog.py", "import sys\nfrom numba import njit\n");
  folder_.file("plain.py", "import sys\n");
  EXPECT_EQ(beside({"prog.py", "-c"}).libraries[0].certainty, Certainty::kAsked);
  EXPECT_EQ(beside({"-Wignore", "-X", "dev", "prog.py"}).libraries[0].certainty, Certainty::kAsked);
  EXPECT_EQ(beside({"-c", "import llvmlite.binding"}).libraries[0].certainty, Certainty::kAsked);
  EXPECT_EQ(beside({"-Esc", "import numba"}).libraries[0].certainty, Certainty::kAsked);
  EXPECT_EQ(beside({"-m", "numba.tests"}).libraries[0].certainty, Certainty::kAsked);
  EXPECT_EQ(beside({"plain.py", "numba"}).libraries[0].certainty, Certainty::kBeside);
}

TEST_F(PythonTest, AVirtualEnvironmentHasItsOwnPackages) {
  folder_.file("venv/pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = false\n");
  std::filesystem::create_directories(folder_ / "venv/bin");
  std::filesystem::create_symlink(python_, folder_ / "venv/bin/python3");
  python_ = folder_ / "venv/bin/python3";
  EXPECT_TRUE(beside({}).libraries.empty());
  const std::string own =
      folder_.elf("venv/lib/python3.11/site-packages/llvmlite/binding/libllvmlite.so", {});
  EXPECT_EQ(beside({}).libraries.at(0).path, own);
  folder_.file("venv/pyvenv.cfg", "include-system-site-packages = true\n");
  std::filesystem::remove(own);
  EXPECT_EQ(beside({}).libraries.at(0).path, library_);
}

TEST_F(PythonTest, AnImportThatIsNotFoundIsSaid) {
  const Beside found = beside({"-c", "import tvm"});
  EXPECT_NE(found.not_found.at(0).find("no tvm was found"), std::string::npos);
}

}  // namespace
}  // namespace jitcorral::inspect
