#include <algorithm>
#include <cstddef>

#include "calibrate/labs/lab.hpp"
#include "sim/base/random.hpp"

namespace terrace::labs {
namespace {

/// From half of it to one and a half, and at least one.
std::int64_t about(std::int64_t mean, Random& random) {
  const auto spread = static_cast<std::uint64_t>(mean) + 1;
  return std::max<std::int64_t>(mean / 2 + static_cast<std::int64_t>(random.below(spread)), 1);
}

}  // namespace

std::vector<Conversation> make_dialogues(const DialogueRules& rules) {
  std::vector<Conversation> all(static_cast<std::size_t>(rules.dialogues));
  const Random every(rules.seed, "labs/dialogues");
  for (std::size_t d = 0; d < all.size(); ++d) {
    Random random = every.fork(d);
    for (std::int64_t t = 0; t < rules.turns; ++t) {
      Turn& turn = all[d].emplace_back();
      const std::uint64_t content = random.next();
      turn.says.push_back({content, Tokens{about(rules.says, random)}});
      turn.answer = about(rules.answer, random);
    }
  }
  return all;
}

std::uint32_t LabResult::checksum() const {
  std::uint64_t hash = 14695981039346656037U;  // FNV-1a, of 32-bit numbers
  const auto take = [&](std::uint64_t number) { hash = (hash ^ number) * 1099511628211U; };
  for (const auto& answer : answers) {
    take(answer.size());
    for (const std::int32_t token : answer) take(static_cast<std::uint64_t>(token));
  }
  return static_cast<std::uint32_t>(hash ^ hash >> 32U);
}

}  // namespace terrace::labs
