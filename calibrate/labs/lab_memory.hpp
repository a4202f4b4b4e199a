#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "calibrate/labs/block_store.hpp"
#include "calibrate/labs/lab.hpp"
#include "calibrate/labs/reservations.hpp"
#include "calibrate/labs/transformer.hpp"

namespace terrace::labs {

/// A dialogue that is served, and how far it is.
struct LabRequest {
  std::size_t dialogue = 0;
  std::size_t turn = 0;
  std::vector<std::int32_t> tokens{};  // known
  std::int64_t answered = 0;           // tokens of this turn
  std::int64_t computed = 0;           // tokens whose KV is in its blocks
  std::int64_t ever_computed = 0;
  std::vector<std::int32_t> blocks{};  // of the pool, by position

  [[nodiscard]] std::int64_t known() const { return static_cast<std::int64_t>(tokens.size()); }
};

/// Where the KV of requests lies: in the model's pool, which they have parts of, and below.
class LabMemory {
 public:
  LabMemory(const LabRules& rules, Transformer& model);

  /// Lets a request have room for so many tokens. False, and nothing changes, if there is none.
  bool reserve(LabRequest& request, std::int64_t tokens);

  /// What is below of a request's text is in its blocks now, but for the last token, which always
  /// has to be computed. REQUIRES: it has the room.
  void restore(LabRequest& request);

  /// A request gives its blocks back; their KV is kept below, if there is such a place.
  void release(LabRequest& request);

  [[nodiscard]] Bytes reserved() const {
    return rules_.shape.block_bytes() * reservations_.reserved();
  }
  /// Spent on what moved between pool, memory and file.
  [[nodiscard]] Duration transfers() const { return transfers_; }
  /// Nothing if the pool is all there is.
  [[nodiscard]] const BlockStore* store() const { return store_ ? &*store_ : nullptr; }

 private:
  [[nodiscard]] std::vector<ContentId> contents_of(const LabRequest& request,
                                                   std::int64_t tokens) const;
  std::span<std::byte> staged(std::size_t block);

  const LabRules& rules_;
  Transformer& model_;
  Reservations reservations_;
  std::optional<BlockStore> store_;
  std::vector<std::byte> staging_;
  Duration transfers_{};
};

}  // namespace terrace::labs
