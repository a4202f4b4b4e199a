#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sim/kv/cache_watch.hpp"
#include "sim/kv/memories.hpp"

/// Says why tokens were missed, from the whole history of a run: it forgets nothing, looks for
/// everything by going through all of it, and follows the definitions in fates.hpp one by one.
namespace terrace::oracle {

struct MissedTokens {
  std::int64_t tokens = 0;
  std::int64_t requests = 0;
  std::int64_t idle = 0;  // picoseconds, summed over tokens
  std::int64_t away = 0;
  friend bool operator==(const MissedTokens&, const MissedTokens&) = default;
};

class ReferenceMisses final : public CacheWatch {
 public:
  ReferenceMisses(const EventLoop& loop, std::vector<std::string> places, std::int64_t block)
      : loop_(loop), places_(std::move(places)), block_(block) {}

  void computed(std::span<const ContentId> contents) override {
    for (const ContentId content : contents) note({Event::computed, 0, content, {}, {}});
  }
  void evicted(std::size_t level, ContentId content, SimTime last_use) override {
    note({Event::evicted, level, content, MissCause::evicted, last_use});
  }
  void removed(std::size_t level, ContentId content) override {
    note({Event::removed, level, content, {}, {}});
  }
  void refused(std::size_t level, ContentId content, MissCause why) override {
    note({Event::refused, level, content, why, {}});
  }
  void looked_up(const Memories& memories, ReplicaId replica, std::span<const ContentId> sequence,
                 Tokens prompt, std::int64_t hits, std::int64_t from, std::int64_t to) override;

  /// By cause and place, "evicted dram".
  [[nodiscard]] const std::map<std::string, MissedTokens>& all() const { return all_; }

 private:
  struct Event {
    enum Kind { computed, evicted, removed, refused };
    Kind kind;
    std::size_t level;
    ContentId content;
    MissCause why;
    SimTime last_use;
    SimTime at{};
  };

  /// Where a copy is: level, part, whether it can be read.
  struct Copy {
    std::size_t level;
    std::size_t part;
    bool readable;
  };

  struct Answer {
    std::string name;
    std::int64_t idle = 0;
    std::int64_t away = 0;
  };

  void note(Event event) {
    event.at = loop_.now();
    history_.push_back(event);
  }
  [[nodiscard]] bool ever_computed(ContentId content) const;
  [[nodiscard]] std::vector<Copy> copies(const Memories& memories,
                                         std::span<const ContentId> sequence,
                                         std::size_t position) const;
  [[nodiscard]] Answer when_lost(const Memories& memories, std::span<const ContentId> sequence,
                                 std::size_t position) const;

  const EventLoop& loop_;
  std::vector<std::string> places_;
  std::int64_t block_;
  std::vector<Event> history_;
  std::map<std::string, MissedTokens> all_;
};

}  // namespace terrace::oracle
