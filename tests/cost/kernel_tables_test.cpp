#include "sim/cost/kernel_tables.hpp"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "sim/config/diagnostics.hpp"
#include "sim/cost/forms/decode.hpp"
#include "sim/cost/forms/gemm.hpp"
#include "sim/cost/forms/mla_decode.hpp"
#include "sim/cost/forms/mla_prefill.hpp"
#include "sim/cost/forms/prefill.hpp"
#include "tests/cost/forms/form_parameters.hpp"

namespace terrace {
namespace {

using namespace literals;
using forms::kH200;
using testing::AllOf;
using testing::HasSubstr;

template <class Form>
void add(KernelProfile& profile, DType dtype, std::optional<std::int64_t> head_dim = {}) {
  KernelFit fit;
  fit.form.text = Form::kName;
  fit.dtype = dtype;
  fit.head_dim = head_dim;
  fit.points = 1;
  for (const double value : forms::start_values<Form>()) {
    fit.parameters.push_back({value, value, value, 0});
  }
  profile.fits.push_back(fit);
}

/// Laws with the parameters that fits start from, and tables that say something else.
class KernelTablesFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / fmt::format("terrace_tables{}", ::getpid());
    std::filesystem::create_directories(folder_);
    add<forms::Gemm>(profile_, DType::bf16);
    add<forms::Decode>(profile_, DType::bf16, 128);
    add<forms::Prefill>(profile_, DType::bf16, 128);
    add<forms::MlaDecode>(profile_, DType::bf16);
    add<forms::MlaPrefill>(profile_, DType::bf16);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& file, const std::string& text) const {
    std::ofstream(folder_ / file) << text;
  }
  [[nodiscard]] KernelTables read() const { return KernelTables::read(folder_, profile_, kH200); }
  [[nodiscard]] std::string mistake(const std::string& file, const std::string& text) const {
    write(file, text);
    try {
      static_cast<void>(read());
    } catch (const config::ConfigError& error) {
      return error.what();
    }
    return "no mistake";
  }

  static double decode_us(std::int64_t heads, std::int64_t kv_heads, std::int64_t batch,
                          std::int64_t kv_len) {
    const auto length = static_cast<double>(kv_len);
    return 1e6 * forms::Decode::seconds(forms::start_values<forms::Decode>(), kH200,
                                        {.batch = batch,
                                         .kv_tokens = static_cast<double>(batch) * length,
                                         .heads = heads,
                                         .kv_heads = kv_heads,
                                         .warm = true,
                                         .longest = length});
  }

  std::filesystem::path folder_;
  KernelProfile profile_{.gpu = "h200-sxm"};
};

const std::string kDecodeHead =
    "num_heads,num_kv_heads,head_dim,kv_dtype,kernel,batch,kv_len,latency_us\n";
const std::string kGemmHead = "dtype,n,k,m,latency_us\n";

TEST_F(KernelTablesFiles, ProductsKeepWhatWasMeasured) {
  std::string text = kGemmHead;
  double factor = 1;
  for (const std::int64_t n : {1024, 4096}) {
    for (const std::int64_t m : {1, 64, 2048}) {
      factor += 0.1;
      const double law = forms::Gemm::seconds(forms::start_values<forms::Gemm>(), kH200,
                                              {.m = m, .n = n, .k = 512, .rotation = 6});
      text += fmt::format("bf16,{},512,{},{:.9g}\n", n, m, factor * law * 1e6);
    }
  }
  write("gemm.csv", text + "fp8,32,32,1,5\nnvfp4,32,32,1,5\n");  // no fits of these
  const KernelTables tables = read();
  factor = 1;
  for (const std::int64_t n : {1024, 4096}) {
    const auto residual = tables.gemm(DType::fp16, n, 512);  // computed as bf16 is
    ASSERT_TRUE(residual);
    for (const double m : {1., 64., 2048.}) {
      factor += 0.1;
      EXPECT_NEAR(residual->at(m).factor, factor, 1e-5);
      EXPECT_FALSE(residual->at(m).extrapolated);
    }
    EXPECT_TRUE(residual->at(4096).extrapolated);
  }
  EXPECT_FALSE(tables.gemm(DType::fp8, 32, 32));
  EXPECT_FALSE(tables.decode(DType::bf16, 128, 8, 8));
}

