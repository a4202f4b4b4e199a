#pragma once

#include <string>

#include "sim/config/fields.hpp"
#include "sim/kv/admission/policy.hpp"
#include "sim/kv/eviction/policy.hpp"
#include "sim/kv/prefetch_spec.hpp"

namespace terrace {

/// Where a tier's bytes lie in the fabric.
enum class Medium { dram, nvme, network };

/// When a block is written to a tier.
enum class WriteRule {
  through,      // as soon as it is complete
  selective,    // when it has been used so often (HiCache's write_through_selective)
  back,         // when the memory above evicts it
  back_batched  // the same, collected into large writes
};

/// What becomes of a write whose queue is full.
enum class WhenFull {
  skip,         // it is left out
  drop_oldest,  // it takes the place of the one that has waited longest
  block         // whoever wants to write waits: an engine starts no step
};

/// Writes that wait for the batch before them to arrive.
struct WriteQueueSpec {
  std::int64_t limit = 0;  // blocks of the tier, for each memory that writes to it; 0: unlimited
  WhenFull when_full = WhenFull::skip;
};

/// Whether a tier keeps its copy of a block that is loaded into HBM.
enum class Inclusion { inclusive, exclusive };

/// Whether a block on its way to HBM leaves a copy in the host memory it passes.
enum class Promotion { on_hit, in_place };

/// Who uses a tier.
enum class Scope {
  shared,          // the replicas of a host together; on the network, all of them
  private_to_each  // each replica its own part
};

/// A memory below HBM that keeps KV blocks.
struct TierSpec {
  std::string name;
  Medium medium = Medium::dram;
  config::Capacity capacity;
  Scope scope = Scope::shared;
  Tokens block_size;  // zero: as large as the engine's
  EvictionChoice eviction;
  config::Choice<AdmissionRecipe> admission;
  WriteRule write = WriteRule::through;
  std::int64_t write_uses = 2;    // selective
  std::int64_t write_batch = 64;  // back_batched: blocks of the tier
  WriteQueueSpec write_queue;
  Promotion promotion = Promotion::on_hit;
  PrefetchSpec prefetch;
  Inclusion inclusion = Inclusion::inclusive;

  [[nodiscard]] bool enabled() const { return capacity.bytes > Bytes{}; }
};

void describe(config::Fields& f, WriteQueueSpec& queue);
void describe(config::Fields& f, TierSpec& tier);

}  // namespace terrace

template <>
struct terrace::config::Names<terrace::Medium> {
  static constexpr std::string_view kKind = "medium";
  static constexpr std::pair<std::string_view, Medium> kList[] = {
      {"dram", Medium::dram}, {"nvme", Medium::nvme}, {"network", Medium::network}};
};

template <>
struct terrace::config::Names<terrace::WriteRule> {
  static constexpr std::string_view kKind = "write rule";
  static constexpr std::pair<std::string_view, WriteRule> kList[] = {
      {"through", WriteRule::through},
      {"selective", WriteRule::selective},
      {"back", WriteRule::back},
      {"back_batched", WriteRule::back_batched}};
};

template <>
struct terrace::config::Names<terrace::WhenFull> {
  static constexpr std::string_view kKind = "rule for a full write queue";
  static constexpr std::pair<std::string_view, WhenFull> kList[] = {
      {"skip", WhenFull::skip}, {"drop_oldest", WhenFull::drop_oldest}, {"block", WhenFull::block}};
};

template <>
struct terrace::config::Names<terrace::Promotion> {
  static constexpr std::string_view kKind = "promotion rule";
  static constexpr std::pair<std::string_view, Promotion> kList[] = {
      {"on_hit", Promotion::on_hit}, {"in_place", Promotion::in_place}};
};

template <>
struct terrace::config::Names<terrace::Inclusion> {
  static constexpr std::string_view kKind = "inclusion rule";
  static constexpr std::pair<std::string_view, Inclusion> kList[] = {
      {"inclusive", Inclusion::inclusive}, {"exclusive", Inclusion::exclusive}};
};

template <>
struct terrace::config::Names<terrace::Scope> {
  static constexpr std::string_view kKind = "scope";
  static constexpr std::pair<std::string_view, Scope> kList[] = {
      {"shared", Scope::shared}, {"private", Scope::private_to_each}};
};
