#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <vector>

#include "kernels/cpu/cpu_set.hpp"
#include "kernels/decode.hpp"
#include "kernels/gemm.hpp"
#include "kernels/mla_decode.hpp"
#include "kernels/prefill.hpp"
#include "tests/kernels/through_set.hpp"

namespace terrace::tests {

/// Ways to be wrong that are easy to overlook.
enum class Spoilt : std::uint8_t {
  nothing,
  decode_head,         // one head of a sequence is a twentieth too large
  decode_page,         // the longest sequence's second page is read twice, its first never
  decode_last_token,   // is not seen
  decode_window,       // is one token too short
  mla_last_token,      // is not seen
  prefill_last_token,  // is not seen, of the longest chunk
  prefill_beside,      // the row behind the last one is written, too
  gemm_element,        // the very last one stays what it was
  gather_tail,         // the last 16 bytes stay what they were
  scatter_block,       // the last block of the list is left out
  copy_word,           // the last one is left out
  read_word,           // likewise
  write_word,          // likewise
  throws,              // a decode fails
  breaks               // a decode takes the device with it
};

/// The processor's kernels, one of them spoilt.
class SpoiledSet final : public kernels::tests::ThroughSet {
 public:
  explicit SpoiledSet(Spoilt how) : ThroughSet(std::make_shared<kernels::CpuSet>(1)), how_(how) {}

  using ThroughSet::prepare;
  kernels::Start prepare(const kernels::PagedDecode& op) override {
    if (how_ == Spoilt::throws) throw std::runtime_error("an illegal memory access");
    if (how_ == Spoilt::breaks) throw kernels::DeviceLost("an illegal memory access");
    Lists lists(op.table);
    kernels::PagedDecode wrong = op;
    if (how_ == Spoilt::decode_last_token) wrong.table = lists.shorter();
    if (how_ == Spoilt::decode_page) wrong.table = lists.page_twice();
    if (how_ == Spoilt::decode_window && op.window) --*wrong.window;
    const kernels::Start right = other().prepare(wrong);
    if (how_ != Spoilt::decode_head) return right;
    return [right, op] {
      right();
      const std::int64_t dim = op.kv.head_dim;
      const std::int64_t row = ((op.table.sequences() - 2) * op.heads + op.heads - 1) * dim;
      kernels::with_elements(op.out, [&]<class T>(T* out) {
        for (std::int64_t i = row; i < row + dim; ++i) {
          out[i] = kernels::round_to<T>(1.05F * kernels::to_float(out[i]));
        }
      });
    };
  }
  kernels::Start prepare(const kernels::MlaDecode& op) override {
    Lists lists(op.table);
    kernels::MlaDecode wrong = op;
    if (how_ == Spoilt::mla_last_token) wrong.table = lists.shorter();
    return other().prepare(wrong);
  }
  kernels::Start prepare(const kernels::PagedPrefill& op) override {
    Lists lists(op.table);
    kernels::PagedPrefill wrong = op;
    // Chunks end where their sequences do: of a shorter one, each row sees a token less.
    if (how_ == Spoilt::prefill_last_token) wrong.table = lists.shorter(op.indptr);
    const kernels::Start right = other().prepare(wrong);
    if (how_ != Spoilt::prefill_beside) return right;
    return [right, op, end = op.indptr.back() * op.heads * op.kv.head_dim] {
      right();
      kernels::with_elements(op.out, [&]<class T>(T* out) { out[end] = T{}; });
    };
  }
  kernels::Start prepare(const kernels::Gemm& op) override {
    const kernels::Start right = other().prepare(op);
    if (how_ != Spoilt::gemm_element) return right;
    return [right, op] {
      const std::int64_t last = op.m * op.n - 1;
      kernels::with_elements(op.c, [&](auto* c) {
        const auto before = c[last];
        right();
        c[last] = before;
      });
    };
  }
  kernels::Start prepare(const kernels::BlockGather& op) override {
    const kernels::Start right = other().prepare(op);
    if (how_ != Spoilt::gather_tail) return right;
    return [right, tail = op.staging.last(16)] {
      const std::vector<std::byte> before(tail.begin(), tail.end());
      right();
      std::copy(before.begin(), before.end(), tail.begin());
    };
  }
  kernels::Start prepare(const kernels::BlockScatter& op) override {
    kernels::BlockScatter wrong = op;
    if (how_ == Spoilt::scatter_block) {
      wrong.blocks = op.blocks.first(op.blocks.size() - 1);
      wrong.staging = op.staging.first(op.staging.size() / op.blocks.size() * wrong.blocks.size());
    }
    return other().prepare(wrong);
  }
  kernels::Start prepare(const kernels::StreamCopy& op) override {
    const std::size_t size = op.from.size() - (how_ == Spoilt::copy_word ? 8 : 0);
    return other().prepare(kernels::StreamCopy{op.from.first(size), op.to.first(size)});
  }
  kernels::Start prepare(const kernels::StreamRead& op) override {
    const std::size_t size = op.from.size() - (how_ == Spoilt::read_word ? 1 : 0);
    return other().prepare(kernels::StreamRead{op.from.first(size), op.sum});
  }
  kernels::Start prepare(const kernels::StreamWrite& op) override {
    const std::size_t size = op.to.size() - (how_ == Spoilt::write_word ? 1 : 0);
    return other().prepare(kernels::StreamWrite{op.to.first(size), op.word});
  }

 private:
  /// A block table to change.
  struct Lists {
    explicit Lists(const kernels::BlockTable& table)
        : blocks(table.blocks.begin(), table.blocks.end()),
          lens(table.kv_lens.begin(), table.kv_lens.end()),
          width(table.width) {}

    kernels::BlockTable shorter() {
      for (std::int32_t& len : lens) len -= len > 1 ? 1 : 0;
      return {blocks, lens, width};
    }
    /// Where there is a prefix: a chunk must not be longer than what is there.
    kernels::BlockTable shorter(std::span<const std::int32_t> indptr) {
      for (std::size_t s = 0; s < lens.size(); ++s) {
        if (lens[s] > indptr[s + 1] - indptr[s]) --lens[s];
      }
      return {blocks, lens, width};
    }
    kernels::BlockTable page_twice() {
      const auto longest = std::max_element(lens.begin(), lens.end()) - lens.begin();
      const auto row = blocks.begin() + longest * width;
      if (width > 2) row[0] = row[1];
      return {blocks, lens, width};
    }

    std::vector<std::int32_t> blocks;
    std::vector<std::int32_t> lens;
    std::int64_t width;
  };

  Spoilt how_;
};

}  // namespace terrace::tests
