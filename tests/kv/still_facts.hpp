#pragma once

#include <chrono>
#include <cstdint>
#include <map>

#include "sim/kv/eviction/facts.hpp"

namespace terrace {

/// A world in which nothing happens unless a test says so: every block is alone in its sequence,
/// nobody says anything about it, it costs one second to recompute and is never used again.
class StillFacts final : public BlockFacts {
 public:
  SimTime time{};
  std::map<ContentId, std::int64_t> positions;
  std::map<ContentId, ContentId> parents;
  std::map<ContentId, BlockUse> uses;
  std::map<ContentId, Duration> costs;
  std::map<ContentId, bool> queued;
  std::map<ContentId, std::uint64_t> nexts;

  [[nodiscard]] SimTime now() const override { return time; }
  [[nodiscard]] std::int64_t position(ContentId content) const override {
    return get<std::int64_t>(positions, content, 0);
  }
  [[nodiscard]] ContentId before(ContentId content) const override {
    return get(parents, content, ContentId::none());
  }
  [[nodiscard]] const BlockUse& use(ContentId content) const override {
    static constexpr BlockUse kNobody{};
    const auto found = uses.find(content);
    return found == uses.end() ? kNobody : found->second;
  }
  [[nodiscard]] Duration recompute(ContentId content) const override {
    return get<Duration>(costs, content, std::chrono::seconds(1));
  }
  [[nodiscard]] bool wanted(ContentId content) const override {
    return get(queued, content, false);
  }
  [[nodiscard]] std::uint64_t next_use(ContentId content) const override {
    return get(nexts, content, kNever);
  }

 private:
  template <class T>
  static T get(const std::map<ContentId, T>& map, ContentId content, T otherwise) {
    const auto found = map.find(content);
    return found == map.end() ? otherwise : found->second;
  }
};

}  // namespace terrace
