#include "calibrate/loop/prediction.hpp"

#include <array>
#include <cstddef>
#include <stdexcept>

#include "calibrate/loop/conversation_workload.hpp"
#include "sim/base/check.hpp"
#include "sim/kv/hierarchy.hpp"
#include "sim/model/model.hpp"
#include "sim/scenario/simulation.hpp"

namespace terrace::calibrate {
namespace {

struct Place {
  const char* name;
  Medium medium;
};
constexpr std::array<Place, 2> kPlaces{{{"dram", Medium::dram}, {"file", Medium::nvme}}};

DType kv_type(kernels::Element element) {
  switch (element) {
    case kernels::Element::bf16:
      return DType::bf16;
    case kernels::Element::fp16:
      return DType::fp16;
    case kernels::Element::fp8_e4m3:
      return DType::fp8;
    case kernels::Element::fp32:
      break;
  }
  throw std::runtime_error("the simulator knows no fp32: give the lab's model bf16, fp16 or fp8");
}

Attention attention_of(const labs::Shape& shape) {
  if (shape.attention == labs::AttentionKind::latent) {
    constexpr std::int64_t kLatent = 512;
    constexpr std::int64_t kRope = 64;
    return LatentAttention{shape.heads, 0, kLatent, kRope, shape.head_dim, shape.head_dim};
  }
  return FullAttention{shape.heads, shape.kv_heads, shape.head_dim, false, false};
}

/// Fills in what an engine would have noted down.
class Diary final : public Observer {
 public:
  explicit Diary(labs::Served& served) : served_(served) {}

  void on_step(const StepRecord& step) override {
    const StepPlan& plan = step.plan;
    served_.steps.push_back({step.start, step.start + step.stall, step.end, plan.decodes,
                             plan.decode_context, plan.chunks, plan.decodes + plan.samples});
  }

  void on_left(const Request& r, SimTime now) override {
    if (r.rejection != Rejection::none) {
      throw std::runtime_error("a request of the workload could never run: it is too long");
    }
    labs::ServedTurn turn;
    turn.conversation = r.ticket;
    turn.prompt = r.prompt.count();
    turn.tokens = r.output.count();
    turn.pool_hits = r.hbm_hits.count();
    turn.tier_hits = r.tier_hits.count();
    turn.preemptions = r.preemptions;
    turn.arrived = r.arrived;
    turn.first_token = r.first_token;
    turn.finished = now;
    while (turns_.size() <= turn.conversation) turns_.push_back(0);
    turn.turn = turns_[turn.conversation]++;
    served_.turns.push_back(std::move(turn));
  }

 private:
  labs::Served& served_;
  std::vector<std::size_t> turns_;
};

}  // namespace

ModelSpec model_of(const labs::Shape& shape) {
  ModelSpec model;
  model.name = "lab";
  model.hidden = shape.width;
  model.vocabulary = shape.vocabulary;
  model.max_context = Tokens{1'000'000};
  model.weight_dtype = kv_type(shape.element);
  model.layers = {{shape.layers, attention_of(shape), DenseMlp{shape.mlp, true}}};
  model.source = "calibrate/labs";
  return model;
}

Scenario scenario_of(const labs::Shape& shape, const labs::EngineRules& rules,
                     const HardwareSpec& machine, const CostSpec& cost) {
  TERRACE_CHECK(rules.tiers.size() <= kPlaces.size() && rules.page == shape.page);
  Scenario s;
  s.name = "lab";
  s.model = model_of(shape);
  s.hardware = machine;
  s.serving.cost = cost;
  EngineSpec& engine = s.serving.engine;
  engine.block_size = Tokens{rules.page};
  engine.max_num_seqs = rules.max_num_seqs;
  engine.max_num_batched_tokens = Tokens{rules.max_num_batched_tokens};
  engine.load_wait = LoadWait::blocking;
  engine.kv_cache_dtype = kv_type(shape.element);
  engine.num_gpu_blocks = rules.blocks + 1;  // one is never used
  engine.execution.cuda_graphs = false;
  for (std::size_t t = 0; t < rules.tiers.size(); ++t) {
    TierSpec& tier = s.tiers.emplace_back();
    tier.name = kPlaces[t].name;
    tier.medium = kPlaces[t].medium;
    tier.capacity.bytes = kv_bytes(s, engine.block_size) * rules.tiers[t];
    tier.write = WriteRule::back;
  }
  return s;
}

labs::Served simulate(const Scenario& scenario,
                      const std::vector<labs::Conversation>& conversations) {
  labs::Served served;
  Diary diary(served);
  Simulation simulation(scenario, {&diary}, [&] { return make_workload(conversations); });
  simulation.run();
  const Hierarchy& hierarchy = simulation.view().hierarchy;
  const Bytes block = simulation.dimensions().block_bytes;
  const auto blocks = [&](Bytes bytes) { return bytes.count() / block.count(); };
  for (const Tier& tier : hierarchy.tiers()) {
    const TierCounters& c = tier.counters;
    served.tiers.push_back(
        {c.hit_blocks, blocks(c.read), blocks(c.written), c.writes_skipped, c.loads, c.load_time});
  }
  served.peak_blocks = hierarchy.hbm_parts().front().pool.peak_held();
  return served;
}

}  // namespace terrace::calibrate
