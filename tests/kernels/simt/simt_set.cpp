#include "tests/kernels/simt/simt_set.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "kernels/cuda/prepare_attention.hpp"
#include "kernels/cuda/prepare_copies.hpp"
#include "kernels/steady_clock.hpp"
#include "tests/kernels/simt/block.hpp"
#include "tests/kernels/simt/machine.hpp"

namespace terrace::kernels::simt {
namespace {

/// A runtime for what kernels/cuda/ prepares: blocks are emulated, one after the other.
class Runtime {
 public:
  using Machine = simt::Machine;

  explicit Runtime(std::uint64_t seed) : seed_(seed) {}

  static std::shared_ptr<std::byte> allocate(Bytes size) {
    return guarded(static_cast<std::size_t>(size.count()), 256);
  }
  static void upload(std::byte* to, std::span<const std::byte> from) {
    std::copy(from.begin(), from.end(), to);
  }
  /// So few that copying blocks take several turns, so many that short sequences are divided, too.
  template <class Kernel>
  [[nodiscard]] static int residents() {
    constexpr bool kAttends = requires(const Kernel& kernel) { kernel.task; };
    return kAttends ? 264 : 2;
  }
  template <class Kernel>
  void launch(const Kernel& kernel, std::int64_t blocks) {
    Block& block = blocks_
                       .try_emplace({Kernel::kThreads, Kernel::kShared}, Kernel::kThreads,
                                    Kernel::kShared, seed_)
                       .first->second;
    widest_ = std::max(widest_, blocks);
    for (std::int64_t i = 0; i < blocks; ++i) {
      block.run(static_cast<int>(i), static_cast<int>(blocks), [&kernel] { kernel(); });
    }
  }

  /// The most blocks of a launch.
  [[nodiscard]] std::int64_t widest() const { return widest_; }

 private:
  std::uint64_t seed_;
  std::int64_t widest_ = 0;
  std::map<std::pair<int, int>, Block> blocks_;  // by threads and shared bytes
};

class SimtSet final : public KernelSet {
 public:
  explicit SimtSet(std::uint64_t seed) : runtime_(seed) {}

  [[nodiscard]] std::string description() const override { return "an emulation of a GPU's warps"; }
  [[nodiscard]] Bytes free_memory() const override { return Bytes{std::int64_t{1} << 30}; }
  [[nodiscard]] Bytes cache() const override { return Bytes{1 << 20}; }
  std::shared_ptr<std::byte> allocate(Bytes size) override { return Runtime::allocate(size); }
  void upload(std::byte* to, std::span<const std::byte> from) override {
    Runtime::upload(to, from);
  }
  void download(std::span<std::byte> to, const std::byte* from) override {
    std::copy_n(from, to.size(), to.begin());
  }

  Start prepare(const PagedDecode& op) override;
  Start prepare(const MlaDecode& op) override;
  Start prepare(const PagedPrefill& op) override;
  Start prepare(const BlockGather& op) override;
  Start prepare(const BlockScatter& op) override;
  Start prepare(const Gemm& op) override;
  Start prepare(const StreamCopy& op) override;
  Start prepare(const StreamRead& op) override;
  Start prepare(const StreamWrite& op) override;

  void wait() override {}
  double seconds(std::span<const Start> in_turn, int rounds) override;

 private:
  Runtime runtime_;
};

Start SimtSet::prepare(const PagedDecode& op) { return cuda::prepare(runtime_, op); }
Start SimtSet::prepare(const MlaDecode& op) { return cuda::prepare(runtime_, op); }
Start SimtSet::prepare(const PagedPrefill& op) { return cuda::prepare(runtime_, op); }
Start SimtSet::prepare(const BlockGather& op) { return cuda::prepare(runtime_, op); }
Start SimtSet::prepare(const BlockScatter& op) { return cuda::prepare(runtime_, op); }
Start SimtSet::prepare(const StreamCopy& op) { return cuda::prepare(runtime_, op); }
Start SimtSet::prepare(const StreamRead& op) { return cuda::prepare(runtime_, op); }
Start SimtSet::prepare(const StreamWrite& op) { return cuda::prepare(runtime_, op); }

Start SimtSet::prepare(const Gemm&) {
  throw Unsupported("products of matrices are the library's of the GPU");
}

double SimtSet::seconds(std::span<const Start> in_turn, int rounds) {
  const double begin = steady_seconds();
  for (int i = 0; i < rounds; ++i) {
    for (const Start& start : in_turn) start();
  }
  return steady_seconds() - begin;
}

}  // namespace

std::shared_ptr<KernelSet> simt_set(std::uint64_t seed) { return std::make_shared<SimtSet>(seed); }

std::int64_t copy_narrowly(std::uint64_t seed, const StreamCopy& op, std::int64_t most_blocks) {
  Runtime runtime(seed);
  cuda::prepare(runtime, op, most_blocks)();
  return runtime.widest();
}

}  // namespace terrace::kernels::simt
