// Whether a command says the same with the shim as bare, although it may say something else each
// time: times, addresses, pids. Pure.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "command/trial.h"

namespace jitcorral::command {

// One stream of a command as it is bare, learned from bare runs alone.
class StreamBefore {
 public:
  void add(const Caught& bare);
  // Empty: nothing that is the same in all bare runs is another here. Else what, and where.
  std::string difference(const Caught& with) const;
  // What could not be compared, since bare runs differ there: "3 of 40 lines", "everything"; empty:
  // nothing.
  std::string not_compared() const;

 private:
  struct Line {
    std::string text;
    bool varies = false;
  };
  std::vector<Line> lines_;
  std::uint64_t bytes_ = 0, hash_ = 0;
  bool is_one_ = true;         // all runs were the same to the byte
  bool is_comparable_ = true;  // as many lines each time, and all of them were kept
  unsigned runs_ = 0;
};

// All of a command's behaviour that can be compared.
class Before {
 public:
  void add(const Trial& bare);
  // One line for each thing that is different.
  std::vector<std::string> differences(const Trial& with) const;
  // One line for each stream of which something could not be compared.
  std::vector<std::string> not_compared() const;

 private:
  StreamBefore output_, errors_;
  std::set<std::string> endings_;
};

// "status 0", "SIGSEGV", "no end within 60 s".
std::string ending_of(const Trial& trial);

}  // namespace jitcorral::command
