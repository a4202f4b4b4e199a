#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/operands.hpp"
#include "kernels/paged.hpp"

/// What measurements of attention over a paged cache have in common.
namespace terrace::calibrate::family {

constexpr std::int64_t kPage = 16;  // tokens; vLLM's usual

struct Heads {
  std::int64_t q = 0, kv = 0, dim = 0;
};

/// Lists of blocks that take turns: each launch reads other pages of the pool than the ones before,
/// in no order.
class PageTurns {
 public:
  /// Tables for sequences of these lengths over a pool of `pool` pages: as many as there are pages
  /// for, `most` at most.
  PageTurns(std::vector<std::int32_t> lengths, std::int64_t pool, std::int64_t most,
            std::uint64_t seed);

  /// Pages that one launch reads.
  static std::int64_t pages(const std::vector<std::int32_t>& lengths);

  [[nodiscard]] std::size_t count() const { return tables_.size(); }
  [[nodiscard]] kernels::BlockTable table(std::size_t turn) const {
    return {tables_[turn], lengths_, width_};
  }

 private:
  std::vector<std::int32_t> lengths_;
  std::int64_t width_ = 0;
  std::vector<std::vector<std::int32_t>> tables_;
};

/// Keys and values of a pool whose blocks hold both, and its tables.
struct PagedCache {
  PagedCache(Operands& operands, kernels::Element type, const Heads& heads,
             std::vector<std::int32_t> lengths, bool cold);

  kernels::PagedKv kv;
  PageTurns turns;
};

/// Bytes of keys and values of that many tokens.
Bytes kv_bytes(kernels::Element type, const Heads& heads, std::int64_t tokens);

/// Whether a call over so much KV is also worth measuring hot.
bool worth_hot(const Extent& extent, Bytes kv);

}  // namespace terrace::calibrate::family
