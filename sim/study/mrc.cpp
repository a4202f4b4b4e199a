#include "sim/study/mrc.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/kv/eviction/policy.hpp"
#include "sim/study/replay.hpp"

namespace terrace {
namespace {

using namespace std::chrono_literals;

/// Independent pieces of work on several threads, and the calling thread to watch over them.
class Crew {
 public:
  using Piece = std::function<void(StudyProgress)>;

  /// Does all pieces, of `accesses` each, or stops when `proceed` says so; then returns false.
  /// Throws what the first piece, in their order, has thrown.
  bool run(const std::vector<Piece>& pieces, std::uint64_t accesses, const MrcOptions& options) {
    failures_.resize(pieces.size());
    const auto jobs = std::min<std::size_t>(pieces.size(), static_cast<std::size_t>(options.jobs));
    working_ = jobs;
    const double all = static_cast<double>(pieces.size()) * static_cast<double>(accesses);
    const auto ask = [&] {
      const double part = all > 0 ? static_cast<double>(done_.load()) / all : 0;
      if (options.proceed && !options.proceed(part)) stop_ = true;
    };
    ask();
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < jobs; ++i) threads.emplace_back([&] { work(pieces); });
    std::unique_lock lock(mutex_);
    while (!idle_.wait_for(lock, 50ms, [&] { return working_ == 0; })) {
      lock.unlock();
      ask();
      lock.lock();
    }
    lock.unlock();
    threads.clear();
    for (const std::exception_ptr& failure : failures_) {
      if (failure) std::rethrow_exception(failure);
    }
    return !stop_;
  }

 private:
  void work(const std::vector<Piece>& pieces) {
    const auto proceed = [this](std::uint64_t accesses) {
      done_ += accesses;
      return !stop_;
    };
    for (std::size_t i = next_++; i < pieces.size() && !stop_; i = next_++) {
      try {
        pieces[i](proceed);
      } catch (...) {
        failures_[i] = std::current_exception();
        stop_ = true;
      }
    }
    const std::lock_guard lock(mutex_);
    --working_;
    idle_.notify_one();
  }

  std::atomic<std::size_t> next_ = 0;
  std::atomic<std::uint64_t> done_ = 0;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t working_ = 0;
  std::vector<std::exception_ptr> failures_;
};

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
    result_.complete = Crew().run(pieces_, stream_.accesses.size(), options_);
    return std::move(result_);
  }

 private:
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
  std::vector<Crew::Piece> pieces_;
};

}  // namespace

Mrc miss_ratio_curves(const BlockStream& stream, const MrcOptions& options) {
  TERRACE_CHECK(options.jobs >= 1);
  return Study(stream, options).run();
}

}  // namespace terrace
