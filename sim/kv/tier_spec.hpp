#pragma once

#include <string>

#include "sim/config/fields.hpp"
#include "sim/kv/eviction/policy.hpp"

namespace terrace {

/// Where a tier's bytes lie in the fabric.
enum class Medium { dram, nvme, network };

/// When a block is written to a tier.
enum class WriteRule {
  through,   // as soon as it is complete
  on_evict,  // when the memory above lets go of it
};

/// Whether a tier keeps its copy of a block that is loaded into HBM.
enum class Inclusion { inclusive, exclusive };

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
  WriteRule write = WriteRule::through;
  Inclusion inclusion = Inclusion::inclusive;

  [[nodiscard]] bool enabled() const { return capacity.bytes > Bytes{}; }
};

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
      {"through", WriteRule::through}, {"on_evict", WriteRule::on_evict}};
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
