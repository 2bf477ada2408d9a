// What decides, outside of the files, which of them a program would load. Tests bring their own.
#pragma once

#include <map>
#include <string>

namespace jitcorral::inspect {

struct Surroundings {
  std::map<std::string, std::string> environment;
  std::string folder;  // where we are
  std::string cache = "/etc/ld.so.cache";
  std::string disable = "/etc/jitcorral/disable";
  std::string shim;  // libjitcorral.so; empty: not found

  std::string variable(const std::string& name) const {
    const auto at = environment.find(name);
    return at == environment.end() ? std::string() : at->second;
  }
};

}  // namespace jitcorral::inspect