TEST_F(KernelTablesFiles, AttentionIsComparedWithItsLaw) {
  std::string prefill =
      "num_heads,num_kv_heads,head_dim,kv_dtype,kernel,batch,seq_len,latency_us\n";
  std::string mla_decode = "num_heads,kv_dtype,batch,kv_len,latency_us\n";
  std::string mla_prefill = "num_heads,kv_dtype,batch,seq_len,latency_us\n";
  for (const std::int64_t batch : {1, 8}) {
    for (const std::int64_t length : {128, 8192}) {
      const auto tokens = static_cast<double>(length);
      const auto row = [&](std::string_view keys, double factor, double law) {
        return fmt::format("{},{},{},{:.9g}\n", keys, batch, length, factor * law * 1e6);
      };
      prefill += row(
          "32,8,128,bf16,fa3", 0.8,
          forms::Prefill::seconds(
              forms::start_values<forms::Prefill>(), kH200,
              forms::Prefill::Case{.heads = 32, .kv_heads = 8, .batch = batch, .fresh = tokens}));
      mla_decode += row(
          "16,bf16", 1.2,
          forms::MlaDecode::seconds(forms::start_values<forms::MlaDecode>(), kH200,
                                    {.heads = 16, .batch = batch, .kv_len = tokens, .warm = true}));
      mla_prefill +=
          row("16,bf16", 1.5,
              forms::MlaPrefill::seconds(
                  forms::start_values<forms::MlaPrefill>(), kH200,
                  forms::MlaPrefill::Case{.heads = 16, .batch = batch, .fresh = tokens}));
    }
  }
  write("attention_prefill.csv", prefill);
  write("mla_decode.csv", mla_decode);
  write("mla_prefill.csv", mla_prefill);
  const KernelTables tables = read();
  EXPECT_NEAR(tables.prefill(DType::bf16, 128, 32, 8)->at(3, 1000).factor, 0.8, 1e-5);
  EXPECT_NEAR(tables.prefill(DType::bf16, 128, 64, 4)->at(3, 1000).factor, 0.8, 1e-5);
  EXPECT_NEAR(tables.mla_decode(DType::bf16, 16)->at(3, 1000).factor, 1.2, 1e-5);
  EXPECT_NEAR(tables.mla_prefill(DType::bf16, 64)->at(3, 1000).factor, 1.5, 1e-5);
  EXPECT_FALSE(tables.prefill(DType::bf16, 64, 32, 8));
  EXPECT_FALSE(tables.mla_decode(DType::fp8, 16));
}

// 16 KV heads were not measured: those of twice as many sequences of 8 stand in.
TEST_F(KernelTablesFiles, KvHeadsThatWereNotMeasuredFindTheirLike) {
  std::string text = kDecodeHead;
  const auto factor = [](std::int64_t streams) { return streams < 64 ? 1.0 : 1.5; };
  for (const std::int64_t kv_heads : {4, 8}) {
    for (const std::int64_t batch : {1, 2, 4, 8, 16, 32, 64, 128}) {
      text +=
          fmt::format("{},{},128,bf16,fa3,{},1024,{:.9g}\n", 4 * kv_heads, kv_heads, batch,
                      factor(batch * kv_heads) * decode_us(4 * kv_heads, kv_heads, batch, 1024));
    }
  }
  write("attention_decode.csv", text);
  const auto residual = read().decode(DType::bf16, 128, 64, 16);
  ASSERT_TRUE(residual);
  EXPECT_NEAR(residual->at(1, 1024).factor, 1.0, 0.05);
  EXPECT_NEAR(residual->at(2, 1024).factor, 1.0, 0.1);  // next to the step
  EXPECT_NEAR(residual->at(4, 1024).factor, 1.5, 0.1);
  EXPECT_NEAR(residual->at(16, 1024).factor, 1.5, 0.05);
}

TEST_F(KernelTablesFiles, OnlyTheMostFrequentKernelCounts) {
  std::string text = kDecodeHead;
  for (const std::int64_t length : {16, 64, 256}) {
    text +=
        fmt::format("8,8,128,bf16,fi_pre,4,{},{:.9g}\n", length, 1.1 * decode_us(8, 8, 4, length));
  }
  text += fmt::format("8,8,128,bf16,fi_dec,4,1,{:.9g}\n", 7 * decode_us(8, 8, 4, 1));
  write("attention_decode.csv", text);
  const auto residual = read().decode(DType::bf16, 128, 8, 8);
  ASSERT_TRUE(residual);
  EXPECT_NEAR(residual->at(4, 1).factor, 1.1, 1e-5);
  EXPECT_TRUE(residual->at(4, 1).extrapolated);
}

