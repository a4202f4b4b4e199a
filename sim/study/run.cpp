#include "sim/study/run.hpp"

#include <utility>

#include "sim/metrics/recorder.hpp"

namespace terrace {

/// Stands for observers that come when the simulation has already been built.
class PreparedRun::Audience final : public Observer {
 public:
  void seat(std::vector<Observer*> all) { all_ = std::move(all); }

  void on_start(const RunView& view) override {
    for (Observer* o : all_) o->on_start(view);
  }
  void on_step(const StepRecord& step) override {
    for (Observer* o : all_) o->on_step(step);
  }
  void on_left(const Request& request, SimTime now) override {
    for (Observer* o : all_) o->on_left(request, now);
  }
  void on_sample(SimTime now) override {
    for (Observer* o : all_) o->on_sample(now);
  }
  void on_end(SimTime now) override {
    for (Observer* o : all_) o->on_end(now);
  }

 private:
  std::vector<Observer*> all_;
};

PreparedRun::PreparedRun(const Scenario& scenario)
    : audience_(std::make_unique<Audience>()), simulation_(scenario, {audience_.get()}) {}

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
