// What the block store does is what the simulated hierarchy does.

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "calibrate/labs/block_store.hpp"
#include "tests/for_all.hpp"
#include "tests/kv/fleet.hpp"

namespace terrace::labs {
namespace {

using terrace::testing::Fleet;
using terrace::testing::kDram;
using terrace::testing::kMegabyte;
using terrace::testing::kNvme;
using tests::for_all;

constexpr std::int64_t kLongest = 6;  // blocks of a text

/// A simulated fleet and a real store, to which the same happens. The memory that computes is large
/// enough for a text, and forgets it when it is done.
class Twins {
 public:
  Twins(std::int64_t memory, std::int64_t file)
      : fleet_(kLongest, {kDram.of(memory).back(), kNvme.of(file).back()}),
        store_({Bytes{64}, memory, file, ::testing::TempDir(), 2}) {}

  void compute(const std::vector<ContentId>& text) {
    fleet_.visit(text);
    forget(text);
  }

  void load(const std::vector<ContentId>& text) {
    const std::int64_t loaded = fleet_.load(text);
    fleet_.run();
    const std::int64_t found = store_.count_found(text);
    RC_ASSERT(found == loaded);
    store_.looked_up(text);
    std::vector<std::byte> bytes(64);
    std::vector<BlockStore::Wanted> wanted;
    const auto there = std::span(text).first(static_cast<std::size_t>(found));
    for (const ContentId content : there) wanted.push_back({content, bytes});
    store_.load(wanted);
    forget(there);
  }

  std::vector<ContentId> text(std::uint64_t content, std::int64_t blocks) {
    return fleet_.text(content, blocks);
  }

  void compare(const std::vector<ContentId>& text) const {
    std::string memory;
    std::string file;
    for (const ContentId content : text) {
      memory += store_.in_memory(content) ? 'x' : '.';
      file += store_.in_file(content) ? 'x' : '.';
    }
    RC_ASSERT(memory == fleet_.in_tier(0, text));
    RC_ASSERT(file == fleet_.in_tier(1, text));
    const auto moved = [](Bytes bytes) { return bytes.count() / kMegabyte.count(); };
    RC_ASSERT(store_.memory().out.blocks == moved(fleet_.counters(0).read));
    RC_ASSERT(store_.file().out.blocks == moved(fleet_.counters(1).read));
    RC_ASSERT(store_.file().in.blocks == moved(fleet_.counters(1).written));
    RC_ASSERT(store_.memory().skipped == fleet_.counters(0).writes_skipped);
    RC_ASSERT(store_.file().skipped == fleet_.counters(1).writes_skipped);
  }

 private:
  /// The tail of a text leaves first.
  void forget(std::span<const ContentId> text) {
    fleet_.flush();
    fleet_.run();
    const std::vector<std::byte> bytes(64);
    std::vector<BlockStore::Block> leaving;
    for (std::size_t i = text.size(); i-- > 0;) leaving.push_back({text[i], bytes});
    store_.put(leaving);
  }

  Fleet fleet_;
  BlockStore store_;
};

TEST(BlockStore, DoesWhatTheSimulatedHierarchyDoes) {
  for_all(
      [] {
        Twins twins(*rc::gen::inRange<std::int64_t>(1, 9), *rc::gen::inRange<std::int64_t>(1, 15));
        for (int i = 0; i < 40; ++i) {
          // Some texts are the beginnings of others.
          const auto text = twins.text(*rc::gen::inRange<std::uint64_t>(1, 5),
                                       *rc::gen::inRange<std::int64_t>(1, kLongest + 1));
          if (*rc::gen::inRange(0, 2) == 0) {
            twins.compute(text);
          } else {
            twins.load(text);
          }
          for (std::uint64_t c = 1; c < 5; ++c) twins.compare(twins.text(c, kLongest));
        }
      },
      40);
}

}  // namespace
}  // namespace terrace::labs
