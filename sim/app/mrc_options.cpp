#include "sim/app/mrc_options.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "sim/app/exit_code.hpp"
#include "sim/base/text.hpp"
#include "sim/config/reader.hpp"
#include "sim/config/scalar.hpp"
#include "sim/kv/eviction/policy.hpp"
#include "sim/report/human.hpp"
#include "sim/study/mrc/capacity_axis.hpp"
#include "sim/study/mrc/replay.hpp"

namespace terrace::app {
namespace {

/// Whose bytes fit in 63 bits.
std::int64_t most_blocks(Bytes bytes_per_block) {
  return std::min(std::int64_t{1} << 40U, Bytes::max().count() / bytes_per_block.count());
}

constexpr std::string_view kForms = "write NAME=LO..HI, such as dram=0..1TiB, or NAME=auto";

/// A whole number and what follows it; nothing if it is none.
std::optional<std::pair<std::int64_t, std::string_view>> whole(std::string_view text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{}) return std::nullopt;
  return std::pair{number, trimmed({rest, static_cast<std::size_t>(end - rest)})};
}

CapacityBound bound(std::string_view text, const std::string& option) {
  text = trimmed(text);
  if (const auto number = whole(text); number && number->first >= 0) {
    const auto& [count, unit] = *number;
    if (unit == "blocks" || unit == "block") return {count, CapacityBound::Unit::blocks};
    if (unit == "tokens" || unit == "token") return {count, CapacityBound::Unit::tokens};
    if (unit.empty() && count == 0) return {};
  }
  const auto bytes = config::Scalar<Bytes>::parse(text);
  if (!bytes.value) {
    throw UsageError(
        fmt::format("--tier {}: {}; a capacity is a size such as '64 GiB', "
                    "'1000 blocks', '2000000 tokens', or 0",
                    option, bytes.why));
  }
  return {bytes.value->count(), CapacityBound::Unit::bytes};
}

TierRange tier_range(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw UsageError(fmt::format("--tier {}: it has no name; {}", text, kForms));
  }
  TierRange range{text.substr(0, equals), text.substr(equals + 1), {}, {}};
  if (range.text == "auto") return range;
  const auto dots = range.text.find("..");
  if (dots == std::string::npos) {
    throw UsageError(fmt::format("--tier {}: '{}' is no range; {}", text, range.text, kForms));
  }
  range.low = bound(std::string_view{range.text}.substr(0, dots), text);
  range.high = bound(std::string_view{range.text}.substr(dots + 2), text);
  return range;
}

struct Written {
  EvictionChoice choice;
};

void describe(config::Fields& f, Written& written) {
  written.choice.tell(f, "which block goes first when room is needed");
}

/// As a scenario writes it: `{policy: lru_k, k: 3}`.
MrcPolicy with_parameters(std::string_view text) {
  config::Diagnostics diagnostics;
  const config::Catalogue none;
  const config::Node root = config::parse_yaml("--policies", text, diagnostics);
  diagnostics.raise();
  Written written;
  config::Reader(root, "a policy", none, diagnostics).read(written);
  diagnostics.raise();
  return {text, std::move(written.choice)};
}

MrcPolicy by_name(const std::string& name) {
  std::vector<std::string_view> known = {"all"};
  for (const EvictionVariant& policy : eviction_policies()) {
    if (policy.name == name) return MrcPolicy(name);
    known.push_back(policy.name);
  }
  const auto near = closest(name, known);
  throw UsageError(
      near && name != "all"
          ? fmt::format("--policies: there is no policy '{}'; did you mean '{}'?", name, *near)
          : fmt::format("--policies: there is no policy '{}'; see 'terrace list eviction'", name));
}

PolicyWishes all_policies() {
  PolicyWishes all;
  for (const EvictionVariant& policy : eviction_policies()) {
    const std::string lacking = lacking_facts(policy.recipe()->needs());
    if (lacking.empty()) {
      all.policies.emplace_back(policy.name);
    } else {
      all.left_out.push_back({std::string(policy.name), lacking});
    }
  }
  return all;
}

}  // namespace

