#include "sim/study/load/slo.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sim/base/text.hpp"

namespace terrace {
namespace {

struct Statistic {
  std::string_view name;
  std::optional<double> quantile;
};
constexpr std::array kStatistics = {Statistic{"mean", std::nullopt}, Statistic{"p50", 0.5},
                                    Statistic{"p90", 0.9},           Statistic{"p95", 0.95},
                                    Statistic{"p99", 0.99},          Statistic{"p99.9", 0.999}};
constexpr double kUsual = 0.99;  // of a latency without a statistic

std::string figure_name(Latency latency, const std::optional<double>& quantile) {
  const std::string_view which = kLatencyNames[static_cast<std::size_t>(latency)];
  if (!quantile) return fmt::format("{}_mean", which);
  return fmt::format("{}_p{:g}", which, 100 * *quantile);
}

/// Every figure that can be bounded, by the names it goes by.
std::vector<std::pair<std::string, SloBound>> known_figures() {
  std::vector<std::pair<std::string, SloBound>> known;
  for (const Latency latency : kLatencies) {
    known.emplace_back(kLatencyNames[static_cast<std::size_t>(latency)],
                       SloBound{{}, latency, kUsual, {}});
    for (const Statistic& s : kStatistics) {
      known.emplace_back(
          fmt::format("{}_{}", kLatencyNames[static_cast<std::size_t>(latency)], s.name),
          SloBound{{}, latency, s.quantile, {}});
    }
  }
  return known;
}

/// "agents.ttft_p99" as a bound without its limit.
config::Parsed<SloBound> parse_figure(std::string_view name) {
  const auto known = known_figures();
  for (const auto& [figure, bound] : known) {
    if (name == figure) return {bound, {}};
    if (name.size() > figure.size() + 1 && name.ends_with("." + figure)) {
      SloBound of_client = bound;
      of_client.client = std::string(name.substr(0, name.size() - figure.size() - 1));
      return {of_client, {}};
    }
  }
  // What stands behind the client, if there is one; the dot of p99.9 is none.
  const auto dot = name.find('.');
  const bool client = dot != std::string_view::npos && dot < name.find('_');
  std::vector<std::string_view> names;
  names.reserve(known.size());
  for (const auto& [figure, bound] : known) names.push_back(figure);
  const auto near = closest(client ? name.substr(dot + 1) : name, names);
  return {std::nullopt,
          fmt::format("no latency is called '{}'; {}", name,
                      near ? fmt::format("did you mean '{}{}'?",
                                         client ? name.substr(0, dot + 1) : "", *near)
                           : "there are ttft, tpot and e2e, each with _mean, _p50, _p90, _p95, "
                             "_p99 or _p99.9, of one client as in 'chat.ttft_p99'")};
}

config::Parsed<SloBound> parse_bound(std::string_view text) {
  const auto equals = text.rfind('=');
  if (equals == std::string_view::npos) {
    return {std::nullopt, fmt::format("'{}' is no bound; it is written as in ttft_p99=2s", text)};
  }
  config::Parsed<SloBound> bound = parse_figure(trimmed(text.substr(0, equals)));
  if (!bound.value) return bound;
  const std::string_view limit = trimmed(text.substr(equals + 1));
  const auto parsed = config::Scalar<Duration>::parse(limit);
  if (!parsed.value) {
    return {std::nullopt,
            fmt::format("{}: {}", bound.value->name(),
                        parsed.why.empty()
                            ? fmt::format("'{}' is not {}", limit, config::Scalar<Duration>::kForm)
                            : parsed.why)};
  }
  if (*parsed.value <= Duration{}) {
    return {std::nullopt, fmt::format("{}={} can never be met; a limit is longer than nothing",
                                      bound.value->name(), limit)};
  }
  bound.value->limit = *parsed.value;
  return bound;
}

/// Whether `strict`, once met, means that `lax` is met as well.
bool implies(const SloBound& strict, const SloBound& lax) {
  if (strict.client != lax.client || strict.limit > lax.limit) return false;
  const bool longer = strict.latency == lax.latency ||
                      (strict.latency == Latency::e2e && lax.latency == Latency::ttft);
  const bool farther = strict.quantile && lax.quantile ? *strict.quantile >= *lax.quantile
                                                       : strict.quantile == lax.quantile;
  return longer && farther;
}

std::string text_of(const SloBound& bound) {
  return fmt::format("{}={}", bound.name(), config::Scalar<Duration>::format(bound.limit));
}

}  // namespace

std::string SloBound::name() const {
  const std::string figure = figure_name(latency, quantile);
  return client.empty() ? figure : fmt::format("{}.{}", client, figure);
}

config::Parsed<std::vector<SloBound>> parse_slo(std::string_view text) {
  std::vector<SloBound> bounds;
  while (true) {
    const auto comma = text.find(',');
    const std::string_view item = trimmed(text.substr(0, comma));
    if (!item.empty()) {
      auto bound = parse_bound(item);
      if (!bound.value) return {std::nullopt, std::move(bound.why)};
      bounds.push_back(*std::move(bound.value));
    }
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  if (bounds.empty()) {
    return {std::nullopt, "there is no bound; they are written as in ttft_p99=2s,tpot_p99=50ms"};
  }
  return {std::move(bounds), {}};
}

std::vector<SloBound> slo_of(const Scenario& scenario, double quantile) {
  std::vector<SloBound> bounds;
  const auto workload = make_workload(scenario);
  for (const Client& client : workload->clients()) {
    if (client.ttft_slo) {
      bounds.push_back({client.name, Latency::ttft, quantile, *client.ttft_slo});
    }
    if (client.tpot_slo) {
      bounds.push_back({client.name, Latency::tpot, quantile, *client.tpot_slo});
    }
  }
  return bounds;
}

std::string why_contradictory(std::span<const SloBound> bounds, const Scenario& scenario) {
  const auto workload = make_workload(scenario);
  std::vector<std::string_view> clients;
  for (const Client& client : workload->clients()) clients.push_back(client.name);
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const std::string& client = bounds[i].client;
    if (!client.empty() && std::find(clients.begin(), clients.end(), client) == clients.end()) {
      const auto near = closest(client, clients);
      return near ? fmt::format("no client is called '{}'; did you mean '{}'?", client, *near)
                  : fmt::format("no client is called '{}'; there are: {}", client,
                                fmt::join(clients, ", "));
    }
    for (std::size_t k = 0; k < bounds.size(); ++k) {
      if (k < i && bounds[k].name() == bounds[i].name()) {
        return fmt::format("{} is bounded twice", bounds[i].name());
      }
      if (k != i && implies(bounds[k], bounds[i])) {
        return fmt::format("{} says nothing, because {} is at least as strict; remove one",
                           text_of(bounds[i]), text_of(bounds[k]));
      }
    }
  }
  return {};
}

std::size_t requests_needed(std::span<const SloBound> bounds) {
  double needed = 2;
  for (const SloBound& bound : bounds) {
    if (bound.quantile) needed = std::max(needed, std::round(2 / (1 - *bound.quantile)));
  }
  return static_cast<std::size_t>(needed);
}

}  // namespace terrace
