// What of a session outlives its command: descendants that go on are followed to their ends by a
// process of their own recorder, detached from everything that is the user's.
#pragma once

#include <vector>

#include "collect/collector.h"
#include "collect/listener.h"

namespace jitcorral::command {

// Starts the detached recorder, which inherits all that the collector knows, and the socket. After
// Collector::finish() and with everything stored. The runs that are its business now: nobody else
// may write their rows. None if it could not be started; it was said why.
//
// The database is closed before the fork and opened anew on both sides (SQLite must not be carried
// across one), so it may be gone from the collector afterwards, which was said too.
std::vector<model::RunId> hand_over(collect::Collector& collector, collect::Listener& listener);

}  // namespace jitcorral::command
