// What is put into the database comes back, every field of it.
#include <gtest/gtest.h>

#include <cstring>

#include "store_scratch.h"

namespace jitcorral::store {
namespace {

constexpr std::uint64_t kHigh = 0xffff'ffff'ff60'0123;  // above 2^63

model::Session full_session() {
  model::Session session;
  session.started = 1'700'000'000'123'456'789;
  session.ended = 1'700'000'001'000'000'001;
  session.command = "[\"python3\",\"-c\",\"print('x')\"]";
  session.host = "höst";
  session.version = "0.2.0";
  session.status = 139;
  return session;
}

model::Run full_run(model::SessionId session) {
  model::Run run;
  run.session = session;
  run.pid = 4'000'000'000;
  run.state = model::RunState::kEnded;
  run.reason = "why";
  run.executable = std::string("/usr/bin/a\0b\xff", 13);
  run.isa = Isa::kAarch64;
  run.page_size = 65536;
  run.mode = Mode::kScatter;
  run.near = Near::kAddress;
  run.version = "0.1.9";
  run.started = -5;
  run.ended = 7;
  run.exit_code = 3;
  run.signal = 11;
  run.fork_time = kHigh + 1;
  run.window = model::WindowInfo{
      {Address{kHigh}, Address{kHigh + 4096}}, {Address{0x5000}, Address{0x6000}}, true};
  run.counters.emplace();
  for (std::size_t i = 0; i < run.counters->size(); ++i) (*run.counters)[i] = UINT64_MAX - i;
  run.has_ring = true;
  run.recorded = kHigh + 2;
  run.position = kHigh + 3;
  run.dropped = kHigh + 4;
  run.torn = kHigh + 5;
  run.texts_lost = kHigh + 6;
  run.filter_arrived = true;
  run.samples = 4'294'967'295;
  run.verdict = "at-risk";
  run.uid = 4'294'967'294;
  run.identity = kHigh + 7;
  run.boot = "1c2d";
  run.start_ticks = kHigh + 8;
  run.unit = "nginx.service";
  run.container = "0123abcd";
  run.slurm_job = "77_1";
  run.label = "canary";
  run.placed_before = kHigh + 9;
  return run;
}

void expect_same(const model::Session& a, const model::Session& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.started, b.started);
  EXPECT_EQ(a.ended, b.ended);
  EXPECT_EQ(a.command, b.command);
  EXPECT_EQ(a.host, b.host);
  EXPECT_EQ(a.version, b.version);
  EXPECT_EQ(a.status, b.status);
}

void expect_same(const model::Run& a, const model::Run& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.session, b.session);
  EXPECT_EQ(a.parent, b.parent);
  EXPECT_EQ(a.pid, b.pid);
  EXPECT_EQ(a.state, b.state);
  EXPECT_EQ(a.reason, b.reason);
  EXPECT_EQ(a.executable, b.executable);
  EXPECT_EQ(a.isa, b.isa);
  EXPECT_EQ(a.page_size, b.page_size);
  EXPECT_EQ(a.mode, b.mode);
  EXPECT_EQ(a.near, b.near);
  EXPECT_EQ(a.version, b.version);
  EXPECT_EQ(a.uid, b.uid);
  EXPECT_EQ(a.identity, b.identity);
  EXPECT_EQ(a.boot, b.boot);
  EXPECT_EQ(a.start_ticks, b.start_ticks);
  EXPECT_EQ(a.unit, b.unit);
  EXPECT_EQ(a.container, b.container);
  EXPECT_EQ(a.slurm_job, b.slurm_job);
  EXPECT_EQ(a.label, b.label);
  EXPECT_EQ(a.placed_before, b.placed_before);
  EXPECT_EQ(a.started, b.started);
  EXPECT_EQ(a.ended, b.ended);
  EXPECT_EQ(a.exit_code, b.exit_code);
  EXPECT_EQ(a.signal, b.signal);
  EXPECT_EQ(a.fork_time, b.fork_time);
  ASSERT_EQ(a.window.has_value(), b.window.has_value());
  if (a.window) {
    EXPECT_EQ(a.window->range, b.window->range);
    EXPECT_EQ(a.window->anchor, b.window->anchor);
    EXPECT_EQ(a.window->reserved, b.window->reserved);
  }
  EXPECT_EQ(a.counters, b.counters);
  EXPECT_EQ(a.has_ring, b.has_ring);
  EXPECT_EQ(a.recorded, b.recorded);
  EXPECT_EQ(a.position, b.position);
  EXPECT_EQ(a.dropped, b.dropped);
  EXPECT_EQ(a.torn, b.torn);
  EXPECT_EQ(a.texts_lost, b.texts_lost);
  EXPECT_EQ(a.filter_arrived, b.filter_arrived);
  EXPECT_EQ(a.samples, b.samples);
  EXPECT_EQ(a.verdict, b.verdict);
}

