#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "calibrate/labs/lab.hpp"
#include "sim/app/arguments.hpp"
#include "sim/config/scalar.hpp"

template <>
struct terrace::config::Names<terrace::labs::CacheMode> {
  using enum terrace::labs::CacheMode;
  static constexpr std::string_view kKind = "cache";
  static constexpr std::pair<std::string_view, terrace::labs::CacheMode> kList[] = {
      {"off", off}, {"contiguous", contiguous}, {"paged", paged}, {"tiered", tiered}};
};

template <>
struct terrace::config::Names<terrace::labs::Batching> {
  using enum terrace::labs::Batching;
  static constexpr std::string_view kKind = "batching";
  static constexpr std::pair<std::string_view, terrace::labs::Batching> kList[] = {
      {"lists", lists}, {"continuous", continuous}};
};

namespace terrace::calibrate {

/// --seed, 1 if left out. Throws UsageError if it is negative.
std::uint64_t seed_of(const app::Arguments& arguments);

/// --threads. Throws UsageError if there are not so many cores: what is measured with more is how
/// threads wait for each other.
int threads_of(const app::Arguments& arguments, int otherwise);

/// What the command line of `calibrate lab` asks for. All throw UsageError, also for a dialogue
/// that is longer than its context.
labs::DialogueRules dialogue_rules(const app::Arguments& arguments);

/// For dialogues of which the longest has so many tokens: the context is no shorter, and the pool
/// no smaller than one context, if they are left out.
labs::LabRules lab_rules(const app::Arguments& arguments, std::int64_t longest);

/// The mode that is asked for; or all that newcomers should see, one after the other.
std::vector<std::pair<labs::CacheMode, labs::Batching>> lab_modes(const app::Arguments& arguments);

}  // namespace terrace::calibrate
