#pragma once

#include <cstdint>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/model/model.hpp"

namespace terrace {

/// Layers that are handed pages together: `layers` of them share each page, a slot each, of
/// which the last of `groups` may leave some empty.
struct PageGroups {
  std::size_t layer_group = 0;  // the first of the model that is among them
  std::int64_t layers = 0;      // of these the model has so many
  std::int64_t groups = 1;
  Tokens block;            // tokens per page; none: a state
  std::int64_t pages = 0;  // of one sequence, in each group
};

/// The KV cache of one sequence on one GPU as vLLM's hybrid manager lays it out: a page of any
/// group takes the same bytes, so that all share one pool.
struct HybridPages {
  Bytes slot;              // one layer's part of a page
  std::int64_t slots = 1;  // layers per page
  std::vector<PageGroups> groups;

  [[nodiscard]] std::int64_t pages() const;
  /// Of all pages, padding included.
  [[nodiscard]] Bytes bytes() const;
};

/// Pages of a sequence while the last of its `context` tokens is being computed. The rules are of
/// vLLM: docs/design/hybrid_kv_cache_manager.md, and kv_cache_utils.py,
/// _get_kv_cache_groups_uniform_page_size and unify_kv_cache_spec_page_size:
///   Layers of one kind are one group, whatever their sizes; then nothing is padded.
///   Otherwise kinds that differ in reach or in bytes are apart. A page has slots for as many
///   layers as the smallest kind has, or as the largest if that has less than half as many more;
///   larger kinds are several groups, the last one padded.
///   A slot is as large as the largest kind makes it. Those with less per token put more tokens
///   into it if that comes out even, and waste the rest if not.
///   A state is one page: attention has blocks of as many times 16 tokens as cover it.
///   Blocks that have left a window are freed, those that it has touched are not; of chunks, the
///   longest so far is counted.
[[nodiscard]] HybridPages hybrid_pages(const ModelSpec& model, DType kv, const Parallel& parallel,
                                       Tokens block, Tokens context);

}  // namespace terrace
