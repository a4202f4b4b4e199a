#include "calibrate/profile/roofline_cases.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "calibrate/profile/shape.hpp"
#include "sim/config/scalar.hpp"
#include "sim/cost/forms/mla.hpp"
#include "sim/cost/kernels.hpp"
#include "sim/model/dtype.hpp"

namespace terrace::calibrate {
namespace {

constexpr double kActivationBytes = 2;

/// Why a roofline says nothing of it; empty if it does. Its one rate of products is that of 16
/// bits.
std::string left_out(const Shape& shape) {
  const std::string dtype = shape.text("dtype");
  if (dtype.empty()) return {};
  const auto type = config::Scalar<DType>::parse(dtype).value;
  const bool product = shape.number("m").has_value();
  if (!type || (product && bits(*type) != 16)) return "elements of " + dtype;
  return {};
}

double element_bytes(const Shape& shape) {
  const auto type = config::Scalar<DType>::parse(shape.text("dtype")).value;
  return bytes_per_element(type.value_or(DType::bf16));
}

/// Tokens that are attended to by a token at the end of `length`.
double seen(const Shape& shape, double length) {
  const double window = shape.number("window").value_or(0);
  return window > 0 ? std::min(window, length) : length;
}

RooflineCase gemm_case(const Shape& shape) {
  const double m = shape.needed("m");
  const double n = shape.needed("n");
  const double k = shape.needed("k");
  return {.product = true,
          .flops = 2 * m * n * k,
          .bytes = n * k * element_bytes(shape) + m * (n + k) * kActivationBytes,
          .regime = m <= 64   ? 0U
                    : m < 512 ? 1U
                              : 2U};
}

/// Of a ragged batch, the length is the mean.
RooflineCase decode_case(const Shape& shape) {
  const double context = shape.needed("batch") * seen(shape, shape.needed("kv_len"));
  const double head_dim = shape.needed("head_dim");
  return {.product = false,
          .flops = 4 * shape.needed("num_heads") * head_dim * context,
          .bytes = 2 * shape.needed("num_kv_heads") * head_dim * element_bytes(shape) * context,
          .regime = context < 1024 * shape.needed("batch") ? 0U : 1U};
}

RooflineCase mla_case(const Shape& shape) {
  const double context = shape.needed("batch") * shape.needed("kv_len");
  return {.product = false,
          .flops = 2 * shape.needed("num_heads") * (forms::kMlaRow + forms::kMlaLatent) * context,
          .bytes = forms::kMlaRow * element_bytes(shape) * context,
          .regime = context < 1024 * shape.needed("batch") ? 0U : 1U};
}

RooflineCase prefill_case(const Shape& shape) {
  const std::int64_t head_dim = shape.count("head_dim");
  const double window = shape.number("window").value_or(0);
  const AttentionKernel kernel{.heads = shape.count("num_heads"),
                               .kv_heads = shape.count("num_kv_heads"),
                               .head_dim = head_dim,
                               .value_dim = head_dim,
                               .reach = window > 0 ? Reach::window : Reach::all,
                               .span = Tokens{std::llround(window)}};
  const Tokens fresh{shape.count("seq_len")};
  const PrefillChunk chunk{fresh, Tokens{std::llround(shape.number("prefix").value_or(0))}};
  const double batch = shape.needed("batch");
  const double tokens = static_cast<double>((prefix_met(kernel, chunk) + fresh).count());
  return {.product = false,
          .flops = 4 * static_cast<double>(kernel.heads * head_dim) * pairs(kernel, chunk) * batch,
          .bytes = 2 * static_cast<double>(kernel.kv_heads * head_dim) * element_bytes(shape) *
                   tokens * batch,
          .regime = fresh.count() < 1024 ? 0U : 1U};
}

RooflineFamily family_of(const MeasuredRun& run, std::string_view name,
                         std::vector<std::string_view> regimes, Gate gate,
                         RooflineCase (*make)(const Shape&)) {
  RooflineFamily family{name, std::move(regimes), std::move(gate), {}, {}};
  std::map<std::string, int> out;
  for (const MeasuredPoint* point : points_of(run, name)) {
    const Shape shape(*point);
    if (const std::string why = left_out(shape); !why.empty()) {
      ++out[why];
      continue;
    }
    family.cases.push_back(make(shape));
    family.cases.back().point = point;
  }
  for (const auto& [why, count] : out) {
    family.notes.push_back(fmt::format("{} points left out: {}", count, why));
  }
  return family;
}

}  // namespace

std::vector<RooflineFamily> roofline_families(const MeasuredRun& run) {
  const std::vector<std::string_view> lengths = {"kv < 1024", "kv >= 1024"};
  return {family_of(run, "gemm", {"m <= 64", "64 < m < 512", "m >= 512"}, {"all", "wape", 0.10, {}},
                    gemm_case),
          family_of(run, "decode_attention", lengths, {"all", "mape", 0.08, {}}, decode_case),
          family_of(run, "prefill_attention", {"new tokens < 1024", "new tokens >= 1024"},
                    {"new tokens >= 1024", "mape", 0.10, {}}, prefill_case),
          family_of(run, "mla_decode", lengths, {"all", "mape", 0.08, {}}, mla_case)};
}

}  // namespace terrace::calibrate
