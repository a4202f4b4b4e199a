#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/base/function_ref.hpp"
#include "sim/base/id.hpp"
#include "sim/base/units.hpp"
#include "sim/kv/content_table.hpp"
#include "sim/workload/workload.hpp"

namespace terrace {

/// Requests as the KV blocks they read, in order of arrival: all that a cache without time sees.
/// Blocks are identified with all text before them, so a block that hits has a past that could hit.
struct BlockStream {
  struct Request {
    SimTime arrived{};
    std::uint64_t reads_end =
        0;                  // its reads end here in `accesses`, and begin where the last ended
    std::uint64_t end = 0;  // the blocks its output completed follow; they are only written
    Tokens prompt;
    Tokens last_read;  // tokens of the prompt in the last block read; the others are full
  };

  explicit BlockStream(Tokens block) : block_size(block), table(block) {}

  Tokens block_size;
  std::vector<ContentId> accesses;
  std::vector<Request> requests;
  ContentTable table;        // whose ids they are; empty if they were made up
  std::size_t contents = 0;  // all ids are below this

  /// One more request that reads `blocks`, of which the last has `last_read` tokens.
  void add_reads(const std::vector<ContentId>& blocks, Tokens last_read);

  /// Tokens of the last block read that are not the prompt's.
  [[nodiscard]] std::int64_t padding(const Request& request) const {
    return block_size.count() - request.last_read.count();
  }
};

/// How many blocks, and how many tokens in them, were found. `usable`: before the first miss of
/// their request, which is what an engine can use, as the KV of a block needs all before it.
struct HitCounts {
  std::int64_t blocks = 0;
  std::int64_t usable_blocks = 0;
  Tokens tokens;
  Tokens usable_tokens;

  friend bool operator==(const HitCounts&, const HitCounts&) = default;
};

struct StreamTotals {
  std::int64_t requests = 0;
  std::int64_t reads = 0;              // blocks looked up
  std::int64_t writes = 0;             // blocks that outputs completed
  std::int64_t unique = 0;             // distinct blocks of both
  Tokens prompt;                       // tokens, those in blocks that are not looked up included
  std::int64_t compulsory_misses = 0;  // reads of what was never there before
  HitCounts achievable;                // what a cache without bounds finds
};

/// One pass; O(accesses).
StreamTotals totals(const BlockStream& stream);

struct StreamOptions {
  Tokens block_size{16};
  /// A prompt's last block counts though the prompt does not fill it. Its identity is that of the
  /// full block one gets by lengthening the prompt's last text, which for traces of hashed blocks
  /// is the hash of what was left over: one read for each hash id. Otherwise only full blocks are
  /// read.
  bool partial_blocks = false;
  /// Blocks that a request's output completes enter the cache when the request has been read.
  bool outputs = false;
};

/// Everything a workload sends. Answers take no time: whoever waits for one gets it at once, so the
/// workload must not be a closed loop. `proceed` is asked now and then, with the requests so far;
/// if it says no, the stream ends there.
/// REQUIRES: not both partial_blocks and outputs: an output goes on in the partial block.
BlockStream collect_stream(Workload& workload, const StreamOptions& options,
                           FunctionRef<bool(std::uint64_t requests)> proceed);

}  // namespace terrace
