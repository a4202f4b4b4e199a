#include "tests/kernels/subjects.hpp"

#include "kernels/cpu/cpu_set.hpp"

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

}  // namespace

void PrintTo(const Subject& subject, std::ostream* out) { *out << subject.name; }

std::vector<Subject> subjects() { return {cpu()}; }

}  // namespace terrace::kernels::tests
