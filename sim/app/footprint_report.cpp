#include "sim/app/footprint_report.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "sim/app/number_axis.hpp"
#include "sim/base/function_ref.hpp"
#include "sim/base/saturated.hpp"
#include "sim/config/scalar.hpp"
#include "sim/report/human.hpp"
#include "sim/report/table.hpp"

namespace terrace::app {
namespace {

using Cell = FunctionRef<std::string(const FootprintSeries&, std::size_t context)>;
using Which = FunctionRef<bool(const FootprintSeries&)>;

std::string size(Bytes bytes) { return human::bytes(static_cast<double>(bytes.count())); }

/// What all combinations have in common.
std::string head_text(const FootprintReport& report) {
  const FootprintQuestion& q = report.wishes.question;
  std::string text = "KV cache";
  if (q.models.size() == 1) text += " of " + q.models.front().name;
  if (q.kv.size() == 1) text += ", " + name_of(q.kv.front());
  if (q.tensor.size() == 1) text += fmt::format(", tp {}", q.tensor.front());
  text += fmt::format("; blocks of {} tokens", q.engine.block_size.count());
  return paragraph("", text) +
         paragraph("", "from the shapes of the model files; k = 1,024 and M = 1,048,576 tokens");
}

/// A column for every part that any of them has.
std::string token_table(const FootprintReport& report) {
  const bool many = report.wishes.question.tensor != std::vector<int>{1};
  std::vector<bool> shown(kKvParts);
  for (const FootprintSeries& series : report.series) {
    for (std::size_t i = 0; i < kKvParts; ++i) {
      if (series.parts[i] > Bytes{}) shown[i] = true;
    }
  }
  std::vector<std::string> heads = {"B per token", "stored once"};
  if (many) heads.emplace_back("each GPU");
  for (std::size_t i = 0; i < kKvParts; ++i) {
    if (!shown[i]) continue;
    const bool fixed = i == static_cast<std::size_t>(KvPart::state) ||
                       i == static_cast<std::size_t>(KvPart::cross);
    heads.push_back(std::string(kKvPartNames[i]) + (fixed ? "/seq" : ""));
  }
  Table table(heads);
  for (const FootprintSeries& series : report.series) {
    std::vector<std::string> row = {label(report, series), human::count(series.token.count())};
    if (many) row.push_back(human::count(series.token_per_gpu.count()));
    for (std::size_t i = 0; i < kKvParts; ++i) {
      if (!shown[i]) continue;
      const Bytes part = series.parts[i];
      const bool fixed = i >= static_cast<std::size_t>(KvPart::state);
      row.push_back(part == Bytes{} ? "-" : fixed ? size(part) : human::count(part.count()));
    }
    table.add(std::move(row));
  }
  return table.text();
}

/// A row for each series that `which` names, a column for each context, in as many tables as that
/// takes.
std::string matrix(const FootprintReport& report, std::string_view title, Which which, Cell cell) {
  const std::vector<Tokens>& contexts = report.wishes.question.contexts;
  std::vector<const FootprintSeries*> rows;
  std::size_t first = 0;
  for (const FootprintSeries& series : report.series) {
    if (!which(series)) continue;
    rows.push_back(&series);
    first = std::max(first, columns_of(label(report, series)));
  }
  if (rows.empty()) return {};
  std::vector<std::vector<std::string>> columns;
  std::size_t widest = 0;
  for (std::size_t i = 0; i < contexts.size(); ++i) {
    columns.push_back({in_binary_units(contexts[i].count())});
    for (const FootprintSeries* series : rows) columns.back().push_back(cell(*series, i));
    for (const std::string& text : columns.back()) widest = std::max(widest, columns_of(text));
  }
  const std::size_t room = kReportWidth > first ? kReportWidth - first : 0;
  const std::size_t fitting = std::max<std::size_t>(room / (widest + 2), 1);
  const std::size_t tables = (columns.size() + fitting - 1) / fitting;
  const std::size_t most = (columns.size() + tables - 1) / tables;
  std::string text = '\n' + paragraph("", title);
  for (std::size_t begin = 0; begin < columns.size(); begin += most) {
    const std::size_t end = std::min(begin + most, columns.size());
    const auto line = [&](std::string name, std::size_t row) {
      std::vector<std::string> cells = {std::move(name)};
      for (std::size_t i = begin; i < end; ++i) cells.push_back(columns[i][row]);
      return cells;
    };
    Table table(line("context", 0));
    for (std::size_t r = 0; r < rows.size(); ++r) table.add(line(label(report, *rows[r]), r + 1));
    text += (begin > 0 ? "\n" : "") + table.text();
  }
  return text;
}

constexpr auto kEvery = [](const FootprintSeries&) { return true; };

/// Whose pages differ from blocks of every layer at full length.
constexpr auto kPagesDiffer = [](const FootprintSeries& series) {
  return std::any_of(series.points.begin(), series.points.end(),
                     [](const FootprintPoint& p) { return p.hybrid.bytes() != p.held_in_blocks; });
};

std::string sequence_tables(const FootprintReport& report) {
  const FootprintWishes& wishes = report.wishes;
  const std::string each = wishes.question.tensor == std::vector<int>{1} ? "" : ", on each GPU";
  std::string text;
  for (const std::int64_t batch : wishes.batches) {
    const std::string who =
        batch == 1 ? "One sequence" : fmt::format("{} sequences", human::count(batch));
    text += matrix(report,
                   fmt::format("{}{}, in whole blocks; every layer holds every token, as in a run "
                               "and in engines that free nothing before a sequence ends",
                               who, each),
                   kEvery, [&](const FootprintSeries& series, std::size_t i) {
                     return size(saturated(series.points[i].held_in_blocks, batch));
                   });
    text += matrix(
        report, fmt::format("{}{}, if what has left a window is freed", who, each),
        [](const FootprintSeries& series) { return has_windows(series); },
        [&](const FootprintSeries& series, std::size_t i) {
          return size(saturated(series.points[i].needed, batch));
        });
    text += matrix(report, fmt::format("{}{}, in pages of vLLM's hybrid manager", who, each),
                   kPagesDiffer, [&](const FootprintSeries& series, std::size_t i) {
                     return size(saturated(series.points[i].hybrid.bytes(), batch));
                   });
  }
  return text;
}

/// Why nothing fits where nothing does.
std::string misfits(const FootprintReport& report, std::size_t gpu) {
  std::string text;
  for (const FootprintSeries& series : report.series) {
    const HbmShare& share = series.gpus[gpu];
    if (share.room) continue;
    const double usable =
        static_cast<double>(share.budget.memory.count()) * share.budget.utilization;
    std::string why = fmt::format("{} of {}", size(share.budget.weights), human::bytes(usable));
    if (share.weights_fit) why += fmt::format(", and {} of reserve", size(share.budget.reserve));
    if (share.weights_fit && series.fixed > Bytes{}) why += "; lower --max-num-seqs";
    text += paragraph("  ", fmt::format("{}: {}: {}", label(report, series),
                                        share.weights_fit ? "no room for KV beside the weights"
                                                          : "weights do not fit",
                                        why));
  }
  return text;
}

/// `fit` finds the memory's own among those of a point; `below` goes under the first table.
template <class Fit>
std::string fit_table(const FootprintReport& report, std::string_view title, std::string_view below,
                      Fit fit) {
  const std::string held =
      matrix(report, title, kEvery, [&](const FootprintSeries& series, std::size_t i) {
        return human::count(fit(series.points[i]).held);
      });
  const std::string hybrid = matrix(
      report, "likewise, with vLLM's hybrid manager",
      [&](const FootprintSeries& series) {
        return std::any_of(series.points.begin(), series.points.end(),
                           [&](const FootprintPoint& p) { return fit(p).held != fit(p).hybrid; });
      },
      [&](const FootprintSeries& series, std::size_t i) {
        return human::count(fit(series.points[i]).hybrid);
      });
  return held + std::string(below) + hybrid;
}

std::string fit_tables(const FootprintReport& report) {
  const FootprintQuestion& q = report.wishes.question;
  std::string text;
  for (std::size_t g = 0; g < q.gpus.size(); ++g) {
    text += fit_table(
        report,
        fmt::format("Sequences that fit {} x {}: {} of memory each, {} of it used, "
                    "beside weights and an estimate of the engine's reserve",
                    q.tensor.size() > 1 ? "tp" : human::count(q.tensor.front()), q.gpus[g].name,
                    size(q.gpus[g].memory), q.engine.gpu_memory_utilization),
        misfits(report, g), [g](const FootprintPoint& p) { return p.gpus[g]; });
  }
  for (std::size_t s = 0; s < q.stores.size(); ++s) {
    text += fit_table(
        report,
        fmt::format("Sequences that fit the {}: {}", q.stores[s].name, size(q.stores[s].capacity)),
        "", [s](const FootprintPoint& p) { return p.stores[s]; });
  }
  return text;
}

}  // namespace

std::string name_of(DType type) { return config::Scalar<DType>::format(type); }

std::string label(const FootprintReport& report, const FootprintSeries& series) {
  const FootprintQuestion& q = report.wishes.question;
  std::string text = report.model(series).name;
  if (q.kv.size() > 1) text += " " + name_of(series.kv);
  if (q.tensor.size() > 1) text += fmt::format(" tp {}", series.tensor);
  return text;
}

std::string footprint_text(const FootprintReport& report) {
  return head_text(report) + '\n' + token_table(report) + sequence_tables(report) +
         fit_tables(report);
}

}  // namespace terrace::app
