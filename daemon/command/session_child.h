// The command as our child: started with what it would have had without us, told of the signals
// that we are told of, and waited for.
#pragma once

#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <string>
#include <vector>

namespace jitcorral::command {

struct ChildPlan {
  std::vector<std::string> command;
  std::vector<std::string> environment;  // NAME=VALUE, over what is inherited
  int input = -1, output = -1, errors = -1;
};

// Signals as they were when we began; the command gets them back.
class SignalState {
 public:
  // Blocks what we are to hear of by a descriptor, and takes SIGCHLD, SIGPIPE and SIGXFSZ into our
  // hands.
  SignalState();
  ~SignalState();  // as before, but for SIGXFSZ: reports are still to be written
  SignalState(const SignalState&) = delete;
  SignalState& operator=(const SignalState&) = delete;
  void restore() const;
  const sigset_t& heard() const { return heard_; }

 private:
  sigset_t before_{};
  sigset_t heard_{};
  struct sigaction child_before_ {};
  struct sigaction pipe_before_ {};
  struct sigaction file_size_before_ {};
};

// The limit of open descriptors, raised as far as it goes: a recorder holds some for each process
// that lives. The command gets back what we had.
class DescriptorLimit {
 public:
  DescriptorLimit();
  ~DescriptorLimit() { restore(); }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;
  void restore() const;

 private:
  struct rlimit before_ {};
};

// Where execvp would find the command; empty if nowhere.
std::string find_command(const std::string& name);

// Starts it. 0: it runs, as `pid`; else the errno of its exec, or of what came before: then `pid`
// is negative.
int start_child(const ChildPlan& plan, const SignalState& signals, const DescriptorLimit& limit,
                pid_t& pid);

// Becomes the command, where no child can be had. Returns only if it can't be started: its errno.
int become_command(const ChildPlan& plan, const SignalState& signals, const DescriptorLimit& limit);

// One signal that came: handed on unless the command got it too (a terminal's go to both).
void hand_on(int signal, bool from_terminal, pid_t child);

}  // namespace jitcorral::command
