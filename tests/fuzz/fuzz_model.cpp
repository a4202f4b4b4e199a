// Feeds any text to the importer of Hugging Face configs. Nothing but ConfigError may come out, and
// what is accepted has to be a model that files can hold, with sizes that make sense.
//
//   clang++ -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -I. tests/fuzz/fuzz_model.cpp
//     sim/model/*.cpp sim/base/*.cpp sim/config/*.cpp -lyaml-cpp -lfmt

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "sim/base/check.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/config/writer.hpp"
#include "sim/model/huggingface.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace terrace;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are text
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    ModelSpec model = from_huggingface(text, "config.json", "m");
    TERRACE_CHECK(parameters(model) >= active_parameters(model) && active_parameters(model) > 0);
    for (const Parallel& parallel : {Parallel{}, Parallel{.tensor = 64, .pipeline = 3}}) {
      TERRACE_CHECK(weight_bytes_per_gpu(model, parallel) > Bytes{});
      const Bytes fixed = fixed_bytes_per_sequence(model, DType::fp8, parallel);
      TERRACE_CHECK(fixed >= Bytes{});
      TERRACE_CHECK(kv_bytes_of_sequence(model, DType::fp8, parallel, model.max_context) >= fixed);
    }
    TERRACE_CHECK(!config::Writer().write(model).empty());
  } catch (const config::ConfigError& error) {
    TERRACE_CHECK(!std::string(error.what()).empty());
  }
  return 0;
}
