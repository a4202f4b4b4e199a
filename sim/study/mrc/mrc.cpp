#include "sim/study/mrc/mrc.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <stop_token>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/kv/eviction/policy.hpp"
#include "sim/study/crew.hpp"
#include "sim/study/mrc/replay.hpp"

namespace terrace {
namespace {

class Study {
 public:
  Study(const BlockStream& stream, const MrcOptions& options)
      : stream_(stream), options_(options), result_{totals(stream), {}, true} {}

  Mrc run() {
    for (const MrcPolicy& policy : options_.policies) {
      MrcCurve& curve = result_.curves.emplace_back();
      curve.policy = policy.label;
      curve.points.resize(options_.capacities.size());
      curve.oracle = any_of(policy.choice.recipe().needs(), FactNeeds::future);
      if (curve.oracle && next_.empty()) next_ = next_accesses(stream_);
    }
    for (std::size_t i = 0; i < result_.curves.size(); ++i) plan(i);
    result_.complete = work();
    return std::move(result_);
  }

 private:
  /// Does all pieces, unless it is told not to go on.
  bool work() {
    std::atomic<std::uint64_t> done = 0;  // accesses
    const double all =
        static_cast<double>(pieces_.size()) * static_cast<double>(stream_.accesses.size());
    const auto goes_on = [&] {
      return !options_.proceed || options_.proceed(all > 0 ? static_cast<double>(done) / all : 0);
    };
    if (!goes_on()) return false;
    Crew crew(pieces_.size(), static_cast<std::size_t>(options_.jobs),
              [&](std::size_t piece, const std::stop_token& stop) {
                pieces_[piece]([&](std::uint64_t accesses) {
                  done += accesses;
                  return !stop.stop_requested();
                });
              });
    return crew.finish(goes_on);
  }

  void plan(std::size_t i) {
    MrcCurve& curve = result_.curves[i];
    const bool lru = options_.policies[i].choice.name() == "lru";
    if (lru && options_.shards) {
      curve.method = MrcMethod::shards;
      pieces_.emplace_back([&](StudyProgress proceed) { sample(curve, proceed); });
    } else if (lru) {
      pieces_.emplace_back([&](StudyProgress proceed) { exact(curve, proceed); });
    } else {
      curve.method = MrcMethod::replay;
      for (std::size_t k = 0; k < curve.points.size(); ++k) plan_replay(i, k);
    }
  }

  void plan_replay(std::size_t i, std::size_t k) {
    auto& point = result_.curves[i].points[k];
    const std::int64_t capacity = options_.capacities[k];
    if (capacity >= result_.totals.unique) {  // nobody is ever asked what to evict
      point = {result_.totals.achievable, 0};
      return;
    }
    const EvictionRecipe* const recipe = &options_.policies[i].choice.recipe();
    pieces_.emplace_back([this, &point, capacity, recipe](StudyProgress go_on) {
      ReplayOptions options;
      options.capacity = capacity;
      options.random = Random(options_.seed, "mrc/eviction");
      options.next = next_.empty() ? nullptr : &next_;
      if (const auto hits = replay(stream_, *recipe, options, go_on)) point = {*hits, 0};
    });
  }

  void exact(MrcCurve& curve, StudyProgress proceed) const {
    const LruCurve lru(stream_, proceed);
    if (!lru.complete()) return;
    for (std::size_t k = 0; k < curve.points.size(); ++k) {
      curve.points[k] = {lru.at(options_.capacities[k]), 0};
    }
  }

  void sample(MrcCurve& curve, StudyProgress proceed) const {
    const ShardsCurve lru(stream_, *options_.shards, proceed);
    if (!lru.complete()) return;
    curve.rate = lru.rate();
    curve.sampled = lru.blocks();
    for (std::size_t k = 0; k < curve.points.size(); ++k) {
      const std::int64_t capacity = options_.capacities[k];
      curve.points[k] = {lru.at(capacity), lru.error(capacity)};
    }
  }

  const BlockStream& stream_;
  const MrcOptions& options_;
  Mrc result_;
  std::vector<std::uint32_t> next_;  // empty unless some policy needs the future
  std::vector<std::function<void(StudyProgress)>> pieces_;
};

}  // namespace

Mrc miss_ratio_curves(const BlockStream& stream, const MrcOptions& options) {
  TERRACE_CHECK(options.jobs >= 1);
  return Study(stream, options).run();
}

}  // namespace terrace
