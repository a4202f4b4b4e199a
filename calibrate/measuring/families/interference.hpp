#pragma once

#include <cmath>
#include <memory>
#include <span>
#include <vector>

#include "calibrate/measuring/families/attention.hpp"
#include "kernels/decode.hpp"

namespace terrace::calibrate::family {

/// A step's attention of a batch of long sequences, on pages in no order, which take turns.
class DecodeStep {
 public:
  static constexpr kernels::proof::DecodeKernel kKernel{.head_dim = 128, .group = 4};

  explicit DecodeStep(Operands& operands, Bytes kv_bytes)
      : cache_(operands, kType, kHeads, lengths(kv_bytes), true),
        out_(operands.allocate(Bytes{kRow * 2})) {
    const auto q = operands.next(kType, kRow);
    for (std::size_t turn = 0; turn < cache_.turns.count(); ++turn) {
      kernels::PagedDecode op;
      op.q = q;
      op.heads = kHeads.q;
      op.kv = cache_.kv;
      op.table = cache_.turns.table(turn);
      op.scale = static_cast<float>(1 / std::sqrt(static_cast<double>(kHeads.dim)));
      op.out = {kType, out_.get()};
      starts_.push_back(operands.kernels().prepare(op));
    }
  }

  [[nodiscard]] std::span<const kernels::Start> starts() const { return starts_; }

 private:
  static constexpr auto kType = kernels::Element::bf16;
  static constexpr Heads kHeads{32, 8, 128};
  static constexpr std::int64_t kSequences = 8;
  static constexpr std::int64_t kRow = kSequences * kHeads.q * kHeads.dim;

  /// Whole pages.
  static std::vector<std::int32_t> lengths(Bytes all) {
    const Bytes page = family::kv_bytes(kType, kHeads, kPage);
    const std::int64_t pages = std::max<std::int64_t>(1, all.count() / page.count() / kSequences);
    return std::vector<std::int32_t>(kSequences, static_cast<std::int32_t>(pages * kPage));
  }

  PagedCache cache_;
  std::shared_ptr<std::byte> out_;
  std::vector<kernels::Start> starts_;
};

/// Attention and products beside copies over the link of a GPU, and those copies beside them.
std::vector<Measurement> interference_on_gpu(const Extent& extent);

}  // namespace terrace::calibrate::family
