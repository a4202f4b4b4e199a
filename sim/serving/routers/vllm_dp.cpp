// The load balancer of vLLM's data-parallel front end (vllm/v1/engine/core_client.py,
// DPLBAsyncMPClient.get_core_engine_for_request), for one API server. The coordinator publishes
// changed counts no sooner than 100 ms after it did last (vllm/v1/engine/coordinator.py); here,
// with the first request that comes after that time.

#include "sim/serving/routers/policy.hpp"

namespace terrace::routing {
namespace {

constexpr Duration kBetweenCounts = std::chrono::milliseconds(100);
constexpr std::int64_t kWeightOfWaiting = 4;

class VllmDp final : public Router {
 public:
  ReplicaId choose(const FleetView& fleet) override {
    if (counts_.empty() || fleet.now() - counted_ >= kBetweenCounts) count(fleet);
    std::size_t best = 0;
    for (std::size_t i = 1; i < counts_.size(); ++i) {
      if (counts_[i].score() < counts_[best].score()) best = i;
    }
    ++counts_[best].waiting;
    return ReplicaId{best};
  }

 private:
  struct Count {
    std::int64_t waiting = 0;
    std::int64_t running = 0;

    [[nodiscard]] std::int64_t score() const { return kWeightOfWaiting * waiting + running; }
  };

  void count(const FleetView& fleet) {
    counts_.resize(fleet.replicas());
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      const ReplicaId replica{i};
      const std::int64_t running = fleet.running(replica);
      counts_[i] = {fleet.requests(replica) - running, running};
    }
    counted_ = fleet.now();
  }

  std::vector<Count> counts_;  // by replica; none before the first request
  SimTime counted_{};
};

}  // namespace

std::unique_ptr<Router> vllm_dp() { return std::make_unique<VllmDp>(); }

}  // namespace terrace::routing
