#include "sim/scenario/simulation.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "sim/base/check.hpp"
#include "sim/des/event_loop.hpp"
#include "sim/fabric/fabric.hpp"
#include "sim/fabric/node.hpp"
#include "sim/kv/capacity.hpp"
#include "sim/kv/content_ledger.hpp"
#include "sim/kv/fates.hpp"
#include "sim/kv/hierarchy.hpp"
#include "sim/scenario/layout.hpp"
#include "sim/serving/cluster.hpp"
#include "sim/serving/hbm_budget.hpp"
#include "sim/workload/workload.hpp"

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
    loop_.post_if_ever(interval_, SampleDue{});
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
      const Duration rest = (interval_ - idle % interval_) % interval_;
      if (rest > SimTime::max() - next) return;
      wait = std::max(interval_, idle + rest);
    }
    loop_.post_if_ever(wait, SampleDue{});
  }

 private:
  Duration interval_;
  EventLoop& loop_;
  const Cluster* cluster_ = nullptr;
};

Dimensions measure(const Scenario& s) {
  const EngineSpec& engine = s.serving.engine;
  Dimensions d;
  d.weights_per_gpu = weight_bytes_per_gpu(s.model, parallel(s));
  d.kv_bytes_per_token = kv_bytes_per_token(s.model, engine.kv_cache_dtype);
  d.block_bytes = kv_bytes(s, engine.block_size);
  d.max_model_len = engine.max_model_len.value_or(s.model.max_context);
  d.hbm_blocks = engine.num_gpu_blocks.value_or(0);
  if (!engine.num_gpu_blocks) {
    d.hbm_blocks = hbm_blocks(hbm_budget(s.model, engine, parallel(s), s.hardware.gpu.memory));
  }
  return d;
}

FleetSpec fleet(const Scenario& s, const Dimensions& d) {
  return {.engine = s.serving.engine,
          .model = {layer_count(s.model), bounded_reaches(s.model),
                    s.model.encoder ? s.model.encoder->tokens : Tokens{}},
          .max_model_len = d.max_model_len,
          .data_parallel = static_cast<std::size_t>(s.serving.data_parallel)};
}

