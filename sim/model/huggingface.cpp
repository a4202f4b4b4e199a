#include "sim/model/huggingface.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "sim/base/text.hpp"
#include "sim/config/reader.hpp"
#include "sim/config/writer.hpp"
#include "sim/model/huggingface_architectures.hpp"
#include "sim/model/huggingface_config.hpp"

namespace terrace {
namespace {

using config::Diagnostics;
using nlohmann::json;

[[noreturn]] void fail(const std::string& file, std::string_view message) {
  throw config::ConfigError(fmt::format("{}: error: {}", file, message));
}

json parse(std::string_view text, const std::string& file) {
  try {
    json root = json::parse(text);
    if (!root.is_object()) fail(file, "a config.json is a mapping of fields");
    return root;
  } catch (const json::exception& error) {
    fail(file, fmt::format("not JSON: {}", escape_controls(error.what())));
  }
}

std::string model_type(const json& object) {
  const auto at = object.find("model_type");
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

const HuggingFaceArchitecture* find_architecture(std::string_view type) {
  const auto all = huggingface_table();
  const auto at = std::find_if(all.begin(), all.end(), [&](const HuggingFaceArchitecture& a) {
    return a.model_type == type;
  });
  return at == all.end() ? nullptr : &*at;
}

[[noreturn]] void unsupported(const std::string& file, const std::string& type) {
  const std::vector<std::string_view> names = huggingface_architectures();
  if (type.empty()) {
    fail(file, fmt::format("'model_type' is missing, which names the architecture: one of {}",
                           fmt::join(names, ", ")));
  }
  const auto near = closest(type, names);
  const std::string shown = escape_controls(type);
  fail(file, near ? fmt::format("architecture '{}' is not supported; the nearest that is: '{}'",
                                shown, *near)
                  : fmt::format("architecture '{}' is not supported; supported are: {}", shown,
                                fmt::join(names, ", ")));
}

/// Models that also see or hear keep the part that reads text below "text_config".
const json& text_part(const json& root) {
  const auto text = root.find("text_config");
  const bool inside = text != root.end() && text->is_object();
  return inside && find_architecture(model_type(root)) == nullptr ? *text : root;
}

/// The type of the weights: of the checkpoint's quantisation, or as they are loaded; 32-bit ones
/// are halved, as in vLLM's --dtype auto.
DType weight_dtype(HuggingFaceConfig whole, HuggingFaceConfig text) {
  auto quantised = whole.part("quantization_config");
  if (!quantised) quantised = text.part("quantization_config");
  if (quantised) {
    const std::string method = quantised->text_or("quant_method", "");
    if (method == "fp8") return DType::fp8;
    if (method == "mxfp4") return DType::int4;
    if (method == "awq" || method == "gptq") {
      const std::int64_t width = quantised->size_or("bits", 4);
      quantised->check(width == 4 || width == 8, "bits", "only 4 and 8 bits are supported");
      return width == 8 ? DType::int8 : DType::int4;
    }
    quantised->check(false, "quant_method",
                     fmt::format("quantisation '{}' is not supported", escape_controls(method)),
                     "supported are: fp8, mxfp4, awq, gptq");
    return DType::bf16;
  }
  std::string type = text.text_or("dtype", text.text_or("torch_dtype", ""));
  if (type.empty()) type = whole.text_or("dtype", whole.text_or("torch_dtype", "float32"));
  if (type.starts_with("torch.")) type.erase(0, 6);
  const bool known = type == "bfloat16" || type == "float16" || type == "float32";
  text.check(known, text.has("dtype") ? "dtype" : "torch_dtype",
             fmt::format("data type '{}' is not supported", escape_controls(type)),
             "supported are: bfloat16, float16, float32");
  return type == "bfloat16" ? DType::bf16 : DType::fp16;
}

/// What a model file may hold is told by describe(): the model is written and read back.
void check_as_file(ModelSpec& model, const std::string& file) {
  Diagnostics diagnostics;
  const std::string name = fmt::format("the model made of {}", file);
  const config::Node root = config::parse_yaml(name, config::Writer().write(model), diagnostics);
  diagnostics.raise();
  ModelSpec copy;
  const config::Catalogue none;
  config::Reader(root, name, none, diagnostics).read(copy);
  diagnostics.raise();
}

}  // namespace

ModelSpec from_huggingface(std::string_view text, const std::string& file,
                           const std::string& name) {
  const json root = parse(text, file);
  const json& object = text_part(root);
  const std::string type = model_type(object);
  const HuggingFaceArchitecture* architecture = find_architecture(type);
  if (architecture == nullptr) unsupported(file, type);

  Diagnostics diagnostics;
  const config::Source& source = diagnostics.add_source(file, text);
  HuggingFaceConfig fields(object, type, source, diagnostics);
  ModelSpec model = architecture->read(fields);
  model.name = name;
  model.weight_dtype = weight_dtype({root, type, source, diagnostics}, fields);
  model.source = fmt::format("imported from {}, architecture {}", file, type);
  diagnostics.raise();
  check_as_file(model, file);
  return model;
}

std::vector<std::string_view> huggingface_architectures() {
  std::vector<std::string_view> names;
  for (const HuggingFaceArchitecture& architecture : huggingface_table()) {
    names.push_back(architecture.model_type);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace terrace
