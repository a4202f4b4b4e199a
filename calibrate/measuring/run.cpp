#include "calibrate/measuring/run.hpp"

#include <algorithm>
#include <exception>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "calibrate/measuring/operands.hpp"
#include "calibrate/measuring/proven.hpp"
#include "calibrate/vendor/nvml.hpp"
#include "kernels/kernel_set.hpp"
#include "sim/app/exit_code.hpp"
#include "sim/base/check.hpp"
#include "sim/base/quantile.hpp"
#include "sim/base/random.hpp"
#include "sim/base/shuffle.hpp"
#include "sim/base/text.hpp"

namespace terrace::calibrate {
namespace {

/// `lost` becomes true where nothing can be measured after it.
MeasuredPoint measured(const Planned& planned, Bench& bench, bool& lost) {
  const Measurement& m = planned.measurement;
  MeasuredPoint point;
  point.id = m.id;
  point.family = planned.family->name;
  point.x = m.x;
  point.cache = m.cache;
  point.unit = m.unit;
  try {
    if (bench.operands != nullptr) bench.operands->begin();
    point.sample = m.measure(bench);
    if (!(point.sample.median > 0)) point.error = "it measured nothing";
  } catch (const InvariantViolation&) {
    throw;
  } catch (const kernels::DeviceLost& e) {
    point.error = e.what();
    lost = true;
  } catch (const std::exception& e) {
    point.error = e.what();
  }
  return point;
}

/// Whether the GPU says a reason to be slow at `now` that it did not say at `first`.
bool newly_slowed(const SentinelReading& now, const SentinelReading& first) {
  return (slowing_reasons(now.gpu) & ~slowing_reasons(first.gpu)) != 0;
}

/// How much longer the rest will take: as much longer than expected as what is done.
class TimeLeft {
 public:
  explicit TimeLeft(const std::vector<const Planned*>& order) {
    for (const Planned* planned : order) left_ += planned->measurement.seconds;
  }
  void done(const Planned& planned, double took) {
    left_ -= planned.measurement.seconds;
    expected_ += planned.measurement.seconds;
    took_ += took;
  }
  [[nodiscard]] double seconds() const {
    constexpr double kSure = 3;  // seconds expected, before which the ratio says little
    const double ratio = (took_ + kSure) / (expected_ + kSure);
    return std::max(0.0, left_) * ratio;
  }

 private:
  double left_ = 0;
  double expected_ = 0;
  double took_ = 0;
};

}  // namespace

std::vector<Planned> plan_of(std::span<const Family* const> families, const Extent& extent) {
  std::vector<Planned> plan;
  std::set<std::string> ids;
  for (const Family* family : families) {
    if (family->needs_gpu && !extent.gpu) continue;
    if (family->needs_disk && extent.disk == Bytes{}) continue;
    if (family->needs_direct_disk && !extent.direct_disk) continue;
    for (Measurement& measurement : family->plan(extent)) {
      TERRACE_CHECK(ids.insert(measurement.id).second);
      plan.push_back({family, std::move(measurement)});
    }
  }
  return plan;
}

std::string why_nothing(std::span<const Family* const> families, const Extent& extent) {
  std::string text = "nothing to measure";
  for (const Family* family : families) {
    const bool no_gpu = family->needs_gpu && !extent.gpu;
    const bool no_disk = family->needs_disk && extent.disk == Bytes{};
    if (no_gpu) text += fmt::format("; {} needs a GPU", family->name);
    if (no_disk) text += fmt::format("; {} needs --disk DIR", family->name);
    if (!no_gpu && !no_disk && family->needs_direct_disk && !extent.direct_disk) {
      text += fmt::format("; {} needs GPUDirect Storage", family->name);
    }
  }
  return text;
}

LeftOut left_out(std::span<const Family* const> families, const Extent& extent) {
  Extent roomy = extent;
  roomy.pace = {Bandwidth{1e18}, FlopRate{1e21}};
  const std::size_t quick = plan_of(families, roomy).size();
  roomy.memory = Bytes{std::int64_t{1} << 50U};
  return {plan_of(families, roomy).size() - quick, quick - plan_of(families, extent).size()};
}

std::vector<const Family*> chosen_families(std::string_view list,
                                           std::span<const Family* const> all) {
  std::vector<std::string_view> names;
  for (const Family* family : all) names.push_back(family->name);
  std::set<std::string, std::less<>> wanted;
  for (const std::string& part : split_list(list)) {
    const std::string name(trimmed(part));
    if (name.empty()) {
      throw app::UsageError(
          fmt::format("--only takes names with commas between them, of {}; not "
                      "'{}'",
                      fmt::join(names, ", "), list));
    }
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      if (!wanted.insert(name).second) {
        throw app::UsageError(
            fmt::format("--only: '{}' is there twice; there are {}", name, fmt::join(names, ", ")));
      }
      continue;
    }
    const auto near = closest(name, names);
    throw app::UsageError(
        near ? fmt::format("--only: no family '{}'; did you mean '{}'?", name, *near)
             : fmt::format("--only: no family '{}'; there are {}", name, fmt::join(names, ", ")));
  }
  std::vector<const Family*> chosen;
  for (const Family* family : all) {
    if (wanted.contains(family->name)) chosen.push_back(family);
  }
  return chosen;
}