std::int64_t CapacityBound::blocks(Tokens block, Bytes bytes_per_block) const {
  switch (unit) {
    case Unit::bytes:
      return count / bytes_per_block.count();
    case Unit::tokens:
      return count / block.count();
    case Unit::none:
    case Unit::blocks:
      break;
  }
  return count;
}

std::vector<std::int64_t> TierRange::capacities(Tokens block, Bytes bytes_per_block,
                                                std::int64_t distinct, std::int64_t points) const {
  if (!low || !high) {
    return geometric_capacities(std::max<std::int64_t>(1, distinct / 1000),
                                std::max<std::int64_t>(1, distinct), points);
  }
  const std::int64_t from = low->blocks(block, bytes_per_block);
  const std::int64_t to = high->blocks(block, bytes_per_block);
  const std::string who = fmt::format("--tier {}={}", name, text);
  if (to == 0 || (from == 0 && low->count > 0)) {
    throw UsageError(
        fmt::format("{}: a capacity is smaller than a block of {} tokens, which takes "
                    "{}; raise it, or lower --block-size",
                    who, block.count(), human::bytes(bytes_per_block)));
  }
  if (from > to) {
    throw UsageError(fmt::format("{}: the range goes down; write the lower capacity first", who));
  }
  if (to > most_blocks(bytes_per_block)) {
    throw UsageError(
        fmt::format("{}: that is {} blocks, beyond any trace; 'auto' covers all there is", who,
                    human::count(to)));
  }
  return geometric_capacities(from, to, points);
}

std::vector<TierRange> tier_ranges(const std::vector<std::string>& texts) {
  if (texts.empty()) return {{"cache", "auto", {}, {}}};
  std::vector<TierRange> all;
  for (const std::string& text : texts) {
    TierRange range = tier_range(text);
    const auto twice = [&](const TierRange& other) { return other.name == range.name; };
    if (std::any_of(all.begin(), all.end(), twice)) {
      throw UsageError(fmt::format("--tier: '{}' is there twice", range.name));
    }
    all.push_back(std::move(range));
  }
  return all;
}

PolicyWishes policy_wishes(const std::optional<std::string>& text) {
  if (!text) return {{MrcPolicy("lru")}, {}};
  if (*text == "all") return all_policies();
  PolicyWishes wishes;
  for (const std::string& part : split_list(*text)) {
    const std::string_view word = trimmed(part);
    MrcPolicy policy = word.starts_with('{') ? with_parameters(word) : by_name(std::string(word));
    const auto twice = [&](const MrcPolicy& other) { return other.label == policy.label; };
    if (std::any_of(wishes.policies.begin(), wishes.policies.end(), twice)) {
      throw UsageError(fmt::format("--policies: '{}' is there twice", policy.label));
    }
    const std::string lacking = lacking_facts(policy.choice.recipe().needs());
    if (!lacking.empty()) {
      throw UsageError(
          fmt::format("--policies: '{}' asks {}, which only an engine knows; simulate "
                      "it with 'terrace run'",
                      policy.label, lacking));
    }
    wishes.policies.push_back(std::move(policy));
  }
  return wishes;
}

ShardsOptions shards_options(const std::string& text) {
  const auto number = config::Scalar<double>::parse(text);
  if (number.value && *number.value > 0x1p-32 && *number.value <= 1) return {*number.value, 0, 0};
  if (const auto blocks = whole(text); blocks && blocks->second.empty() && blocks->first >= 100) {
    return {1, static_cast<std::size_t>(blocks->first), 0};
  }
  throw UsageError(
      fmt::format("--shards takes a rate above 0 and up to 1, such as 0.01, or a "
                  "number of blocks to keep from 100 on, not '{}'",
                  text));
}

}  // namespace terrace::app
