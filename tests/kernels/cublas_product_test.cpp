// What cuBLASLt is told of a product. Descriptions are the library's own where it is installed,
// which checks attributes and their sizes without a GPU; what needs one is a fake.

#include "kernels/cuda/cublas_product.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/kernel_set.hpp"

namespace terrace::kernels::cuda {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Layout {
  cudaDataType_t type;
  std::uint64_t rows;
  std::uint64_t columns;
  std::int64_t stride;
  friend bool operator==(const Layout&, const Layout&) = default;
};

struct Description {
  cublasComputeType_t arithmetic;
  cudaDataType_t scale;
  std::map<cublasLtMatmulDescAttributes_t, std::vector<unsigned char>> attributes;
};

/// A library that writes down what it is told. Its functions know nothing but their arguments, so
/// that there is one of it at a time.
struct Recorder {
  std::vector<Description> products;
  std::vector<Layout> layouts;
  std::map<cublasLtMatmulPreferenceAttributes_t, std::uint64_t> preferences;
  std::vector<const void*> multiplied;  // what begins where: A, B, C, D
  cublasStatus_t answer = CUBLAS_STATUS_SUCCESS;
  int found = 1;
  int alive = 0;
};
Recorder* recorder = nullptr;

/// Handles are indices, from 1 on.
template <class Handle>
Handle handle_of(std::size_t count) {
  return reinterpret_cast<Handle>(count);
}
template <class T, class Handle>
T& behind(std::vector<T>& all, Handle handle) {
  return all.at(reinterpret_cast<std::uintptr_t>(handle) - 1);
}

const CublasLtCalls kFake = {
    .create = nullptr,
    .destroy = nullptr,
    .create_product =
        [](cublasLtMatmulDesc_t* made, cublasComputeType_t arithmetic, cudaDataType_t scale) {
          recorder->products.push_back({arithmetic, scale, {}});
          *made = handle_of<cublasLtMatmulDesc_t>(recorder->products.size());
          ++recorder->alive;
          return CUBLAS_STATUS_SUCCESS;
        },
    .destroy_product =
        [](cublasLtMatmulDesc_t) {
          --recorder->alive;
          return CUBLAS_STATUS_SUCCESS;
        },
    .set_product =
        [](cublasLtMatmulDesc_t of, cublasLtMatmulDescAttributes_t attribute, const void* value,
           std::size_t size) {
          const auto* bytes = static_cast<const unsigned char*>(value);
          behind(recorder->products, of).attributes[attribute] = {bytes, bytes + size};
          return CUBLAS_STATUS_SUCCESS;
        },
    .create_layout =
        [](cublasLtMatrixLayout_t* made, cudaDataType type, std::uint64_t rows,
           std::uint64_t columns, std::int64_t stride) {
          recorder->layouts.push_back({type, rows, columns, stride});
          *made = handle_of<cublasLtMatrixLayout_t>(recorder->layouts.size());
          ++recorder->alive;
          return CUBLAS_STATUS_SUCCESS;
        },
    .destroy_layout =
        [](cublasLtMatrixLayout_t) {
          --recorder->alive;
          return CUBLAS_STATUS_SUCCESS;
        },
    .create_preference =
        [](cublasLtMatmulPreference_t* made) {
          *made = handle_of<cublasLtMatmulPreference_t>(1);
          ++recorder->alive;
          return CUBLAS_STATUS_SUCCESS;
        },
    .destroy_preference =
        [](cublasLtMatmulPreference_t) {
          --recorder->alive;
          return CUBLAS_STATUS_SUCCESS;
        },
    .set_preference =
        [](cublasLtMatmulPreference_t, cublasLtMatmulPreferenceAttributes_t attribute,
           const void* value, std::size_t size) {
          std::uint64_t number = 0;
          std::memcpy(&number, value, size);
          recorder->preferences[attribute] = number;
          return CUBLAS_STATUS_SUCCESS;
        },
    .choose =
        [](cublasLtHandle_t, cublasLtMatmulDesc_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
           cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatmulPreference_t, int,
           cublasLtMatmulHeuristicResult_t*, int* found) {
          *found = recorder->found;
          return recorder->answer;
        },
    .multiply =
        [](cublasLtHandle_t, cublasLtMatmulDesc_t, const void*, const void* a,
           cublasLtMatrixLayout_t, const void* b, cublasLtMatrixLayout_t, const void*,
           const void* c, cublasLtMatrixLayout_t, void* d, cublasLtMatrixLayout_t,
           const cublasLtMatmulAlgo_t*, void*, std::size_t, cudaStream_t) {
          recorder->multiplied = {a, b, c, d};
          return CUBLAS_STATUS_SUCCESS;
        },
};

/// Addresses that nothing is read from.
void* at(std::uintptr_t address) { return reinterpret_cast<void*>(address); }
const auto* const kOne = static_cast<const float*>(at(0x5000));

Gemm gemm(Element type, Element c, std::int64_t m = 3, std::int64_t n = 32, std::int64_t k = 64) {
  return {{type, at(0x1000)}, {type, at(0x2000)}, {c, at(0x3000)}, m, n, k};
}

template <class T>
std::vector<unsigned char> bytes_of_value(const T& value) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(&value);
  return {bytes, bytes + sizeof value};
}

