#include "kernels/cpu/cpu_set.hpp"

namespace terrace::kernels {

std::string CpuSet::description() const {
  return processor_name() + ", " + std::to_string(threads_.count()) +
         (threads_.count() == 1 ? " thread" : " threads") + ", vectors of " +
         std::to_string(128 << static_cast<int>(vectors_)) + " bits";
}

}  // namespace terrace::kernels
