#include "sim/base/check.hpp"

#include <string>

namespace terrace::detail {

void check_failed(const char* expression, const char* file, int line) {
  throw InvariantViolation(std::string(file) + ':' + std::to_string(line) +
                           ": invariant broken: " + expression);
}

}  // namespace terrace::detail
