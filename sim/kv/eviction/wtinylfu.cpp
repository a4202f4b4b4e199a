#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/kv/eviction/block_queues.hpp"
#include "sim/kv/eviction/frequency_sketch.hpp"
#include "sim/kv/eviction/policy.hpp"
#include "sim/kv/eviction/segments.hpp"

namespace terrace::eviction {
namespace {

enum class Counted { every_access, libcachesim };

}  // namespace
}  // namespace terrace::eviction

template <>
struct terrace::config::Names<terrace::eviction::Counted> {
  static constexpr std::string_view kKind = "way of counting";
  static constexpr std::pair<std::string_view, eviction::Counted> kList[] = {
      {"every_access", eviction::Counted::every_access},
      {"libcachesim", eviction::Counted::libcachesim}};
};

namespace terrace::eviction {
namespace {

/// Einziger, Friedman, Manes, "TinyLFU: a highly efficient cache admission policy", ACM TOS 2017:
/// new content passes a small LRU, the window. What leaves that replaces the victim of the main
/// part, a segmented LRU, only if it was counted more often.
class WTinyLfu final : public EvictionPolicy {
 public:
  struct Options {
    double window = 0.01;
    double protected_ratio = 0.8;
    std::int64_t sample_size = 32;
    double sketch_error = 0.001;
    Counted counted = Counted::libcachesim;

    void tell(config::Fields& f) {
      f.field("window", window, "size of the window as a part of the pool", config::kFraction);
      f.field("protected_ratio", protected_ratio,
              "of the main part for what was read there, as a part of it", config::kFraction);
      f.field("sample_size", sample_size,
              "counts are halved after so many counts per block of the main part",
              config::between(1, 1e6));
      f.field("sketch_error", sketch_error,
              "part of the contents of a full pool that the sketch takes for more frequent",
              config::between(1e-9, 0.5));
      f.field("counted", counted,
              "what: every_access, as in the paper; libcachesim: insertions, reads in the main "
              "part, which alone lead to halving, and once more what leaves the window");
    }
  };

  WTinyLfu(const Options& options, const EvictionContext& context) : options_(options) {
    const auto window =
        static_cast<std::int64_t>(options.window * static_cast<double>(context.capacity));
    main_ = std::max<std::int64_t>(context.capacity - std::max<std::int64_t>(window, 1), 0);
    const auto guarded =
        static_cast<std::int64_t>(options.protected_ratio * static_cast<double>(main_));
    segments_.emplace(blocks_, kMain, std::vector<std::int64_t>{main_ - guarded, guarded});
  }

  void on_insert(BlockId block, ContentId content) override {
    blocks_.insert(block, content, kWindow);
    count(block);
    if (every_access()) tick();
  }

  void on_access(BlockId block) override {
    const bool in_main = blocks_.queue_of(block) >= kMain;
    if (in_main) {
      segments_->on_access(block);
    } else {
      blocks_.move_to_back(block, kWindow);
    }
    if (!in_main && !every_access()) return;
    count(block);
    tick();
  }

  void on_pin(BlockId block) override { blocks_.pin(block); }
  void on_unpin(BlockId block) override { blocks_.unpin(block); }
  void on_remove(BlockId block) override { blocks_.remove(block); }

  void on_evict(BlockId block) override {
    const BlockId candidate = blocks_.evictable(kWindow);
    if (candidate != BlockId::none() && !every_access()) count(candidate);
    blocks_.remove(block);
    if (candidate != BlockId::none() && candidate != block) enter_main(candidate);
  }

  BlockId victim(ContentId) override {
    if (!sketch_) make_sketch();
    BlockId candidate = blocks_.evictable(kWindow);
    for (; candidate != BlockId::none() && main_size() < main_;
         candidate = blocks_.evictable(kWindow)) {
      if (!every_access()) count(candidate);
      enter_main(candidate);
    }
    const BlockId worst = segments_->evictable();
    if (worst == BlockId::none()) return candidate;
    if (candidate == BlockId::none()) return worst;
    return estimate(candidate) > estimate(worst) ? worst : candidate;
  }

 private:
  static constexpr std::size_t kWindow = 0;
  static constexpr std::size_t kMain = 1;  // and 2: probation, protected

  [[nodiscard]] bool every_access() const { return options_.counted == Counted::every_access; }
  [[nodiscard]] std::int64_t main_size() const {
    return blocks_.size(kMain) + blocks_.size(kMain + 1);
  }
  void enter_main(BlockId block) { blocks_.move_to_back(block, segments_->queue_for_new()); }

  void count(BlockId block) {
    const ContentId content = blocks_.content(block);
    if (!sketch_) {
      ++blocks_.count(block);
    } else if (content != ContentId::none()) {
      sketch_->count(content);
    }
  }

  /// One more count until counts are halved.
  void tick() {
    if (++ticks_ < options_.sample_size * std::max<std::int64_t>(main_, 1)) return;
    ticks_ = 0;
    if (sketch_) {
      sketch_->halve();
    } else {
      for_each_block([this](BlockId block) { blocks_.count(block) /= 2; });
    }
  }

  std::uint32_t estimate(BlockId block) {
    const ContentId content = blocks_.content(block);
    return content == ContentId::none() ? 0 : sketch_->estimate(content);
  }

  /// Until the first eviction all that was counted is here. So a pool that never fills up needs no
  /// sketch of its size.
  void make_sketch() {
    sketch_.emplace(std::max<std::int64_t>(main_, 1), options_.sketch_error);
    for_each_block([this](BlockId block) {
      if (blocks_.content(block) == ContentId::none()) return;
      for (std::uint32_t i = blocks_.count(block); i > 0; --i)
        sketch_->count(blocks_.content(block));
    });
  }

  template <class Visit>
  void for_each_block(Visit visit) {
    for (std::size_t queue = 0; queue <= kMain + 1; ++queue) blocks_.for_each(queue, visit);
  }

  Options options_;
  std::int64_t main_ = 0;  // size of the main part
  BlockQueues blocks_{3};
  std::optional<Segments> segments_;
  std::optional<FrequencySketch> sketch_;
  std::int64_t ticks_ = 0;
};

}  // namespace

std::unique_ptr<EvictionRecipe> wtinylfu() { return eviction_recipe<WTinyLfu>(); }

}  // namespace terrace::eviction
