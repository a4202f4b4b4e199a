#include <array>

#include <fmt/format.h>

#include "calibrate/forms/adapter.hpp"
#include "sim/app/exit_code.hpp"
#include "sim/base/check.hpp"
#include "sim/base/text.hpp"
#include "sim/config/scalar.hpp"
#include "sim/model/dtype.hpp"

namespace terrace::calibrate {

// One per file.
Adapter gemm();
Adapter decode();
Adapter prefill();
Adapter mla_decode();
Adapter mla_prefill();

std::span<const Adapter> adapters() {
  static const std::array kAdapters = {gemm(), decode(), prefill(), mla_decode(), mla_prefill()};
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

DType Row::dtype() const {
  const auto type = config::Scalar<DType>::parse(text("dtype"));
  TERRACE_CHECK(type.value.has_value());
  return *type.value;
}

double Row::element_bytes() const { return static_cast<double>(bits(dtype())) / 8; }

}  // namespace terrace::calibrate
