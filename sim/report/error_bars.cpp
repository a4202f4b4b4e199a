#include "sim/report/error_bars.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "sim/metrics/metric.hpp"
#include "sim/report/human.hpp"
#include "sim/report/table.hpp"

namespace terrace {
namespace {

constexpr std::array<std::string_view, 9> kShown{
    "ttft_mean", "ttft_p50", "ttft_p99",          "tpot_mean",         "tpot_p99",
    "e2e_mean",  "e2e_p99",  "output_throughput", "request_throughput"};

std::string text_of(const Metric& metric, std::optional<double> value) {
  if (!value) return "-";
  return metric.unit == MetricUnit::ms ? human::time(*value * 1e-3) : human::rate(*value);
}

template <class Use>
void each_metric(Use use) {
  const std::vector<Metric> all = all_metrics({});
  for (const std::string_view name : kShown) {
    const auto metric =
        std::find_if(all.begin(), all.end(), [&](const Metric& m) { return m.name == name; });
    use(*metric);
  }
}

}  // namespace

std::string error_bar_text(const ErrorBars& bars) {
  Table table({"Error bars", "fast", "expected", "slow"});
  each_metric([&](const Metric& m) {
    table.add({m.name, text_of(m, m.value(bars.low)), text_of(m, m.value(bars.base)),
               text_of(m, m.value(bars.high))});
  });
  return table.text() +
         "all kernels faster, or slower, at once by the error of what their times are from\n";
}

nlohmann::ordered_json error_bar_json(const ErrorBars& bars) {
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  each_metric([&](const Metric& m) {
    const auto value = [&](const Summary& s) -> nlohmann::ordered_json {
      const auto number = m.value(s);
      return number ? nlohmann::ordered_json(*number) : nlohmann::ordered_json(nullptr);
    };
    out[column_of(m)] = {
        {"low", value(bars.low)}, {"base", value(bars.base)}, {"high", value(bars.high)}};
  });
  return out;
}

}  // namespace terrace
