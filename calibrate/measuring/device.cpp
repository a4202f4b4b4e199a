#include "calibrate/measuring/device.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include <fmt/format.h>

#include "kernels/cpu/cpu_set.hpp"
#include "sim/app/exit_code.hpp"
#include "sim/config/scalar.hpp"

namespace terrace::calibrate {
namespace {

using namespace literals;
using kernels::Element;

struct Sizes {
  Bytes copied;
  std::int64_t product = 0;  // rows and columns
};
constexpr Sizes kOfGpu{256_MiB, 4096};
constexpr Sizes kOfCpu{32_MiB, 512};

/// Enough to tell a rate by.
constexpr Sampling kBrief{.warmups = 1, .batches = 15, .most_seconds = 0.1, .unstable = 1e9};

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

kernels::Start copy_of(Operands& operands, Bytes size) {
  const auto bytes = static_cast<std::size_t>(size.count());
  const auto from = operands.next(Element::bf16, size.count() / 2);
  return operands.kernels().prepare(kernels::StreamCopy{
      {static_cast<const std::byte*>(from.begin), bytes}, operands.scratch(size).first(bytes)});
}

/// Bytes per second, counting each byte once.
double copied(Operands& operands, Bytes size) {
  const std::array calls = {copy_of(operands, size)};
  return static_cast<double>(size.count()) / (operands.time(calls, kBrief).median * 1e-6);
}

}  // namespace

nlohmann::ordered_json json_of(const kernels::GpuFacts& gpu) {
  const auto version = [](int number) {
    return fmt::format("{}.{}", number / 1000, number % 1000 / 10);
  };
  return {{"gpu", gpu.name},
          {"gpu_pci", gpu.pci},  // tells it from its like where NVML has no hash of it
          {"sm", gpu.capability},
          {"sms", gpu.multiprocessors},
          {"mem_mib", gpu.memory.count() >> 20U},
          {"l2_bytes", gpu.l2.count()},
          {"cuda", version(gpu.runtime_cuda)},
          {"cuda_of_driver", version(gpu.driver_cuda)}};
}

Device open_device(const std::string& name, int threads) {
  if (name == "cpu") {
    auto kernels = std::make_unique<kernels::CpuSet>(threads);
    const std::string what = kernels->description();
    return {false, std::move(kernels), nullptr, {{"device", what}}, {}};
  }
  constexpr std::string_view kCuda = "cuda:";
  const auto number = config::Scalar<std::int64_t>::parse(
      name.starts_with(kCuda) ? name.substr(kCuda.size()) : "none");
  if (!number.value || *number.value < 0 || *number.value > 1000) {
    throw app::UsageError(fmt::format("--device is cpu or cuda:0, not '{}'", name));
  }
  const int index = static_cast<int>(*number.value);
  if (const std::string why_not = kernels::why_no_cuda(index); !why_not.empty()) {
    throw std::runtime_error(fmt::format(
        "there is no device '{}': {}; --device cpu takes the processor", name, why_not));
  }
  auto kernels = kernels::cuda_set(index);
  auto facts = json_of(kernels::gpu_facts(index));
  if (const std::string caveat(kernels->caveat()); !caveat.empty()) facts["caveat"] = caveat;
  return {true, std::move(kernels), kernels::cuda_transfers(index), std::move(facts),
          kernels::gpu_facts(index).pci};
}

double coarse(double rate) { return std::exp2(2 * std::round(std::log2(rate) / 2)); }

Pace pace_of_gpu(kernels::KernelSet& kernels) {
  const Sizes& sizes = kOfGpu;
  Operands operands(kernels, sizes.copied * 2);
  // What disturbs makes slower: the best of several tries is most like that of the next run.
  constexpr int kTries = 3;
  double memory = 0;
  double products = 0;
  for (int i = 0; i < kTries; ++i) {
    operands.begin();
    // A copy reads and writes; reading alone is about as fast as both together.
    memory = std::max(memory, 2 * copied(operands, sizes.copied));
    products = std::max(products, product_flops(operands, sizes.product));
  }
  return {Bandwidth{coarse(memory)}, FlopRate{coarse(products)}};
}

Pace usual_pace(int threads) {
  // A core with vectors of 256 bits multiplies so fast, and reads so fast where all do; memory has
  // channels for a dozen of them.
  constexpr double kProducts = 2.5e10;
  constexpr double kRead = 1e10;
  constexpr int kReaders = 12;
  return {Bandwidth{kRead * std::min(threads, kReaders)}, FlopRate{kProducts * threads}};
}

Sentinel::Sentinel(kernels::KernelSet& kernels, bool gpu)
    : operands_(kernels, (gpu ? kOfGpu : kOfCpu).copied * 2), gpu_(gpu) {}

std::vector<std::pair<std::string, double>> Sentinel::rates() {
  const Sizes& sizes = gpu_ ? kOfGpu : kOfCpu;
  operands_.begin();
  return {{"copy_gbs", copied(operands_, sizes.copied) * 1e-9},
          {"gemm_tf", product_flops(operands_, sizes.product) * 1e-12}};
}

std::vector<std::pair<std::string, double>> Sentinel::under_load(
    FunctionRef<std::vector<std::pair<std::string, double>>()> look) {
  operands_.begin();
  const kernels::Start copy = copy_of(operands_, (gpu_ ? kOfGpu : kOfCpu).copied);
  kernels::KernelSet& kernels = operands_.kernels();
  // Two batches of 30 ms or so on a fast GPU: behind the first its clocks and its link are up.
  constexpr int kCopies = 200;
  for (int i = 0; i < kCopies; ++i) copy();
  kernels.wait();
  for (int i = 0; i < kCopies; ++i) copy();
  auto seen = look();
  kernels.wait();
  return seen;
}

}  // namespace terrace::calibrate
