#include "sim/study/endurance/endurance.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace terrace {

DriveFate fate_of(const DriveOffer& offer, const EnduranceQuestion& question) {
  const SsdSpec& ssd = offer.ssd;
  const WearLoad& load = question.load;
  const auto drives = static_cast<double>(load.drives);
  DriveFate fate;
  fate.profile = offer.profile;
  fate.capacity = ssd.capacity;
  fate.writes_per_day = drive_writes_per_day(ssd, load);
  fate.rated = rated_per_day(ssd, load.sequential);
  fate.life = life_of(ssd, load);
  // A life that divides the horizon, to rounding, needs no array for its last instant.
  constexpr double kExact = 1 - 1e-12;
  const Years used = std::min(fate.life, question.drive_life);
  fate.bought = std::max(1.0, std::ceil(question.horizon / used * kExact));
  fate.busy = load.writes.count() * load.amplification / (drives * ssd.write.bandwidth.count());
  if (!ssd.price) return fate;
  fate.as_of = ssd.price->as_of;
  const double seconds_of_horizon = question.horizon.count() * kSecondsPerYear;
  const double terabytes = load.writes.count() * seconds_of_horizon * 1e-12;
  const auto at = [&](DollarsPerTB price) {
    const Dollars all = (ssd.capacity * price) * (drives * fate.bought);
    return DriveFate::Price{all, DollarsPerTB{all.count() / terabytes}};
  };
  fate.low = at(ssd.price->low);
  fate.typical = at(ssd.price->typical);
  fate.high = at(ssd.price->high);
  return fate;
}

std::vector<DriveFate> fates_of(const std::vector<DriveOffer>& offers,
                                const EnduranceQuestion& question) {
  std::vector<DriveFate> all;
  all.reserve(offers.size());
  for (const DriveOffer& offer : offers) all.push_back(fate_of(offer, question));
  const auto rank = [](const DriveFate& f) {
    return std::tuple(f.busy > 1, !f.typical,
                      f.typical ? f.typical->horizon.count() : -f.life.count());
  };
  std::stable_sort(all.begin(), all.end(),
                   [&](const DriveFate& a, const DriveFate& b) { return rank(a) < rank(b); });
  return all;
}

}  // namespace terrace
