#include "calibrate/labs/step_plan.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace terrace::labs {
namespace {

std::int64_t count_of(std::span<const std::int32_t> tokens) {
  return static_cast<std::int64_t>(tokens.size());
}

bool is_decode(const SequenceStep& s) { return s.tokens.size() == 1 && s.computed > 0; }

void check_room(const Shape& shape, const SequenceStep& s) {
  TERRACE_CHECK(!s.tokens.empty() && s.computed >= 0);
  TERRACE_CHECK(shape.blocks_for(s.computed + count_of(s.tokens)) <= count_of(s.blocks));
  TERRACE_CHECK(std::all_of(s.tokens.begin(), s.tokens.end(), [&](std::int32_t token) {
    return token >= 0 && token < shape.vocabulary;
  }));
}

/// Another row of the table: `tokens` of them are seen.
void add_row(OwnedTable& table, const Shape& shape, const SequenceStep& s, std::int64_t tokens) {
  const auto begin = s.blocks.begin();
  table.blocks.insert(table.blocks.end(), begin, begin + shape.blocks_for(tokens));
  table.kv_lens.push_back(static_cast<std::int32_t>(tokens));
  table.blocks.resize(table.kv_lens.size() * static_cast<std::size_t>(table.width));
}

}  // namespace

StepPlan::StepPlan(const Shape& shape, std::span<const SequenceStep> sequences)
    : last(sequences.size()) {
  for (const SequenceStep& s : sequences) {
    check_room(shape, s);
    longest = std::max(longest, s.computed + count_of(s.tokens));
  }
  decode.width = prefill.width = shape.blocks_for(longest);
  indptr.push_back(0);
  const auto take = [&](std::size_t index) {
    const SequenceStep& s = sequences[index];
    const bool one_by_one = is_decode(s) || shape.attention == AttentionKind::latent;
    for (std::int64_t i = 0; i < count_of(s.tokens); ++i) {
      const std::int64_t position = s.computed + i;
      const std::int64_t block = s.blocks[static_cast<std::size_t>(position / shape.page)];
      tokens.push_back(s.tokens[static_cast<std::size_t>(i)]);
      positions.push_back(static_cast<std::int32_t>(position));
      slots.push_back(static_cast<KvPool::Slot>(block * shape.page + position % shape.page));
      if (one_by_one) add_row(decode, shape, s, position + 1);
    }
    last[index] = rows() - 1;
    if (one_by_one) return;
    add_row(prefill, shape, s, s.computed + count_of(s.tokens));
    indptr.push_back(static_cast<std::int32_t>(rows() - decodes()));
  };
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    if (is_decode(sequences[i])) take(i);
  }
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    if (!is_decode(sequences[i])) take(i);
  }
}

}  // namespace terrace::labs
