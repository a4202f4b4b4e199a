#include "tests/scenario/run_yaml.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <memory>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "sim/base/check.hpp"
#include "sim/fabric/node.hpp"
#include "sim/kv/hierarchy.hpp"
#include "sim/serving/cluster.hpp"

namespace terrace::testing {

const std::string kTinyModel = R"(
model:
  name: tiny
  hidden: 64
  vocabulary: 100
  tied_embeddings: true
  max_context: 1000000
  published_parameters: 1e5
  layers:
    - count: 4
      attention: {kind: full, heads: 2, kv_heads: 1, head_dim: 16}
      mlp: {kind: dense, width: 64, gated: true}
  source: made up
)";

namespace {

std::string machine(std::string_view host_link, std::string_view dram, std::string_view drive,
                    std::string_view latency, std::string_view network) {
  return fmt::format(R"(
hardware:
  gpu:
    name: gpu
    memory: 16 GiB
    memory_bandwidth: 1 TB/s
    bf16: 100 TFLOP/s
    host_link:
      h2d: {0}
      d2h: {0}
      latency: {3}
      descriptors: {{small_fixed: {3}, small_bandwidth: {0}, cutoff: 16 KiB, large_fixed: {3},
                    large_bandwidth: {0}}}
    efficiency: {{step_overhead: 50 us}}
  host: {{name: host, dram: 1 TiB, dram_bandwidth: {1}}}
  ssd:
    name: drive
    capacity: 1 TB
    read: {{latency: {3}, stream: {2}, iops: 1e12, bandwidth: {2}}}
    write: {{latency: {3}, stream: {2}, iops: 1e12, bandwidth: {2}}}
    io_size: 128 KiB
  network: {{name: net, bandwidth: {4}, latency: {3}, store_read: {4}, store_write: {4}}}
)",
                     host_link, dram, drive, latency, network);
}

/// Writes down everything, and trusts nobody: what it counts, it counts from single events, and
/// whatever it can compare with what others say, it does.
class Diary final : public Observer {
 public:
  explicit Diary(Result& run) : run_(run) {}

  void on_start(const RunView& view) override {
    cluster_ = &view.cluster;
    hierarchy_ = &view.hierarchy;
    run_.stepping.resize(view.cluster.all().size());
    ends_.resize(view.cluster.all().size());
  }

  void on_step(const StepRecord& step) override {
    ++run_.steps;
    run_.tokens += step.outcome.tokens;
    run_.stepping[step.replica.index()] += step.end - step.start;
    for (const PrefillChunk& chunk : step.plan.chunks) run_.prompt_tokens += chunk.fresh.count();
    TERRACE_CHECK(step.start >= ends_[step.replica.index()]);
    TERRACE_CHECK(step.end > step.start && step.end >= last_);
    TERRACE_CHECK(step.plan.chunks.size() == step.plan.prefills.size());
    TERRACE_CHECK(step.stall >= Duration::zero() && step.stall <= step.end - step.start);
    ends_[step.replica.index()] = last_ = step.end;
  }

  void on_left(const Request& r, SimTime now) override {
    TERRACE_CHECK(now >= last_);
    last_ = now;
    const bool ran = r.rejection == Rejection::none;
    TERRACE_CHECK(!ran || r.blocks.empty());
    run_.requests.push_back({r.number, r.client,
                             ran ? static_cast<std::uint32_t>(r.replica.index()) : 0, r.prompt,
                             r.output, r.rejection, r.arrived, r.first_token, now, r.ttft_parts,
                             r.hbm_hits, r.tier_hits, r.recomputed, r.preemptions});
  }

  void on_sample(SimTime) override {
    Census& census = run_.census;
    ++census.instants;
    std::int64_t here = 0;
    for (const Replica& replica : cluster_->all()) {
      const Scheduler& scheduler = replica.scheduler();
      census.waiting += static_cast<std::int64_t>(scheduler.waiting());
      census.loading += static_cast<std::int64_t>(scheduler.loading());
      census.running += scheduler.running();
      here += scheduler.requests();
      TERRACE_CHECK(scheduler.backlog() >= Tokens{});
    }
    const RequestCounts& counts = cluster_->counts();
    TERRACE_CHECK(counts.came == counts.finished + counts.rejected + here);
    hierarchy_->check_invariants();
  }

  void on_end(SimTime now) override { run_.end = now; }

 private:
  Result& run_;
  const Cluster* cluster_ = nullptr;
  const Hierarchy* hierarchy_ = nullptr;
  std::vector<SimTime> ends_;  // of each replica's last step
  SimTime last_{};
};

