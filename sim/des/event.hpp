#pragma once

#include <cstdint>
#include <type_traits>
#include <variant>

#include "sim/base/id.hpp"

namespace terrace {

// The vocabulary of everything that can happen. Events carry ids, never pointers, so this header
// depends on no component and every component may depend on it.

/// The workload's next request, or several of one instant, are due.
struct ArrivalDue {
  std::uint32_t stamp;  // outdated if a closed-loop user has since asked for an earlier one
};

/// Something changed at this replica: let it, and those it steps together with, schedule once
/// everything of this instant is known.
struct ScheduleTick {
  ReplicaId replica;
};

/// The GPUs of a replica, and of those it steps together with, have finished computing their step.
struct StepComputed {
  ReplicaId replica;
};

/// A transfer has been issued and has crossed its latency: it now takes bandwidth.
struct TransferStarts {
  TransferId transfer;
};

/// The set of transfers in flight changed: share the fabric anew once, at the end of the instant.
struct RatesChange {};

/// The transfer nearest to its end gets there, unless the rates changed in between.
struct TransferDue {
  std::uint32_t stamp;
};

/// All bytes of a transfer have arrived.
struct TransferDone {
  TransferId transfer;
};

/// Everything a request wanted from the tiers is in the HBM of its replica.
struct LoadDone {
  ReplicaId replica;
  RequestId request;
};

/// Nothing that a request wanted from a tier is being prefetched any more.
struct PrefetchDone {
  RequestId request;
  std::uint32_t tier;
};

/// A request has been kept waiting for its prefetch from a tier for as long as it may.
struct PrefetchTimeout {
  RequestId request;
  std::uint32_t tier;
  std::uint32_t stamp;  // of the request: its id may by now be another's
};

/// Soon a session is expected back: what it will want may be prefetched from a tier.
struct ReturnExpected {
  std::uint32_t session;
  std::uint32_t tier;
  std::uint32_t stamp;  // outdated if it is back already
};

/// Time to write a row of the time series.
struct SampleDue {};

using Event =
    std::variant<ArrivalDue, ScheduleTick, StepComputed, TransferStarts, RatesChange, TransferDue,
                 TransferDone, LoadDone, PrefetchDone, PrefetchTimeout, ReturnExpected, SampleDue>;

static_assert(std::is_trivially_copyable_v<Event>, "events are copied by the million");
static_assert(sizeof(Event) <= 16, "an event plus its time must stay within 24 bytes");

}  // namespace terrace
