// Where metrics are served.
#pragma once

#include <stdexcept>
#include <string>

namespace jitcorral::metrics {

// One line: the address, and why nothing can be served there.
class AddressError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws AddressError if listen_at() would not accept `where`, whatever is there now.
void check_address(const std::string& where);

// A listening socket at `where`: "unix:/PATH", "127.0.0.1:PORT" or "[::1]:PORT". Other addresses
// than loopback are refused: what is served is for this machine. A socket file that nobody listens
// at any more is replaced. Throws AddressError.
int listen_at(const std::string& where);

}  // namespace jitcorral::metrics
