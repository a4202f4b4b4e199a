#include "sim/scenario/simulation.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/cost/roofline.hpp"
#include "sim/des/event_loop.hpp"
#include "sim/fabric/fabric.hpp"
#include "sim/fabric/node.hpp"
#include "sim/kv/capacity.hpp"
#include "sim/kv/hierarchy.hpp"
#include "sim/serving/cluster.hpp"
#include "sim/workload/synthetic.hpp"
#include "sim/workload/trace.hpp"

namespace terrace {
namespace {

constexpr std::uint64_t kEventsBetweenQuestions = 4096;

/// All observers, and the clock of their time series.
class Observers final : public Audience {
 public:
  Observers(std::vector<Observer*> all, Duration interval, EventLoop& loop)
      : Audience(std::move(all)), interval_(interval), loop_(loop) {}

  void on_start(const RunView& view) override {
    cluster_ = &view.cluster;
    Audience::on_start(view);
    loop_.post(interval_, SampleDue{});
  }

  /// Rows stop while there is no request, and go on at a multiple of the interval.
  void on(const SampleDue&) {
    if (loop_.pending() == 0) return;  // the sampler alone keeps nothing going
    on_sample(loop_.now());
    Duration wait = interval_;
    if (cluster_->idle()) {
      const SimTime next = cluster_->next_arrival();
      if (next == SimTime::max()) return;
      const Duration idle = next - loop_.now();
      wait = std::max(interval_, idle + (interval_ - idle % interval_) % interval_);
    }
    loop_.post(wait, SampleDue{});
  }

 private:
  Duration interval_;
  EventLoop& loop_;
  const Cluster* cluster_ = nullptr;
};

int tp(const Scenario& s) { return static_cast<int>(s.serving.tensor_parallel); }

Dimensions measure(const Scenario& s) {
  const EngineSpec& engine = s.serving.engine;
  const Bytes per_gpu = kv_bytes_per_token_per_gpu(s.model, engine.kv_cache_dtype, tp(s));
  Dimensions d;
  d.weights_per_gpu = weight_bytes_per_gpu(s.model, tp(s));
  d.kv_bytes_per_token = kv_bytes_per_token(s.model, engine.kv_cache_dtype);
  d.block_bytes = per_gpu * (s.serving.tensor_parallel * engine.block_size.count());
  d.max_model_len = engine.max_model_len.value_or(s.model.max_context);
  d.hbm_blocks = engine.num_gpu_blocks.value_or(0);
  if (!engine.num_gpu_blocks) {
    d.hbm_blocks =
        hbm_blocks({s.hardware.gpu.memory, engine.gpu_memory_utilization, d.weights_per_gpu,
                    engine.activation_reserve, per_gpu * engine.block_size.count()});
  }
  return d;
}

std::int64_t layers(const ModelSpec& model) {
  std::int64_t sum = 0;
  for (const LayerGroup& group : model.layers) sum += group.count;
  return sum;
}

DeploymentSpec deployment(const Scenario& s) {
  const std::int64_t per_host = s.serving.replicas_per_host.value_or(s.serving.replicas);
  return {s.hardware.gpu,     s.hardware.host,
          s.hardware.ssd,     s.hardware.drives_per_host,
          s.hardware.network, s.serving.replicas / per_host,
          per_host,           s.serving.tensor_parallel};
}

std::unique_ptr<CostModel> cost_model(const Scenario& s) {
  if (s.serving.cost.backend == CostBackend::constant)
    return make_constant(s.serving.cost.constant);
  return make_roofline(s.model, s.hardware.gpu, tp(s), s.serving.engine.kv_cache_dtype,
                       s.serving.engine.max_num_batched_tokens.count());
}

std::unique_ptr<Workload> workload(const Scenario& s) {
  const auto seed = static_cast<std::uint64_t>(s.seed);
  if (s.workload.trace) return open_trace(*s.workload.trace, seed);
  return make_synthetic(s.workload.synthetic, seed);
}

BlockPool::EmptyBlocks empty_blocks(const EngineSpec& engine) {
  return engine.freed_partial_blocks == FreedPartialBlocks::ranked
             ? BlockPool::EmptyBlocks::ranked
             : BlockPool::EmptyBlocks::reused_first;
}

std::vector<HbmPart> hbm(const Scenario& s, const Dimensions& d, const Deployment& places) {
  std::vector<HbmPart> parts;
  for (std::size_t r = 0; r < places.replicas(); ++r) {
    parts.push_back(
        {places.hbm(ReplicaId{r}),
         BlockPool(d.hbm_blocks - 1, make_eviction_policy("lru"), empty_blocks(s.serving.engine))});
  }
  return parts;
}

MemoryId place(Medium medium, const Deployment& places, ReplicaId replica) {
  switch (medium) {
    case Medium::dram:
      return places.dram(replica);
    case Medium::nvme:
      return places.nvme(replica);
    case Medium::network:
      return places.remote();
  }
  return MemoryId::none();
}

std::vector<Tier> tiers(const Scenario& s, const Dimensions& d, const Deployment& places) {
  std::vector<Tier> all;
  for (const TierSpec& spec : s.tiers) {
    if (!spec.enabled()) continue;
    Tier tier;
    tier.spec = spec;
    const std::int64_t block = s.serving.engine.block_size.count();
    tier.ratio = spec.block_size == Tokens{} ? 1 : spec.block_size.count() / block;
    const std::int64_t bytes = d.block_bytes.count() * tier.ratio;
    const std::int64_t blocks =
        spec.capacity.unlimited()
            ? BlockPool::kUnlimited
            : std::min(BlockPool::kUnlimited, spec.capacity.bytes.count() / bytes);
    for (std::size_t r = 0; r < places.replicas(); ++r) {
      const ReplicaId replica{r};
      const std::size_t part = spec.scope == Scope::private_to_each ? r
                               : spec.medium == Medium::network     ? 0
                                                                    : places.host_of(replica);
      if (part == tier.parts.size()) {
        tier.parts.push_back({place(spec.medium, places, replica),
                              BlockPool(blocks, spec.eviction.recipe().make({blocks}))});
      }
      tier.part_of.push_back(static_cast<std::uint32_t>(part));
    }
    all.push_back(std::move(tier));
  }
  return all;
}

}  // namespace

/// In the order in which they depend on each other.
struct Simulation::Parts {
  Parts(const Scenario& s, std::vector<Observer*> watching)
      : dimensions(measure(s)),
        fabric(loop),
        places(deployment(s), fabric),
        contents(s.serving.engine.block_size),
        hierarchy(loop, fabric, contents, hbm(s, dimensions, places), tiers(s, dimensions, places),
                  {dimensions.block_bytes, pieces(s)}),
        cost(cost_model(s)),
        requests(workload(s)),
        observers(std::move(watching), s.output.timeseries_interval, loop),
        cluster(s.serving.engine, dimensions.max_model_len, layers(s.model), loop, contents,
                hierarchy, *cost, *requests, make_router(s.serving.router), observers) {}

