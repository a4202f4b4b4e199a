#include "calibrate/labs/block_store.hpp"

#include <algorithm>
#include <cstring>
#include <deque>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "calibrate/labs/slot_file.hpp"
#include "tests/for_all.hpp"

namespace terrace::labs {
namespace {

using tests::for_all;

constexpr std::size_t kBytes = 5000;  // not a whole number of a disk's blocks

std::vector<std::byte> bytes_of(std::size_t content) {
  std::vector<std::byte> bytes(kBytes);
  for (std::size_t i = 0; i < kBytes; ++i) bytes[i] = static_cast<std::byte>(content * 31 + i * 7);
  return bytes;
}

/// Two lists of contents, the least recently used in front; what a call has touched cannot leave
/// before it ends.
class Model {
 public:
  Model(std::size_t memory, std::size_t file) : memory_room_(memory), file_room_(file) {}

  void put(const std::vector<std::size_t>& contents) {
    std::vector<std::size_t> placed;
    for (const std::size_t c : contents) {
      if (!has(memory_, c) && place(c)) placed.push_back(c);
    }
    for (const std::size_t c : placed) release(memory_, c);
    end();
  }

  void load(const std::vector<std::size_t>& contents) {
    std::vector<bool> from_memory;
    for (const std::size_t c : contents) {
      from_memory.push_back(has(memory_, c));
      held_.insert({from_memory.back(), c});
    }
    for (std::size_t i = contents.size(); i-- > 0;) {
      if (!from_memory[i] && place(contents[i])) release(memory_, contents[i]);
      release(from_memory[i] ? memory_ : file_, contents[i]);
    }
    end();
  }

  void looked_up(const std::vector<std::size_t>& contents) {
    for (std::deque<std::size_t>* list : {&memory_, &file_}) {
      for (std::size_t i = contents.size(); i-- > 0;) {
        if (has(*list, contents[i])) release(*list, contents[i]);
      }
    }
  }

  [[nodiscard]] bool here(std::size_t c) const { return has(memory_, c) || has(file_, c); }
  [[nodiscard]] std::size_t memory_blocks() const { return memory_.size(); }
  [[nodiscard]] std::size_t file_blocks() const { return file_.size(); }

 private:
  static bool has(const std::deque<std::size_t>& list, std::size_t c) {
    return std::find(list.begin(), list.end(), c) != list.end();
  }

  /// The last user leaves: it is the most recently used.
  void release(std::deque<std::size_t>& list, std::size_t c) {
    list.erase(std::find(list.begin(), list.end(), c));
    list.push_back(c);
    held_.erase({&list == &memory_, c});
  }

  /// Makes room in a list, if it is full and something may leave; tells what left.
  bool make_room(std::deque<std::size_t>& list, std::size_t room, std::vector<std::size_t>& left) {
    if (list.size() < room) return true;
    const auto victim = std::find_if(list.begin(), list.end(), [&](std::size_t c) {
      return !held_.contains({&list == &memory_, c});
    });
    if (victim == list.end()) return false;
    left.push_back(*victim);
    list.erase(victim);
    return true;
  }

  bool place(std::size_t c) {
    std::vector<std::size_t> left;
    std::vector<std::size_t> lost;
    if (!make_room(memory_, memory_room_, left)) return false;
    for (const std::size_t out : left) {
      if (has(file_, out) || !make_room(file_, file_room_, lost)) continue;
      file_.push_back(out);
      held_.insert({false, out});
      written_.push_back(out);
    }
    memory_.push_back(c);
    held_.insert({true, c});
    return true;
  }

  void end() {
    for (const std::size_t c : written_) release(file_, c);
    written_.clear();
  }