class CublasProducts : public ::testing::Test {
 protected:
  void SetUp() override { recorder = &told_; }
  void TearDown() override {
    EXPECT_EQ(told_.alive, 0) << "descriptions that nobody destroyed";
    recorder = nullptr;
  }

  const Description& description(const Gemm& op) {
    const CublasProduct product(kFake, op, kOne);
    return told_.products.back();
  }

  Recorder told_;
};

TEST_F(CublasProducts, AreToldAsTransposesOfWhatMemoryHolds) {
  const Gemm op = gemm(Element::bf16, Element::fp32);
  CublasProduct product(kFake, op, kOne);
  product.choose(nullptr, 1 << 20);
  std::array<std::byte, 16> workspace{};
  product.start(nullptr, workspace, nullptr);
  EXPECT_THAT(told_.layouts,
              ElementsAre(Layout{CUDA_R_16BF, 64, 32, 64}, Layout{CUDA_R_16BF, 64, 3, 64},
                          Layout{CUDA_R_32F, 32, 3, 32}));
  EXPECT_THAT(told_.multiplied, ElementsAre(op.b.begin, op.a.begin, op.c.begin, op.c.begin));
  const auto& attributes = told_.products.at(0).attributes;
  EXPECT_EQ(attributes.size(), 1U);
  EXPECT_EQ(attributes.at(CUBLASLT_MATMUL_DESC_TRANSA), bytes_of_value(CUBLAS_OP_T));
}

TEST_F(CublasProducts, OfFp8HaveScalesAndSumUpFast) {
  const Description& told = description(gemm(Element::fp8_e4m3, Element::bf16));
  EXPECT_EQ(told.arithmetic, CUBLAS_COMPUTE_32F);  // the two that fp8 takes
  EXPECT_EQ(told.scale, CUDA_R_32F);
  EXPECT_THAT(told_.layouts,
              ElementsAre(Layout{CUDA_R_8F_E4M3, 64, 32, 64}, Layout{CUDA_R_8F_E4M3, 64, 3, 64},
                          Layout{CUDA_R_16BF, 32, 3, 32}));
  // A transposed, B not, which is what is meant where nobody says otherwise.
  EXPECT_EQ(told.attributes.at(CUBLASLT_MATMUL_DESC_TRANSA), bytes_of_value(CUBLAS_OP_T));
  EXPECT_FALSE(told.attributes.contains(CUBLASLT_MATMUL_DESC_TRANSB));
  EXPECT_EQ(told.attributes.at(CUBLASLT_MATMUL_DESC_A_SCALE_POINTER), bytes_of_value(kOne));
  EXPECT_EQ(told.attributes.at(CUBLASLT_MATMUL_DESC_B_SCALE_POINTER), bytes_of_value(kOne));
  EXPECT_EQ(told.attributes.at(CUBLASLT_MATMUL_DESC_FAST_ACCUM), bytes_of_value(std::int8_t{1}));
  // Of results that are not fp8, scales would be invalid.
  EXPECT_FALSE(told.attributes.contains(CUBLASLT_MATMUL_DESC_C_SCALE_POINTER));
  EXPECT_FALSE(told.attributes.contains(CUBLASLT_MATMUL_DESC_D_SCALE_POINTER));
}

