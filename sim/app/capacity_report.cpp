#include "sim/app/capacity_report.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/app/study_options.hpp"
#include "sim/report/header.hpp"
#include "sim/report/human.hpp"
#include "sim/report/json.hpp"
#include "sim/report/table.hpp"

namespace terrace::app {
namespace {

using nlohmann::ordered_json;

constexpr double kWide = 0.15;    // of an interval, over its mean
constexpr double kTurnover = 10;  // of those inside, in a run that has settled
constexpr double kPauses = 20;    // in a run that has seen sessions come and go

/// Over the seeds.
template <class Value>
double mean(const std::vector<SeedCapacity>& seeds, Value value) {
  double sum = 0;
  for (const SeedCapacity& seed : seeds) sum += value(seed);
  return sum / static_cast<double>(seeds.size());
}

struct TokenRates {
  double in = 0;
  double out = 0;
};

TokenRates token_rates(const SeedCapacity& seed) {
  const ClientSummary& all = seed.at.summary.all;
  const auto requests = static_cast<double>(std::max<std::int64_t>(all.completed, 1));
  const double rate = seed.rate.count() / requests;
  return {static_cast<double>(all.prompt.count()) * rate,
          static_cast<double>(all.output.count()) * rate};
}

/// The mean over the seeds of what came of a bound; nothing if some seed has no such figure.
std::optional<double> mean_of(const std::vector<SeedCapacity>& seeds, Trial SeedCapacity::*side,
                              std::size_t bound) {
  double sum = 0;
  for (const SeedCapacity& seed : seeds) {
    const auto& value = (seed.*side).judged[bound].value;
    if (!value) return std::nullopt;
    sum += seconds(*value);
  }
  return sum / static_cast<double>(seeds.size());
}

/// Of how many seeds something is so just above the capacity.
template <class Predicate>
std::size_t seeds_with(const Capacity& capacity, Predicate predicate) {
  return static_cast<std::size_t>(
      std::count_if(capacity.seeds.begin(), capacity.seeds.end(),
                    [&](const SeedCapacity& seed) { return predicate(seed.above); }));
}

/// What limits most seeds just above, the first of equals; and of how many.
std::pair<const Verdict*, std::size_t> resource_of(const Capacity& capacity) {
  std::pair<const Verdict*, std::size_t> most{nullptr, 0};
  for (const SeedCapacity& seed : capacity.seeds) {
    const Verdict& verdict = seed.above.summary.verdict;
    const std::size_t n = seeds_with(
        capacity, [&](const Trial& t) { return t.summary.verdict.limit == verdict.limit; });
    if (n > most.second) most = {&verdict, n};
  }
  return most;
}

/// How many requests the memories hold, without running anything.
struct Fit {
  Tokens longest;          // context
  bool by_kv = false;      // and not by max_model_len
  Tokens kv;               // of all replicas
  double mean_tokens = 0;  // prompt and output of a request
  double at_mean = 0;      // requests
  std::int64_t seats = 0;
};

Fit fit_of(const CapacityReport& r) {
  const ServingSpec& serving = r.scenario.serving;
  Fit fit;
  const Tokens kv = Tokens{serving.engine.block_size.count() * (r.dimensions.hbm_blocks - 1)};
  fit.by_kv = kv < r.dimensions.max_model_len;
  fit.longest = std::min(kv, r.dimensions.max_model_len);
  fit.kv = kv * serving.replicas;
  fit.seats = serving.engine.max_num_seqs * serving.replicas;
  fit.mean_tokens = mean(r.capacity.seeds, [](const SeedCapacity& seed) {
    const ClientSummary& all = seed.at.summary.all;
    return static_cast<double>((all.prompt + all.output).count()) /
           static_cast<double>(std::max<std::int64_t>(all.completed, 1));
  });
  fit.at_mean = static_cast<double>(fit.kv.count()) / std::max(fit.mean_tokens, 1.0);
  return fit;
}

std::string with_interval(const MeanEstimate& e) {
  // As many digits as the interval leaves sure, one more than its first.
  const double width = e.half_width.value_or(0);
  const double digits = width > 0 ? 1 - std::floor(std::log10(width))
                                  : 2 - std::floor(std::log10(std::max(e.mean, 1e-9)));
  const int places = static_cast<int>(std::clamp(digits, 0.0, 6.0));
  std::string text = fmt::format("{:.{}f}", e.mean, places);
  if (e.half_width) text += fmt::format(" ± {:.{}f}", width, places);
  return text;
}

std::string answer_text(const CapacityReport& r) {
  const Capacity& c = r.capacity;
  std::string text = fmt::format("Capacity: {} requests/s", with_interval(c.rate()));
  if (const auto users = c.users())
    text += fmt::format(", {} users at a time", with_interval(*users));
  text += "\n";
  const auto line = [&](const char* label, const std::string& value) {
    text += fmt::format("  {:<16}{}\n", label, value);
  };
  line("load", fmt::format("{} times the scenario's own", with_interval(c.factor())));
  line("tokens",
       fmt::format("{} /s in, {} /s out",
                   human::rate(mean(c.seeds, [](auto& s) { return token_rates(s).in; })),
                   human::rate(mean(c.seeds, [](auto& s) { return token_rates(s).out; }))));
  line("inside", fmt::format("{} requests on average, {} of them not in the queue",
                             human::rate(mean(c.seeds, [](auto& s) { return s.at.concurrency; })),
                             human::rate(mean(c.seeds, [](auto& s) { return s.at.running; }))));
  return text;
}

std::string bounds_text(const CapacityReport& r) {
  const Capacity& c = r.capacity;
  const std::size_t n = c.seeds.size();
  Table table({"Bound", "limit", "at capacity", "just above", "fails there"});
  const auto cell = [](const std::optional<double>& value) {
    return value ? human::time(*value) : std::string("-");
  };
  for (std::size_t i = 0; i < r.bounds.size(); ++i) {
    const std::size_t missed = seeds_with(c, [&](const Trial& t) { return !t.judged[i].met; });
    table.add({r.bounds[i].name(), human::time(seconds(r.bounds[i].limit)),
               cell(mean_of(c.seeds, &SeedCapacity::at, i)),
               cell(mean_of(c.seeds, &SeedCapacity::above, i)),
               fmt::format("{} of {}", missed, n)});
  }
  const std::size_t behind = seeds_with(c, [](const Trial& t) { return !t.keeps_up; });
  table.add({"the queue does not grow", "", "yes", behind == 0 ? "yes" : "no",
             fmt::format("{} of {}", behind, n)});
  return table.text();
}

/// The bound that most seeds miss just above; the first of equals.
std::string breaking_bound(const CapacityReport& r) {
  const Capacity& c = r.capacity;
  std::string most = "a queue that grows";
  std::size_t seeds = 0;
  for (std::size_t i = 0; i < r.bounds.size(); ++i) {
    const std::size_t n = seeds_with(c, [&](const Trial& t) { return !t.judged[i].met; });
    if (n > seeds) std::tie(most, seeds) = std::pair(r.bounds[i].name(), n);
  }
  return most;
}

std::string binding_text(const CapacityReport& r) {
  const auto [verdict, n] = resource_of(r.capacity);
  return paragraph("What binds: ",
                   fmt::format("{}, by {} (so say {} of {} seeds). Just above, one of them says: "
                               "{}.",
                               breaking_bound(r), verdict->limit, n, r.capacity.seeds.size(),
                               verdict->sentence));
}

std::string fit_text(const CapacityReport& r) {
  const Fit fit = fit_of(r);
  std::string text = "What fits, whatever the SLO\n";
  text += fmt::format("  {:<16}{} tokens in one request, by {}\n", "longest",
                      human::count(fit.longest.count()), fit.by_kv ? "KV cache" : "max_model_len");
  text += fmt::format("  {:<16}{} requests at once: KV of {} tokens over {} each, nothing shared\n",
                      "at mean length", human::rate(fit.at_mean), human::count(fit.kv.count()),
                      human::rate(fit.mean_tokens));
  text += fmt::format("  {:<16}{} requests at once, by max_num_seqs and replicas\n", "seats",
                      human::count(fit.seats));
  return text;
}

/// What makes the answer worth less than it looks.
std::string doubts_text(const CapacityReport& r) {
  std::string text;
  const MeanEstimate factor = r.capacity.factor();
  if (factor.half_width && *factor.half_width > kWide * factor.mean) {
    text += paragraph("",
                      "The seeds differ widely: longer runs (--requests) or more seeds make "
                      "this surer.");
  }
  for (const SeedCapacity& seed : r.capacity.seeds) {
    const auto judged = static_cast<double>(seed.at.requests);
    if (judged > kTurnover * seed.at.concurrency) continue;
    text += paragraph(
        "", fmt::format("Only {} requests were judged while {} were inside on average: too short "
                        "a run to see where it settles, so the true capacity may be lower. Ask "
                        "for more --requests.",
                        human::count(static_cast<std::int64_t>(seed.at.requests)),
                        human::rate(seed.at.concurrency)));
    break;
  }
  const double lasts = seconds(r.capacity.seeds.front().at.summary.duration);
  for (const ClientSpec& client : r.scenario.workload.synthetic.clients) {
    const double pause = seconds(client.content.think.mean);
    if (client.content.kind != ContentLaw::conversation || lasts > kPauses * pause) continue;
    text += paragraph(
        "", fmt::format("A run lasts {}, and users of '{}' pause {} between turns: too short for "
                        "sessions to come and go, so the true capacity may be lower. Ask for more "
                        "--requests.",
                        human::time(lasts), client.name, human::time(pause)));
  }
  return text;
}

std::string how_text(const CapacityReport& r) {
  const Capacity& c = r.capacity;
  const double warm_up = mean(c.seeds, [](const SeedCapacity& s) {
    return static_cast<double>(s.at.warm_up) /
           static_cast<double>(std::max<std::size_t>(s.at.warm_up + s.at.requests, 1));
  });
  std::string text = paragraph(
      "How: ",
      fmt::format("it passes at this load, and fails at {:g} % more at most; beyond, it may pass "
                  "again. {} {}, {} runs of {} requests, {:.1f} % of them left out as warm-up "
                  "(MSER-5).{}",
                  100 * r.precision, c.seeds.size(), c.seeds.size() == 1 ? "seed" : "seeds", c.runs,
                  human::count(c.seeds.front().at.summary.came), 100 * warm_up,
                  c.seeds.size() == 1 ? "" : " ±: Student's 95 % interval over the seeds."));
  text += doubts_text(r);
  for (const std::string& caveat : c.seeds.front().at.summary.caveats) {
    text += paragraph("", "Step times: " + caveat + ".");
  }
  return text;
}

ordered_json json_of(const MeanEstimate& e) {
  ordered_json json;
  json["mean"] = e.mean;
  json["half_width_95"] = e.half_width ? ordered_json(*e.half_width) : ordered_json();
  return json;
}

ordered_json json_of(const Trial& trial, const std::vector<SloBound>& bounds) {
  ordered_json json;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const Judged& j = trial.judged[i];
    json["bounds"][bounds[i].name()] = {
        {"value_s", j.value ? ordered_json(seconds(*j.value)) : ordered_json()}, {"met", j.met}};
  }
  json["keeps_up"] = trial.keeps_up;
  json["offered_per_s"] = trial.offered.count();
  json["served_per_s"] = trial.served.count();
  json["concurrency"] = trial.concurrency;
  json["running"] = trial.running;
  json["requests"] = trial.requests;
  json["warm_up"] = trial.warm_up;
  json["limit"] = trial.summary.verdict.limit;
  json["verdict"] = trial.summary.verdict.sentence;
  return json;
}

}  // namespace