BlockPool::EmptyBlocks empty_blocks(const EngineSpec& engine) {
  return engine.freed_partial_blocks == FreedPartialBlocks::ranked
             ? BlockPool::EmptyBlocks::ranked
             : BlockPool::EmptyBlocks::reused_first;
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

/// What any policy of the scenario has to be told.
FactNeeds fact_needs(const Scenario& s) {
  FactNeeds needs = s.serving.engine.eviction.recipe().needs();
  for (const TierSpec& tier : s.tiers) {
    if (!tier.enabled()) continue;
    needs = needs | tier.eviction.recipe().needs() | tier.admission.recipe().needs();
  }
  return needs;
}

/// Time that a prompt takes by itself, in chunks if it is long.
Duration prefill_time(const CostModel& cost, const EngineSpec& engine, Tokens prompt) {
  Duration sum{};
  const Tokens most = engine.enable_chunked_prefill ? engine.max_num_batched_tokens : prompt;
  for (Tokens done; done < prompt;) {
    const PrefillChunk chunk{std::min(most, prompt - done), done};
    done += chunk.fresh;
    sum += cost.time({.prefills = std::span(&chunk, 1), .samples = done == prompt ? 1 : 0});
  }
  return sum;
}

/// Makes the memories and their policies.
class Furnisher {
 public:
  Furnisher(const Scenario& s, const Dimensions& d, const Deployment& places, const Fabric& fabric,
            ContentLedger& ledger, BlockTraffic traffic, const EventLoop& loop, CacheWatch* watch)
      : s_(s),
        d_(d),
        places_(places),
        fabric_(fabric),
        ledger_(ledger),
        traffic_(traffic),
        loop_(loop),
        watch_(watch) {}

  [[nodiscard]] std::vector<HbmPart> hbm() {
    const EngineSpec& engine = s_.serving.engine;
    std::vector<HbmPart> parts;
    for (std::size_t r = 0; r < places_.replicas(); ++r) {
      parts.push_back(
          {places_.hbm(ReplicaId{r}),
           BlockPool(d_.hbm_blocks - 1, policy(engine.eviction, d_.hbm_blocks - 1, 1, "hbm", r, 0),
                     empty_blocks(engine))});
    }
    return parts;
  }

  [[nodiscard]] std::vector<Tier> tiers() {
    std::vector<Tier> all;
    for (const TierSpec& spec : s_.tiers) {
      if (!spec.enabled()) continue;
      Tier tier;
      tier.spec = spec;
      const std::int64_t block = s_.serving.engine.block_size.count();
      tier.ratio = spec.block_size == Tokens{} ? 1 : spec.block_size.count() / block;
      for (std::size_t r = 0; r < places_.replicas(); ++r) {
        const ReplicaId replica{r};
        const std::size_t part = spec.scope == Scope::private_to_each ? r
                                 : spec.medium == Medium::network     ? 0
                                                                      : places_.host_of(replica);
        if (part == tier.parts.size()) {
          tier.parts.push_back(make_part(spec, tier.ratio, replica, all.size() + 1));
        }
        tier.part_of.push_back(static_cast<std::uint32_t>(part));
      }
      all.push_back(std::move(tier));
    }
    return all;
  }

 private:
  std::unique_ptr<EvictionPolicy> policy(const EvictionChoice& choice, std::int64_t blocks,
                                         std::int64_t ratio, const std::string& memory,
                                         std::size_t part, std::size_t level) {
    const Random random(static_cast<std::uint64_t>(s_.seed), "eviction");
    auto policy =
        choice.recipe().make({blocks, &ledger_.view(ratio), random.fork(memory).fork(part),
                              s_.serving.engine.block_size * ratio});
    return watch_ == nullptr ? std::move(policy)
                             : watched(std::move(policy), *watch_, level, loop_);
  }

  TierPart make_part(const TierSpec& spec, std::int64_t ratio, ReplicaId replica,
                     std::size_t level) {
    const std::int64_t bytes = d_.block_bytes.count() * ratio;
    const std::int64_t blocks =
        spec.capacity.unlimited()
            ? BlockPool::kUnlimited
            : std::min(BlockPool::kUnlimited, spec.capacity.bytes.count() / bytes);
    const MemoryId memory = place(spec.medium, places_, replica);
    AdmissionContext context;
    context.facts = &ledger_.view(ratio);
    context.block_size = s_.serving.engine.block_size * ratio;
    context.recompute = [this_ledger = &ledger_](Tokens prefix) {
      return this_ledger->prefill(prefix);
    };
    context.reload = [fabric = &fabric_, memory, hbm = places_.hbm(replica), traffic = traffic_,
                      block = s_.serving.engine.block_size, ratio](Tokens prefix) {
      const std::int64_t count = prefix.count() / block.count();
      return fabric->unloaded_time(memory, hbm, traffic.cargo(count, count / ratio));
    };
    return {
        memory,
        BlockPool(blocks, policy(spec.eviction, blocks, ratio, spec.name, replica.index(), level)),
        spec.admission.recipe().make(context)};
  }

  const Scenario& s_;
  const Dimensions& d_;
  const Deployment& places_;
  const Fabric& fabric_;
  ContentLedger& ledger_;
  BlockTraffic traffic_;
  const EventLoop& loop_;
  CacheWatch* watch_;  // null: nobody
};

/// The record of misses, if the scenario wants one.
std::unique_ptr<Fates> make_fates(const Scenario& s, const EventLoop& loop,
                                  const ContentTable& contents) {
  if (!s.output.misses) return nullptr;
  std::vector<std::string> places = {"hbm"};
  for (const TierSpec& tier : s.tiers) {
    if (tier.enabled()) places.push_back(tier.name);
  }
  return std::make_unique<Fates>(loop, contents, std::move(places),
                                 s.serving.engine.enable_prefix_caching);
}

/// Throws InvariantViolation unless every missed token has a cause.
void check_misses(const Misses& misses, const Hierarchy& hierarchy) {
  const TierCounters& hbm = hierarchy.hbm_counters();
  Tokens missed = hbm.lookups - hbm.hits;
  for (const Tier& tier : hierarchy.tiers()) missed -= tier.counters.hits;
  TERRACE_CHECK(misses.looked_up == hbm.lookups && misses.missed == missed);
}

/// Tells an oracle the blocks of all prompts to come. Interning them now gives them the ids they
/// will have.
void foresee(Workload& requests, ContentTable& contents, ContentLedger& ledger) {
  contents.keep_all();
  std::vector<std::vector<ContentId>> sequences;
  Arrival arrival;
  while (requests.next_time()) {
    requests.next(arrival);
    std::vector<ContentId>& blocks = sequences.emplace_back();
    ContentTable::Tip tip;
    for (const Span& span : arrival.prompt) {
      tip = contents.append(tip, span.content, span.tokens, blocks);
    }
  }
  ledger.foresee(sequences);
}

}  // namespace

