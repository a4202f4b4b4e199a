#include "sim/study/plan/bill.hpp"

#include <algorithm>
#include <cmath>

#include "sim/base/random.hpp"
#include "sim/fabric/wear.hpp"

namespace terrace {
namespace {

/// Power grows with the share of time at work (Fan et al. 2007, for servers; close enough for GPUs
/// and drives).
Power between(Power idle, Power most, double busy) { return idle + (most - idle) * busy; }

class Biller {
 public:
  Biller(const Plan& plan, const Candidate& candidate, std::int64_t nodes, const NodeUse& use,
         const PriceDraw& prices)
      : economics_(plan.spec.economics),
        demand_(plan.spec.demand),
        machine_(plan.spec.machines[candidate.machine]),
        candidate_(candidate),
        hardware_(candidate.scenario.hardware),
        nodes_(static_cast<double>(nodes)),
        use_(use),
        prices_(prices) {
    bill_.rack_units = machine_.rack_units * nodes;
  }

  Bill make() {
    const PartPrices& parts = candidate_.prices;
    const Dollars gpus = prices_.of(parts.gpu) * (nodes_ * static_cast<double>(machine_.gpus));
    buy(Bill::Part::gpus, gpus, economics_.gpu_life, parts.gpu.source);
    buy(Bill::Part::chassis, prices_.of(parts.chassis) * nodes_, economics_.host_life,
        parts.chassis.source);
    buy(Bill::Part::dram, candidate_.dram * prices_.of(parts.dram) * nodes_, economics_.host_life,
        parts.dram.source);
    if (candidate_.drives > 0) buy_drives();
    draw_power();
    for (const Bill::Line& line : bill_.lines) {
      bill_.purchase += line.purchase;
      bill_.per_hour += line.per_hour;
    }
    return std::move(bill_);
  }

 private:
  void buy(Bill::Part part, Dollars price, Years life, const std::string& source) {
    bill_.lines.push_back({part, price, cost_of_owning(economics_, price, life), source});
  }

  void buy_drives() {
    const SsdSpec& ssd = *hardware_.ssd;
    const SourcedPrice<DollarsPerTB>& price = *candidate_.prices.drive;
    const double drives = nodes_ * static_cast<double>(candidate_.drives);
    const Dollars all = ssd.capacity * prices_.of(price) * drives;
    buy(Bill::Part::drives, all, economics_.drive_life, price.source);
    const Years life = life_of(
        ssd, {.writes = use_.drive_writes * demand_.mean_load, .drives = candidate_.drives});
    bill_.drive_life = life;
    if (life >= economics_.drive_life) return;
    bill_.lines.push_back({Bill::Part::worn_drives, Dollars{},
                           all / life - all / economics_.drive_life, price.source});
  }

  void draw_power() {
    const GpuSpec& gpu = hardware_.gpu;
    const auto gpus = static_cast<double>(machine_.gpus);
    Power mean = between(gpu.idle_power, gpu.power, use_.gpu_busy * demand_.mean_load) * gpus;
    Power most = gpu.power * gpus;
    if (candidate_.drives > 0) {
      const SsdSpec& ssd = *hardware_.ssd;
      const auto drives = static_cast<double>(candidate_.drives);
      mean += between(ssd.idle_power, ssd.power, use_.drive_busy * demand_.mean_load) * drives;
      most += ssd.power * drives;
    }
    bill_.mean_power = (mean + hardware_.host.power) * nodes_;
    bill_.most_power = (most + hardware_.host.power) * nodes_;
    bill_.lines.push_back({Bill::Part::electricity, Dollars{},
                           cost_of_power(economics_, bill_.mean_power),
                           "economics.electricity and economics.pue"});
  }

  const EconomicsSpec& economics_;
  const DemandSpec& demand_;
  const MachineSpec& machine_;
  const Candidate& candidate_;
  const HardwareSpec& hardware_;
  double nodes_;
  const NodeUse& use_;
  const PriceDraw& prices_;
  Bill bill_;
};

}  // namespace

NodeUse NodeUse::spread(std::int64_t needed, std::int64_t bought) const {
  const double part = static_cast<double>(needed) / static_cast<double>(bought);
  return {gpu_busy * part, drive_busy * part, drive_writes * part};
}

double PriceDraw::pick(const std::string& product, double low, double typical, double high) const {
  if (kind_ == Kind::typical) return typical;
  if (kind_ == Kind::lowest || low == high) return low;
  if (kind_ == Kind::highest) return high;
  const double u = Random(number_, product).uniform();
  const double width = high - low;
  const double x = u * width < typical - low ? low + std::sqrt(u * width * (typical - low))
                                             : high - std::sqrt((1 - u) * width * (high - typical));
  return std::clamp(x, low, high);
}

std::string_view name_of(Bill::Part part) {
  switch (part) {
    case Bill::Part::gpus:
      return "GPUs";
    case Bill::Part::chassis:
      return "chassis";
    case Bill::Part::dram:
      return "DRAM";
    case Bill::Part::drives:
      return "drives";
    case Bill::Part::worn_drives:
      return "drives worn out";
    case Bill::Part::electricity:
      return "electricity";
  }
  return {};
}

Bill bill(const Plan& plan, const Candidate& candidate, std::int64_t nodes, const NodeUse& use,
          const PriceDraw& prices) {
  return Biller(plan, candidate, nodes, use, prices).make();
}

std::string_view DriveNeed::binding() const {
  const std::int64_t most = std::max({by_capacity, by_bandwidth, by_endurance});
  if (most == 0) return {};
  if (by_capacity == most) return "capacity";
  return by_bandwidth == most ? "bandwidth" : "endurance";
}

}  // namespace terrace
