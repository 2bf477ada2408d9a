// A report that can be sent to somebody: without what tells who ran it, and where.
//
// Home folders become ~, names of users and of the machine USER and HOST; arguments, labels and
// user ids go. What stays: addresses, pids, names of programs and libraries. Pure: what is to be
// left out is handed in, and learned from the paths themselves.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "show/html.h"
#include "show/show.h"

namespace jitcorral::show {

class Sharing {
 public:
  void add_home(std::string_view path);
  void add_user(std::string_view name);
  void add_host(std::string_view name);  // and what stands before its first dot

  // Learns the homes and users that a path names: /home/NAME and the like.
  void learn(std::string_view path);

  std::string text(std::string_view text) const;
  void apply(model::Session& session) const;
  void apply(Shown& shown) const;
  void apply(Detailed& run) const;

 private:
  std::vector<std::string> homes_, users_, hosts_;  // the longest first
};

// Learns from every path of them, then leaves out.
void share(Sharing& sharing, model::Session* session, std::vector<Shown>& runs,
           std::vector<Detailed>& detailed);

}  // namespace jitcorral::show
