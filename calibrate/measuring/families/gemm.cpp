// Products of activations with weights. Weights are cold, as those of a model are that does not fit
// in a cache; activations come from the layer before, and are not.

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/operands.hpp"

namespace terrace::calibrate::family {
namespace {

using kernels::Element;
using kernels::Multiply;

/// What is multiplied, and what comes out.
struct Numbers {
  std::string_view name;  // "bf16", as points have it
  Element operand;
  Element result;
  Multiply multiply = Multiply::all_bits;
  double pace = 1;  // of tensor cores, against bf16's
};

constexpr Numbers kBf16{"bf16", Element::bf16, Element::bf16};
constexpr Numbers kFp8{"fp8", Element::fp8_e4m3, Element::bf16, Multiply::all_bits, 2};
constexpr Numbers kTf32{"tf32", Element::fp32, Element::fp32, Multiply::tf32, 0.5};
constexpr int kFp8From = 89;  // compute capability

struct Product {
  Numbers of;
  std::int64_t m = 0, n = 0, k = 0;

  [[nodiscard]] double flops() const {
    return 2 * static_cast<double>(m * n) * static_cast<double>(k);
  }
  [[nodiscard]] Bytes weights() const { return Bytes{n * k * kernels::bytes_of(of.operand)}; }
};

struct Weights {
  std::int64_t n = 0, k = 0;
};

// Of models that GPUs serve, and of models that CPUs do.
constexpr std::array<Weights, 8> kGpu = {{{4096, 4096},
                                          {6144, 4096},
                                          {28672, 4096},
                                          {4096, 14336},
                                          {8192, 8192},
                                          {57344, 8192},
                                          {2112, 7168},
                                          {32768, 512}}};
constexpr std::array<Weights, 2> kSquare = {{{4096, 4096}, {8192, 8192}}};
constexpr std::array<Weights, 12> kCpu = {{{256, 512},
                                           {512, 512},
                                           {768, 512},
                                           {3072, 512},
                                           {512, 1536},
                                           {2048, 512},
                                           {1024, 1024},
                                           {4096, 1024},
                                           {1024, 4096},
                                           {2048, 2048},
                                           {4096, 4096},
                                           {14336, 4096}}};

Sample measure(Bench& bench, const Product& p, bool cold) {
  Operands& operands = *bench.operands;
  const Element type = p.of.operand;
  const std::int64_t turns = cold ? operands.turns(p.weights()) : 1;
  operands.reserve(type, turns + (p.m + p.n - 1) / p.n, p.n * p.k);  // activations as well
  const auto a = operands.next(type, p.m * p.k);
  const auto c = operands.allocate(Bytes{p.m * p.n * kernels::bytes_of(p.of.result)});
  std::vector<kernels::Start> calls;
  for (std::int64_t turn = 0; turn < turns; ++turn) {
    calls.push_back(operands.kernels().prepare(kernels::Gemm{
        a, operands.next(type, p.n * p.k), {p.of.result, c.get()}, p.m, p.n, p.k, p.of.multiply}));
  }
  return operands.time(calls);
}

double call_seconds(const Extent& extent, const Product& p) {
  return std::max(p.flops() / (p.of.pace * extent.pace.products.count()),
                  static_cast<double>(p.weights().count()) / extent.pace.memory.count());
}

void add(std::vector<Measurement>& all, const Extent& extent, const Product& p, bool cold) {
  const std::string_view cache = cold ? "cold" : "hot";
  nlohmann::ordered_json x = {{"m", p.m}, {"n", p.n}, {"k", p.k}, {"dtype", p.of.name}};
  if (p.of.operand == Element::fp8_e4m3) x["activations"] = p.of.name;  // not quantised on the way
  all.push_back(
      {.id = fmt::format("gemm/{}/m{}/n{}/k{}/{}", p.of.name, p.m, p.n, p.k, cache),
       .x = std::move(x),
       .cache = std::string(cache),
       .unit = "us",
       .seconds = sampling_seconds(call_seconds(extent, p), sampling_of(extent)),
       .measure = [p, cold](Bench& bench) { return measure(bench, p, cold); },
       .kernels = {kernels::proof::GemmKernel{p.of.operand, p.of.result, p.of.multiply}}});
}

void add_grid(std::vector<Measurement>& all, const Extent& extent, const Numbers& of,
              std::span<const Weights> weights, std::span<const std::int64_t> rows) {
  const double most = extent.gpu ? 0.03 : extent.quick ? 0.01 : 0.04;  // seconds of a call
  for (const auto& [n, k] : weights) {
    for (const std::int64_t m : rows) {
      const Product p{of, m, n, k};
      if (call_seconds(extent, p) > most || p.weights() * 4 > extent.memory) continue;
      add(all, extent, p, true);
      if (!extent.gpu && p.weights() * 2 <= extent.cache) add(all, extent, p, false);
    }
  }
}

/// Laws take all rows; a quick run asks of fp8 only how fast it is at its best.
std::vector<Measurement> plan(const Extent& extent) {
  constexpr std::array<std::int64_t, 1> kQuickFp8 = {2048};
  constexpr std::array<std::int64_t, 8> kGpuRows = {1, 16, 64, 128, 256, 1024, 4096, 16384};
  constexpr std::array<std::int64_t, 6> kCpuRows = {1, 4, 16, 64, 256, 1024};
  constexpr std::array<std::int64_t, 4> kTf32Rows = {16, 256, 1024, 4096};
  using Rows = std::span<const std::int64_t>;
  std::vector<Measurement> all;
  if (!extent.gpu) {
    add_grid(all, extent, kBf16, kCpu, kCpuRows);
    return all;
  }
  add_grid(all, extent, kBf16, kGpu, kGpuRows);
  if (extent.capability >= kFp8From) {
    add_grid(all, extent, kFp8, kGpu, extent.quick ? Rows(kQuickFp8) : Rows(kGpuRows));
  }
  if (!extent.quick) add_grid(all, extent, kTf32, kSquare, kTf32Rows);
  return all;
}

}  // namespace

Family gemm() {
  return {
      .name = "gemm", .summary = "products of activations with weights of layers", .plan = plan};
}

}  // namespace terrace::calibrate::family
