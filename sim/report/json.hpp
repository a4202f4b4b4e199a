#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "sim/metrics/summary.hpp"
#include "sim/report/header.hpp"

namespace terrace {

constexpr int kSummarySchemaVersion = 1;

/// The number, or null if there is none: JSON knows neither infinities nor NaN.
[[nodiscard]] nlohmann::ordered_json finite(double value);

/// A run for programs: flat keys as `vllm bench serve` names them (mean_ttft_ms, p99_itl_ms,
/// request_throughput ...), then lists and objects for what it does not have. A key is never left
/// out, but for `misses`, which takes output.misses; it is null where the figure is not defined, as
/// for the latency of no request. Numbers are finite. Quantiles are nearest-rank, to 2^-12.
[[nodiscard]] nlohmann::ordered_json to_json(const Summary& summary, const ReportHeader& header);

/// Indented, with a newline at the end. What is no UTF-8 is replaced: names come from files, and
/// must not make a finished run fail.
[[nodiscard]] std::string json_text(const nlohmann::ordered_json& json);

/// A run as such text.
[[nodiscard]] std::string json_text(const Summary& summary, const ReportHeader& header);

}  // namespace terrace