  std::size_t memory_room_;
  std::size_t file_room_;
  std::deque<std::size_t> memory_;
  std::deque<std::size_t> file_;
  std::set<std::pair<bool, std::size_t>> held_;  // in memory or file
  std::vector<std::size_t> written_;             // in this call
};

std::vector<ContentId> ids_of(const std::vector<std::size_t>& contents) {
  std::vector<ContentId> ids;
  ids.reserve(contents.size());
  for (const std::size_t c : contents) ids.emplace_back(c);
  return ids;
}

void put(BlockStore& store, const std::vector<std::size_t>& contents) {
  std::vector<std::vector<std::byte>> bytes;
  std::vector<BlockStore::Block> blocks;
  bytes.reserve(contents.size());
  blocks.reserve(contents.size());
  for (const std::size_t c : contents) {
    blocks.push_back({ContentId{c}, bytes.emplace_back(bytes_of(c))});
  }
  store.put(blocks);
}

/// What comes out of the store.
std::vector<std::vector<std::byte>> load(BlockStore& store,
                                         const std::vector<std::size_t>& contents) {
  std::vector<std::vector<std::byte>> bytes(contents.size(), std::vector<std::byte>(kBytes));
  std::vector<BlockStore::Wanted> wanted;
  for (std::size_t i = 0; i < contents.size(); ++i) {
    wanted.push_back({ContentId{contents[i]}, bytes[i]});
  }
  store.load(wanted);
  return bytes;
}

BlockStoreRules rules(std::int64_t memory, std::int64_t file) {
  return {Bytes{kBytes}, memory, file, testing::TempDir(), 3};
}

TEST(BlockStore, KeepsWhatTwoListsKeepAndGivesBackWhatWasPut) {
  for_all(
      [] {
        const auto memory = *rc::gen::inRange<std::size_t>(1, 5);
        const auto file = *rc::gen::inRange<std::size_t>(0, 7);
        BlockStore store(rules(static_cast<std::int64_t>(memory), static_cast<std::int64_t>(file)));
        Model model(memory, file);
        for (int call = 0; call < 40; ++call) {
          std::vector<std::size_t> some;
          for (int i = 0; i < 6; ++i) {
            const auto c = *rc::gen::inRange<std::size_t>(0, 14);
            if (std::find(some.begin(), some.end(), c) == some.end()) some.push_back(c);
          }
          const auto what = *rc::gen::inRange(0, 4);
          if (what < 2) {
            put(store, some);
            model.put(some);
          } else if (what == 2) {
            store.looked_up(ids_of(some));
            model.looked_up(some);
          } else {
            const auto missing = std::find_if_not(some.begin(), some.end(),
                                                  [&](std::size_t c) { return model.here(c); });
            RC_ASSERT(store.count_found(ids_of(some)) == missing - some.begin());
            some.erase(missing, some.end());
            const auto bytes = load(store, some);
            for (std::size_t i = 0; i < some.size(); ++i) RC_ASSERT(bytes[i] == bytes_of(some[i]));
            model.load(some);
          }
          RC_ASSERT(store.memory_blocks() == static_cast<std::int64_t>(model.memory_blocks()));
          RC_ASSERT(store.file_blocks() == static_cast<std::int64_t>(model.file_blocks()));
          for (std::size_t c = 0; c < 14; ++c) {
            RC_ASSERT((store.count_found(ids_of({c})) == 1) == model.here(c));
          }
        }
      },
      25);
}

TEST(BlockStore, CountsWhatMoves) {
  BlockStore store(rules(2, 4));
  put(store, {0, 1});
  put(store, {2});  // 0 goes to the file
  EXPECT_EQ(store.memory().in.blocks, 3);
  EXPECT_EQ(store.file().in.blocks, 1);
  EXPECT_EQ(store.file().in.bytes, Bytes{kBytes});
  load(store, {0, 2});  // 0 out of the file; its copy in memory drives out 1
  EXPECT_EQ(store.file().out.blocks, 1);
  EXPECT_EQ(store.memory().out.blocks, 1);
  EXPECT_EQ(store.memory().in.blocks, 4);
  EXPECT_EQ(store.file().in.blocks, 2);
  EXPECT_GT(store.file().out.time, Duration::zero());
  put(store, {0, 1, 3, 4});  // 0 is in memory: 1 and 3 take both places, 4 finds none
  EXPECT_EQ(store.memory().skipped, 1);
}

TEST(BlockStore, WithoutAFileWhatLeavesMemoryIsGone) {
  BlockStore store(rules(1, 0));
  put(store, {0});
  put(store, {1});
  EXPECT_EQ(store.count_found(ids_of({0})), 0);
  EXPECT_EQ(store.count_found(ids_of({1})), 1);
  EXPECT_EQ(store.slot_file(), nullptr);
}

TEST(SlotFile, WritesToOnePlaceHappenInTheirOrder) {
  SlotFile file(testing::TempDir(), Bytes{kBytes}, 2, 8);
  SlotMemory memory(file.slot_bytes(), 2);
  for (std::size_t i = 0; i < 50; ++i) file.write(static_cast<std::int32_t>(i % 2), bytes_of(i));
  file.flush();
  const std::vector<SlotFile::Read> both = {{0, memory[0]}, {1, memory[1]}};
  file.read(both);
  for (const std::size_t slot : {0U, 1U}) {
    EXPECT_EQ(std::memcmp(memory[slot].data(), bytes_of(48 + slot).data(), kBytes), 0);
  }
}

}  // namespace
}  // namespace terrace::labs
