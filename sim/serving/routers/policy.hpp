#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/id.hpp"
#include "sim/base/units.hpp"
#include "sim/config/fields.hpp"

namespace terrace {

/// What a router may know about the replicas when a request arrives.
class FleetView {
 public:
  virtual ~FleetView() = default;

  [[nodiscard]] virtual SimTime now() const = 0;
  [[nodiscard]] virtual std::size_t replicas() const = 0;
  /// Requests that are waiting, loading or running there.
  [[nodiscard]] virtual std::int64_t requests(ReplicaId replica) const = 0;
  /// Requests that are running there.
  [[nodiscard]] virtual std::int64_t running(ReplicaId replica) const = 0;
  /// Tokens of prompts that are still to be computed there.
  [[nodiscard]] virtual Tokens backlog(ReplicaId replica) const = 0;
  /// KV blocks in use there.
  [[nodiscard]] virtual std::int64_t held_blocks(ReplicaId replica) const = 0;
  /// Blocks of the new request's prompt that lie in HBM there, from its start. O(blocks).
  [[nodiscard]] virtual std::int64_t cached_blocks(ReplicaId replica) const = 0;
  [[nodiscard]] virtual Tokens block_size() const = 0;
};

/// Chooses the replica of each arriving request.
class Router {
 public:
  virtual ~Router() = default;
  virtual ReplicaId choose(const FleetView& fleet) = 0;
};

struct RouterInfo {
  std::string_view name;
  std::string_view summary;
  std::unique_ptr<Router> (*make)();
};

/// Every router there is, in the order of `policies.def`.
std::span<const RouterInfo> routers();

/// The name of a router, checked when it is read from a file.
struct RouterName {
  std::string name = "round_robin";
};

std::unique_ptr<Router> make_router(const RouterName& router);

}  // namespace terrace

template <>
struct terrace::config::Scalar<terrace::RouterName> {
  static constexpr std::string_view kForm = "the name of a router";
  static constexpr std::string_view kKind = "router";
  static constexpr std::string_view kJsonType = "string";
  static std::vector<std::string_view> names();
  static Parsed<RouterName> parse(std::string_view text);
  static std::string format(const RouterName& value) { return value.name; }
  static double magnitude(const RouterName&) { return 0; }
};
