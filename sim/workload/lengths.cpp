#include "sim/workload/lengths.hpp"

#include <algorithm>
#include <cmath>

#include "sim/base/check.hpp"

namespace terrace {
namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

std::int64_t nearest_token(double length) {
  const auto longest = static_cast<double>(kLongestText.count());
  return static_cast<std::int64_t>(std::floor(std::clamp(length, 0.0, longest) + 0.5));
}

}  // namespace

Duration nearest_picosecond(double picoseconds) {
  TERRACE_CHECK(picoseconds >= 0);
  if (picoseconds >= 9.2e18) return Duration::max();
  return Duration{static_cast<Duration::rep>(std::floor(picoseconds + 0.5))};
}

LengthSampler::LengthSampler(const LengthSpec& spec) : distribution_(distribution_of(spec)) {
  if (!spec.clip) return;
  TERRACE_CHECK(spec.clip->min >= Tokens{1} && spec.clip->min <= spec.clip->max);
  min_ = spec.clip->min.count();
  max_ = std::min(max_, spec.clip->max.count());
}

LengthSampler::Distribution LengthSampler::distribution_of(const LengthSpec& spec) {
  const auto range = [&] {
    TERRACE_CHECK(spec.min <= spec.max);
    return static_cast<std::uint64_t>((spec.max - spec.min).count()) + 1;
  };
  switch (spec.distribution) {
    case LengthDistribution::constant:
      return Constant{spec.value.count()};
    case LengthDistribution::uniform:
      return Uniform{spec.min.count(), range()};
    case LengthDistribution::lognormal:
      if (spec.p50) return LogNormal::from_p50_p99(*spec.p50, spec.p99.value());
      return LogNormal::from_mean_cv(spec.mean.value(), spec.cv.value());
    case LengthDistribution::normal:
      return Normal{spec.mean.value(), spec.stddev};
    case LengthDistribution::zipf:
      return ZipfFrom{spec.min.count(), Zipf(range(), spec.exponent)};
    case LengthDistribution::histogram:
      TERRACE_CHECK(spec.values.size() == spec.weights.size());
      return Histogram{spec.values, Discrete(spec.weights)};
  }
  TERRACE_CHECK(false);
  return Constant{1};
}

Tokens LengthSampler::draw(Random random) const {
  const std::int64_t length =
      std::visit(Overloaded{
                     [](const Constant& constant) { return constant.value; },
                     [&](const Uniform& uniform) {
                       return uniform.min + static_cast<std::int64_t>(random.below(uniform.count));
                     },
                     [&](const LogNormal& distribution) {
                       return nearest_token(lognormal(random, distribution));
                     },
                     [&](const Normal& distribution) {
                       return nearest_token(normal(random, distribution.mean, distribution.stddev));
                     },
                     [&](const ZipfFrom& zipf) {
                       return zipf.min + static_cast<std::int64_t>(zipf.offset.draw(random));
                     },
                     [&](const Histogram& histogram) {
                       return histogram.values[histogram.index.draw(random)];
                     },
                 },
                 distribution_);
  return Tokens{std::clamp(length, min_, max_)};
}

GapSampler::GapSampler(const GapSpec& spec) : distribution_(spec.distribution), mean_(spec.mean) {
  if (distribution_ == GapDistribution::lognormal) {
    lognormal_ = LogNormal::from_mean_cv(static_cast<double>(mean_.count()), spec.cv);
  }
}

Duration GapSampler::draw(Random random) const {
  switch (distribution_) {
    case GapDistribution::constant:
      return mean_;
    case GapDistribution::exponential:
      return nearest_picosecond(exponential(random, static_cast<double>(mean_.count())));
    case GapDistribution::lognormal:
      return nearest_picosecond(lognormal(random, lognormal_));
  }
  TERRACE_CHECK(false);
  return mean_;
}

}  // namespace terrace
