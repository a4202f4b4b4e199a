#include "sim/serving/routers/policy.hpp"

namespace terrace::routing {
namespace {

class RoundRobin final : public Router {
 public:
  ReplicaId choose(const FleetView& fleet) override {
    const ReplicaId chosen{next_};
    next_ = (next_ + 1) % fleet.replicas();
    return chosen;
  }

 private:
  std::size_t next_ = 0;
};

}  // namespace

std::unique_ptr<Router> round_robin() { return std::make_unique<RoundRobin>(); }

}  // namespace terrace::routing
