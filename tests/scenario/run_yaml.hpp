#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "sim/fabric/fabric.hpp"
#include "sim/kv/tier.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/scenario/simulation.hpp"
#include "sim/serving/observer.hpp"
#include "sim/serving/request.hpp"

namespace terrace::testing {

/// What came, and what became of it.
struct Record {
  std::uint64_t number = 0;
  std::uint32_t client = 0;
  std::uint32_t replica = 0;
  Tokens prompt;
  Tokens output;
  Rejection rejection = Rejection::none;
  SimTime arrived{};
  SimTime first_token{};
  SimTime finished{};
  std::array<Duration, kTtftParts> parts{};
  Tokens hbm_hits;
  Tokens tier_hits;
  Tokens recomputed;
  std::int32_t preemptions = 0;

  [[nodiscard]] Duration part(TtftPart which) const {
    return parts[static_cast<std::size_t>(which)];
  }
  [[nodiscard]] Duration ttft() const { return first_token - arrived; }
  [[nodiscard]] Duration e2e() const { return finished - arrived; }
  friend bool operator==(const Record&, const Record&) = default;
};

std::ostream& operator<<(std::ostream& out, const Record& r);

/// How many requests were where, at the instants of a time series, summed over instants.
struct Census {
  std::int64_t instants = 0;
  std::int64_t waiting = 0;
  std::int64_t loading = 0;
  std::int64_t running = 0;
};

/// A finished run. `requests` are in order of arrival.
struct Result {
  bool complete = false;  // false: it was stuck, and given up
  std::vector<Record> requests;
  std::int64_t came = 0;
  std::int64_t finished = 0;
  std::int64_t rejected = 0;
  std::int64_t steps = 0;
  std::int64_t tokens = 0;         // generated, as steps tell it
  std::int64_t prompt_tokens = 0;  // computed by prefills, as steps tell it
  std::vector<Duration> busy;      // of each replica, as it tells it
  std::vector<Duration> stepping;  // of each replica, summed over its steps
  Census census;
  TierCounters hbm;
  std::vector<TierCounters> tiers;
  std::vector<TierSpec> tier_specs;    // of those that are enabled
  std::map<std::string, Bytes> links;  // bytes that have arrived, by name of the resource
  std::vector<std::int64_t> capacity;  // of each part of each tier, in its blocks
  std::vector<std::int64_t> peak_occupied;
  Dimensions dimensions;
  SimTime end{};
};

/// One layer, 256 bytes of KV per token; a 16-token block has 4 KiB.
extern const std::string kTinyModel;

/// A machine with every medium: links of 2 to 20 GB/s, latencies of 5 us.
extern const std::string kMachine;

/// The same with links so slow that loads and writes of some ten blocks take some ten steps.
extern const std::string kSlowMachine;

/// The same with links so fast and latencies so short that a load takes nothing measurable.
extern const std::string kInstantMachine;

/// `sets` as on the command line: "serving.replicas=2".
Scenario parse(const std::string& yaml, const std::vector<std::string>& sets = {});
Result run(const Scenario& scenario);
Result run_seeded(Scenario scenario, std::int64_t seed);
inline Result run_yaml(const std::string& yaml) { return testing::run(parse(yaml)); }

/// What the fabric of this scenario takes from a medium into the HBM of replica 0 if nothing else
/// moves.
Duration unloaded_time(const Scenario& scenario, Medium medium, const Cargo& cargo);

/// A trace file in terrace's own format that lives as long as this.
class TraceFile {
 public:
  explicit TraceFile(std::string_view lines);
  ~TraceFile();
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// One line of such a trace: at `at_ps`, a prompt of these {content id, tokens} spans.
std::string trace_line(std::int64_t at_ps, const std::vector<std::array<std::int64_t, 2>>& prompt,
                       std::int64_t output);

/// Mean and half width of its two-sided confidence interval from independent repetitions.
struct Interval {
  double mean = 0;
  double half = 0;
  [[nodiscard]] bool holds(double value) const {
    return value >= mean - half && value <= mean + half;
  }
};
std::ostream& operator<<(std::ostream& out, const Interval& i);

/// Student's 99.9 % interval of 32 independent means: t(0.9995, 31) = 3.633. So wide that all
/// intervals of these tests together miss by chance once in a hundred choices of seeds, and the
/// seeds are fixed.
constexpr std::int64_t kSeeds = 32;
Interval interval(const std::vector<double>& means);

}  // namespace terrace::testing
