#include <algorithm>
#include <cstdint>
#include <vector>

#include "sim/kv/eviction/block_queues.hpp"
#include "sim/kv/eviction/frequency_sketch.hpp"
#include "sim/kv/eviction/policy.hpp"
#include "sim/kv/eviction/segments.hpp"

namespace terrace::eviction {
namespace {

/// Einziger, Friedman, Manes, "TinyLFU: a highly efficient cache admission policy", ACM TOS 2017:
/// new content passes a small LRU, the window. What leaves that replaces the victim of the main
/// part, a segmented LRU, only if it was used more often.
class WTinyLfu final : public EvictionPolicy {
 public:
  struct Options {
    double window = 0.01;
    double protected_ratio = 0.8;
    std::int64_t sample_size = 10;
    std::int64_t sketch_width = 4;

    void tell(config::Fields& f) {
      f.field("window", window, "size of the window, at least one block, as a part of the pool",
              config::kFraction);
      f.field("protected_ratio", protected_ratio,
              "size of the main part's upper segment, for what was read there, as a part of it",
              config::kFraction);
      f.field("sample_size", sample_size, "reads per block of the pool until counts are halved",
              config::between(1, 1e6));
      f.field("sketch_width", sketch_width,
              "counters in each of the sketch's 4 rows per block of the pool; 0: counts are exact",
              config::between(0, 1000));
    }
  };

  WTinyLfu(const Options& options, const EvictionContext& context)
      : capacity_(context.capacity),
        window_(std::max<std::int64_t>(part(options.window, capacity_), 1)),
        main_(std::max<std::int64_t>(capacity_ - window_, 0)),
        sample_(options.sample_size * std::max<std::int64_t>(capacity_, 1)),
        width_(static_cast<std::size_t>(options.sketch_width * capacity_)),
        segments_(
            blocks_, kMain,
            {part(1 - options.protected_ratio, main_), part(options.protected_ratio, main_)}) {}

  void on_insert(BlockId block, ContentId content) override {
    count(content);
    blocks_.insert(block, content, kWindow);
    if (blocks_.size(kWindow) > window_ && main_size() < main_) enter_main(blocks_.first(kWindow));
  }

  void on_access(BlockId block) override {
    count(blocks_.content(block));
    if (blocks_.queue_of(block) == kWindow) {
      blocks_.move_to_back(block, kWindow);
    } else {
      segments_.on_access(block);
    }
  }

  void on_pin(BlockId block) override { blocks_.pin(block); }
  void on_unpin(BlockId block) override { blocks_.unpin(block); }
  void on_remove(BlockId block) override { blocks_.remove(block); }

  BlockId victim(ContentId) override {
    // Before anything is evicted the counts are of little more than what is here, and a pool that
    // never fills up needs no sketch of its size.
    if (width_ > 0 && !counts_.folded()) counts_.fold(width_);
    const BlockId candidate = blocks_.evictable(kWindow);
    const BlockId worst = segments_.evictable();
    if (worst == BlockId::none()) return candidate;
    if (candidate == BlockId::none()) return worst;
    return estimate(candidate) > estimate(worst) ? worst : candidate;
  }

 private:
  static constexpr std::size_t kWindow = 0;
  static constexpr std::size_t kMain = 1;  // and 2: probation, protected

  static std::int64_t part(double ratio, std::int64_t whole) {
    constexpr double kRounding = 1e-9;  // 1 - 0.8 is not quite a fifth
    return static_cast<std::int64_t>(ratio * static_cast<double>(whole) + kRounding);
  }

  [[nodiscard]] std::int64_t main_size() const {
    return blocks_.size(kMain) + blocks_.size(kMain + 1);
  }
  void enter_main(BlockId block) { blocks_.move_to_back(block, segments_.queue_for_new()); }

  void count(ContentId content) {
    counts_.count(content);
    if (++accesses_ % sample_ == 0) counts_.halve();
  }

  /// As of the access that evicts, which may be the one that halves.
  [[nodiscard]] int estimate(BlockId block) const {
    const ContentId content = blocks_.content(block);
    if (content == ContentId::none()) return 0;
    return counts_.estimate(content) / ((accesses_ + 1) % sample_ == 0 ? 2 : 1);
  }

  std::int64_t capacity_;
  std::int64_t window_;  // limits
  std::int64_t main_;
  std::int64_t sample_;
  std::size_t width_;
  BlockQueues blocks_{3};
  Segments segments_;
  FrequencySketch counts_;
  std::int64_t accesses_ = 0;
};

}  // namespace

std::unique_ptr<EvictionRecipe> wtinylfu() { return eviction_recipe<WTinyLfu>(); }

}  // namespace terrace::eviction