Dimensions dimensions_of(const Scenario& scenario) { return measure(scenario); }

/// In the order in which they depend on each other.
struct Simulation::Parts {
  Parts(const Scenario& s, std::vector<Observer*> watching, const WorkloadMaker& make_requests)
      : dimensions(measure(s)),
        fabric(loop),
        places(deployment(s), fabric),
        contents(s.serving.engine.block_size),
        cost(make_cost_model(s)),
        ledger(loop, contents, fact_needs(s),
               [this, engine = s.serving.engine](Tokens prompt) {
                 return prefill_time(*cost, engine, prompt);
               }),
        fates(make_fates(s, loop, contents)),
        hierarchy(loop, fabric, contents, furnish(s).hbm(), furnish(s).tiers(), block_traffic(s),
                  ledger),
        requests(make_requests()),
        observers(std::move(watching), s.output.timeseries_interval, loop),
        cluster(fleet(s, dimensions), loop, contents, hierarchy, *cost, *requests,
                make_router(s.serving.router), observers) {
    if (fates != nullptr) contents.keep_all();
    hierarchy.set_watch(fates.get());
    if (any_of(fact_needs(s), FactNeeds::future)) foresee(*make_requests(), contents, ledger);
  }

  Furnisher furnish(const Scenario& s) {
    return {s, dimensions, places, fabric, ledger, block_traffic(s), loop, fates.get()};
  }

  Dimensions dimensions;
  EventLoop loop;
  Fabric fabric;
  Deployment places;
  ContentTable contents;
  std::unique_ptr<CostModel> cost;
  ContentLedger ledger;
  std::unique_ptr<Fates> fates;
  Hierarchy hierarchy;
  std::unique_ptr<Workload> requests;
  Observers observers;
  Cluster cluster;
};

Simulation::Simulation(const Scenario& scenario, std::vector<Observer*> observers)
    : Simulation(scenario, std::move(observers), [&] { return make_workload(scenario); }) {}

Simulation::Simulation(const Scenario& scenario, std::vector<Observer*> observers,
                       const WorkloadMaker& requests)
    : parts_(std::make_unique<Parts>(scenario, std::move(observers), requests)) {}

Simulation::~Simulation() = default;

const Dimensions& Simulation::dimensions() const { return parts_->dimensions; }

RunView Simulation::view() const {
  return {parts_->loop,
          parts_->fabric,
          parts_->hierarchy,
          parts_->cluster,
          parts_->requests->clients(),
          *parts_->cost,
          parts_->fates.get()};
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
    if (p.fabric.in_flight() > 0) {
      throw EndOfTime(
          fmt::format("a transfer over {} takes longer; raise its bandwidth", p.fabric.slowest()));
    }
    TERRACE_CHECK(p.cluster.done());
    for (const HbmPart& part : p.hierarchy.hbm_parts()) TERRACE_CHECK(part.pool.held_blocks() == 0);
  }
  p.hierarchy.check_invariants();
  if (p.fates != nullptr) check_misses(p.fates->misses(), p.hierarchy);
  p.observers.on_end(p.loop.now());
  return !stopped;
}

}  // namespace terrace
