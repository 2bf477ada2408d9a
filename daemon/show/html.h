// The report as one HTML page that needs nothing but a browser: no network, no other file. Pure:
// from plain values to a string.
//
// What came from the watched process stands in the page as JSON alone, in a block that no browser
// runs, with every character that could end it escaped; the page's own script shows it as text.
// Its Content-Security-Policy allows this page's script and style, by a number used once, and
// nothing else.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "analyze/placements.h"
#include "show/show.h"

namespace jitcorral::show {

// A run with all that its picture is drawn from.
struct Detailed {
  Shown shown;
  std::vector<model::Site> sites;
  std::vector<Event> events;  // by ticket
  std::vector<model::Unseen> unseen;
  analyze::Placements placements;
};

struct PageOptions {
  std::string nonce;  // random; letters and digits
  model::WallTime made = 0;
  // Calls of all runs together that the page carries; of what is beyond, it says how many.
  std::size_t most_calls = 300'000;
};

// `runs`: all of the session, or what was asked for. `session`: null for a ring file.
std::string html(const model::Session* session, std::span<const Detailed> runs,
                 const PageOptions& options);

// The data of the page: JSON in ASCII, without <, > and &.
std::string page_data(const model::Session* session, std::span<const Detailed> runs,
                      const PageOptions& options);

}  // namespace jitcorral::show
