// Products of activations with weights. Weights are cold, as those of a model are that does not fit
// in a cache; activations come from the layer before, and are not.

#include <array>

#include <fmt/format.h>

#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/operands.hpp"

namespace terrace::calibrate::family {
namespace {

struct Product {
  std::int64_t m = 0, n = 0, k = 0;
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
  constexpr auto kBf16 = kernels::Element::bf16;
  const std::int64_t turns = cold ? operands.turns(Bytes{p.n * p.k * 2}) : 1;
  operands.reserve(kBf16, turns + (p.m + p.n - 1) / p.n, p.n * p.k);  // activations as well
  const auto a = operands.next(kBf16, p.m * p.k);
  const auto c = operands.allocate(Bytes{p.m * p.n * 2});
  std::vector<kernels::Start> calls;
  for (std::int64_t turn = 0; turn < turns; ++turn) {
    calls.push_back(operands.kernels().prepare(
        kernels::Gemm{a, operands.next(kBf16, p.n * p.k), {kBf16, c.get()}, p.m, p.n, p.k}));
  }
  return operands.time(calls);
}

double call_seconds(const Extent& extent, const Product& p) {
  const auto weights = static_cast<double>(p.n * p.k);
  return std::max(2 * static_cast<double>(p.m) * weights / extent.pace.products.count(),
                  2 * weights / extent.pace.memory.count());
}

void add(std::vector<Measurement>& all, const Extent& extent, const Product& p, bool cold) {
  const std::string_view cache = cold ? "cold" : "hot";
  all.push_back({.id = fmt::format("gemm/bf16/m{}/n{}/k{}/{}", p.m, p.n, p.k, cache),
                 .x = {{"m", p.m}, {"n", p.n}, {"k", p.k}, {"dtype", "bf16"}},
                 .cache = std::string(cache),
                 .unit = "us",
                 .seconds = sampling_seconds(call_seconds(extent, p), sampling_of(extent)),
                 .measure = [p, cold](Bench& bench) { return measure(bench, p, cold); },
                 .kernels = {kernels::proof::GemmKernel{}}});
}

std::vector<Measurement> plan(const Extent& extent) {
  const double most = extent.gpu ? 0.03 : extent.quick ? 0.01 : 0.04;  // seconds of a call
  const auto rows = extent.quick ? std::vector<std::int64_t>{1, 16, 256, 2048}
                    : extent.gpu ? std::vector<std::int64_t>{1, 16, 64, 256, 1024, 4096, 16384}
                                 : std::vector<std::int64_t>{1, 4, 16, 64, 256, 1024};
  std::vector<Measurement> all;
  for (const auto& [n, k] : extent.gpu ? std::span<const Weights>(kGpu) : kCpu) {
    for (const std::int64_t m : rows) {
      const Product p{m, n, k};
      if (call_seconds(extent, p) > most || Bytes{8 * n * k} > extent.memory) continue;
      add(all, extent, p, true);
      if (!extent.gpu && Bytes{4 * n * k} <= extent.cache) add(all, extent, p, false);
    }
  }
  return all;
}

}  // namespace

Family gemm() {
  return {
      .name = "gemm", .summary = "products of activations with weights of layers", .plan = plan};
}

}  // namespace terrace::calibrate::family
