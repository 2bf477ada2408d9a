// A run's events, in rows of up to 64 KiB.
#pragma once

#include <span>

#include "model/run.h"
#include "store/sqlite.h"

namespace jitcorral::store {

inline constexpr std::size_t kSegmentEvents = 1024;  // 64 KiB

void append(Connection& connection, model::RunId run, std::span<const Event> events);
// Tickets from `first` on that are stored, in their order.
std::vector<std::uint64_t> tickets_since(Connection& connection, model::RunId run,
                                         std::uint64_t first);
// By ticket; counts into record.run.torn what it leaves out.
void load_events(Connection& connection, model::Record& record);

}  // namespace jitcorral::store
