#pragma once

#include <string>
#include <vector>

#include "sim/config/catalogue.hpp"
#include "sim/config/reader.hpp"
#include "sim/fabric/hardware.hpp"
#include "sim/model/model.hpp"

namespace terrace::tests {

inline std::string in_repository(const std::string& path) {
  return std::string(TERRACE_SOURCE_DIR) + "/" + path;
}

inline ModelSpec shipped_model(const std::string& name) {
  return config::read_file<ModelSpec>(in_repository("models/" + name + ".yaml"));
}

inline std::vector<std::string> shipped_models() {
  return config::Catalogue({TERRACE_SOURCE_DIR}).names("models");
}

inline GpuSpec shipped_gpu(const std::string& name) {
  return config::read_file<GpuSpec>(in_repository("hwprofiles/gpus/" + name + ".yaml"));
}

}  // namespace terrace::tests
