#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/app/footprint_report.hpp"
#include "sim/base/saturated.hpp"
#include "sim/report/csv.hpp"
#include "sim/report/json.hpp"
#include "sim/report/line_plot.hpp"

namespace terrace::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;
constexpr Bytes kGiB{std::int64_t{1} << 30U};

using Value = std::variant<std::string, std::int64_t>;
using Row = std::vector<std::pair<std::string, Value>>;

/// "DRAM of 2 x big-host" as "dram_of_2_x_big_host"
std::string snake_case(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (word) {
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (!out.empty() && out.back() != '_') {
      out += '_';
    }
  }
  return out;
}

void add_fits(Row& row, const FootprintQuestion& q, const FootprintSeries& series,
              const FootprintPoint& p) {
  for (std::size_t g = 0; g < q.gpus.size(); ++g) {
    const std::string name = snake_case(q.gpus[g].name);
    row.emplace_back(name + "_weights_fit", series.gpus[g].weights_fit ? 1 : 0);
    row.emplace_back(name + "_hbm_blocks", series.gpus[g].blocks);
    row.emplace_back(name + "_sequences", p.gpus[g].held);
    row.emplace_back(name + "_sequences_hybrid", p.gpus[g].hybrid);
  }
  for (std::size_t s = 0; s < q.stores.size(); ++s) {
    const std::string name = snake_case(q.stores[s].name);
    row.emplace_back(name + "_sequences", p.stores[s].held);
    row.emplace_back(name + "_sequences_hybrid", p.stores[s].hybrid);
  }
}

Row row_of(const FootprintReport& report, const FootprintSeries& series, const FootprintPoint& p,
           std::int64_t batch) {
  const FootprintQuestion& q = report.wishes.question;
  const ModelSpec& model = report.model(series);
  const Bytes all = saturated(p.held_in_blocks, batch);
  Row row = {{"model", model.name},
             {"kv_dtype", name_of(series.kv)},
             {"tensor_parallel", std::int64_t{series.tensor}},
             {"context_tokens", p.context.count()},
             {"batch", batch},
             {"max_context_tokens", model.max_context.count()},
             {"block_size_tokens", q.engine.block_size.count()},
             {"bytes_per_token", series.token.count()},
             {"bytes_per_token_per_gpu", series.token_per_gpu.count()},
             {"weight_bytes_per_gpu", series.weights.count()},
             {"held_bytes_per_gpu", p.held.count()}};
  const KvParts parts = parts_at(series, p.context);
  for (std::size_t i = 0; i < kKvParts; ++i) {
    row.emplace_back(fmt::format("{}_bytes_per_gpu", kKvPartNames[i]), parts[i].count());
  }
  row.emplace_back("needed_bytes_per_gpu", p.needed.count());
  row.emplace_back("blocks", p.blocks);
  row.emplace_back("held_in_blocks_bytes_per_gpu", p.held_in_blocks.count());
  row.emplace_back("hybrid_pages", p.hybrid.pages());
  row.emplace_back("hybrid_page_bytes_per_gpu", saturated(p.hybrid.slot, p.hybrid.slots).count());
  row.emplace_back("hybrid_bytes_per_gpu", p.hybrid.bytes().count());
  row.emplace_back("batch_bytes_per_gpu", all.count());
  row.emplace_back("batch_bytes_all_gpus", saturated(all, series.tensor).count());
  add_fits(row, q, series, p);
  return row;
}

std::vector<Row> rows_of(const FootprintReport& report) {
  std::vector<Row> rows;
  for (const FootprintSeries& series : report.series) {
    for (const FootprintPoint& p : series.points) {
      for (const std::int64_t batch : report.wishes.batches) {
        rows.push_back(row_of(report, series, p, batch));
      }
    }
  }
  return rows;
}

}  // namespace

std::string footprint_json(const FootprintReport& report) {
  const EngineSpec& engine = report.wishes.question.engine;
  Json out;
  out["schema_version"] = kSchemaVersion;
  out["gpu_memory_utilization"] = engine.gpu_memory_utilization;
  out["max_num_seqs"] = engine.max_num_seqs;
  out["max_num_batched_tokens"] = engine.max_num_batched_tokens.count();
  Json& rows = out["rows"] = Json::array();
  for (const Row& row : rows_of(report)) {
    Json one;
    for (const auto& [key, value] : row) {
      std::visit([&, &k = key](const auto& v) { one[k] = v; }, value);
    }
    rows.push_back(std::move(one));
  }
  return json_text(out);
}

void write_footprint_csv(const FootprintReport& report, const std::filesystem::path& path) {
  const std::vector<Row> rows = rows_of(report);
  replace_csv(path, [&](CsvFile& file) {
    for (const auto& [key, value] : rows.front()) file.text(key);
    file.end_row();
    for (const Row& row : rows) {
      for (const auto& [key, value] : row) {
        if (const auto* text = std::get_if<std::string>(&value)) {
          file.text(*text);
        } else {
          file.number(std::get<std::int64_t>(value));
        }
      }
      file.end_row();
    }
  });
}

std::string footprint_svg(const FootprintReport& report) {
  const bool each = report.wishes.question.tensor != std::vector<int>{1};
  LinePlot plot{
      .title = each ? "KV cache of one sequence, on each GPU" : "KV cache of one sequence",
      .x_label = "context, tokens",
      .y_label = "GiB",
      .lines = {}};
  const auto add = [&](const FootprintSeries& series, const std::string& name,
                       Bytes FootprintPoint::*bytes) {
    LinePlot::Line line{name, {}};
    for (const FootprintPoint& p : series.points) {
      if (p.*bytes > Bytes{}) line.points.emplace_back(p.context.count(), p.*bytes / kGiB);
    }
    plot.lines.push_back(std::move(line));
  };
  for (const FootprintSeries& series : report.series) {
    const std::string name = label(report, series);
    add(series, name, &FootprintPoint::held_in_blocks);
    if (has_windows(series)) add(series, name + ", freed", &FootprintPoint::needed);
  }
  return line_svg(plot);
}

}  // namespace terrace::app
