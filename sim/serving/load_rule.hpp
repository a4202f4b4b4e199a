#pragma once

#include <cstdint>
#include <vector>

#include "sim/base/function_ref.hpp"
#include "sim/base/id.hpp"
#include "sim/base/units.hpp"
#include "sim/cost/cost_model.hpp"
#include "sim/kv/hierarchy.hpp"
#include "sim/serving/engine_spec.hpp"
#include "sim/serving/prompt_time.hpp"
#include "sim/serving/request.hpp"

namespace terrace {

/// Blocks [from, to) of a request are to be loaded; none if from == to.
struct LoadPlan {
  std::int64_t from = 0;
  std::int64_t to = 0;
};

/// The block in [first, end] up to which to compute, so that this and the load of all behind it end
/// as nearly together as blocks allow. `head` and `load` tell their times for such a split; the one
/// does not fall and the other does not rise with it.
std::int64_t even_split(std::int64_t first, std::int64_t end,
                        FunctionRef<Duration(std::int64_t)> head,
                        FunctionRef<Duration(std::int64_t)> load);

/// Decides which of the blocks that a request finds in tiers are loaded into HBM, and which are
/// computed again.
///
/// `cheaper` and `hybrid` choose what is expected to have the prompt's first token soonest:
///   cheaper  load blocks [hits, e), then compute the rest
///   hybrid   load blocks [s, e) while [hits, s) are computed; when both are there, the rest
/// KV is causal, so what is computed needs all that is before it, and what is loaded nothing. e is
/// nothing, or an end of what lies in one tier without a gap; s makes load and computation end
/// together, to a block. Of equals, the plan that loads more wins: it leaves the GPUs to others.
///
/// A load takes what Hierarchy::expected_load_time() says. Computing takes the steps that this
/// prompt would need alone, from where it stands to its first token; what else will be in their
/// batches is not known. Plans are compared by whole times, so what all of them pay, such as
/// reading the weights once, cancels out, and what decides is the marginal time of the tokens in
/// question. The step's own wait for a load follows LoadWait. Everybody decides for itself: what
/// its computing costs others, where GPUs are what is scarce, counts for nothing.
class LoadRule {
 public:
  LoadRule(const EngineSpec& spec, std::int64_t layers, const CostModel& cost,
           const Hierarchy& hierarchy);

  /// For a request whose first `hits` blocks are in HBM; at most `limit` blocks behind them.
  /// O(blocks found); unless always or never, times O(log blocks) in prompt chunks and fabric
  /// forecasts for each change of tier.
  [[nodiscard]] LoadPlan choose(ReplicaId replica, const Request& request, std::int64_t hits,
                                std::int64_t limit);

 private:
  [[nodiscard]] std::int64_t split(ReplicaId replica, const Request& r, std::int64_t hits,
                                   std::int64_t end) const;
  [[nodiscard]] Tokens tokens(std::int64_t blocks) const { return block_size_ * blocks; }

  LoadDecision decision_;
  LoadWait wait_;
  Tokens block_size_;
  PromptTime time_;
  const Hierarchy* hierarchy_;
  std::vector<Stretch> found_;  // for the request in question
};

}  // namespace terrace
