// Runs a fuzz target over a corpus without libFuzzer: each input as it is, and then as many changed
// ones as are asked for, the same each time. Arguments: folder of the corpus, number of these.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "input.h"

namespace {

using Bytes = std::vector<std::uint8_t>;
namespace fs = std::filesystem;

void run(const Bytes& input) {
  // In memory of its own, so that a sanitizer sees what is read beyond it.
  const Bytes exact(input);
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

Bytes changed(const std::vector<Bytes>& corpus, std::mt19937& random) {
  const auto below = [&](std::size_t n) { return n == 0 ? 0 : random() % n; };
  const auto at = [](Bytes& bytes, std::size_t i) {
    return bytes.begin() + static_cast<std::ptrdiff_t>(i);
  };
  constexpr std::uint64_t kEdges[] = {0,          1,          0x7f,       0x80,
                                      0xff,       0x7fff,     0xffff,     0x7fffffff,
                                      0xffffffff, 1ULL << 55, 1ULL << 56, UINT64_MAX};
  Bytes bytes = corpus[below(corpus.size())];
  for (std::size_t changes = 1 + below(8); changes > 0; --changes) {
    const std::size_t place = below(bytes.size());
    switch (below(6)) {
      case 0:
        if (!bytes.empty()) bytes[place] ^= static_cast<std::uint8_t>(1U << below(8));
        break;
      case 1:
        if (!bytes.empty()) bytes[place] = static_cast<std::uint8_t>(random());
        break;
      case 2: {
        const std::uint64_t edge = kEdges[below(std::size(kEdges))];
        const std::size_t width = std::min(std::size_t{1} << below(4), bytes.size() - place);
        if (width > 0) std::memcpy(bytes.data() + place, &edge, width);
        break;
      }
      case 3:
        bytes.erase(at(bytes, place), at(bytes, place + below(bytes.size() - place)));
        break;
      case 4: {
        const Bytes& other = corpus[below(corpus.size())];
        const std::size_t from = below(other.size());
        const auto begin = other.begin() + static_cast<std::ptrdiff_t>(from);
        const std::size_t count = std::min<std::size_t>(other.size() - from, 1 + below(256));
        bytes.insert(at(bytes, place), begin, begin + static_cast<std::ptrdiff_t>(count));
        break;
      }
      default:
        bytes.insert(at(bytes, place), static_cast<std::uint8_t>(random()));
    }
  }
  bytes.resize(std::min<std::size_t>(bytes.size(), 16384));
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s CORPUS NUMBER\n", argv[0]);
    return 2;
  }
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(argv[1])) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<Bytes> corpus;
  for (const fs::path& path : paths) {
    std::ifstream file(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    run(corpus.back());
  }
  if (corpus.empty()) {
    std::fprintf(stderr, "%s: no corpus\n", argv[1]);
    return 1;
  }
  std::mt19937 random(1);
  Bytes input;
  // What was under way is kept for who looks for the cause.
  const char* const keep = std::getenv("JITCORRAL_FUZZ_KEEP");
  for (long i = std::atol(argv[2]); i > 0; --i) {
    input = changed(corpus, random);
    if (keep != nullptr)
      std::ofstream(keep, std::ios::binary)
          .write(reinterpret_cast<const char*>(input.data()),
                 static_cast<std::streamsize>(input.size()));
    run(input);
  }
  std::printf("%zu inputs and %s changed ones\n", corpus.size(), argv[2]);
}