TEST_F(CublasProducts, KnowTheirArithmetic) {
  EXPECT_EQ(description(gemm(Element::fp16, Element::fp16)).arithmetic, CUBLAS_COMPUTE_32F);
  EXPECT_EQ(told_.layouts.back().type, CUDA_R_16F);
  EXPECT_EQ(description(gemm(Element::fp32, Element::fp32)).arithmetic, CUBLAS_COMPUTE_32F);
  Gemm op = gemm(Element::fp32, Element::fp32);
  op.multiply = Multiply::tf32;
  const Description& told = description(op);
  EXPECT_EQ(told.arithmetic, CUBLAS_COMPUTE_32F_FAST_TF32);
  EXPECT_EQ(told.scale, CUDA_R_32F);
  EXPECT_EQ(told_.layouts.back().type, CUDA_R_32F);
}

TEST_F(CublasProducts, OfFp8WantMultiplesOfSixteenButOfRows) {
  const auto refusal = [&](const Gemm& op) -> std::string {
    try {
      const CublasProduct product(kFake, op, kOne);
    } catch (const Unsupported& e) {
      return e.what();
    }
    return "";
  };
  constexpr Element kFp8 = Element::fp8_e4m3;
  for (const std::int64_t m : {1, 2, 17, 4096}) {
    EXPECT_EQ(refusal(gemm(kFp8, Element::bf16, m, 2112, 7168)), "");
  }
  EXPECT_THAT(refusal(gemm(kFp8, Element::bf16, 16, 24, 64)), HasSubstr("n = 24"));
  EXPECT_THAT(refusal(gemm(kFp8, Element::bf16, 16, 32, 71)), HasSubstr("k = 71"));
  EXPECT_EQ(refusal(gemm(Element::bf16, Element::bf16, 16, 24, 71)), "");
  Gemm op = gemm(kFp8, Element::bf16);
  op.a.begin = at(0x1008);
  EXPECT_THAT(refusal(op), HasSubstr("16 bytes"));
}

TEST_F(CublasProducts, SayHowMatricesAreAligned) {
  Gemm op = gemm(Element::bf16, Element::bf16);
  op.a.begin = at(0x1010);
  CublasProduct product(kFake, op, kOne);
  product.choose(nullptr, 12345);
  EXPECT_EQ(told_.preferences.at(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES), 12345U);
  EXPECT_EQ(told_.preferences.at(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES), 256U);  // our B
  EXPECT_EQ(told_.preferences.at(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES), 16U);
  EXPECT_EQ(told_.preferences.at(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES), 256U);
}

TEST_F(CublasProducts, TellWhatTheLibraryLacksFromWhatIsWrong) {
  CublasProduct product(kFake, gemm(Element::fp8_e4m3, Element::bf16), kOne);
  told_.found = 0;
  EXPECT_THROW(product.choose(nullptr, 1), Unsupported);
  for (const auto status : {CUBLAS_STATUS_NOT_SUPPORTED, CUBLAS_STATUS_ARCH_MISMATCH}) {
    told_.answer = status;
    EXPECT_THROW(product.choose(nullptr, 1), Unsupported);
  }
  told_.answer = CUBLAS_STATUS_INVALID_VALUE;
  try {
    product.choose(nullptr, 1);
    FAIL() << "an invalid description passed for one of the library's limits";
  } catch (const Unsupported&) {
    FAIL() << "an invalid description passed for one of the library's limits";
  } catch (const std::runtime_error& e) {
    EXPECT_THAT(e.what(), HasSubstr("cublasLtMatmulAlgoGetHeuristic"));
  }
}

/// The library's own functions, which take descriptions without a GPU.
class RealDescriptions : public ::testing::Test {
 protected:
  void SetUp() override {
    try {
      call_ = load_cublas_lt();
    } catch (const std::runtime_error& e) {
      GTEST_SKIP() << e.what();
    }
  }

  CublasLtCalls call_;
};

TEST_F(RealDescriptions, TakeEveryTypeWithItsAttributes) {
  for (const auto& [type, c] :
       {std::pair(Element::fp32, Element::fp32), std::pair(Element::bf16, Element::bf16),
        std::pair(Element::bf16, Element::fp32), std::pair(Element::fp16, Element::fp16),
        std::pair(Element::fp8_e4m3, Element::bf16)}) {
    EXPECT_NO_THROW(CublasProduct(call_, gemm(type, c), kOne));
  }
  Gemm op = gemm(Element::fp32, Element::fp32);
  op.multiply = Multiply::tf32;
  EXPECT_NO_THROW(CublasProduct(call_, op, kOne));
}

}  // namespace
}  // namespace terrace::kernels::cuda
