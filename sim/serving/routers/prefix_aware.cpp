// The cost function of NVIDIA Dynamo's KV router (lib/kv-router/src/scheduling/selector.rs), with
// overlap_score_weight 1 and temperature 0.

#include "sim/serving/routers/policy.hpp"

namespace terrace::routing {
namespace {

class PrefixAware final : public Router {
 public:
  ReplicaId choose(const FleetView& fleet) override {
    ReplicaId best{0};
    double least = cost(fleet, best);
    for (std::size_t i = 1; i < fleet.replicas(); ++i) {
      const double here = cost(fleet, ReplicaId{i});
      if (here >= least) continue;
      best = ReplicaId{i};
      least = here;
    }
    return best;
  }

 private:
  /// In blocks, up to what is the same for all replicas: the length of the new prompt.
  static double cost(const FleetView& fleet, ReplicaId replica) {
    return fleet.backlog(replica) / fleet.block_size() -
           static_cast<double>(fleet.cached_blocks(replica)) +
           static_cast<double>(fleet.held_blocks(replica));
  }
};

}  // namespace

std::unique_ptr<Router> prefix_aware() { return std::make_unique<PrefixAware>(); }

}  // namespace terrace::routing
