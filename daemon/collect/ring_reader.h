// The reader's side of a ring (jitcorral/ring.h). What lies in it was written by another process,
// which may be hostile: everything is copied once and then checked.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "jitcorral/hello.h"
#include "jitcorral/ring.h"
#include "model/run.h"

namespace jitcorral::collect {

// An open descriptor, closed at the end.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release();

 private:
  int fd_ = -1;
};

class RingReader {
 public:
  // Throws std::runtime_error with one line when it is no ring, or not one of this version.
  // `sealed`: a ring that came by a message, which its writer must not be able to cut off under us.
  RingReader(const Descriptor& ring, bool sealed);
  RingReader(RingReader&& other) noexcept;
  RingReader& operator=(RingReader&&) = delete;
  ~RingReader();

  // Copies the committed events that release() was not told of yet, by ticket, and leaves them
  // where they are: a reader that is killed before it has stored them loses none. `thorough`: looks
  // at every slot, for events that were committed late.
  std::vector<Event> peek(bool thorough);
  // What peek() returned is kept elsewhere: its slots are free again.
  void release();

  // The books of an earlier reader of this ring, which has stored `stored` events and left out
  // `senseless`; before the first peek().
  void resume(std::uint64_t stored, std::uint64_t senseless);
  // Of an earlier reader that died before it could free them: these tickets (in their order) are
  // stored, so their slots are free again. Part of what resume() counted.
  void release_stored(std::span<const std::uint64_t> tickets);
  // The least ticket that lies in a slot; none if all are free.
  std::optional<std::uint64_t> oldest() const;
  // Gives back what reading took of our memory; nothing of the ring itself.
  void rest();
  // How much that is, at most: bytes of the ring that were looked at since.
  std::size_t looked_at() const { return looked_at_; }

  // Whether tickets were given out since the last peek().
  bool has_news() const { return taken() != position_; }

  // The site of that id; none if it is not (yet) written or makes no sense.
  std::optional<model::Site> site(std::uint32_t id) const;
  std::optional<Hello> hello() const;
  std::optional<model::WindowInfo> window() const;
  model::Counters counters() const;
  std::uint64_t taken() const;
  std::uint64_t dropped() const;
  std::uint64_t texts_lost() const;
  // Events that were released and made no sense.
  std::uint64_t implausible() const { return implausible_; }
  // Events whose writer has not finished them; once the process is dead: never will.
  std::uint64_t unfinished() const;
  std::uint32_t page_size() const;  // 0: unknown
  bool ended_by_exit() const;
  bool is_filtered() const;
  // Tickets below were copied from an earlier ring of the same process, whose reader seemed dead:
  // a recorder that has that one too may have some of these events from there.
  std::uint64_t first_ticket() const;
  // Placements that were made before the record began, and are not in it.
  std::uint64_t late() const;
  // The process has gone on to another ring: once this one is empty, nothing more will come.
  bool is_left() const;
  // Tells the writers that the ring will outlive its reader.
  void acknowledge();
  // Tells them that the reader lives, although it takes nothing just now.
  void beat();

  // Asks to be woken by a doorbell after `more` further events; 0: none wanted.
  void wait_for(std::uint64_t more);

 private:
  ring::Header& header() const { return *reinterpret_cast<ring::Header*>(memory_); }
  std::optional<std::string> text(std::uint32_t offset) const;

  unsigned char* memory_ = nullptr;
  std::uint64_t position_ = 0;  // tickets below were looked at
  std::uint64_t released_ = 0;  // events
  std::uint64_t implausible_ = 0;
  std::size_t looked_at_ = 0;
  std::vector<std::uint32_t> peeked_;                         // slots
  std::vector<bool> held_ = std::vector<bool>(ring::kSlots);  // the same, by slot
};

}  // namespace jitcorral::collect
