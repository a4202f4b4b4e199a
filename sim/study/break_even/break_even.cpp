#include "sim/study/break_even/break_even.hpp"

#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/cost/cost_model.hpp"
#include "sim/des/event_loop.hpp"
#include "sim/fabric/fabric.hpp"
#include "sim/fabric/node.hpp"
#include "sim/scenario/layout.hpp"
#include "sim/serving/load_rule.hpp"
#include "sim/serving/prompt_time.hpp"

namespace terrace {

struct PrefixTimes::Parts {
  Parts(const Scenario& machine, Tokens fresh_tokens)
      : fabric(loop),
        places(deployment(machine), fabric),
        traffic(block_traffic(machine)),
        cost(make_cost_model(machine)),
        steps(machine.serving.engine, layer_count(machine.model), *cost),
        block(machine.serving.engine.block_size),
        fresh(fresh_tokens) {}

  [[nodiscard]] Tokens known(std::int64_t blocks) const { return block * blocks + fresh; }
  /// The steps of all that is behind the prefix.
  [[nodiscard]] Duration behind(std::int64_t blocks) const {
    return steps.compute(known(blocks), block * blocks, known(blocks));
  }
  [[nodiscard]] MemoryId memory(Medium tier, ReplicaId replica) const {
    if (tier == Medium::dram) return places.dram(replica);
    return tier == Medium::nvme ? places.nvme(replica) : places.remote();
  }

  EventLoop loop;
  mutable Fabric fabric;  // forecasts leave it as it was
  Deployment places;
  BlockTraffic traffic;
  std::unique_ptr<CostModel> cost;
  PromptTime steps;
  Tokens block;
  Tokens fresh;
};

PrefixTimes::PrefixTimes(const Scenario& machine, Tokens fresh)
    : parts_(std::make_unique<Parts>(machine, fresh)) {}

PrefixTimes::~PrefixTimes() = default;

std::vector<std::string> PrefixTimes::caveats() const { return parts_->cost->caveats(); }

Duration PrefixTimes::recompute(std::int64_t blocks) const {
  const Tokens known = parts_->known(blocks);
  const Duration all = parts_->steps.compute(known, Tokens{}, known);
  return std::max(Duration{}, all - parts_->behind(blocks));
}

Duration PrefixTimes::load(Medium tier, std::int64_t from, std::int64_t to) const {
  if (from == to) return Duration{};
  std::vector<Move> moves;
  for (std::size_t i = 0; i < parts_->places.replicas(); ++i) {
    const ReplicaId replica{i};
    moves.push_back({parts_->memory(tier, replica), parts_->places.hbm(replica),
                     parts_->traffic.cargo(to - from, to - from)});
  }
  return parts_->fabric.expected_time(moves);
}

Duration PrefixTimes::stall(Duration load, std::int64_t blocks) const {
  const Duration first_token = parts_->steps.after_load(LoadWait::layerwise, parts_->known(blocks),
                                                        load, parts_->block * blocks);
  return first_token - parts_->behind(blocks);
}

PrefixTimes::Split PrefixTimes::split(Medium tier, std::int64_t blocks) const {
  const auto head = [&](std::int64_t to) {
    return parts_->steps.compute(parts_->known(blocks), Tokens{}, parts_->block * to);
  };
  const auto tail = [&](std::int64_t from) { return load(tier, from, blocks); };
  const std::int64_t at = even_split(0, blocks, head, tail);
  return {at, std::max(head(at), tail(at))};
}

std::optional<std::int64_t> PrefixTimes::break_even(Medium tier, std::int64_t longest) const {
  const auto pays = [&](std::int64_t blocks) { return load(tier, 0, blocks) <= recompute(blocks); };
  if (!pays(longest)) return std::nullopt;
  std::int64_t bad = 0;
  for (std::int64_t blocks = 1; blocks < longest; blocks *= 2) {
    if (!pays(blocks)) bad = blocks;
  }
  std::int64_t good = bad == 0 ? 1 : std::min(2 * bad, longest);
  while (good - bad > 1) {
    const std::int64_t middle = bad + (good - bad) / 2;
    (pays(middle) ? good : bad) = middle;
  }
  return good;
}

BreakEven break_even(const Scenario& machine, const BreakEvenQuestion& question) {
  const PrefixTimes times(machine, question.fresh);
  const EngineSpec& engine = machine.serving.engine;
  BreakEven answer;
  answer.per_token = kv_bytes(machine, Tokens{1});
  answer.copies = answer.per_token / kv_bytes_per_token(machine.model, engine.kv_cache_dtype);
  for (const Tokens asked : question.prefixes) {
    const std::int64_t blocks = asked.count() / engine.block_size.count();
    TERRACE_CHECK(blocks > 0);
    PrefixAnswer row;
    row.prefix = engine.block_size * blocks;
    row.bytes = kv_bytes(machine, row.prefix);
    row.recompute = times.recompute(blocks);
    row.needed = Bandwidth{static_cast<double>(row.bytes.count()) / seconds(row.recompute)};
    for (const Medium tier : question.tiers) {
      const Duration load = times.load(tier, 0, blocks);
      const PrefixTimes::Split split = times.split(tier, blocks);
      row.loads.push_back(
          {load, times.stall(load, blocks), split.time, engine.block_size * split.computed});
    }
    answer.prefixes.push_back(std::move(row));
  }
  const std::int64_t longest = std::max<std::int64_t>(
      1, (machine.model.max_context - question.fresh).count() / engine.block_size.count());
  answer.longest = engine.block_size * longest;
  for (const Medium tier : question.tiers) {
    const auto blocks = times.break_even(tier, longest);
    answer.from.push_back(blocks ? std::optional(engine.block_size * *blocks) : std::nullopt);
  }
  answer.caveats = times.caveats();  // last: some are noticed only when a step needs them
  return answer;
}

}  // namespace terrace
