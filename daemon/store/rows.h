// Between the model's values and the rows of each table.
#pragma once

#include <optional>
#include <vector>

#include "model/run.h"
#include "store/sqlite.h"

namespace jitcorral::store {

model::SessionId insert(Connection& connection, const model::Session& session);
void update(Connection& connection, const model::Session& session);
model::RunId insert(Connection& connection, const model::Run& run);
void update(Connection& connection, const model::Run& run);
void insert(Connection& connection, model::RunId run, const model::Site& site);
void insert(Connection& connection, model::RunId run, const model::Unseen& unseen);

std::vector<model::Session> load_sessions(Connection& connection);
std::optional<model::Session> load_session(Connection& connection, model::SessionId id);
std::optional<model::SessionId> latest_session(Connection& connection);
std::vector<model::Run> load_runs(Connection& connection, model::SessionId session);
std::optional<model::Run> load_run(Connection& connection, model::RunId id);
// Those that were not seen to end, in the order of their ids.
std::vector<model::Run> load_living(Connection& connection);
// Newest first.
std::vector<model::Run> load_runs_of_pid(Connection& connection, std::uint32_t pid);
// These count into record.run.torn what they leave out.
void load_sites(Connection& connection, model::Record& record);
void load_unseen(Connection& connection, model::Record& record);

}  // namespace jitcorral::store