class StoreRows : public ::testing::Test {
 protected:
  Folder folder;
  std::string path = folder / "record.db";
  Database database = Database::open(path);

  // As another process would find it.
  Database again() { return Database::open_readonly(path); }
};

TEST_F(StoreRows, ASessionComesBackWithEveryField) {
  model::Session full = full_session();
  model::Session bare;
  database.batch([&] {
    full.id = database.add_session(full);
    bare.id = database.add_session(bare);
  });
  ASSERT_NE(full.id, bare.id);
  expect_same(again().session(full.id).value(), full);
  expect_same(again().session(bare.id).value(), bare);
}

TEST_F(StoreRows, ARunComesBackWithEveryField) {
  model::Run full, bare;
  database.batch([&] {
    const model::SessionId session = database.add_session({});
    bare.session = session;
    bare.id = database.add_run(bare);
    full = full_run(session);
    full.parent = bare.id;
    full.id = database.add_run(full);
  });
  expect_same(again().run(full.id).value(), full);
  expect_same(again().run(bare.id).value(), bare);
}

TEST_F(StoreRows, AnUpdateChangesEveryFieldAndNoOtherRow) {
  model::Session session, other_session;
  model::Run run, other_run;
  database.batch([&] {
    session.id = database.add_session(session);
    other_session.id = database.add_session(other_session);
    run.session = other_run.session = session.id;
    run.id = database.add_run(run);
    other_run.id = database.add_run(other_run);
  });
  const model::SessionId session_id = session.id;
  const model::RunId run_id = run.id;
  session = full_session();
  session.id = session_id;
  run = full_run(other_session.id);
  run.id = run_id;
  run.parent = other_run.id;
  database.batch([&] {
    database.update_session(session);
    database.update_run(run);
  });
  expect_same(again().session(session.id).value(), session);
  expect_same(again().session(other_session.id).value(), other_session);
  expect_same(again().run(run.id).value(), run);
  expect_same(again().run(other_run.id).value(), other_run);
}

TEST_F(StoreRows, SitesAndUnseenRangesComeBackWithEveryField) {
  const model::RunId run = add_any_run(database);
  const model::Site site{4'294'967'295, Role::kLearned,       kHigh,      kHigh + 1,
                         kHigh + 2,     "/lib/libLLVM-14.so", "_ZN4llvm", "14.0.6"};
  const model::Unseen unseen{kHigh, {Address{kHigh}, Address{kHigh + 8192}}, "rwxp"};
  database.batch([&] {
    database.add_site(run, site);
    database.add_site(run, {});
    database.add_unseen(run, unseen);
  });
  const model::Record record = again().record(run).value();
  ASSERT_EQ(record.sites.size(), 2U);
  const model::Site& found = record.sites[1];
  EXPECT_EQ(found.id, site.id);
  EXPECT_EQ(found.role, site.role);
  EXPECT_EQ(found.address, site.address);
  EXPECT_EQ(found.offset, site.offset);
  EXPECT_EQ(found.identity, site.identity);
  EXPECT_EQ(found.module, site.module);
  EXPECT_EQ(found.symbol, site.symbol);
  EXPECT_EQ(found.version, site.version);
  ASSERT_EQ(record.unseen.size(), 1U);
  EXPECT_EQ(record.unseen[0].ticket, unseen.ticket);
  EXPECT_EQ(record.unseen[0].range, unseen.range);
  EXPECT_EQ(record.unseen[0].permissions, unseen.permissions);
  EXPECT_EQ(record.run.torn, 0U);
}

TEST_F(StoreRows, ASiteThatIsAddedAgainIsReplaced) {
  const model::RunId run = add_any_run(database);
  model::Site site;
  site.id = 8;
  database.batch([&] { database.add_site(run, site); });
  site.symbol = "learned_later";
  database.batch([&] { database.add_site(run, site); });
  const model::Record record = again().record(run).value();
  ASSERT_EQ(record.sites.size(), 1U);
  EXPECT_EQ(record.sites[0].symbol, "learned_later");
}

TEST_F(StoreRows, EventsComeBackBitByBitInTheOrderOfTheirTickets) {
  const model::RunId run = add_any_run(database);
  std::vector<Event> events = events_from(0, 3000);
  for (Event& event : events) {
    event.other = kHigh + event.ticket;
    event.fingerprint = ~event.ticket;
    event.flags = 0xdeadbeef;
    event.thread = 0x0c123456;
    event.site = 77;
    event.reason = 9;
    event.prot_kind = 0x17;
  }
  database.batch([&] {
    const std::span<const Event> all(events);
    database.append_events(run, all.subspan(2000));
    database.append_events(run, all.first(10));
    database.append_events(run, {});
    database.append_events(run, all.subspan(10, 1990));
  });
  const model::Record record = again().record(run).value();
  ASSERT_EQ(record.events.size(), events.size());
  EXPECT_EQ(std::memcmp(record.events.data(), events.data(), events.size() * sizeof(Event)), 0);
}

