#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/fabric/hardware.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/study/break_even/break_even.hpp"
#include "sim/study/money/economics.hpp"

namespace terrace {

// What it costs to keep KV rather than to compute it again.

/// The same at low, typical and high prices.
template <class T>
struct AtPrices {
  T low{};
  T typical{};
  T high{};
};

/// One GPU for an hour.
struct GpuPrice {
  AtPrices<DollarsPerHour> per_hour;
  std::string what;   // how it was come by, in words
  std::string as_of;  // of the prices behind it; empty if the user gave it
};

/// To own: written off over its life, with upkeep and power. Nothing if the profile has no price.
std::optional<GpuPrice> owned(const GpuSpec& gpu, const EconomicsSpec& economics);

/// To rent. Likewise.
std::optional<GpuPrice> rented(const GpuSpec& gpu);

/// What has been spent when the time is over.
Dollars cost_of(DollarsPerHour price, Duration time);

/// A byte written to a drive that is used until it is worn out: its price over its rating, for the
/// large segments, trimmed as a whole, that KV is written in.
DollarsPerTB cost_of_writing(const SsdSpec& ssd, DollarsPerTB price);

/// Keeping one token's KV in a tier.
struct Keeping {
  AtPrices<Dollars> write;        // wear; nothing in DRAM
  AtPrices<DollarsPerHour> hold;  // its room, with upkeep
  std::string as_of;
};

/// Nothing if the profile has no price for the medium; of a network, never.
std::optional<Keeping> keeping(const Scenario& machine, Medium tier,
                               const EconomicsSpec& economics);

/// Whether to keep a token that costs `recompute` to compute again and `load` to load, and will be
/// used `reuses` times: a five-minute rule (Gray and Putzolu 1987) for KV.
struct Worth {
  AtPrices<double> reuses;  // that pay for the write; infinite if they never do
  AtPrices<Years> idle;     // for which it may lie there; none if it is not worth its write
};

struct TokenCosts {
  Dollars recompute;
  Dollars load;
  Dollars write;
  DollarsPerHour hold;
};

/// c_w / (c_rc - c_l); infinite if loading costs as much as computing.
double reuses_to_repay(const TokenCosts& costs);

/// (reuses (c_rc - c_l) - c_w) / c_h; 0 if that is negative.
Years break_even_idle(const TokenCosts& costs, double reuses);

/// `low` is where keeping pays least: cheap GPUs, dear memory; `high` where it pays most.
Worth worth_of_keeping(const GpuPrice& gpu, std::int64_t gpus, const PrefixAnswer& prefix,
                       const PrefixLoad& load, const Keeping& keeping, double reuses);

}  // namespace terrace
