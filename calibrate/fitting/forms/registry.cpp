#include <array>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "calibrate/fitting/forms/adapter.hpp"
#include "sim/app/exit_code.hpp"
#include "sim/base/check.hpp"
#include "sim/base/text.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/config/scalar.hpp"
#include "sim/model/dtype.hpp"

namespace terrace::calibrate {

// At least one per file.
Adapter all_gather();
Adapter all_reduce();
Adapter cpu_decode();
Adapter cpu_gemm();
Adapter cpu_mla_decode();
Adapter cpu_prefill();
Adapter decode();
Adapter gemm();
Adapter mixed();
Adapter mla_decode();
Adapter mla_prefill();
Adapter prefill();
Adapter reduce_scatter();

std::span<const Adapter> adapters() {
  static const std::array kAdapters = {gemm(),           decode(),      prefill(),    mixed(),
                                       mla_decode(),     mla_prefill(), all_reduce(), all_gather(),
                                       reduce_scatter(), cpu_gemm(),    cpu_decode(), cpu_prefill(),
                                       cpu_mla_decode()};
  return kAdapters;
}

const Adapter& find_adapter(std::string_view form) {
  std::vector<std::string_view> names;
  for (const Adapter& adapter : adapters()) {
    if (adapter.form == form) return adapter;
    names.push_back(adapter.form);
  }
  const auto near = closest(form, names);
  throw app::UsageError(
      near ? fmt::format("--form: no '{}'; did you mean '{}'?", form, *near)
           : fmt::format("--form: no '{}'; there are {}", form, fmt::join(names, ", ")));
}

double Row::number(std::string_view column) const {
  const auto number = config::Scalar<double>::parse(text(column));
  TERRACE_CHECK(number.value.has_value());  // prepare() has read them all
  return *number.value;
}

std::string_view Row::text(std::string_view column) const {
  const std::size_t index = table_.column(column);
  return index < table_.columns.size() ? std::string_view(point_.cells[index].text)
                                       : std::string_view();
}

std::int64_t Row::count(std::string_view column) const { return std::llround(number(column)); }

DType Row::dtype() const {
  const auto type = config::Scalar<DType>::parse(text("dtype"));
  TERRACE_CHECK(type.value.has_value());
  return *type.value;
}

double Row::element_bytes() const { return bytes_per_element(dtype()); }

std::optional<double> Row::window() const {
  const auto tokens = optional("window");
  return tokens && *tokens > 0 ? tokens : std::nullopt;
}

std::optional<double> Row::optional(std::string_view column) const {
  const std::string_view value = text(column);
  if (value.empty()) return std::nullopt;
  const auto number = config::Scalar<double>::parse(value);
  if (number.value && *number.value >= 0) return number.value;
  throw config::ConfigError(
      fmt::format("{}: error: {}: '{}' is not a number of tokens",
                  config::to_string(point_.cells[table_.column(column)].place), column, value));
}

}  // namespace terrace::calibrate
