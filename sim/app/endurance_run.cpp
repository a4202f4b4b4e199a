#include "sim/app/endurance_run.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "sim/app/exit_code.hpp"
#include "sim/app/interrupt.hpp"
#include "sim/base/text.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/metrics/metric.hpp"
#include "sim/report/human.hpp"
#include "sim/report/run_reader.hpp"
#include "sim/study/endurance/write_rules.hpp"

namespace terrace::app {
namespace {

bool on_flash(const TierSpec& tier) { return tier.medium == Medium::nvme && tier.enabled(); }

/// How the tiers on NVMe are written, in the words of a scenario.
void tell_rules(const Scenario& scenario, WrittenRun& run) {
  std::vector<std::string> writes;
  std::vector<std::string> admissions;
  for (const TierSpec& tier : scenario.tiers) {
    if (!on_flash(tier)) continue;
    writes.push_back(config::Scalar<WriteRule>::format(tier.write));
    admissions.push_back(tier.admission.name());
  }
  run.write = fmt::format("{}", fmt::join(writes, ", "));
  run.admission = fmt::format("{}", fmt::join(admissions, ", "));
}

Bandwidth rate_of(Bytes written, Duration time) {
  return Bandwidth{static_cast<double>(written.count()) / seconds(time)};
}

WrittenRun written_by(const Summary& summary, const Scenario& scenario, const std::string& rule) {
  WrittenRun written;
  written.name = rule;
  tell_rules(scenario, written);
  written.hit_ratio = prefix_hit_ratio(summary);
  written.mean_ttft_ms = mean_ms(summary.all.latencies.ttft);
  written.written = written_to_drives(summary);
  written.rate = rate_of(written.written, summary.duration);
  return written;
}

WrittenRun written_by(const FinishedRun& run, const Scenario& scenario) {
  WrittenRun written;
  written.name = "as it ran";
  tell_rules(scenario, written);
  Tokens hits;
  const std::vector<FinishedRun::Level> levels = run.levels();
  for (const FinishedRun::Level& level : levels) {
    hits += level.hits;
    if (level.medium == "nvme") written.written += level.written;
  }
  if (!levels.empty() && levels.front().lookups > Tokens{}) {
    written.hit_ratio = hits / levels.front().lookups;
  }
  written.mean_ttft_ms = run.mean_ttft();
  written.rate = rate_of(written.written, run.duration());
  return written;
}

Bytes held_by_drives(const Scenario& s) {
  Bytes sum;
  for (const TierSpec& tier : s.tiers) {
    if (tier.medium != Medium::nvme || tier.capacity.unlimited()) continue;
    sum += tier.capacity.bytes *
           (tier.scope == Scope::private_to_each ? s.serving.replicas_of_host() : 1);
  }
  return sum;
}

}  // namespace

RunWrites read_run(const std::string& path, const config::Catalogue& catalogue,
                   EnduranceReport& report) {
  const FinishedRun run(path);
  RunWrites writes;
  writes.resolved = run.resolved_scenario();
  writes.scenario = load_scenario(writes.resolved.string(), catalogue).scenario;
  const Scenario& s = writes.scenario;
  if (std::none_of(s.tiers.begin(), s.tiers.end(), on_flash)) {
    throw config::ConfigError(fmt::format(
        "{}: error: this run has no tier on NVMe, so it wears out no drive; 'terrace run "
        "offload-nvme --out DIR' has one\n",
        path));
  }
  writes.hosts = s.serving.replicas / s.serving.replicas_of_host();
  writes.held = held_by_drives(s);
  report.complete = run.complete();
  report.written.push_back(written_by(run, s));
  if (report.written.front().written == Bytes{}) {
    throw config::ConfigError(
        fmt::format("{}: error: this run has written nothing to its drives, so they last\n", path));
  }
  report.about.push_back(fmt::format(
      "{}: {} written to {} x {} {} in {}, as if it went on for years", run.scenario(),
      human::bytes(report.written.front().written), s.hardware.drives_per_host * writes.hosts,
      s.hardware.ssd->name, config::Scalar<Bytes>::format(s.hardware.ssd->capacity),
      human::time(seconds(run.duration()))));
  return writes;
}

std::vector<std::string> rules_of(const std::string& text) {
  const std::vector<std::string_view> known = write_rule_names();
  std::vector<std::string> rules = split_list(text);
  for (auto at = rules.begin(); at != rules.end(); ++at) {
    const std::string& rule = *at;
    if (std::find(rules.begin(), at, rule) != at) {
      throw UsageError(fmt::format("--what-if: '{}' is there twice", rule));
    }
    if (std::find(known.begin(), known.end(), rule) != known.end()) continue;
    const auto near = closest(rule, known);
    throw UsageError(
        near ? fmt::format("--what-if: there is no rule '{}'; did you mean '{}'?", rule, *near)
             : fmt::format("--what-if: there is no rule '{}'; there are {}", rule,
                           fmt::join(known, ", ")));
  }
  return rules;
}

bool ask_what_if(const std::vector<std::string>& rules, std::size_t jobs, const RunWrites& run,
                 const config::Catalogue& catalogue, EnduranceReport& report) {
  std::vector<Scenario> scenarios;
  for (const std::string& rule : rules) {
    // Read again: not every tier can have every rule.
    scenarios.push_back(parse_scenario(fmt::format("{} with {}", run.resolved.string(), rule),
                                       resolved_yaml(with_write_rule(run.scenario, rule)),
                                       catalogue)
                            .scenario);
  }
  const InterruptWatch watch;
  const auto summaries = run_all(scenarios, jobs, [] { return !InterruptWatch::interrupted(); });
  if (!summaries) return false;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    report.written.push_back(written_by((*summaries)[i], scenarios[i], rules[i]));
  }
  return true;
}

void tell_lives(const RunWrites& run, EnduranceReport& report) {
  for (WrittenRun& written : report.written) {
    WearLoad load = report.question.load;
    load.writes = written.rate;
    load.drives = run.scenario.hardware.drives_per_host * run.hosts;
    written.life = life_of(*run.scenario.hardware.ssd, load);
  }
}

void drop_too_small(std::vector<DriveOffer>& offers, const RunWrites& run,
                    EnduranceReport& report) {
  const std::int64_t per_host = report.question.load.drives / run.hosts;
  report.too_small = std::erase_if(offers, [&](const DriveOffer& offer) {
    return static_cast<double>(offer.ssd.capacity.count()) * static_cast<double>(per_host) <
           static_cast<double>(run.held.count());
  });
  if (offers.empty()) {
    throw UsageError(
        fmt::format("--drives: no such drive is large enough for the {} of the run's "
                    "tiers; raise it",
                    human::bytes(run.held)));
  }
}

}  // namespace terrace::app
