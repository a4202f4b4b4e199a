#include "sim/serving/routers/policy.hpp"

namespace terrace::routing {
namespace {

class LeastLoaded final : public Router {
 public:
  ReplicaId choose(const FleetView& fleet) override {
    ReplicaId best{0};
    for (std::size_t i = 1; i < fleet.replicas(); ++i) {
      if (fleet.requests(ReplicaId{i}) < fleet.requests(best)) best = ReplicaId{i};
    }
    return best;
  }
};

}  // namespace

std::unique_ptr<Router> least_loaded() { return std::make_unique<LeastLoaded>(); }

}  // namespace terrace::routing
