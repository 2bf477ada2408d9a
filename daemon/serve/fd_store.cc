// systemd keeps the descriptors: the service's unit says how many (FileDescriptorStoreMax=).
#include <systemd/sd-daemon.h>

#include <cstdlib>
#include <map>

#include "serve/keeper.h"

namespace jitcorral::serve {
namespace {

class FdStore : public Keeper {
 public:
  explicit FdStore(std::vector<Kept> inherited) : inherited_(std::move(inherited)) {}

  void keep(const std::string& name, const std::vector<int>& descriptors) override {
    // FDPOLL=0: systemd would close a pidfd as soon as its process ends (systemd 246).
    const std::string state = "FDSTORE=1\nFDPOLL=0\nFDNAME=" + name;
    sd_pid_notify_with_fds(0, 0, state.c_str(), descriptors.data(),
                           static_cast<unsigned>(descriptors.size()));
  }
  void forget(const std::string& name) override {
    sd_notify(0, ("FDSTOREREMOVE=1\nFDNAME=" + name).c_str());
  }
  bool settle() override {
    // BARRIER=1: comes back when systemd has read all that was sent before.
    constexpr unsigned long kPatience = 5'000'000;  // microseconds
    return sd_notify_barrier(0, kPatience) > 0;
  }
  std::vector<Kept> restore() override { return std::move(inherited_); }
  const char* what() const override { return "systemd's file-descriptor store"; }

 private:
  std::vector<Kept> inherited_;
};

}  // namespace

std::unique_ptr<Keeper> make_fd_store(std::vector<Kept> inherited) {
  // FDSTORE: how many it takes, of a service manager that says so (systemd 254). An older one says
  // nothing, and takes what the unit allows; whether there is one at all, NOTIFY_SOCKET says.
  const char* most = std::getenv("FDSTORE");
  const bool none = most != nullptr && std::atoi(most) == 0;
  if (std::getenv("NOTIFY_SOCKET") == nullptr || none) return nullptr;
  return std::make_unique<FdStore>(std::move(inherited));
}

}  // namespace jitcorral::serve
