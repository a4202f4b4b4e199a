#include "sim/workload/arrivals.hpp"

#include <cmath>

#include "sim/base/check.hpp"
#include "sim/base/random.hpp"
#include "sim/base/samplers.hpp"
#include "sim/workload/content.hpp"
#include "sim/workload/lengths.hpp"

namespace terrace {
namespace {

constexpr double kPicoseconds = 1e12;  // in a second

class Poisson final : public ArrivalProcess {
 public:
  Poisson(Frequency rate, Random random)
      : mean_gap_(kPicoseconds / rate.count()), random_(random) {}

  SimTime next() override {
    return at_ = later(at_, nearest_picosecond(exponential(random_, mean_gap_)));
  }

 private:
  double mean_gap_;
  Random random_;
  SimTime at_{};
};

class GammaRenewal final : public ArrivalProcess {
 public:
  GammaRenewal(Frequency rate, double cv, Random random)
      : shape_(1 / (cv * cv)), scale_(kPicoseconds / rate.count() * cv * cv), random_(random) {}

  SimTime next() override {
    return at_ = later(at_, nearest_picosecond(gamma(random_, shape_, scale_)));
  }

 private:
  double shape_;
  double scale_;
  Random random_;
  SimTime at_{};
};

class Deterministic final : public ArrivalProcess {
 public:
  explicit Deterministic(Frequency rate) : rate_(rate.count()) {}

  SimTime next() override {
    const auto sent = static_cast<double>(sent_++);
    return later(SimTime{}, nearest_picosecond(sent * kPicoseconds / rate_));
  }

 private:
  double rate_;
  std::int64_t sent_ = 0;
};

/// The area under the rate between two arrivals is exponential with mean 1, whatever the rate does
/// meanwhile: one draw per arrival, spent at the rate of each phase in turn.
class OnOff final : public ArrivalProcess {
 public:
  OnOff(const ArrivalSpec& spec, Random arrivals, Random phases)
      : rates_{spec.rate_off.count(), spec.rate_on.count()},
        means_{picoseconds(spec.mean_off), picoseconds(spec.mean_on)},
        arrivals_(arrivals),
        phases_(phases) {
    on_ = phases_.uniform() * (means_[0] + means_[1]) < means_[1];
    start_phase();
  }

  SimTime next() override {
    double area = exponential(arrivals_, kPicoseconds);
    while (at_ < kNever) {
      const double rate = rates_[on_ ? 1 : 0];
      const double rest = picoseconds(phase_end_ - at_) * rate;
      if (area < rest) return at_ = later(at_, nearest_picosecond(area / rate));
      area -= rest;
      at_ = phase_end_;
      on_ = !on_;
      start_phase();
    }
    return kNever;
  }

 private:
  static double picoseconds(Duration d) { return static_cast<double>(d.count()); }

  void start_phase() {
    phase_end_ = later(at_, nearest_picosecond(exponential(phases_, means_[on_ ? 1 : 0])));
  }

  double rates_[2];  // per second; off, on
  double means_[2];  // picoseconds
  Random arrivals_;
  Random phases_;
  bool on_ = false;
  SimTime at_{};
  SimTime phase_end_{};
};

class Diurnal final : public ArrivalProcess {
 public:
  Diurnal(const ArrivalSpec& spec, Random random)
      : mean_gap_at_peak_(kPicoseconds / (spec.rate.count() * (1 + spec.amplitude))),
        amplitude_(spec.amplitude),
        period_(spec.period),
        phase_(spec.phase),
        random_(random) {}

  SimTime next() override {
    while (at_ < kNever) {
      at_ = later(at_, nearest_picosecond(exponential(random_, mean_gap_at_peak_)));
      const double intensity = 1 + amplitude_ * sine_of_turns(turns(at_) + phase_);
      if (random_.uniform() * (1 + amplitude_) < intensity) break;
    }
    return at_;
  }

 private:
  [[nodiscard]] double turns(SimTime at) const {
    const Duration into_period = at.time_since_epoch() % period_;
    return static_cast<double>(into_period.count()) / static_cast<double>(period_.count());
  }

  double mean_gap_at_peak_;
  double amplitude_;
  Duration period_;
  double phase_;
  Random random_;
  SimTime at_{};
};

}  // namespace

double sine_of_turns(double turns) {
  constexpr double kTwoPi = 6.283185307179586;
  double part = turns - std::floor(turns);
  // Fold onto the quarter turns about 0, where the Taylor series is good to 3e-16.
  if (part > 0.75) {
    part -= 1;
  } else if (part > 0.25) {
    part = 0.5 - part;
  }
  const double x = kTwoPi * part;
  double sum = 0;
  for (int n = 21; n > 1; n -= 2) sum = (1 + sum) * (-x * x / (n * (n - 1)));
  return x * (1 + sum);
}

std::unique_ptr<ArrivalProcess> make_arrivals(const ArrivalSpec& spec, std::uint64_t seed,
                                              std::string_view client) {
  const Random random = client_stream(seed, client, "arrivals");
  switch (spec.process) {
    case ArrivalLaw::poisson:
      return std::make_unique<Poisson>(spec.rate, random);
    case ArrivalLaw::gamma:
      return std::make_unique<GammaRenewal>(spec.rate, spec.cv, random);
    case ArrivalLaw::deterministic:
      return std::make_unique<Deterministic>(spec.rate);
    case ArrivalLaw::on_off:
      return std::make_unique<OnOff>(spec, random, client_stream(seed, client, "phases"));
    case ArrivalLaw::diurnal:
      return std::make_unique<Diurnal>(spec, random);
    case ArrivalLaw::closed_loop:
      break;
  }
  TERRACE_CHECK(false);
  return nullptr;
}

}  // namespace terrace