  /// One block on every GPU of the replica, whole or by layer, K and V apart.
  static std::int64_t pieces(const Scenario& s) {
    const bool whole = s.serving.engine.kv_layout == KvLayout::block;
    return s.serving.tensor_parallel * (whole ? 1 : 2 * layers(s.model));
  }

  Dimensions dimensions;
  EventLoop loop;
  Fabric fabric;
  Deployment places;
  ContentTable contents;
  Hierarchy hierarchy;
  std::unique_ptr<CostModel> cost;
  std::unique_ptr<Workload> requests;
  Observers observers;
  Cluster cluster;
};

Simulation::Simulation(const Scenario& scenario, std::vector<Observer*> observers)
    : parts_(std::make_unique<Parts>(scenario, std::move(observers))) {}

Simulation::~Simulation() = default;

const Dimensions& Simulation::dimensions() const { return parts_->dimensions; }

RunView Simulation::view() const {
  return {parts_->loop, parts_->fabric, parts_->hierarchy, parts_->cluster,
          parts_->requests->clients()};
}

bool Simulation::run(FunctionRef<bool(const Progress&)> proceed) {
  Parts& p = *parts_;
  p.observers.on_start(view());
  p.cluster.start();

  bool stopped = false;
  std::uint64_t ask_at = kEventsBetweenQuestions;
  const auto go_on = [&] {
    // The next sample may still be due; nothing else is.
    if (p.cluster.done() && p.fabric.in_flight() == 0) return false;
    if (p.loop.delivered() < ask_at) return true;
    ask_at += kEventsBetweenQuestions;
    const RequestCounts& counts = p.cluster.counts();
    stopped = !proceed(
        {p.loop.now(), p.loop.delivered(), counts.came, counts.finished + counts.rejected});
    return !stopped;
  };
  // The fabric hears of an end before the hierarchy, which may start the next transfer at once.
  p.loop.run(SimTime::max(), go_on, p.fabric, p.hierarchy, p.cluster, p.observers);

  if (!stopped) {
    TERRACE_CHECK(p.cluster.done());
    if (p.fabric.in_flight() > 0) {
      throw EndOfTime("a transfer would take longer than 106 days: a link is far too slow");
    }
    for (const HbmPart& part : p.hierarchy.hbm_parts()) TERRACE_CHECK(part.pool.held_blocks() == 0);
  }
  p.hierarchy.check_invariants();
  p.observers.on_end(p.loop.now());
  return !stopped;
}

}  // namespace terrace