void look_around(const Simulation& simulation, Result& run) {
  const RunView view = simulation.view();
  run.dimensions = simulation.dimensions();
  run.came = view.cluster.counts().came;
  run.finished = view.cluster.counts().finished;
  run.rejected = view.cluster.counts().rejected;
  run.hbm = view.hierarchy.hbm_counters();
  for (const Replica& replica : view.cluster.all()) run.busy.push_back(replica.busy());
  for (const Tier& tier : view.hierarchy.tiers()) {
    run.tiers.push_back(tier.counters);
    run.tier_specs.push_back(tier.spec);
    for (const TierPart& part : tier.parts) {
      run.capacity.push_back(part.pool.capacity());
      run.peak_occupied.push_back(part.pool.peak_occupied());
    }
  }
  for (const LinkReport& link : view.fabric.report(view.loop.now())) {
    run.links[link.name] += link.bytes;
  }
}

}  // namespace

const std::string kMachine = machine("20 GB/s", "200 GB/s", "4 GB/s", "5 us", "2 GB/s");
const std::string kSlowMachine = machine("60 MB/s", "90 MB/s", "40 MB/s", "300 us", "20 MB/s");
const std::string kInstantMachine =
    machine("1e12 TB/s", "1e13 TB/s", "1e12 TB/s", "0 ps", "1e12 TB/s");

std::ostream& operator<<(std::ostream& out, const Record& r) {
  out << '#' << r.number << " of client " << r.client << " on " << r.replica << ": "
      << r.prompt.count() << '+' << r.output.count() << " tokens, came "
      << r.arrived.time_since_epoch().count() << " ps, first token +" << r.ttft().count()
      << ", finished +" << r.e2e().count() << "; parts";
  for (const Duration part : r.parts) out << ' ' << part.count();
  return out << "; hits " << r.hbm_hits.count() << '+' << r.tier_hits.count() << ", recomputed "
             << r.recomputed.count() << ", preempted " << r.preemptions << ", rejection "
             << static_cast<int>(r.rejection);
}

std::ostream& operator<<(std::ostream& out, const Interval& i) {
  return out << i.mean << " +- " << i.half;
}

Scenario parse(const std::string& yaml, const std::vector<std::string>& sets) {
  Overrides overrides;
  overrides.sets = sets;
  return parse_scenario("test", yaml, config::Catalogue({TERRACE_SOURCE_DIR}), overrides).scenario;
}

Result run(const Scenario& scenario) {
  Result run;
  Diary diary(run);
  Simulation simulation(scenario, {&diary});
  // Half a million events without anyone coming or leaving: it is stuck, and only its clock runs.
  std::int64_t moved = -1;
  int idle = 0;
  run.complete = simulation.run([&](const Progress& p) {
    idle = p.came + p.left == moved ? idle + 1 : 0;
    moved = p.came + p.left;
    return idle < 128;
  });
  look_around(simulation, run);
  std::sort(run.requests.begin(), run.requests.end(),
            [](const Record& a, const Record& b) { return a.number < b.number; });
  return run;
}

Result run_seeded(Scenario scenario, std::int64_t seed) {
  scenario.seed = seed;
  return run(scenario);
}

Duration unloaded_time(const Scenario& s, Medium medium, const Cargo& cargo) {
  EventLoop loop;
  Fabric fabric(loop);
  const Deployment places({s.hardware.gpu, s.hardware.host, s.hardware.ssd,
                           s.hardware.drives_per_host, s.hardware.network, 1, 1, 1},
                          fabric);
  const ReplicaId replica{0};
  const MemoryId from = medium == Medium::dram   ? places.dram(replica)
                        : medium == Medium::nvme ? places.nvme(replica)
                                                 : places.remote();
  return fabric.unloaded_time(from, places.hbm(replica), cargo);
}

TraceFile::TraceFile(std::string_view lines) {
  static std::atomic<int> count = 0;
  path_ = fmt::format("{}terrace-{}-{}.jsonl", ::testing::TempDir(), ::getpid(), count++);
  std::ofstream(path_) << lines;
}

TraceFile::~TraceFile() { std::remove(path_.c_str()); }

std::string trace_line(std::int64_t at_ps, const std::vector<std::array<std::int64_t, 2>>& prompt,
                       std::int64_t output) {
  std::string spans;
  for (const auto& [content, tokens] : prompt) {
    spans += fmt::format("{}[{}, {}]", spans.empty() ? "" : ", ", content, tokens);
  }
  return fmt::format("{{\"arrival_ps\": {}, \"prompt\": [{}], \"output_tokens\": {}}}\n", at_ps,
                     spans, output);
}

Interval interval(const std::vector<double>& means) {
  EXPECT_EQ(static_cast<std::int64_t>(means.size()), kSeeds);
  const auto n = static_cast<double>(means.size());
  double mean = 0;
  for (const double m : means) mean += m / n;
  double squares = 0;
  for (const double m : means) squares += (m - mean) * (m - mean);
  return {mean, 3.633 * std::sqrt(squares / (n - 1) / n)};
}

}  // namespace terrace::testing
