#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/law_change.hpp"
#include "calibrate/profile/link_part.hpp"
#include "kernels/cpu/cpu_set.hpp"
#include "tests/calibrate/measuring/host_link.hpp"

namespace terrace::calibrate {

namespace family {
Family link_blocks();
}

namespace {

using namespace literals;

constexpr ChangeBetween kBetween{4_KiB, 8_KiB, 128_KiB, 256_KiB, 1_KiB};

/// As vLLM's pull request 42212 has cudaMemcpyBatchAsync: 0.58 us + s / 8.25 GB/s below 28 KiB,
/// 0.17 us + s / 60 GB/s from there.
double published(Bytes size, Bytes cutoff) {
  const auto bytes = static_cast<double>(size.count());
  return size < cutoff ? 0.58e-6 + bytes / 8.25e9 : 0.17e-6 + bytes / 60e9;
}

TEST(LawChange, IsFoundToTheStep) {
  for (const Bytes cutoff : {9_KiB, 16_KiB, 28_KiB, 77_KiB, 127_KiB, 128_KiB}) {
    int asked = 0;
    const LawChange found = find_law_change(
        [&](Bytes size) {
          ++asked;
          // Noise of 5 % up and down.
          return published(size, cutoff) * (asked % 2 == 0 ? 1.05 : 0.95);
        },
        kBetween);
    ASSERT_TRUE(found.at) << cutoff.count();
    EXPECT_EQ(*found.at, cutoff);
    EXPECT_EQ(found.tried.size(), static_cast<std::size_t>(asked));
    EXPECT_LE(asked, 4 + 7);
  }
}

TEST(LawChange, IsNotSeenWhereOneLawHolds) {
  const LawChange found = find_law_change(
      [](Bytes size) { return 1e-6 + static_cast<double>(size.count()) / 50e9; }, kBetween);
  EXPECT_FALSE(found.at);
  EXPECT_EQ(found.tried.size(), 4U);
}

/// A link whose calls for many blocks follow the published law.
class PublishedLink final : public testing::HostLink {
 public:
  kernels::TransferTime blocks(const kernels::BlockTransfer& b, int) override {
    return {static_cast<double>(b.blocks) * published(b.size, 28_KiB), 0};
  }
};

TEST(LinkBlocks, GiveProfilesTheLawOfSmallBlocks) {
  kernels::CpuSet host(1);
  PublishedLink link;
  Bench bench{.kernels = host, .gpu = true, .transfers = &link};
  for (const bool quick : {false, true}) {
    const Extent extent{.quick = quick, .gpu = true, .memory = 64_GiB};
    MeasuredRun run{"2026-11-22T10:00:00Z", {}, {{"gpu", "a GPU"}, {"memory_mib", 1024}}, {}, {}};
    for (const Measurement& m : family::link_blocks().plan(extent)) {
      run.points.push_back({.id = m.id,
                            .family = "link_blocks",
                            .x = m.x,
                            .cache = m.cache,
                            .unit = m.unit,
                            .sample = m.measure(bench),
                            .error = {}});
    }
    const config::Catalogue none;
    PartMaker maker{run, none};
    GpuSpec gpu;
    link_part(maker, gpu);
    const DescriptorLaw& law = gpu.host_link.descriptors;
    EXPECT_EQ(law.cutoff, 28_KiB) << quick;
    EXPECT_NEAR(seconds(law.small_fixed), 0.58e-6, 0.01e-6) << quick;
    EXPECT_NEAR(law.small_bandwidth.count(), 8.25e9, 0.1e9) << quick;
    EXPECT_NEAR(seconds(law.large_fixed), 0.17e-6, 0.01e-6) << quick;
    EXPECT_NEAR(law.large_bandwidth.count(), 60e9, 1e9) << quick;
    EXPECT_NE(maker.notes.front().find("from 28 KiB on"), std::string::npos);
  }
}

}  // namespace
}  // namespace terrace::calibrate
