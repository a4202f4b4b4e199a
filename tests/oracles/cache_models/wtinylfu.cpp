#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <unordered_map>

#include "tests/oracles/cache_models/makers.hpp"
#include "tests/oracles/cache_models/queue.hpp"
#include "tests/oracles/cache_models/segments.hpp"

/// Einziger, Friedman & Manes, "TinyLFU: a highly efficient cache admission policy", TOS 2017: an
/// LRU window before a segmented LRU that lets in only what is used more often than its victim.
namespace terrace::oracle {

namespace {

/// XXH64 of eight bytes, from the specification of xxHash.
std::uint64_t xxh64(std::uint64_t bytes, std::uint64_t seed) {
  constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87;
  constexpr std::uint64_t kPrime2 = 0xC2B2AE3D27D4EB4F;
  constexpr std::uint64_t kPrime3 = 0x165667B19E3779F9;
  constexpr std::uint64_t kPrime4 = 0x85EBCA77C2B2AE63;
  constexpr std::uint64_t kPrime5 = 0x27D4EB2F165667C5;
  std::uint64_t hash = seed + kPrime5 + sizeof bytes;
  hash ^= std::rotl(bytes * kPrime2, 31) * kPrime1;
  hash = std::rotl(hash, 27) * kPrime1 + kPrime4;
  hash = (hash ^ (hash >> 33U)) * kPrime2;
  hash = (hash ^ (hash >> 29U)) * kPrime3;
  return hash ^ (hash >> 32U);
}

/// The counting Bloom filter of libCacheSim with its seeds and with object i as number i + 1, for a
/// false positive rate of 0.001: ten 32-bit counters for each object among 14.4 for each object
/// expected. Objects beyond that number collide, so its counts decide as much as the policy does.
class BloomCounts {
 public:
  explicit BloomCounts(std::size_t expected)
      : counters_(std::max<std::size_t>(20, counters_for(expected))) {}

  void add(std::uint64_t object) {
    for (const std::size_t at : places(object)) ++counters_[at];
  }

  [[nodiscard]] std::uint32_t count(std::uint64_t object) const {
    std::uint32_t least = ~std::uint32_t{0};
    for (const std::size_t at : places(object)) least = std::min(least, counters_[at]);
    return least;
  }

  void halve() {
    for (std::uint32_t& counter : counters_) counter /= 2;
  }

 private:
  static std::size_t counters_for(std::size_t expected) {
    constexpr double kLn2Squared = 0.480453013918201;
    return static_cast<std::size_t>(
        std::ceil(-std::log(0.001) / kLn2Squared * static_cast<double>(expected)));
  }

  [[nodiscard]] std::array<std::size_t, 10> places(std::uint64_t object) const {
    const auto a = static_cast<std::uint32_t>(xxh64(object + 1, 0x12345678));
    const auto b = static_cast<std::uint32_t>(xxh64(object + 1, 0x12344321));
    std::array<std::size_t, 10> at{};
    for (std::uint32_t i = 0; i < at.size(); ++i) at[i] = (a + i * b) % counters_.size();
    return at;
  }

  std::vector<std::uint32_t> counters_;
};

std::vector<std::size_t> main_segments(std::size_t capacity) {
  const auto size = static_cast<double>(capacity);
  return {static_cast<std::size_t>(size * (1.0 / 5)), static_cast<std::size_t>(size * (4.0 / 5))};
}

/// What both variants share: the window has 1 % of the cache, at least one object; the main cache
/// is 1 : 4 probation and protected.
class WindowAndMain : public CacheModel {
 public:
  explicit WindowAndMain(std::size_t capacity)
      : CacheModel(capacity),
        window_limit_(std::max<std::size_t>(
            1, static_cast<std::size_t>(static_cast<double>(capacity) * 0.01))),
        main_limit_(capacity - window_limit_),
        main_(main_segments(main_limit_)) {}

  [[nodiscard]] std::set<std::uint64_t> contents() const override {
    std::set<std::uint64_t> objects = main_.contents();
    objects.insert(window_.begin(), window_.end());
    return objects;
  }

