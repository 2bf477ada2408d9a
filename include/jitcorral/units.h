// Strong types for addresses, byte counts and page counts: a page index that is mistaken for an
// address does not compile. All of it is constexpr, allocates nothing, and may run in a signal
// handler.
#pragma once

#include <compare>
#include <cstdint>

namespace jitcorral {

// A count of bytes; never negative.
struct Bytes {
  std::uint64_t count = 0;
  friend constexpr auto operator<=>(const Bytes&, const Bytes&) = default;
  friend constexpr Bytes operator+(Bytes a, Bytes b) { return {a.count + b.count}; }
  friend constexpr Bytes operator-(Bytes a, Bytes b) { return {a.count - b.count}; }
  friend constexpr Bytes operator/(Bytes a, std::uint64_t n) { return {a.count / n}; }
};

constexpr Bytes kib(std::uint64_t n) {
  return {n << 10};
}
constexpr Bytes mib(std::uint64_t n) {
  return {n << 20};
}
constexpr Bytes gib(std::uint64_t n) {
  return {n << 30};
}

// `alignment` must be a power of two in these four.
constexpr Bytes round_up(Bytes n, Bytes alignment) {
  return {(n.count + alignment.count - 1) & ~(alignment.count - 1)};
}
constexpr Bytes round_down(Bytes n, Bytes alignment) {
  return {n.count & ~(alignment.count - 1)};
}

// A virtual address of the process that jitcorral lives in, without any tag bits.
struct Address {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(const Address&, const Address&) = default;
  friend constexpr Address operator+(Address a, Bytes n) { return {a.value + n.count}; }
  friend constexpr Address operator-(Address a, Bytes n) { return {a.value - n.count}; }
  // Distance from `b` up to `a`; wraps when b > a, as unsigned arithmetic does.
  friend constexpr Bytes operator-(Address a, Address b) { return {a.value - b.value}; }
};

constexpr Address round_up(Address a, Bytes alignment) {
  return {round_up(Bytes{a.value}, alignment).count};
}
constexpr Address round_down(Address a, Bytes alignment) {
  return {round_down(Bytes{a.value}, alignment).count};
}
constexpr bool is_aligned(Address a, Bytes alignment) {
  return (a.value & (alignment.count - 1)) == 0;
}

// A count of pages of the kernel's page size, which is known only at run time (4, 16 or 64 KiB).
struct Pages {
  std::uint32_t count = 0;
  friend constexpr auto operator<=>(const Pages&, const Pages&) = default;
  friend constexpr Pages operator+(Pages a, Pages b) { return {a.count + b.count}; }
  friend constexpr Pages operator-(Pages a, Pages b) { return {a.count - b.count}; }
};

// The n-th page of the window.
struct PageIndex {
  std::uint32_t value = 0;
  friend constexpr auto operator<=>(const PageIndex&, const PageIndex&) = default;
  friend constexpr PageIndex operator+(PageIndex p, Pages n) { return {p.value + n.count}; }
  friend constexpr Pages operator-(PageIndex a, PageIndex b) { return {a.value - b.value}; }
};

// A run of pages of the window: [first, first + length).
struct PageRun {
  PageIndex first;
  Pages length;
  constexpr PageIndex end() const { return first + length; }
  constexpr bool empty() const { return length.count == 0; }
  friend constexpr bool operator==(const PageRun&, const PageRun&) = default;
};

// The kernel's page size as a shift, so that counting pages is never a division.
class PageSize {
 public:
  constexpr PageSize() = default;
  // `bytes` must be a power of two; AT_PAGESZ always is.
  static constexpr PageSize of(Bytes bytes) {
    PageSize size;
    while ((1ULL << size.shift_) < bytes.count) ++size.shift_;
    return size;
  }
  constexpr Bytes bytes() const { return {1ULL << shift_}; }
  constexpr Bytes bytes(Pages n) const { return {std::uint64_t{n.count} << shift_}; }
  // Pages needed to hold `n` bytes; `n` must be at most 2^31 pages.
  constexpr Pages covering(Bytes n) const {
    return {static_cast<std::uint32_t>((n.count + bytes().count - 1) >> shift_)};
  }
  constexpr unsigned shift() const { return shift_; }

 private:
  unsigned shift_ = 0;  // so that what holds one can be zero-initialised
};

}  // namespace jitcorral
