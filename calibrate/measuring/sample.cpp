#include "calibrate/measuring/sample.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "sim/base/quantile.hpp"

namespace terrace::calibrate {
namespace {

double spread(const Sample& sample) { return (sample.p90 - sample.p10) / sample.median; }

Sample once(FunctionRef<double()> batch, const Sampling& sampling, FunctionRef<double()> clock) {
  for (int i = 0; i < sampling.warmups; ++i) static_cast<void>(batch());
  std::vector<double> values;
  const double start = clock();
  const auto enough = [&] {
    const int n = static_cast<int>(values.size());
    return n >= sampling.batches ||
           (n >= sampling.least && clock() - start >= sampling.most_seconds);
  };
  do {
    values.push_back(batch());
  } while (!enough());
  return sample_of(std::move(values));
}

}  // namespace

Sample sample_of(std::vector<double> batches) {
  std::sort(batches.begin(), batches.end());
  Sample sample;
  sample.median = interpolated_quantile(batches, 0.5);
  sample.p10 = interpolated_quantile(batches, 0.1);
  sample.p90 = interpolated_quantile(batches, 0.9);
  sample.min = batches.front();
  sample.n = static_cast<std::int64_t>(batches.size());
  for (double& batch : batches) batch = std::abs(batch - sample.median);
  std::sort(batches.begin(), batches.end());
  sample.mad = interpolated_quantile(batches, 0.5);
  return sample;
}

Sample sample(FunctionRef<double()> batch, const Sampling& sampling) {
  return sample(batch, sampling, [] { return steady_seconds(); });
}

Sample sample(FunctionRef<double()> batch, const Sampling& sampling, FunctionRef<double()> clock) {
  Sample first = once(batch, sampling, clock);
  if (spread(first) <= sampling.unstable) return first;
  Sample second = once(batch, sampling, clock);
  if (spread(second) <= sampling.unstable) return second;
  if (spread(first) < spread(second)) second = first;
  second.stable = false;
  return second;
}

Sample sample_calls(FunctionRef<double(std::int64_t)> calls, const Sampling& sampling,
                    FunctionRef<double()> clock) {
  constexpr std::int64_t kMostCalls = std::int64_t{1} << 20U;  // a clock that stands still
  std::int64_t n = 1;
  double took = calls(n);
  Sampling rest = sampling;
  rest.warmups = std::max(0, sampling.warmups - 1);  // that was one
  while (took < sampling.batch_seconds && n < kMostCalls) {
    // Never far beyond: the first calls are slower than those to come, and say too little.
    const double grow = took > 0 ? 1.1 * sampling.batch_seconds / took : 10;
    n = std::min(kMostCalls, static_cast<std::int64_t>(
                                 std::ceil(static_cast<double>(n) * std::clamp(grow, 1.1, 10.0))));
    took = calls(n);
  }
  Sample result = sample([&] { return calls(n) / static_cast<double>(n); }, rest, clock);
  result.calls = n;
  return result;
}

Sample sample_calls(FunctionRef<double(std::int64_t)> calls, const Sampling& sampling) {
  return sample_calls(calls, sampling, [] { return steady_seconds(); });
}

double sampling_seconds(double call, const Sampling& sampling) {
  const double batch = std::max(call, sampling.batch_seconds);
  const double measured = std::clamp(sampling.most_seconds, sampling.least * batch,
                                     std::max(sampling.batches, sampling.least) * batch);
  return (sampling.warmups + 1) * batch + measured;
}

Sample scaled(Sample sample, double factor) {
  sample.median *= factor;
  sample.mad *= factor;
  sample.p10 *= factor;
  sample.p90 *= factor;
  sample.min *= factor;
  for (double& one : sample.series) one *= factor;
  return sample;
}

}  // namespace terrace::calibrate
