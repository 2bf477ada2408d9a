#include "analyze/pairs.h"

#include <algorithm>
#include <numeric>

namespace jitcorral::analyze {
namespace {

constexpr std::uint64_t unit_of(ReachKind kind) {
  return kind == ReachKind::kBranch26 ? 4 : kind == ReachKind::kAdrp ? 4096 : 1;
}

constexpr Bytes limit_of(ReachKind kind) {
  for (const Reach& r : kReaches)
    if (r.kind == kind) return r.limit;
  return {};
}

// A set of ranks that counts how many lie below one, and finds the n-th (a Fenwick tree).
class RankSet {
 public:
  explicit RankSet(std::size_t ranks) : tree_(ranks + 1, 0) {}
  void add(std::size_t rank, std::int32_t n) {
    size_ += n;
    for (std::size_t i = rank + 1; i < tree_.size(); i += i & (0 - i)) tree_[i] += n;
  }
  std::uint64_t below(std::size_t rank) const {
    std::int64_t n = 0;
    for (std::size_t i = rank; i > 0; i -= i & (0 - i)) n += tree_[i];
    return static_cast<std::uint64_t>(n);
  }
  std::uint64_t size() const { return static_cast<std::uint64_t>(size_); }
  // The rank with `n` others below it; `n` must be less than size().
  std::size_t nth(std::uint64_t n) const {
    std::size_t step = 1, at = 0;
    while (step * 2 < tree_.size()) step *= 2;
    for (; step > 0; step /= 2) {
      if (at + step >= tree_.size()) continue;
      const auto here = static_cast<std::uint64_t>(tree_[at + step]);
      if (here > n) continue;
      at += step;
      n -= here;
    }
    return at;
  }

 private:
  std::vector<std::int32_t> tree_;
  std::int64_t size_ = 0;
};

// The extents that are there now, of one class (code, or not).
struct Present {
  explicit Present(std::size_t n) : by_begin(n), by_end(n) {}
  RankSet by_begin, by_end;
};

class Counting {
 public:
  explicit Counting(const std::vector<const Extent*>& extents)
      : extents_(extents),
        begin_order_(extents.size()),
        begin_rank_(extents.size()),
        end_rank_(extents.size()),
        code_(extents.size()),
        data_(extents.size()) {
    std::vector<std::uint32_t> end_order(extents.size());
    rank(begin_order_, begin_rank_, begins_, [](const Extent& e) { return e.range.begin.value; });
    rank(end_order, end_rank_, ends_, [](const Extent& e) { return e.range.end.value; });
  }

  std::array<PairCount, std::size(kReported)> run() {
    struct Change {
      Step step;
      bool birth;  // at one step what goes, goes first
      std::uint32_t extent;
    };
    std::vector<Change> changes;
    changes.reserve(extents_.size() * 2);
    for (std::uint32_t i = 0; i < extents_.size(); ++i) {
      changes.push_back({extents_[i]->born, true, i});
      if (!extents_[i]->live()) changes.push_back({extents_[i]->died, false, i});
    }
    std::sort(changes.begin(), changes.end(), [](const Change& a, const Change& b) {
      if (a.step != b.step) return a.step < b.step;
      if (a.birth != b.birth) return !a.birth;
      return a.extent < b.extent;
    });
    for (const Change& c : changes) {
      if (c.birth) meet(c.extent);
      Present& present = extents_[c.extent]->ever_executable ? code_ : data_;
      present.by_begin.add(begin_rank_[c.extent], c.birth ? 1 : -1);
      present.by_end.add(end_rank_[c.extent], c.birth ? 1 : -1);
    }
    return counts_;
  }

 private:
  template <typename Key>
  void rank(std::vector<std::uint32_t>& order, std::vector<std::uint32_t>& ranks,
            std::vector<std::uint64_t>& keys, Key key) {
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
      return key(*extents_[a]) < key(*extents_[b]);
    });
    keys.reserve(order.size());
    for (std::uint32_t r = 0; r < order.size(); ++r) {
      ranks[order[r]] = r;
      keys.push_back(key(*extents_[order[r]]));
    }
  }

  // Counts the pairs of a new extent with those that are there.
  void meet(std::uint32_t index) {
    const Extent& extent = *extents_[index];
    for (std::size_t k = 0; k < std::size(kReported); ++k) {
      const bool both = kReported[k] == ReachKind::kBranch26;
      if (extent.ever_executable || !both) pair_with(k, extent, code_);
      if (extent.ever_executable && !both) pair_with(k, extent, data_);
    }
  }

  void pair_with(std::size_t k, const Extent& extent, const Present& present) {
    const std::uint64_t there = present.by_begin.size();
    if (there == 0) return;
    PairCount& count = counts_[k];
    count.pairs += there;
    count.over += beyond(kReported[k], extent, present);
    // None overlaps another, so the farthest are the first and the last.
    for (const std::uint64_t n : {std::uint64_t{0}, there - 1}) {
      const Extent& other = *extents_[begin_order_[present.by_begin.nth(n)]];
      const Bytes distance = displacement(kReported[k], extent.range, other.range);
      if (count.worst && !(*count.worst < distance)) continue;
      count.worst = distance;
      const bool from_new = extent.ever_executable;
      count.worst_pair =
          Pair{from_new ? extent.range : other.range, from_new ? other.range : extent.range,
               kind_of(from_new ? other : extent), extent.ticket};
    }
  }

  // How many of those that are there lie beyond the reach, above or below.
  std::uint64_t beyond(ReachKind kind, const Extent& extent, const Present& present) const {
    const std::uint64_t unit = unit_of(kind), limit = limit_of(kind).count;
    const std::uint64_t first = extent.range.begin.value / unit * unit;
    const std::uint64_t last = (extent.range.end.value - 1) / unit * unit;
    // Above: their last unit is more than `limit` behind our first one.
    const std::uint64_t end = (first + limit) / unit * unit + unit;  // last byte at or behind this
    const auto above =
        static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), end) - ends_.begin());
    std::uint64_t n = present.by_end.size() - present.by_end.below(above);
    if (last > limit) {  // below: our last unit is more than `limit` behind their first one
      const std::uint64_t begin = (last - limit + unit - 1) / unit * unit;
      n += present.by_begin.below(static_cast<std::size_t>(
          std::lower_bound(begins_.begin(), begins_.end(), begin) - begins_.begin()));
    }
    return n;
  }

  const std::vector<const Extent*>& extents_;
  std::vector<std::uint32_t> begin_order_, begin_rank_, end_rank_;
  std::vector<std::uint64_t> begins_, ends_;
  Present code_, data_;
  std::array<PairCount, std::size(kReported)> counts_;
};

}  // namespace

Bytes displacement(ReachKind kind, AddressRange a, AddressRange b) {
  const AddressRange all = hull(a, b);
  if (all.empty()) return {};
  const std::uint64_t unit = unit_of(kind);
  return {(all.end.value - 1) / unit * unit - all.begin.value / unit * unit};
}

Kind kind_of(const Extent& extent) {
  if (extent.ever_executable) return Kind::kCode;
  if (extent.ever_read_only) return Kind::kRodata;
  return extent.ever_accessible ? Kind::kRwdata : Kind::kUnknown;
}

std::array<PairCount, std::size(kReported)> count_pairs(const std::vector<const Extent*>& extents) {
  return Counting(extents).run();
}

}  // namespace jitcorral::analyze
