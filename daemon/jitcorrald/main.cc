// jitcorrald: records every process of a machine, or of a user, that runs under the shim.
#include <cstdio>

#include "arguments.h"
#include "serve/keeper.h"
#include "serve/service.h"

int main(int argc, char** argv) try {
  using namespace jitcorral;
  const Asked asked = parse(argc, argv);
  if (const auto* text = std::get_if<std::string>(&asked)) {
    std::fputs(text->c_str(), stdout);
    return std::fflush(stdout) == 0 ? 0 : 1;
  }
  if (const auto* hold = std::get_if<Hold>(&asked))
    return serve::hold(hold->path, serve::Descriptor(hold->ready));
  const auto again = [&] { return std::get<serve::Options>(parse(argc, argv)); };
  return serve::serve(std::get<serve::Options>(asked), again);
} catch (const jitcorral::UsageError& error) {
  std::fprintf(stderr, "jitcorrald: %s\n", error.what());
  return 2;
} catch (const std::exception& error) {
  std::fprintf(stderr, "jitcorrald: %s\n", error.what());
  return 1;
}
