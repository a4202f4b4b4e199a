#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <vector>

/// Cache replacement as its papers describe it, built from standard containers: what the fast
/// policies are compared with. Nothing here knows them.
namespace terrace::oracle {

/// A cache of equal objects, replayed without time: each access is one object; a miss inserts,
/// evicting if the cache is full.
class CacheModel {
 public:
  explicit CacheModel(std::size_t capacity) : capacity_(capacity) {}
  CacheModel(const CacheModel&) = delete;
  CacheModel& operator=(const CacheModel&) = delete;
  virtual ~CacheModel() = default;

  /// True: a hit.
  bool access(std::uint64_t object) {
    victim_.reset();
    return do_access(object);
  }

  /// What the latest access evicted; the last of them if there were several.
  [[nodiscard]] std::optional<std::uint64_t> last_victim() const { return victim_; }

  [[nodiscard]] virtual std::set<std::uint64_t> contents() const = 0;
  [[nodiscard]] std::size_t capacity() const { return capacity_; }

 protected:
  virtual bool do_access(std::uint64_t object) = 0;
  void evicted(std::uint64_t object) { victim_ = object; }

 private:
  std::size_t capacity_;
  std::optional<std::uint64_t> victim_;
};

/// Where the literature knows more than one way. The defaults are those of the published miss
/// counts, which libCacheSim gave (Yang et al., github.com/1a1a11a/libCacheSim).
struct CacheModelParams {
  static constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

  /// belady: all accesses there will be, in order.
  std::span<const std::uint64_t> future;
  /// belady: does not insert an object whose next use is farther than that of all others.
  bool bypass = false;
  /// lru_k: how many evicted objects have their references remembered.
  std::size_t history = kUnlimited;
  /// slru: how many segments of floor(capacity / segments) objects.
  std::size_t segments = 4;
  /// slru: a new object enters the lowest segment with room, not always the lowest.
  bool fill_upper_segments = true;
  /// lfuda: a hit adds the cache's age to the object's key (libCacheSim); otherwise the key becomes
  /// the object's reference count plus the age (Arlitt et al.).
  bool compound_age = true;
  /// lirs: a hit on an object in Q only demotes another (libCacheSim); the paper's does not.
  bool lirs_demotes_early = true;
  /// lirs: the most entries in S, as a multiple of the capacity.
  std::size_t lirs_stack = 2;
  /// wtinylfu: counts each access exactly; otherwise as libCacheSim, in its counting Bloom filter.
  bool exact_counts = false;
};

/// Policies by name: see cache_model_names(). REQUIRES: capacity > 0; the name is known.
std::unique_ptr<CacheModel> make_cache_model(std::string_view policy, std::size_t capacity,
                                             const CacheModelParams& params = {});

const std::vector<std::string_view>& cache_model_names();

}  // namespace terrace::oracle
