#include "sim/app/sweep_report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/report/human.hpp"
#include "sim/report/table.hpp"
#include "sim/study/sweep/analysis.hpp"

namespace terrace::app {
namespace {

constexpr std::size_t kMostRows = 20;      // of a table; all of them are in arms.csv
constexpr std::size_t kMostLabel = 40;     // columns of a value
constexpr std::size_t kMetricsWidth = 62;  // of a table, to leave some for the arms

std::string value_text(const Metric& metric, double value) {
  switch (metric.unit) {
    case MetricUnit::ms:
      return human::time(value * 1e-3);
    case MetricUnit::s:
      return human::time(value);
    case MetricUnit::bytes:
      return human::bytes(value);
    case MetricUnit::per_s:
    case MetricUnit::tokens_per_s:
      return human::rate(value) + " /s";
    case MetricUnit::ratio:
      return fmt::format("{:.2f} %", 100 * value);
    case MetricUnit::tokens:
    case MetricUnit::count:
      break;
  }
  const bool whole = std::floor(value) == value && std::abs(value) < 9e15;
  return whole ? human::count(static_cast<std::int64_t>(value)) : human::rate(value);
}

std::string width_text(const Metric& metric, const MeanEstimate& estimate) {
  return estimate.half_width ? "± " + value_text(metric, *estimate.half_width) : "";
}

std::string better_text(const Metric& metric) {
  return fmt::format("{} ({} is better)", metric.name,
                     metric.better == Better::lower ? "lower" : "higher");
}

std::string last_word(const std::string& path) { return path.substr(path.rfind('.') + 1); }

/// The other columns that move with this one, end in the same word and have the same value.
std::vector<std::size_t> twins_of(const SweepPlan& plan, std::size_t column, std::size_t choice) {
  const SweepColumn& mine = plan.columns[column];
  std::vector<std::size_t> twins;
  for (std::size_t i = 0; i < plan.columns.size(); ++i) {
    const SweepColumn& other = plan.columns[i];
    if (i != column && other.axis == mine.axis && last_word(other.path) == last_word(mine.path) &&
        other.labels[choice] == mine.labels[choice]) {
      twins.push_back(i);
    }
  }
  return twins;
}

/// "#3 capacity=1 GiB, eviction=lru", by the number that the arm has in arms.csv; long values
/// shortened but still told apart.
std::string arm_text(const SweepPlan& plan, std::size_t arm) {
  std::string all = fmt::format("#{} ", arm + 1);
  for (std::size_t i = 0; i < plan.columns.size(); ++i) {
    const SweepColumn& column = plan.columns[i];
    const std::size_t choice = plan.arms[arm].choice[column.axis];
    std::string label = column.labels[choice];
    std::string name = column.name;
    if (const auto twins = twins_of(plan, i, choice); !twins.empty()) {
      if (twins.front() < i) continue;  // told already
      name = last_word(column.path);
    }
    if (label.size() > kMostLabel) {
      label = fmt::format("{}..#{}", label.substr(0, kMostLabel - 6), choice + 1);
    }
    all += fmt::format("{}{}={}", all.ends_with(' ') ? "" : ", ", name, label);
  }
  return all;
}

std::string more_text(std::size_t rows) {
  return rows > kMostRows ? fmt::format("and {} more: see arms.csv\n", rows - kMostRows) : "";
}

const char* standing_text(Standing standing) {
  switch (standing) {
    case Standing::best:
      return "best";
    case Standing::tied:
      return "= best";
    case Standing::behind:
    case Standing::unknown:
      break;
  }
  return "";
}

std::string ranking_text(const SweepPlan& plan, const std::vector<RankedArm>& ranking) {
  const Metric& metric = plan.known[*plan.rank_by];
  Table table({"Arm", metric.name, "95 %", "", "seeds"});
  for (std::size_t i = 0; i < std::min(ranking.size(), kMostRows); ++i) {
    const RankedArm& arm = ranking[i];
    table.add({arm_text(plan, arm.arm), value_text(metric, arm.value.mean),
               width_text(metric, arm.value), standing_text(arm.standing),
               fmt::format("{}", arm.value.n)});
  }
  std::string text = fmt::format("Ranking by {}\n", better_text(metric)) + table.text() +
                     more_text(ranking.size());
  if (const std::size_t rest = plan.arms.size() - ranking.size(); rest > 0) {
    text += paragraph("", fmt::format("{} {} no value of {}: no run of it has one.", rest,
                                      rest == 1 ? "arm has" : "arms have", metric.name));
  }
  if (plan.seeds.size() < 2) {
    return text + paragraph("",
                            "One seed: no interval can be given, and a difference may be chance;"
                            " say repeat: {seeds: 5}.");
  }
  return text + paragraph("",
                          "95 %: half width of Student's confidence interval of the mean over "
                          "seeds. = best: not distinguishable from the best, the interval of "
                          "the difference, seed by seed, includes 0.");
}

/// All reported metrics of these arms, in as many tables as it takes.
std::string means_text(const SweepPlan& plan, const SweepAnalysis& analysis,
                       std::span<const std::size_t> arms) {
  std::string text;
  for (std::size_t next = 0; next < plan.reported.size();) {
    std::vector<std::string> heads = {"Means"};
    const std::size_t first = next;
    for (std::size_t width = 0; next < plan.reported.size(); ++next) {
      const std::string& name = plan.known[plan.reported[next]].name;
      width += std::max<std::size_t>(name.size(), 10) + 2;
      if (width > kMetricsWidth && next > first) break;
      heads.push_back(name);
    }
    Table table(std::move(heads));
    for (const std::size_t arm : arms.first(std::min(arms.size(), kMostRows))) {
      std::vector<std::string> cells = {arm_text(plan, arm)};
      for (std::size_t i = first; i < next; ++i) {
        const auto estimate = analysis.estimate(arm, plan.reported[i]);
        cells.push_back(estimate ? value_text(plan.known[plan.reported[i]], estimate->mean) : "-");
      }
      table.add(std::move(cells));
    }
    text += (text.empty() ? "" : "\n") + table.text();
  }
  return text + more_text(arms.size());
}

std::string pareto_text(const SweepPlan& plan, const SweepAnalysis& analysis) {
  std::vector<std::string> heads = {"Pareto front"};
  for (const std::size_t metric : plan.pareto) {
    heads.push_back(plan.known[metric].name +
                    (plan.known[metric].better == Better::lower ? " (lower)" : " (higher)"));
  }
  Table table(std::move(heads));
  const std::vector<std::size_t> front = analysis.pareto(plan.pareto);
  for (std::size_t i = 0; i < std::min(front.size(), kMostRows); ++i) {
    std::vector<std::string> cells = {arm_text(plan, front[i])};
    for (const std::size_t metric : plan.pareto) {
      cells.push_back(value_text(plan.known[metric], analysis.estimate(front[i], metric)->mean));
    }
    table.add(std::move(cells));
  }
  return table.text() + more_text(front.size()) +
         "No arm is better in one of these without being worse in another; by means.\n";
}

std::string comparison_text(const SweepReport& report, const SweepAnalysis& analysis) {
  const SweepPlan& plan = report.plan;
  std::string text = fmt::format("Against {}\n", arm_text(plan, *report.base));
  for (const std::size_t metric : plan.reported) {
    const Metric& m = plan.known[metric];
    Table table({m.name, "difference", "95 %", "change", ""});
    const auto all = analysis.compare(*report.base, {metric});
    for (std::size_t i = 0; i < std::min(all.size(), kMostRows); ++i) {
      const Comparison& c = all[i];
      const bool sure = c.difference.half_width && !c.difference.includes_zero();
      table.add({arm_text(plan, c.arm), value_text(m, c.difference.mean),
                 width_text(m, c.difference),
                 c.relative ? fmt::format("{:+.2f} %", 100 * *c.relative) : "-",
                 c.difference.half_width && !sure ? "= base" : ""});
    }
    text += table.text() + more_text(all.size());
  }
  return text + paragraph("", plan.seeds.size() < 2
                                  ? "One seed: no interval can be given."
                                  : "Differences are taken seed by seed. = base: not "
                                    "distinguishable, the 95 % interval includes 0.");
}

std::string failure_text(const SweepReport& report, const SweepAnalysis& analysis) {
  std::string text =
      fmt::format("{} of {} runs failed:\n", report.results.progress.failed, report.plan.runs());
  for (const auto& [error, count] : analysis.failures()) {
    text += paragraph(fmt::format("{:6} x ", count), error);
  }
  return text;
}

std::string plural(std::size_t count, const char* what) {
  return fmt::format("{} {}{}", human::count(static_cast<std::int64_t>(count)), what,
                     count == 1 ? "" : "s");
}

std::string size_line(const SweepPlan& plan) {
  return fmt::format("{} with {}: {}", plural(plan.arms.size(), "arm"),
                     plural(plan.seeds.size(), "seed"), plural(plan.runs(), "run"));
}

}  // namespace

std::string sweep_text(const SweepReport& report) {
  const SweepPlan& plan = report.plan;
  const SweepAnalysis analysis(plan, report.results);
  std::vector<std::string> sections = {
      paragraph("", fmt::format("Sweep {}: {}", plan.name, size_line(plan)))};
  std::vector<std::size_t> arms;
  if (plan.rank_by) {
    const std::vector<RankedArm> ranking = analysis.ranking(*plan.rank_by);
    for (const RankedArm& arm : ranking) arms.push_back(arm.arm);
    if (!ranking.empty()) sections.push_back(ranking_text(plan, ranking));
  } else {
    for (std::size_t arm = 0; arm < plan.arms.size(); ++arm) arms.push_back(arm);
  }
  if (!arms.empty()) sections.push_back(means_text(plan, analysis, arms));
  if (!plan.pareto.empty()) sections.push_back(pareto_text(plan, analysis));
  if (report.base) sections.push_back(comparison_text(report, analysis));
  if (report.results.progress.failed > 0) sections.push_back(failure_text(report, analysis));
  std::string text;
  for (const std::string& section : sections) text += (text.empty() ? "" : "\n") + section;
  return text;
}

std::string plan_text(const SweepPlan& plan, const std::string& directory) {
  std::string text = fmt::format("Sweep {}: {}\n", plan.name, size_line(plan));
  for (const SweepColumn& column : plan.columns) {
    std::vector<std::string> labels = column.labels;
    if (labels.size() > kMostRows) {
      labels = {labels[0], labels[1], "...", labels[labels.size() - 1]};
    }
    text += paragraph(fmt::format("  axis {}  ", column.axis + 1),
                      fmt::format("{}: {}, {}", column.path, plural(column.labels.size(), "value"),
                                  fmt::join(labels, ", ")));
  }
  std::vector<std::string> names;
  for (const std::size_t metric : plan.reported) names.push_back(plan.known[metric].name);
  text += paragraph("  metrics ", fmt::format("{}", fmt::join(names, ", ")));
  constexpr std::size_t kPerMetric = 40;  // bytes of a name and a number
  const std::size_t row =
      resolved_yaml(plan.arms.front().scenario).size() + kPerMetric * plan.known.size();
  text += fmt::format("  results in {}, about {}\n\n", directory,
                      human::bytes(static_cast<double>(row * plan.runs())));
  constexpr std::size_t kEnds = 5;
  for (std::size_t run = 0; run < plan.runs(); ++run) {
    if (run == kEnds && plan.runs() > 2 * kEnds) {
      text += fmt::format("{:>6}\n", "...");
      run = plan.runs() - kEnds;
    }
    text += paragraph(fmt::format("{:6}  ", run + 1),
                      fmt::format("{}, seed={}", arm_text(plan, run / plan.seeds.size()),
                                  plan.seeds[run % plan.seeds.size()]));
  }
  return text;
}

}  // namespace terrace::app
