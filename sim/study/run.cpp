#include "sim/study/run.hpp"

#include <utility>

#include "sim/metrics/recorder.hpp"

namespace terrace {

PreparedRun::PreparedRun(const Scenario& scenario)
    : PreparedRun(scenario, [&] { return make_workload(scenario); }) {}

PreparedRun::PreparedRun(const Scenario& scenario, const WorkloadMaker& requests)
    : audience_(std::make_unique<Audience>()), simulation_(scenario, {audience_.get()}, requests) {}

PreparedRun::~PreparedRun() = default;

const Dimensions& PreparedRun::dimensions() const { return simulation_.dimensions(); }

Summary PreparedRun::run(const RunOptions& options) {
  Recorder recorder(dimensions().block_bytes);
  std::vector<Observer*> all = {&recorder};
  all.insert(all.end(), options.observers.begin(), options.observers.end());
  audience_->seat(std::move(all));
  const bool complete = options.proceed ? simulation_.run(options.proceed) : simulation_.run();
  return recorder.summary(complete);
}

Summary run(const Scenario& scenario, const RunOptions& options) {
  return PreparedRun(scenario).run(options);
}

}  // namespace terrace
