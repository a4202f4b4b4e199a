// Points of a GPU whose kernels follow the laws of a shipped profile: they are found again.

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calibrate/profile/machine_profile.hpp"
#include "sim/config/reader.hpp"
#include "sim/cost/forms/decode.hpp"
#include "sim/cost/forms/gemm.hpp"
#include "sim/cost/forms/prefill.hpp"
#include "sim/cost/kernel_profile.hpp"

namespace terrace::calibrate {
namespace {

const config::Catalogue kCatalogue({TERRACE_SOURCE_DIR});
constexpr forms::Chip kChip{132, 60.0 * 1024 * 1024};

/// An H200 as its shipped laws have it, on a grid of the size that a full run has.
class LawfulGpu {
 public:
  explicit LawfulGpu(const char* name) {
    run_.created = "2026-11-22T10:00:00Z";
    run_.host = {{"gpu", name}, {"sms", 132}, {"mem_mib", 143771}, {"memory_mib", 1 << 20}};
    products();
    decodes();
    prefills();
  }

  [[nodiscard]] const MeasuredRun& run() const { return run_; }

 private:
  using Json = nlohmann::ordered_json;

  std::vector<double> law(std::string_view form) const {
    for (const KernelFit& fit : profile_.fits) {
      const bool same_size = !fit.head_dim || *fit.head_dim == 128;
      if (fit.form.text == form && fit.dtype == DType::bf16 && same_size) return fit.best();
    }
    return {};
  }

  void add(const char* family, Json x, const char* cache, double seconds) {
    MeasuredPoint point;
    point.id = fmt::format("{}/{}", family, run_.points.size());
    point.family = family;
    point.x = std::move(x);
    point.cache = cache;
    point.unit = "us";
    point.sample = {.median = 1e6 * seconds, .n = 15};
    run_.points.push_back(std::move(point));
  }

  void products() {
    const std::vector<double> p = law("gemm");
    for (const auto& [n, k] :
         {std::pair{4096, 4096}, std::pair{6144, 4096}, std::pair{28672, 4096},
          std::pair{4096, 14336}, std::pair{8192, 8192}, std::pair{57344, 8192},
          std::pair{2112, 7168}, std::pair{32768, 512}}) {
      for (const int m : {1, 16, 64, 256, 1024, 4096, 16384}) {
        const forms::Gemm::Case x{.m = m, .n = n, .k = k};
        add("gemm", {{"m", m}, {"n", n}, {"k", k}, {"dtype", "bf16"}}, "cold",
            forms::Gemm::seconds(p, kChip, x));
      }
    }
  }

  void decodes() {
    const std::vector<double> p = law("decode");
    for (const auto& [nh, nkv] : {std::pair{32, 32}, std::pair{32, 8}, std::pair{64, 8},
                                  std::pair{64, 4}, std::pair{32, 16}}) {
      for (const int b : {1, 8, 32, 128, 512}) {
        for (const int kv : {128, 1024, 4096, 16384, 65536}) {
          if (static_cast<double>(b) * kv * nkv * 512 > 40e9) continue;
          for (const bool warm : {false, true}) {
            const forms::Decode::Case x{.batch = b,
                                        .kv_tokens = static_cast<double>(b) * kv,
                                        .heads = nh,
                                        .kv_heads = nkv,
                                        .warm = warm,
                                        .longest = static_cast<double>(kv)};
            add("decode_attention",
                {{"b", b}, {"kv", kv}, {"nh", nh}, {"nkv", nkv}, {"hd", 128}, {"kv_dtype", "bf16"}},
                warm ? "hot" : "cold", forms::Decode::seconds(p, kChip, x));
          }
        }
      }
    }
  }

  void prefills() {
    const std::vector<double> p = law("prefill");
    for (const auto& [nh, nkv] : {std::pair{32, 8}, std::pair{64, 8}, std::pair{32, 32}}) {
      for (const int b : {1, 4}) {
        for (const int s : {16, 128, 512, 2048, 8192, 32768}) {
          for (const int prefix : {0, 4096}) {
            const forms::Prefill::Case x{.heads = nh,
                                         .kv_heads = nkv,
                                         .batch = b,
                                         .fresh = static_cast<double>(s),
                                         .prefix = static_cast<double>(prefix)};
            add("prefill_attention",
                {{"b", b},
                 {"s", s},
                 {"prefix", prefix},
                 {"nh", nh},
                 {"nkv", nkv},
                 {"hd", 128},
                 {"kv_dtype", "bf16"}},
                "cold", forms::Prefill::seconds(p, kChip, x));
          }
        }
      }
    }
  }

  KernelProfile profile_ =
      config::read_file<KernelProfile>(TERRACE_SOURCE_DIR "/hwprofiles/kernels/h200-sxm.yaml");
  MeasuredRun run_;
};

TEST(GpuProfileSlow, FindsTheLawsOfKernelsThatNobodyPublished) {
  const LawfulGpu gpu("NVIDIA H299");
  MeasuredRun run = gpu.run();
  run.host["l2_bytes"] = 60 << 20;
  MeasuredPoint stream;
  stream.id = "memory/read";
  stream.family = "memory";
  stream.x = {{"op", "read"}, {"bytes", 1e9}};
  stream.unit = "us";
  stream.sample = {.median = 1e9 / 4.8e12 * 1e6, .n = 15};
  run.points.push_back(stream);
  const MachineProfile profile = machine_profile(run, kCatalogue);
  EXPECT_EQ(profile.machine.gpu.name, "NVIDIA H299");
  ASSERT_TRUE(profile.machine.kernels) << fmt::format("{}", fmt::join(profile.notes, "\n"));
  EXPECT_TRUE(profile.machine.kernels->is_of(profile.machine.gpu));
  EXPECT_EQ(profile.machine.kernels->fits.size(), 3U);
}

TEST(GpuProfileSlow, KeepsTheDatasheetAndTheKernelsThatThereAre) {
  const LawfulGpu gpu("NVIDIA H200");
  const MachineProfile profile = machine_profile(gpu.run(), kCatalogue);
  EXPECT_EQ(profile.machine.gpu.name, "H200 SXM");
  EXPECT_EQ(profile.machine.gpu.kernels, "h200-sxm");
  EXPECT_FALSE(profile.machine.kernels);
  EXPECT_THAT(profile.notes, ::testing::Contains(::testing::HasSubstr("those of 'h200-sxm'")));
  for (const FamilyFit& fit : profile.families) {
    ASSERT_FALSE(fit.errors.empty()) << fit.law;
    EXPECT_LT(fit.errors.front().p90, 0.03) << fit.law;
    EXPECT_NE(fit.law, "roofline");
  }
}

}  // namespace
}  // namespace terrace::calibrate
