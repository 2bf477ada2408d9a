// The shim's globals, which lifecycle.cc defines in the library: the tests must not bring its
// constructor, which would read the test's environment.
#include "process.h"

namespace jitcorral {

constinit Policy settings;
constinit Process process;

}  // namespace jitcorral
