#include "metrics/exposition.h"

#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <span>
#include <utility>
#include <vector>

namespace jitcorral::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Pairs = std::vector<ClientMetric::Label>;

class Families {
 public:
  // Samples that follow belong to this one.
  void begin(const char* name, MetricType type, const char* help) {
    families_.push_back({name, help, type, {}});
  }
  void sample(Pairs labels, double value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    if (families_.back().type == MetricType::Counter)
      metric.counter.value = value;
    else
      metric.gauge.value = value;
    families_.back().metric.push_back(std::move(metric));
  }
  void one(const char* name, MetricType type, const char* help, double value) {
    begin(name, type, help);
    sample({}, value);
  }
  const std::vector<MetricFamily>& all() const { return families_; }

 private:
  std::vector<MetricFamily> families_;
};

double number(std::uint64_t value) {
  return static_cast<double>(value);
}

Pairs pairs(const Labels& labels) {
  return {{"unit", labels.unit}, {"executable", labels.executable}};
}

// One sample a group.
void each(Families& to, const Groups& groups, const char* name, MetricType type, const char* help,
          std::uint64_t Group::*member) {
  to.begin(name, type, help);
  for (const auto& [labels, group] : groups.all()) to.sample(pairs(labels), number(group.*member));
}

// One counter a group and name.
template <std::size_t kSize>
void each(Families& to, const Groups& groups, const char* name, const char* help, const char* label,
          const std::string_view (&names)[kSize], std::array<std::uint64_t, kSize> Group::*member) {
  to.begin(name, MetricType::Counter, help);
  for (const auto& [labels, group] : groups.all()) {
    for (std::size_t i = 0; i < kSize; ++i) {
      Pairs all = pairs(labels);
      all.push_back({label, std::string(names[i])});
      to.sample(std::move(all), number((group.*member)[i]));
    }
  }
}

void of_groups(Families& to, const Groups& groups) {
  each(to, groups, "jitcorral_processes", MetricType::Gauge,
       "Processes alive that have the shim loaded.", &Group::living);
  each(to, groups, "jitcorral_runs_total", "Processes that ended, by how they ended.", "ended",
       kEndingNames, &Group::ended);
  each(to, groups, "jitcorral_run_verdicts_total",
       "Processes that ended, by whether their JIT mappings lay within reach of each other.",
       "verdict", kVerdictNames, &Group::verdicts);
  each(to, groups, "jitcorral_placements_total", "JIT mappings, by what became of them.", "outcome",
       kPlacementNames, &Group::placements);
  each(to, groups, "jitcorral_passed_total", MetricType::Counter,
       "Mapping calls that were left as the host made them.", &Group::passed);
  each(to, groups, "jitcorral_events_total", MetricType::Counter, "Events taken over from rings.",
       &Group::events);
  each(to, groups, "jitcorral_events_dropped_total", MetricType::Counter,
       "Events lost since a ring was full.", &Group::events_dropped);
  each(to, groups, "jitcorral_events_torn_total", MetricType::Counter,
       "Events lost since their writer died while it wrote, or that made no sense.",
       &Group::events_torn);
}

void of_daemon(Families& to, const Daemon& daemon, std::size_t groups) {
  to.begin("jitcorral_build_info", MetricType::Gauge, "1, with the daemon's version.");
  to.sample({{"version", daemon.version}}, 1);
  to.one("jitcorral_daemon_rings", MetricType::Gauge, "Rings being read.", number(daemon.rings));
  to.one("jitcorral_daemon_label_sets", MetricType::Gauge,
         "Pairs of unit and executable that are told apart; the rest is \"other\".",
         number(groups));
  to.one("jitcorral_daemon_stored_bytes_total", MetricType::Counter,
         "Bytes of events written to the database.", number(daemon.stored_bytes));
  to.one("jitcorral_daemon_database_size_bytes", MetricType::Gauge,
         "Size of the database and its write-ahead log.", number(daemon.database_bytes));
  to.one("jitcorral_daemon_store_failures_total", MetricType::Counter,
         "Writes to the database that failed; they are tried again.",
         number(daemon.store_failures));
  to.begin("jitcorral_daemon_refused_total", MetricType::Counter,
           "Hellos and rings that were not taken, by reason.");
  for (std::size_t i = 0; i < std::size(kRefusalNames); ++i)
    to.sample({{"reason", std::string(kRefusalNames[i])}}, number(daemon.refused[i]));
}

// The names under which every exporter says these.
void of_process(Families& to, const Daemon& daemon) {
  to.one("process_start_time_seconds", MetricType::Gauge,
         "Start time of the process since unix epoch in seconds.", daemon.started);
  struct rusage used {};
  if (getrusage(RUSAGE_SELF, &used) == 0) {
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    to.one("process_cpu_seconds_total", MetricType::Counter,
           "Total user and system CPU time spent in seconds.",
           seconds(used.ru_utime) + seconds(used.ru_stime));
  }
  std::FILE* const file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return;
  unsigned long long pages = 0;
  const bool known = std::fscanf(file, "%*u %llu", &pages) == 1;
  std::fclose(file);
  if (known)
    to.one("process_resident_memory_bytes", MetricType::Gauge, "Resident memory size in bytes.",
           number(pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE))));
}

}  // namespace

std::string exposition(const Snapshot& snapshot) {
  Families families;
  of_groups(families, snapshot.groups);
  of_daemon(families, snapshot.daemon, snapshot.groups.all().size());
  of_process(families, snapshot.daemon);
  return prometheus::TextSerializer().Serialize(families.all());
}

}  // namespace jitcorral::metrics
