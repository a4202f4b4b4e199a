#include "calibrate/measuring/device.hpp"

#include <array>
#include <stdexcept>

#include <fmt/format.h>

#include "kernels/cpu/cpu_set.hpp"
#include "sim/app/exit_code.hpp"
#include "sim/base/text.hpp"

namespace terrace::calibrate {
namespace {

using namespace literals;
using kernels::Element;

struct Sizes {
  Bytes copied;
  std::int64_t product;  // rows and columns
};
constexpr Sizes kOfGpu{256_MiB, 4096};
constexpr Sizes kOfCpu{32_MiB, 512};

/// Enough to tell a rate by.
constexpr Sampling kBrief{.warmups = 1, .batches = 7, .most_seconds = 0.03, .unstable = 1e9};

double product_flops(Operands& operands, std::int64_t size) {
  const auto c = operands.allocate(Bytes{size * size * 2});
  const std::array calls = {
      operands.kernels().prepare(kernels::Gemm{operands.next(Element::bf16, size * size),
                                               operands.next(Element::bf16, size * size),
                                               {Element::bf16, c.get()},
                                               size,
                                               size,
                                               size})};
  const double cube = static_cast<double>(size) * static_cast<double>(size * size);
  return 2 * cube / (operands.time(calls, kBrief).median * 1e-6);
}

/// Bytes per second, counting each byte once.
double copied(Operands& operands, Bytes size) {
  const auto bytes = static_cast<std::size_t>(size.count());
  const auto from = operands.next(Element::bf16, size.count() / 2);
  const std::array calls = {operands.kernels().prepare(kernels::StreamCopy{
      {static_cast<const std::byte*>(from.begin), bytes}, operands.scratch(size).first(bytes)})};
  return static_cast<double>(size.count()) / (operands.time(calls, kBrief).median * 1e-6);
}

}  // namespace

Device open_device(const std::string& name, int threads) {
  if (name == "cpu") {
    auto kernels = std::make_unique<kernels::CpuSet>(threads);
    const std::string what = kernels->description();
    return {false, std::move(kernels), {{"device", what}}};
  }
  if (name.starts_with("cuda:")) {
    throw std::runtime_error(fmt::format(
        "there is no device '{}': this terrace was built without CUDA; --device cpu measures the "
        "processor",
        name));
  }
  throw app::UsageError(fmt::format("--device is cpu or cuda:0, not '{}'", name));
}

Pace pace_of(kernels::KernelSet& kernels, bool gpu) {
  const Sizes& sizes = gpu ? kOfGpu : kOfCpu;
  Operands operands(kernels, sizes.copied * 2);  // large pools take seconds to fill
  // A copy reads and writes; reading alone is about as fast as both together.
  return {Bandwidth{2 * copied(operands, sizes.copied)},
          FlopRate{product_flops(operands, sizes.product)}};
}

std::vector<std::pair<std::string, double>> sentinel_rates(Operands& operands, bool gpu) {
  const Sizes& sizes = gpu ? kOfGpu : kOfCpu;
  return {{"copy_gbs", copied(operands, sizes.copied) * 1e-9},
          {"gemm_tf", product_flops(operands, sizes.product) * 1e-12}};
}

}  // namespace terrace::calibrate