 protected:
  bool touch_window(std::uint64_t object) {
    const bool there = window_.contains(object);
    if (there) window_.move_to_front(object);
    return there;
  }

  bool touch_main(std::uint64_t object) {
    const bool there = main_.contains(object);
    if (there) main_.promote(object);
    return there;
  }

  [[nodiscard]] bool main_contains(std::uint64_t object) const { return main_.contains(object); }

  void evict_from_main() {
    const std::uint64_t victim = main_.victim();
    main_.remove(victim);
    evicted(victim);
  }

  void enter_window(std::uint64_t object) { window_.push_front(object); }

  [[nodiscard]] std::size_t window_size() const { return window_.size(); }
  [[nodiscard]] std::size_t window_limit() const { return window_limit_; }
  [[nodiscard]] std::size_t main_size() const { return main_.size(); }
  [[nodiscard]] std::size_t main_limit() const { return main_limit_; }

  [[nodiscard]] virtual std::uint64_t count(std::uint64_t object) const = 0;

  /// The oldest of the window leaves it, for the main cache if that has room or holds something
  /// used less often. Returns what left the window.
  std::uint64_t leave_window() {
    const std::uint64_t candidate = window_.pop_back();
    if (main_.size() < main_limit_) {
      main_.insert_where_room(candidate);
    } else if (main_limit_ > 0 && count(candidate) > count(main_.victim())) {
      evict_from_main();
      main_.insert_where_room(candidate);
    } else {
      evicted(candidate);
    }
    return candidate;
  }

 private:
  std::size_t window_limit_;
  std::size_t main_limit_;
  Queue window_;
  Segments main_;
};

/// As in a libCacheSim of 2023. The window takes all until the whole cache is full. To evict is
/// then to empty it until the main cache refuses an object; if it takes all, one of its own goes,
/// too. Entering and leaving the window and hits in the main cache are counted, hits in the window
/// are not; counts are halved after 32 hits for each object of the main cache.
class LibCacheSimTinyLfu final : public WindowAndMain {
 public:
  explicit LibCacheSimTinyLfu(std::size_t capacity)
      : WindowAndMain(capacity), counts_(main_limit()) {}

 private:
  bool do_access(std::uint64_t object) override {
    if (touch_window(object)) return true;
    if (touch_main(object)) {
      counts_.add(object);
      if (++main_hits_ % (32 * main_limit()) == 0) counts_.halve();
      return true;
    }
    if (window_size() + main_size() == capacity()) evict();
    enter_window(object);
    counts_.add(object);
    return false;
  }

  void evict() {
    bool taken = true;
    while (taken && window_size() > 0) {
      const std::uint64_t object = leave_window();
      counts_.add(object);
      taken = main_contains(object);
    }
    if (taken) evict_from_main();
  }

  [[nodiscard]] std::uint64_t count(std::uint64_t object) const override {
    return counts_.count(object);
  }

  BloomCounts counts_;
  std::uint64_t main_hits_ = 0;
};

/// As in the paper, but without collisions: every access is counted, up to 15; counts are halved
/// after ten accesses for each object of the cache.
class ExactTinyLfu final : public WindowAndMain {
 public:
  using WindowAndMain::WindowAndMain;

 private:
  bool do_access(std::uint64_t object) override {
    counts_[object] = std::min<std::uint64_t>(15, counts_[object] + 1);
    if (++accesses_ % (10 * capacity()) == 0) {
      for (auto& [counted, count] : counts_) count /= 2;
    }
    if (touch_window(object) || touch_main(object)) return true;
    enter_window(object);
    if (window_size() > window_limit()) leave_window();
    return false;
  }

  [[nodiscard]] std::uint64_t count(std::uint64_t object) const override {
    return counts_.at(object);
  }

  std::unordered_map<std::uint64_t, std::uint64_t> counts_;
  std::uint64_t accesses_ = 0;
};

}  // namespace

std::unique_ptr<CacheModel> makers::wtinylfu(std::size_t capacity, const CacheModelParams& params) {
  if (params.exact_counts) return std::make_unique<ExactTinyLfu>(capacity);
  return std::make_unique<LibCacheSimTinyLfu>(capacity);
}

}  // namespace terrace::oracle
