#include "sim/study/break_even/kv_money.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "sim/fabric/wear.hpp"

namespace terrace {
namespace {

template <class Price, class Make>
auto at_prices(const PriceRange<Price>& range, Make make) {
  return AtPrices<decltype(make(range.low))>{make(range.low), make(range.typical),
                                             make(range.high)};
}

/// One token's share of what a whole prefix costs on all GPUs of a replica.
Dollars per_token(DollarsPerHour gpu, std::int64_t gpus, Duration time, Tokens prefix) {
  return cost_of(gpu, time) * (static_cast<double>(gpus) / static_cast<double>(prefix.count()));
}

}  // namespace

std::optional<GpuPrice> owned(const GpuSpec& gpu, const EconomicsSpec& economics) {
  if (!gpu.price) return std::nullopt;
  const auto hour = [&](Dollars price) {
    return cost_of_owning(economics, price, economics.gpu_life) +
           cost_of_power(economics, gpu.power);
  };
  return GpuPrice{
      at_prices(*gpu.price, hour),
      fmt::format("{:.0f} USD over {:g} years, {:g} % upkeep a year, {:.0f} W at {:g} "
                  "USD/kWh and PUE {:g}",
                  gpu.price->typical.count(), economics.gpu_life.count(), 100 * economics.upkeep,
                  gpu.power.count(), economics.electricity.count(), economics.pue),
      gpu.price->as_of};
}

std::optional<GpuPrice> rented(const GpuSpec& gpu) {
  if (!gpu.cloud) return std::nullopt;
  return GpuPrice{at_prices(*gpu.cloud, [](DollarsPerHour price) { return price; }),
                  "rented in a cloud", gpu.cloud->as_of};
}

Dollars cost_of(DollarsPerHour price, Duration time) {
  return Dollars{price.count() * seconds(time) / 3600};
}

DollarsPerTB cost_of_writing(const SsdSpec& ssd, DollarsPerTB price) {
  return price * (1 / rated_fills(ssd, true));
}

std::optional<Keeping> keeping(const Scenario& machine, Medium tier,
                               const EconomicsSpec& economics) {
  const Bytes token = kv_bytes(machine, Tokens{1});
  const HardwareSpec& hardware = machine.hardware;
  const auto room = [&](Years life) {
    return [&economics, token, life](DollarsPerTB price) {
      return cost_of_owning(economics, token * price, life);
    };
  };
  if (tier == Medium::dram && hardware.host.dram_price) {
    const auto& price = *hardware.host.dram_price;
    return Keeping{{}, at_prices(price, room(economics.host_life)), price.as_of};
  }
  if (tier == Medium::nvme && hardware.ssd && hardware.ssd->price) {
    const auto& price = *hardware.ssd->price;
    const auto wear = [&](DollarsPerTB per_tb) {
      return token * cost_of_writing(*hardware.ssd, per_tb);
    };
    return Keeping{at_prices(price, wear), at_prices(price, room(economics.drive_life)),
                   price.as_of};
  }
  return std::nullopt;
}

double reuses_to_repay(const TokenCosts& costs) {
  const Dollars gain = costs.recompute - costs.load;
  if (gain <= Dollars{}) return std::numeric_limits<double>::infinity();
  return costs.write / gain;
}

Years break_even_idle(const TokenCosts& costs, double reuses) {
  const Dollars gain = (costs.recompute - costs.load) * reuses - costs.write;
  const DollarsPerHour for_a_year{gain.count() / kHoursPerYear};
  return Years{std::max(0.0, for_a_year / costs.hold)};
}

Worth worth_of_keeping(const GpuPrice& gpu, std::int64_t gpus, const PrefixAnswer& prefix,
                       const PrefixLoad& load, const Keeping& keeping, double reuses) {
  const auto costs = [&](DollarsPerHour hour, Dollars write, DollarsPerHour hold) {
    return TokenCosts{per_token(hour, gpus, prefix.recompute, prefix.prefix),
                      per_token(hour, gpus, load.stall, prefix.prefix), write, hold};
  };
  const TokenCosts least = costs(gpu.per_hour.low, keeping.write.high, keeping.hold.high);
  const TokenCosts usual = costs(gpu.per_hour.typical, keeping.write.typical, keeping.hold.typical);
  const TokenCosts most = costs(gpu.per_hour.high, keeping.write.low, keeping.hold.low);
  return {{reuses_to_repay(least), reuses_to_repay(usual), reuses_to_repay(most)},
          {break_even_idle(least, reuses), break_even_idle(usual, reuses),
           break_even_idle(most, reuses)}};
}

}  // namespace terrace
