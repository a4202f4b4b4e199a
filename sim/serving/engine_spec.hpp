#pragma once

#include <cstdint>
#include <optional>

#include "sim/config/fields.hpp"
#include "sim/cost/execution.hpp"
#include "sim/kv/eviction/policy.hpp"
#include "sim/model/dtype.hpp"

namespace terrace {

enum class QueuePolicy { fcfs, priority };

/// How much of a prompt must fit into free blocks before its request is admitted.
enum class Admission { first_chunk, full_prompt };

/// What becomes of blocks that a request finds in tiers below HBM.
enum class LoadDecision {
  always,   // they are loaded (vLLM, LMCache, HiCache)
  never,    // they are computed again
  cheaper,  // as many from the front are loaded as lets the prompt be ready soonest
  hybrid    // the front is computed while the rest is being loaded (Cake, arXiv 2410.03065)
};

/// What waits while a request's blocks are being loaded from a tier.
enum class LoadWait {
  park,       // the request: others go on, it is scheduled when its blocks have arrived (vLLM)
  layerwise,  // each layer of the request's first step, for its own part of the load (HiCache)
  blocking    // the whole step that admits the request (LMCache without asynchronous loading)
};

/// Whether the KV of one block is one piece of memory or one per layer, and K and V apart.
enum class KvLayout { block, layer };

enum class FreedPartialBlocks { reused_first, ranked };

/// One serving engine, with vLLM V1's rules and names.
struct EngineSpec {
  Tokens block_size{16};
  std::int64_t max_num_seqs = 256;
  Tokens max_num_batched_tokens{8192};
  bool enable_chunked_prefill = true;
  Tokens long_prefill_token_threshold{0};
  bool enable_prefix_caching = true;
  QueuePolicy policy = QueuePolicy::fcfs;
  Admission admission = Admission::first_chunk;
  EvictionChoice eviction;  // of blocks in HBM that nobody uses
  FreedPartialBlocks freed_partial_blocks = FreedPartialBlocks::reused_first;
  LoadDecision load = LoadDecision::always;
  LoadWait load_wait = LoadWait::park;
  std::optional<Tokens> max_model_len;
  DType kv_cache_dtype = DType::bf16;
  KvLayout kv_layout = KvLayout::block;
  double gpu_memory_utilization = 0.9;
  std::optional<Bytes> activation_reserve;
  std::optional<std::int64_t> num_gpu_blocks;
  ExecutionSpec execution;

  /// Blocks that hold `tokens`.
  [[nodiscard]] std::int64_t blocks(Tokens tokens) const {
    return (tokens.count() + block_size.count() - 1) / block_size.count();
  }
};

void describe(config::Fields& f, EngineSpec& engine);

}  // namespace terrace

template <>
struct terrace::config::Names<terrace::QueuePolicy> {
  static constexpr std::string_view kKind = "scheduling policy";
  static constexpr std::pair<std::string_view, QueuePolicy> kList[] = {
      {"fcfs", QueuePolicy::fcfs}, {"priority", QueuePolicy::priority}};
};

template <>
struct terrace::config::Names<terrace::Admission> {
  static constexpr std::string_view kKind = "admission rule";
  static constexpr std::pair<std::string_view, Admission> kList[] = {
      {"first_chunk", Admission::first_chunk}, {"full_prompt", Admission::full_prompt}};
};

template <>
struct terrace::config::Names<terrace::LoadDecision> {
  static constexpr std::string_view kKind = "rule for loads";
  static constexpr std::pair<std::string_view, LoadDecision> kList[] = {
      {"always", LoadDecision::always},
      {"never", LoadDecision::never},
      {"cheaper", LoadDecision::cheaper},
      {"hybrid", LoadDecision::hybrid}};
};

template <>
struct terrace::config::Names<terrace::LoadWait> {
  static constexpr std::string_view kKind = "way to wait for a load";
  static constexpr std::pair<std::string_view, LoadWait> kList[] = {
      {"park", LoadWait::park},
      {"layerwise", LoadWait::layerwise},
      {"blocking", LoadWait::blocking}};
};

template <>
struct terrace::config::Names<terrace::KvLayout> {
  static constexpr std::string_view kKind = "KV layout";
  static constexpr std::pair<std::string_view, KvLayout> kList[] = {{"block", KvLayout::block},
                                                                    {"layer", KvLayout::layer}};
};

template <>
struct terrace::config::Names<terrace::FreedPartialBlocks> {
  static constexpr std::string_view kKind = "rule for freed partial blocks";
  static constexpr std::pair<std::string_view, FreedPartialBlocks> kList[] = {
      {"reused_first", FreedPartialBlocks::reused_first}, {"ranked", FreedPartialBlocks::ranked}};
};
