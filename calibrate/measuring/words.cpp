#include "calibrate/measuring/words.hpp"

namespace terrace::calibrate {

std::string_view word(kernels::Element type) {
  using enum kernels::Element;
  switch (type) {
    case fp32:
      return "fp32";
    case bf16:
      return "bf16";
    case fp16:
      return "fp16";
    case fp8_e4m3:
      return "fp8";
  }
  return "";
}

std::string_view word(kernels::Transfer way) {
  using enum kernels::Transfer;
  switch (way) {
    case to_device:
      return "h2d";
    case to_host:
      return "d2h";
    case both_ways:
      return "both";
  }
  return "";
}

std::string_view word(kernels::HostMemory memory) {
  using enum kernels::HostMemory;
  switch (memory) {
    case pinned:
      return "pinned";
    case registered:
      return "registered";
    case pageable:
      return "pageable";
  }
  return "";
}

std::string_view word(kernels::BlockPath path) {
  using enum kernels::BlockPath;
  switch (path) {
    case loop:
      return "loop";
    case batch:
      return "batch";
    case staged:
      return "staged";
    case zero_copy:
      return "zero_copy";
  }
  return "";
}

}  // namespace terrace::calibrate