std::string capacity_text(const CapacityReport& r) {
  std::string text = header_text(make_header(r.scenario, r.dimensions)) + "\n";
  text += "The highest load at which " + text_of(r.bounds) + ", and the queue does not grow\n\n";
  if (r.capacity.seeds.empty()) {
    return text + paragraph("", fmt::format("No limit was found: even {:g} times the load passes, "
                                            "in {} runs. With more requests a run, it may not: "
                                            "--requests.",
                                            r.capacity.tried, r.capacity.runs));
  }
  return text + answer_text(r) + "\n" + bounds_text(r) + binding_text(r) + "\n" + fit_text(r) +
         "\n" + how_text(r);
}

std::string capacity_json(const CapacityReport& r) {
  ordered_json json;
  json["scenario"] = r.scenario.name;
  json["slo"] = ordered_json::object();
  for (const SloBound& bound : r.bounds) json["slo"][bound.name()] = seconds(bound.limit);
  json["precision"] = r.precision;
  json["runs"] = r.capacity.runs;
  json["bounded"] = !r.capacity.seeds.empty();
  if (r.capacity.seeds.empty()) {
    json["tried_factor"] = r.capacity.tried;
    return json_text(json);
  }
  json["factor"] = json_of(r.capacity.factor());
  json["requests_per_s"] = json_of(r.capacity.rate());
  const auto users = r.capacity.users();
  json["users"] = users ? json_of(*users) : ordered_json();
  json["input_tokens_per_s"] =
      mean(r.capacity.seeds, [](const SeedCapacity& s) { return token_rates(s).in; });
  json["output_tokens_per_s"] =
      mean(r.capacity.seeds, [](const SeedCapacity& s) { return token_rates(s).out; });
  json["binds"] = {{"bound", breaking_bound(r)},
                   {"resource", resource_of(r.capacity).first->limit}};
  const Fit fit = fit_of(r);
  json["fits"] = {{"longest_context", fit.longest.count()},
                  {"by", fit.by_kv ? "kv_cache" : "max_model_len"},
                  {"kv_tokens", fit.kv.count()},
                  {"mean_tokens_per_request", fit.mean_tokens},
                  {"requests_at_mean_length", fit.at_mean},
                  {"seats", fit.seats}};
  for (const SeedCapacity& seed : r.capacity.seeds) {
    json["seeds"].push_back({{"seed", seed.seed},
                             {"factor", seed.factor},
                             {"fails_at", seed.beyond},
                             {"requests_per_s", seed.rate.count()},
                             {"users", seed.users ? ordered_json(*seed.users) : ordered_json()},
                             {"at_capacity", json_of(seed.at, r.bounds)},
                             {"just_above", json_of(seed.above, r.bounds)}});
  }
  json["caveats"] = r.capacity.seeds.front().at.summary.caveats;
  return json_text(json);
}

}  // namespace terrace::app
