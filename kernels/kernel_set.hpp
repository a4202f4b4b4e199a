#pragma once

#include "kernels/block_copy.hpp"
#include "kernels/decode.hpp"
#include "kernels/gemm.hpp"
#include "kernels/mla_decode.hpp"
#include "kernels/prefill.hpp"
#include "kernels/streams.hpp"

/// The microbenchmark kernels. An operation is a struct of views (`decode.hpp`, ...) that says what
/// has to come out; a set is one way to do all of them: `reference/` in fp64, obvious and slow;
/// `cpu/`, the fast twins. What measures or generates with kernels holds a KernelSet and does not
/// know which.
namespace terrace::kernels {

class KernelSet {
 public:
  virtual ~KernelSet() = default;

  // Each checks its operation, and has done it when it returns. Views are of memory that the set
  // computes in. One call at a time.
  virtual void run(const PagedDecode& op) = 0;
  virtual void run(const MlaDecode& op) = 0;
  virtual void run(const PagedPrefill& op) = 0;
  virtual void run(const BlockGather& op) = 0;
  virtual void run(const BlockScatter& op) = 0;
  virtual void run(const Gemm& op) = 0;
  virtual void run(const StreamCopy& op) = 0;
  virtual void run(const StreamRead& op) = 0;
  virtual void run(const StreamWrite& op) = 0;
};

}  // namespace terrace::kernels
