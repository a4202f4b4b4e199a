// What is wrong with a kernel is found, however little it is.

#include "calibrate/measuring/kernel_proof.hpp"

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calibrate/measuring/run.hpp"
#include "tests/calibrate/measuring/host_link.hpp"
#include "tests/calibrate/measuring/spoiled_set.hpp"

namespace terrace::calibrate {
namespace {

using namespace literals;
using kernels::Element;
using kernels::HostMemory;
using kernels::Transfer;
using kernels::proof::BytesKernel;
using kernels::proof::DecodeKernel;
using kernels::proof::GemmKernel;
using kernels::proof::MlaDecodeKernel;
using kernels::proof::PrefillKernel;
using terrace::tests::SpoiledSet;
using terrace::tests::Spoilt;
using ::testing::Contains;

struct Fault {
  Spoilt how = Spoilt::nothing;
  TimedKernel kernel;
};

const std::vector<Fault>& faults() {
  static const std::vector<Fault> kAll = {
      {Spoilt::decode_head, DecodeKernel{.head_dim = 64, .group = 4}},
      {Spoilt::decode_page, DecodeKernel{.head_dim = 64, .group = 4}},
      {Spoilt::decode_last_token, DecodeKernel{.head_dim = 64, .group = 4}},
      {Spoilt::decode_last_token, DecodeKernel{.cached = Element::fp8_e4m3, .group = 8}},
      {Spoilt::decode_window, DecodeKernel{.head_dim = 64, .group = 4, .windowed = true}},
      {Spoilt::throws, DecodeKernel{.head_dim = 64}},
      {Spoilt::mla_last_token, MlaDecodeKernel{8}},
      {Spoilt::prefill_last_token, PrefillKernel{.head_dim = 64, .group = 4}},
      {Spoilt::prefill_beside, PrefillKernel{.head_dim = 64, .group = 4}},
      {Spoilt::gemm_element, GemmKernel{}},
      {Spoilt::gather_tail, BytesKernel::gather},
      {Spoilt::scatter_block, BytesKernel::scatter},
      {Spoilt::copy_word, BytesKernel::copy},
      {Spoilt::read_word, BytesKernel::read},
      {Spoilt::write_word, BytesKernel::write}};
  return kAll;
}

TEST(KernelProof, FindsWhatIsWrongHoweverLittleItIs) {
  for (const Fault& fault : faults()) {
    SpoiledSet wrong(fault.how);
    const KernelFinding finding = prove(fault.kernel, wrong, nullptr);
    EXPECT_FALSE(finding.ok()) << finding.kernel << ' ' << static_cast<int>(fault.how) << ": "
                               << finding.what();
    SpoiledSet right(Spoilt::nothing);
    const KernelFinding other = prove(fault.kernel, right, nullptr);
    EXPECT_TRUE(other.ok()) << other.kernel << ": " << other.what();
  }
}

TEST(KernelProof, SaysWhatADeviceThrew) {
  SpoiledSet wrong(Spoilt::throws);
  EXPECT_EQ(prove(DecodeKernel{.head_dim = 64}, wrong, nullptr).what(), "an illegal memory access");
  SpoiledSet beside(Spoilt::prefill_beside);
  EXPECT_EQ(prove(PrefillKernel{.head_dim = 64}, beside, nullptr).what(),
            "writes beside its result");
}

Extent extent_of(bool gpu) {
  Extent extent{.gpu = gpu, .threads = 2, .memory = 130_GiB, .cache = 60_MiB, .disk = 8_GiB};
  extent.pace = gpu ? Pace{4500_GBps, FlopRate{7e14}} : Pace{20_GBps, FlopRate{2e11}};
  return extent;
}

std::set<TimedKernel> kernels_of(const std::vector<Planned>& plan) {
  std::set<TimedKernel> all;
  for (const Planned& planned : plan) {
    all.insert(planned.measurement.kernels.begin(), planned.measurement.kernels.end());
  }
  return all;
}

TEST(KernelProof, ThisProcessorsKernelsAreRightInAllThatIsTimed) {
  kernels::CpuSet cpu(2);
  const auto all = kernels_of(plan_of(families(), extent_of(false)));
  EXPECT_GT(all.size(), 15U);
  for (const TimedKernel& kernel : all) {
    const KernelFinding finding = prove(kernel, cpu, nullptr);
    EXPECT_TRUE(finding.ok()) << finding.kernel << ": " << finding.what();
  }
}

TEST(KernelProof, EveryPointThatTimesTheDeviceSaysWhichKernels) {
  const std::set<std::string_view> of_kernels = {
      "memory", "gemm",    "decode_attention", "mla_decode", "prefill_attention",
      "blocks", "transfer"};
  for (const bool gpu : {false, true}) {
    for (const Planned& planned : plan_of(families(), extent_of(gpu))) {
      if (!of_kernels.contains(planned.family->name)) continue;
      EXPECT_FALSE(planned.measurement.kernels.empty()) << planned.measurement.id;
    }
  }
  std::set<std::string> names;
  for (const TimedKernel& kernel : kernels_of(plan_of(families(), extent_of(true)))) {
    EXPECT_TRUE(names.insert(name_of(kernel)).second) << name_of(kernel);
  }
  for (const char* name : {"decode_attention/bf16/hd128/g4", "decode_attention/fp8/hd128/g16",
                           "decode_attention/bf16/hd128/g4/window", "mla_decode/bf16/h128",
                           "prefill_attention/bf16/hd256/g2", "gemm/bf16/bf16", "blocks/scatter",
                           "memory/read", "transfer/both/pageable"}) {
    EXPECT_THAT(names, Contains(name));
  }
}

/// A link that moves all bytes, but those of one way.
class Link final : public testing::HostLink {
 public:
  void echo(HostMemory, Transfer way, std::span<const std::byte> in,
            std::span<std::byte> out) override {
    if (way != Transfer::to_host) std::copy(in.begin(), in.end(), out.begin());
  }
  void echo(const kernels::BlockTransfer& transfer, std::span<const std::byte> in,
            std::span<std::byte> out) override {
    std::copy(in.begin(), in.end(), out.begin());
    if (transfer.path != kernels::BlockPath::batch) return;
    const auto block = transfer.size.count();
    std::swap_ranges(out.begin(), out.begin() + block, out.begin() + block);
  }
};

TEST(KernelProof, LooksAtWhatATransferMoved) {
  kernels::CpuSet host(1);
  Link link;
  const auto ok = [&](const TimedKernel& path) { return prove(path, host, &link).ok(); };
  EXPECT_TRUE(ok(CopyPath{HostMemory::pinned, Transfer::to_device}));
  EXPECT_FALSE(ok(CopyPath{HostMemory::pinned, Transfer::to_host}));
  EXPECT_TRUE(ok(BlocksPath{kernels::BlockPath::staged, Transfer::to_host}));
  EXPECT_FALSE(ok(BlocksPath{kernels::BlockPath::batch, Transfer::to_host}));
}

}  // namespace
}  // namespace terrace::calibrate
