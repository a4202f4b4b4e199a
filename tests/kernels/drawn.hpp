#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <rapidcheck.h>

#include "tests/kernels/operands.hpp"
#include "tests/kernels/subjects.hpp"

/// Parts of random attention operations, drawn inside of a property.
namespace terrace::kernels::tests {

struct Heads {
  std::int64_t q = 1;
  std::int64_t kv = 1;
};

/// MHA, GQA and MQA; groups of one, of some fours and some left over, of more than a piece's rows.
inline Heads drawn_heads() {
  return *rc::gen::element(Heads{1, 1}, Heads{3, 3}, Heads{4, 1}, Heads{8, 2}, Heads{10, 2},
                           Heads{71, 1});
}

inline proof::CacheShape drawn_cache(const Heads& heads, const Subject& subject) {
  proof::CacheShape shape;
  shape.type = *rc::gen::elementOf(subject.cached);
  shape.layout = *rc::gen::element(KvLayout::hnd, KvLayout::nhd);
  shape.kv_heads = heads.kv;
  shape.head_dim = *rc::gen::elementOf(subject.head_dims);
  shape.page = *rc::gen::element(16, 32, 64);
  return shape;
}

inline Element drawn_row_type() {
  return *rc::gen::element(Element::fp32, Element::bf16, Element::fp16);
}

/// Lengths of a ragged batch: none, one, just a page, and whatever.
inline std::vector<std::int32_t> drawn_lengths(std::int64_t page) {
  const auto full = static_cast<std::int32_t>(page);
  return *rc::gen::resize(
      4, rc::gen::container<std::vector<std::int32_t>>(rc::gen::oneOf(
             rc::gen::element<std::int32_t>(0, 1, full - 1, full, full + 1, 2 * full),
             rc::gen::resize(100, rc::gen::inRange<std::int32_t>(0, 300)))));
}

}  // namespace terrace::kernels::tests
