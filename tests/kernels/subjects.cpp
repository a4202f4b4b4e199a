#include "tests/kernels/subjects.hpp"

#include "kernels/cpu/cpu_set.hpp"
#include "kernels/cuda/cuda_set.hpp"
#ifdef TERRACE_SIMT
#include "tests/kernels/simt/simt_set.hpp"
#endif

namespace terrace::kernels::tests {
namespace {

/// The fast kernels with each width of registers, alone and with three threads.
Subject cpu() {
  Subject subject;
  subject.name = "Cpu";
  subject.make = [] {
    std::vector<Alike> sets;
    for (const cpu::Vectors vectors : cpu::supported_vectors()) {
      sets.push_back({std::make_shared<CpuSet>(1, vectors), std::make_shared<CpuSet>(3, vectors)});
    }
    return sets;
  };
  subject.head_dims = {16, 64, 128, 256};
  subject.cached = {Element::fp32, Element::bf16, Element::fp16, Element::fp8_e4m3};
  subject.rounding = [](Element, Element) { return Rounding{}; };
  return subject;
}

/// What kernels that multiply 16-bit operands round: weights always, queries to the type of the
/// cache, fp8 being widened to fp16.
Rounding of_matrix_units(Element cached, Element queries) {
  const Element operand = cached == Element::bf16 ? Element::bf16 : Element::fp16;
  const double roundoff = unit_roundoff(operand);
  return {roundoff, queries == operand ? 0 : roundoff, operand == Element::fp16 ? 0x1p-25 : 0};
}

/// What all sets of the CUDA kernels have in common, emulated or not.
Subject cuda_kernels() {
  Subject subject;
  subject.head_dims = {64, 128, 256};
  subject.cached = {Element::bf16, Element::fp16, Element::fp8_e4m3};
  subject.rows_are_alone = false;
  subject.rounding = of_matrix_units;
  return subject;
}

Subject on_gpu() {
  Subject subject = cuda_kernels();
  subject.name = "Cuda";
  subject.make = [] { return std::vector<Alike>{{cuda_set()}}; };
  subject.narrows_fp32 = false;
  subject.why_not = why_no_cuda();
  return subject;
}

#ifdef TERRACE_SIMT
Subject emulated() {
  Subject subject = cuda_kernels();
  subject.name = "EmulatedCuda";
  subject.make = [] {
    // The order of threads between barriers must not matter.
    return std::vector<Alike>{{simt::simt_set(1), simt::simt_set(2)}};
  };
  subject.cases_of_100 = 20;
  subject.multiplies = false;
  return subject;
}
#endif

}  // namespace

void PrintTo(const Subject& subject, std::ostream* out) { *out << subject.name; }

std::vector<Subject> subjects() {
  std::vector<Subject> all{cpu(), on_gpu()};
#ifdef TERRACE_SIMT
  all.push_back(emulated());
#endif
  return all;
}

}  // namespace terrace::kernels::tests
