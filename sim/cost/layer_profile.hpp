#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/cost/profile_grid.hpp"

namespace terrace {

/// The attention of one step in one layer, as far as a profile knows it: the prompts' tokens taken
/// together, and sequences of equal length that decode one token each.
struct AttentionCall {
  Tokens prefill;            // tokens of all chunks
  Tokens prefill_prefix;     // tokens computed before them, summed
  std::int64_t decodes = 0;  // sequences
  Tokens decode_prefix;      // tokens computed before, of each; the mean where they differ
};

/// Measured times of the operations of one transformer layer in a serving engine, and of the few
/// that a step runs once, on one GPU of a tensor-parallel group: what LLMServingSim's profiler
/// records of vLLM. Lookups are linear on every axis: leaving out each point of what it measured
/// of Llama-3.1-8B and Qwen3-30B-A3B in turn, logs on both sides make the median error of attention
/// and experts 1.2 to 3.1 times as large, and P90 1.1 to 1.7 times but along the decodes, where it
/// is 2 to 20 % smaller. For other operations they make no difference.
class LayerProfile {
 public:
  using Curve = ProfileGrid<1>;

  /// The files that `read` looks for; those of experts may be missing.
  static std::vector<std::filesystem::path> files(const std::filesystem::path& directory,
                                                  std::string_view stem);

  /// Reads <stem>_dense.csv, <stem>_per_sequence.csv, <stem>_attention.csv and, if there is one,
  /// <stem>_moe.csv; times are in microseconds. Throws ConfigError at the first mistake.
  static LayerProfile read(const std::filesystem::path& directory, std::string_view stem);

  /// An operation by the tokens of a step ("qkv_proj") or by its sequences ("lm_head"); null if
  /// the profile has none of that name.
  [[nodiscard]] const Curve* per_token(std::string_view operation) const;
  [[nodiscard]] const Curve* per_sequence(std::string_view operation) const;

  /// Attention of one layer, in about 0.1 us. A step with a chunk runs another kernel than one
  /// without, so chunks below the smallest measured one cost what that one does.
  /// REQUIRES: nothing negative, prefill or decodes above 0.
  [[nodiscard]] Estimate attention(const AttentionCall& call) const;

  /// The routed experts of one layer on one GPU, for so many tokens that are routed to so many of
  /// its experts. REQUIRES: has_moe().
  [[nodiscard]] bool has_moe() const { return moe_.has_value(); }
  [[nodiscard]] Estimate moe(double tokens, double activated_experts) const;

 private:
  using Curves = std::map<std::string, Curve, std::less<>>;

  LayerProfile(Curves per_token, Curves per_sequence, ProfileGrid<2> prefill, ProfileGrid<2> decode,
               ProfileGrid<4> mixed, std::optional<ProfileGrid<2>> moe);

  Curves per_token_;
  Curves per_sequence_;
  ProfileGrid<2> prefill_;             // its prefix, chunk
  ProfileGrid<2> decode_;              // their prefix, decodes
  ProfileGrid<4> mixed_;               // prefix of the prefill, of the decodes, chunk, decodes
  std::optional<ProfileGrid<2>> moe_;  // tokens, experts
};

}  // namespace terrace
