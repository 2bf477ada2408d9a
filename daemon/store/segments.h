// A run's events, in rows of up to 64 KiB.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "model/run.h"
#include "store/encoding.h"
#include "store/sqlite.h"

namespace jitcorral::store {

void append(Connection& connection, SegmentEncoder& encoder, model::RunId run,
            std::span<const Event> events);
// Tickets from `first` on that are stored, in their order.
std::vector<std::uint64_t> tickets_since(Connection& connection, model::RunId run,
                                         std::uint64_t first);
// All events of a run that make sense, a segment at a time.
void each_segment(Connection& connection, model::RunId run,
                  const std::function<void(const std::vector<Event>&)>& take);
// By ticket; counts into record.run.torn what it leaves out.
void load_events(Connection& connection, model::Record& record);

}  // namespace jitcorral::store