std::vector<const Planned*> left_of(const std::vector<Planned>& plan, const Progressed& so_far,
                                    std::uint64_t seed) {
  std::set<std::string_view> done;
  for (const MeasuredPoint& point : so_far.points) done.insert(point.id);
  std::vector<const Planned*> order;
  order.reserve(plan.size());
  for (const Planned& planned : plan) order.push_back(&planned);
  Random random(seed, "calibrate/order");
  shuffle(order, random);
  const auto turn = [](const Planned* p) {
    const Measurement& m = p->measurement;
    return std::tuple(m.last, m.written > Bytes{}, m.last ? m.written : Bytes{});
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](const Planned* a, const Planned* b) { return turn(a) < turn(b); });
  const auto wrong = condemned(so_far.findings);
  std::erase_if(order, [&](const Planned* p) {
    return done.contains(p->measurement.id) || wrong.contains(p->family->name);
  });
  return order;
}

bool measure(const std::vector<Planned>& plan, Bench& bench, std::uint64_t seed,
             const DriftRule& rule, const RunWorld& world, Journal& journal, Progressed& so_far) {
  const std::vector<const Planned*> order = left_of(plan, so_far, seed);
  const double begin = world.clock() - so_far.seconds();
  const auto now = [&] { return world.clock() - begin; };
  const auto look = [&] {
    SentinelReading reading;
    reading.rates = world.sentinel();
    if (world.gpu_state) reading.gpu = world.gpu_state();
    reading.at = now();
    journal.add(reading);
    so_far.sentinels.push_back(std::move(reading));
  };
  if (order.empty()) return true;
  const std::size_t all = so_far.points.size() + order.size();
  TimeLeft left(order);
  double looked = now();
  look();
  for (const Planned* planned : order) {
    if (world.stop()) return false;
    world.progress({so_far.points.size(), all, left.seconds(), planned->measurement.id});
    if (now() - looked >= rule.every) {
      looked = now();
      look();
    }
    const double start = now();
    bool lost = false;
    MeasuredPoint point = measured(*planned, bench, lost);
    if (world.stop() && !point.error.empty()) return false;  // an interruption, not a failure
    point.at = now();
    left.done(*planned, point.at - start);
    journal.add(point);
    so_far.points.push_back(std::move(point));
    if (lost) {
      const MeasuredPoint& last = so_far.points.back();
      throw kernels::DeviceLost(last.id + ": " + last.error);
    }
  }
  look();
  return true;
}

void judge_drift(std::vector<SentinelReading>& sentinels, std::vector<MeasuredPoint>& points,
                 const DriftRule& rule) {
  std::map<std::string, std::vector<double>> rates;
  for (const SentinelReading& reading : sentinels) {
    for (const auto& [name, rate] : reading.rates) rates[name].push_back(rate);
  }
  for (SentinelReading& reading : sentinels) {
    reading.drift = 0;
    for (const auto& [name, rate] : reading.rates) {
      reading.drift =
          std::max(reading.drift, std::abs(rate / nearest_quantile(rates.at(name), 0.5) - 1));
    }
  }
  for (MeasuredPoint& point : points) {
    point.drifted = false;
    for (std::size_t i = 0; i < sentinels.size(); ++i) {
      if (sentinels[i].drift <= rule.most && !newly_slowed(sentinels[i], sentinels.front())) {
        continue;
      }
      const bool after = i == 0 || point.at > sentinels[i - 1].at;
      const bool before = i + 1 == sentinels.size() || point.at <= sentinels[i + 1].at;
      point.drifted = point.drifted || (after && before);
    }
  }
}

}  // namespace terrace::calibrate