TEST_F(StoreRows, SessionsAreListedNewestFirstAndRunsAsTheyBegan) {
  EXPECT_FALSE(database.latest_session());
  model::SessionId sessions[3];
  model::RunId runs[3];
  database.batch([&] {
    const model::WallTime started[] = {20, 30, 10};
    for (int i = 0; i < 3; ++i) {
      model::Session session;
      session.started = started[i];
      sessions[i] = database.add_session(session);
    }
    for (int i = 0; i < 3; ++i) {
      model::Run run;
      run.session = sessions[0];
      run.started = started[i];
      runs[i] = database.add_run(run);
    }
  });
  const auto listed = database.sessions();
  ASSERT_EQ(listed.size(), 3U);
  EXPECT_EQ(listed[0].id, sessions[1]);
  EXPECT_EQ(listed[1].id, sessions[0]);
  EXPECT_EQ(listed[2].id, sessions[2]);
  EXPECT_EQ(database.latest_session(), sessions[1]);
  const auto begun = database.runs(sessions[0]);
  ASSERT_EQ(begun.size(), 3U);
  EXPECT_EQ(begun[0].id, runs[2]);
  EXPECT_EQ(begun[1].id, runs[0]);
  EXPECT_EQ(begun[2].id, runs[1]);
  EXPECT_TRUE(database.runs(sessions[1]).empty());
}

TEST_F(StoreRows, WhatIsNotThereIsNothing) {
  EXPECT_FALSE(database.session(1));
  EXPECT_FALSE(database.run(1));
  EXPECT_FALSE(database.record(1));
}

TEST_F(StoreRows, WhatBelongsToNothingIsRefused) {
  model::Run orphan;
  orphan.session = 99;
  const auto refused = [&](const std::function<void()>& write) {
    return is_about(refusal([&] { database.batch(write); }), path, "in it (FOREIGN KEY");
  };
  EXPECT_TRUE(refused([&] { database.add_run(orphan); }));
  EXPECT_TRUE(refused([&] { database.add_site(99, {}); }));
  EXPECT_TRUE(refused([&] { database.add_unseen(99, {}); }));
  EXPECT_TRUE(refused([&] { database.append_events(99, events_from(0, 1)); }));
  const auto missing = [&](const std::function<void()>& write, const char* words) {
    return is_about(refusal([&] { database.batch(write); }), path, words);
  };
  model::Session session;
  session.id = 98;
  EXPECT_TRUE(missing([&] { database.update_session(session); }, "no session 98"));
  model::Run run;
  run.session = 1;
  run.id = 97;
  add_any_run(database);
  EXPECT_TRUE(missing([&] { database.update_run(run); }, "no run 97"));
}

TEST_F(StoreRows, DeletingASessionTakesItsRunsAlong) {
  const model::RunId run = add_any_run(database);
  database.batch([&] {
    database.add_site(run, {});
    database.add_unseen(run, {});
    database.append_events(run, events_from(0, 5));
  });
  ASSERT_EQ(shell(path, "PRAGMA foreign_keys=ON; DELETE FROM session"), "");
  EXPECT_EQ(shell(path,
                  "SELECT (SELECT count(*) FROM run) + (SELECT count(*) FROM site) +"
                  " (SELECT count(*) FROM unseen) + (SELECT count(*) FROM segment)"),
            "0");
}

TEST_F(StoreRows, TheShellReadsNames) {
  database.batch([&] {
    model::Run run = full_run(database.add_session(full_session()));
    run.counters.emplace();
    (*run.counters)[ring::kFellBack] = 42;
    run.window->range = {Address{0x7f1234560000}, Address{0x7f1234570000}};
    database.add_site(database.add_run(run), {1, Role::kLlvm, 0x7f0000000010, 16, 0, "m", "s", ""});
  });
  const auto ask = [&](const char* sql) { return shell(path, sql); };
  EXPECT_EQ(ask("SELECT state || '|' || how || '|' || isa || '|' || policy || '|' || near ||"
                " '|' || fell_back FROM runs_readable"),
            "ended|signal 11|aarch64|scatter|address|42");
  EXPECT_EQ(ask("SELECT \"window\" FROM runs_readable"), "0x7f1234560000-0x7f1234570000");
  EXPECT_EQ(ask("SELECT engine || ' ' || address FROM sites_readable"), "LLVM 0x7f0000000010");
  EXPECT_EQ(ask("SELECT started_utc || ' ' || runs FROM sessions_readable"),
            "2023-11-14 22:13:20 1");
}

}  // namespace
}  // namespace jitcorral::store
