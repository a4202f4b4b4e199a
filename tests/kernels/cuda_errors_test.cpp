// Which errors lose the device, by the documentation that the toolkit's own header is.

#include <fstream>
#include <regex>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/cuda/cublas_lt_calls.hpp"
#include "kernels/cuda/errors.hpp"

namespace terrace::kernels::cuda {
namespace {

TEST(CudaErrors, LoseTheDeviceWhereTheProcessMustBeTerminated) {
  std::ifstream header(TERRACE_CUDA_INCLUDE "/driver_types.h");
  ASSERT_TRUE(header.is_open());
  const std::regex value(R"(^\s*(cudaError\w+)\s*=\s*(\d+).*)");
  std::smatch match;
  std::string comment;
  int fatal = 0;
  for (std::string line; std::getline(header, line);) {
    if (!std::regex_match(line, match, value)) {
      comment = line.find("/**") != std::string::npos ? "" : comment + line;
      continue;
    }
    if (comment.find("terminated") == std::string::npos) continue;
    ++fatal;
    EXPECT_TRUE(loses_device(static_cast<cudaError_t>(std::stoi(match[2])))) << match[1];
  }
  EXPECT_GE(fatal, 9) << "the test found nothing to test";
}

TEST(CudaErrors, LeaveTheDeviceWhereACallWasWrong) {
  for (const cudaError_t status : {cudaErrorMemoryAllocation, cudaErrorInvalidValue,
                                   cudaErrorNotReady, cudaErrorStreamCaptureUnsupported}) {
    EXPECT_FALSE(loses_device(status));
    EXPECT_THROW(
        {
          try {
            require(status, "cudaCall");
          } catch (const DeviceLost&) {
            FAIL() << cudaGetErrorName(status);
          }
        },
        std::runtime_error);
  }
  EXPECT_THROW(require(cudaErrorIllegalAddress, "cudaCall"), DeviceLost);
}

TEST(CublasErrors, AreTheLibrarysWhereTheDeviceIsWell) {
  try {
    require(CUBLAS_STATUS_EXECUTION_FAILED, "cublasLtMatmul");
    FAIL() << "took a failure for a success";
  } catch (const DeviceLost&) {
    FAIL() << "no device was lost";
  } catch (const std::runtime_error& e) {
    EXPECT_THAT(e.what(), ::testing::HasSubstr("cublasLtMatmul: cuBLASLt's status 13"));
  }
}

}  // namespace
}  // namespace terrace::kernels::cuda
