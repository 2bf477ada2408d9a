// The text that is served.
#include <gtest/gtest.h>

#include <regex>

#include "metrics/exposition.h"

namespace jitcorral::metrics {
namespace {

std::size_t times(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++n;
  return n;
}

TEST(MetricsExposition, SaysEachCountOnce) {
  Snapshot snapshot;
  Group& group = snapshot.groups.of("db.service", "/usr/lib/postgresql/15/bin/postgres");
  group.living = 3;
  group.count(Ending::kSignal);
  group.count_verdict("within-reach");
  group.placements = {10, 2, 0, 0, 1};
  group.passed = 77;
  group.events = 90;
  group.events_dropped = 4;
  group.events_torn = 5;
  snapshot.daemon.version = "1.2.3";
  snapshot.daemon.count(Refusal::kRing);
  const std::string text = exposition(snapshot);
  const std::string of = "{unit=\"db.service\",executable=\"postgres\"";
  for (const std::string& line :
       {"jitcorral_processes" + of + "} 3\n",
        "jitcorral_runs_total" + of + ",ended=\"signal\"} 1\n",
        "jitcorral_run_verdicts_total" + of + ",verdict=\"within-reach\"} 1\n",
        "jitcorral_placements_total" + of + ",outcome=\"fellback\"} 2\n",
        "jitcorral_placements_total" + of + ",outcome=\"given_back\"} 1\n",
        "jitcorral_passed_total" + of + "} 77\n", "jitcorral_events_total" + of + "} 90\n",
        "jitcorral_events_dropped_total" + of + "} 4\n",
        "jitcorral_events_torn_total" + of + "} 5\n",
        std::string("jitcorral_build_info{version=\"1.2.3\"} 1\n"),
        std::string("jitcorral_daemon_refused_total{reason=\"ring\"} 1\n"),
        std::string("jitcorral_daemon_refused_total{reason=\"rate\"} 0\n")})
    EXPECT_EQ(times(text, line), 1u) << line << text;
}

TEST(MetricsExposition, BigCountsStayWhole) {
  Snapshot snapshot;
  snapshot.groups.of("u", "x").events = 123'456'789'012'345;
  EXPECT_EQ(times(exposition(snapshot), "} 123456789012345\n"), 1u);
}

TEST(MetricsExposition, HostileNamesStayInsideTheirQuotes) {
  Snapshot snapshot;
  snapshot.groups.of("a\"} 1\njitcorral_evil 1\n#\\", "b\"x\\").living = 1;
  const std::string text = exposition(snapshot);
  EXPECT_EQ(times(text, "\njitcorral_evil"), 0u);
  const std::regex line(
      R"re((# (HELP|TYPE) .*|[a-z_]+(\{([a-z]+="([^"\\\n]|\\[\\n"])*",?)*\})? \S+))re");
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    EXPECT_TRUE(std::regex_match(text.substr(at, end - at), line)) << text.substr(at, end - at);
    at = end + 1;
  }
}

TEST(MetricsExposition, ScrapesAreBounded) {
  Snapshot snapshot;
  for (int i = 0; i < 5000; ++i)
    ++snapshot.groups.of("unit" + std::to_string(i) + std::string(200, 'u'), std::string(200, 'x'))
          .living;
  const std::string text = exposition(snapshot);
  EXPECT_EQ(times(text, "\njitcorral_processes{"), Groups::kMost);
  EXPECT_LT(text.size(), 5u << 20);
}

}  // namespace
}  // namespace jitcorral::metrics