TEST_F(KernelTablesFiles, CollectivesInterpolateBySize) {
  const std::string nccl = "op,dtype,num_gpus,elements,bytes,latency_us\n";
  write("nccl.csv", nccl +
                        "all_reduce,half,2,512,1024,9\nall_reduce,half,8,512,1024,11\n"
                        "reduce_scatter,half,4,512,1024,10\nreduce_scatter,half,4,8192,16384,40\n"
                        "reduce_scatter,int8,4,1024,1024,99\nalltoall,half,4,512,1024,99\n");
  write("allreduce.csv",
        "mode,num_gpus,elements,bytes,latency_us\n"
        "graph,2,512,1024,4\ngraph,2,32768,65536,32\neager,2,512,1024,21\n");
  const KernelTables tables = read();
  const auto us = [&](Collective op, Bytes bytes, int gpus) {
    return seconds(tables.collective(op, bytes, gpus)->time) * 1e6;
  };
  EXPECT_NEAR(us(Collective::all_reduce, 1024_B, 2), 4, 1e-5);
  EXPECT_NEAR(us(Collective::all_reduce, 8192_B, 2), std::sqrt(4. * 32), 1e-5);
  EXPECT_NEAR(us(Collective::all_reduce, 131072_B, 2), 64, 1e-5);
  EXPECT_NEAR(us(Collective::all_reduce, 1_B, 2), 4, 1e-5);
  EXPECT_NEAR(us(Collective::all_reduce, 1024_B, 8), 11, 1e-5);  // the engine's has no 8 GPUs
  EXPECT_NEAR(us(Collective::reduce_scatter, 256_B, 4), 10, 1e-5);
  EXPECT_NEAR(us(Collective::reduce_scatter, 1024_B, 4), 20, 1e-5);
  EXPECT_TRUE(tables.collective(Collective::all_reduce, 131072_B, 2)->extrapolated);
  EXPECT_TRUE(tables.collective(Collective::all_reduce, 1_B, 2)->extrapolated);
  EXPECT_FALSE(tables.collective(Collective::all_reduce, 8192_B, 2)->extrapolated);
  EXPECT_FALSE(tables.collective(Collective::all_reduce, 1024_B, 4));
  EXPECT_FALSE(tables.collective(Collective::all_gather, 1024_B, 4));
}

TEST_F(KernelTablesFiles, MistakesArePointedAt) {
  EXPECT_THAT(mistake("gemm.csv", kGemmHead + "bf16,32,32,1,5\nbf61,32,32,2,5\n"),
              AllOf(HasSubstr("gemm.csv:3:1: error: unknown dtype 'bf61'"),
                    HasSubstr("did you mean 'bf16'?")));
  EXPECT_THAT(mistake("gemm.csv", kGemmHead + "bf16,0,32,1,5\n"),
              HasSubstr(":2:6: error: n '0' is not a whole number from 1 to"));
  EXPECT_THAT(mistake("gemm.csv", "dtype,n,k,m,time_us\n"),
              HasSubstr(":1:13: error: unknown column 'time_us'"));
  EXPECT_THAT(mistake("gemm.csv", kGemmHead + "bf16,32,32,1,fast\n"),
              HasSubstr(":2:14: error: latency_us 'fast' is not a number"));
  EXPECT_THAT(mistake("gemm.csv", kGemmHead + "bf16,32,32,1,5\nbf16,32,32,1,6\n"),
              HasSubstr(":3:1: error: line 2 already has a time for this"));
  write("gemm.csv", kGemmHead + "bf16,32,32,1,5\n");
  EXPECT_THAT(mistake("attention_decode.csv", kDecodeHead + "8,8,128,bf16,,4,1,5\n"),
              HasSubstr(":2:14: error: 'kernel' is empty"));
}

TEST_F(KernelTablesFiles, AFolderWithoutTablesIsAMistake) {
  try {
    static_cast<void>(read());
    FAIL() << "read tables that are not there";
  } catch (const config::ConfigError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr(folder_.string() + ": error: no kernel tables there"),
                                    HasSubstr("gemm.csv")));
  }
}

}  // namespace
}  // namespace terrace
