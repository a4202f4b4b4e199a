#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "sim/app/arguments.hpp"
#include "sim/app/catalogue.hpp"
#include "sim/app/model_formulas.hpp"
#include "sim/app/model_options.hpp"
#include "sim/app/model_show.hpp"
#include "sim/app/output.hpp"
#include "sim/base/text.hpp"
#include "sim/config/reader.hpp"
#include "sim/config/writer.hpp"
#include "sim/model/huggingface.hpp"
#include "sim/report/human.hpp"
#include "sim/report/output_file.hpp"

namespace terrace::app {
namespace {

namespace fs = std::filesystem;

ExitCode show(const Arguments& arguments, const std::string& name) {
  const std::string path = find_file(kModelFile, name, open_catalogue(arguments));
  const auto model = config::read_file<ModelSpec>(path);
  ModelQuestion question;
  question.kv = parse_name<DType>("kv-dtype", arguments.value("kv-dtype").value_or("bf16"));
  const std::int64_t gpus = arguments.number("tp").value_or(1);
  check_tensor_parallel(model, gpus);
  question.parallel.tensor = static_cast<int>(gpus);
  question.context = Tokens{arguments.number("context").value_or(model.max_context.count())};
  question.explain = arguments.has("explain");
  if (question.context < Tokens{1} || question.context > kMostContext) {
    throw UsageError("--context: between 1 and 1,000,000,000 tokens");
  }
  const std::string about = first_comment(path);
  print((about.empty() ? model.name : about) + "\n" + model_text(model, question));
  return ExitCode::ok;
}

/// A name such as catalogue files have: that of the file it is written to, else of the folder that
/// the config.json lies in, which is the repository's.
std::string name_of(const Arguments& arguments, const std::string& config) {
  if (const auto name = arguments.value("name")) return *name;
  if (const auto out = arguments.value("out")) return fs::path(*out).stem().string();
  const fs::path path = fs::absolute(config);
  std::string name =
      (path.filename() == "config.json" ? path.parent_path().filename() : path.stem()).string();
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return name;
}

void check_name(const std::string& name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  });
  if (!plain || name.empty() || name.front() == '.') {
    throw UsageError(fmt::format(
        "'{}' is no name for a model: small letters, digits and .-_ only; choose one with --name",
        escape_controls(name)));
  }
}

ExitCode import_model(const Arguments& arguments, const std::string& file) {
  const std::string name = name_of(arguments, file);
  check_name(name);
  ModelSpec model = from_huggingface(config::read_text_file(file), file, name);
  const std::string text =
      fmt::format("# {}: {} weights, {} of KV per token in bf16; made of a config.json.\n{}", name,
                  compact(parameters(model)), human::bytes(kv_bytes_per_token(model, DType::bf16)),
                  config::Writer().write(model));
  const auto out = arguments.value("out");
  if (!out) {
    print(text);
    return ExitCode::ok;
  }
  replace_file(*out, text);
  note(fmt::format("wrote {}; 'terrace model show {}' tells what it costs", *out, *out));
  return ExitCode::ok;
}

/// An option that would silently do nothing is a mistake.
void check_options(const Arguments& arguments, std::string_view action) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kOf{{{"explain", "show"},
                                                                              {"kv-dtype", "show"},
                                                                              {"tp", "show"},
                                                                              {"context", "show"},
                                                                              {"catalog", "show"},
                                                                              {"name", "import"},
                                                                              {"out", "import"}}};
  for (const auto& [option, of] : kOf) {
    if (of == action || !arguments.has(option)) continue;
    throw UsageError(fmt::format("--{} has no effect on 'terrace model {}'", option, action));
  }
}

ExitCode run(const Arguments& arguments) {
  const std::string action = *arguments.positional(0);
  check_options(arguments, action);
  const std::string what = *arguments.positional(1);
  return action == "show" ? show(arguments, what) : import_model(arguments, what);
}

constexpr std::array<std::string_view, 2> kActions = {"show", "import"};
constexpr std::array kPositionals = {
    Positional{"ACTION", "one of", true, Words::choice, kActions},
    Positional{"MODEL", "a name of 'terrace list models', or a file; to import: a config.json",
               true, Words::file}};
constexpr std::array kOptions = {
    Option{"explain", "", "show: the formulas, with their numbers, of every type of layer"},
    Option{"kv-dtype", "TYPE",
           "show: element of the KV cache: bf16 (default), fp16, fp8, int8, int4"},
    Option{"tp", "N", "show: GPUs that share every layer; what each of them holds"},
    Option{"context", "N", "show: tokens of a sequence; default: the longest of the model"},
    Option{"name", "NAME", "import: what to call it; default: after the file or its folder"},
    Option{"out", "FILE", "import: write it there, not to the standard output", Words::file},
    kCatalogOption};

}  // namespace

constinit const Verb kModel = {
    .name = "model",
    .summary = "what a model's layers hold and compute; import one from Hugging Face",
    .positionals = kPositionals,
    .options = kOptions,
    .notes =
        "show tells KV bytes, weights and operations by type of layer, on one GPU, or on each of\n"
        "several. import makes a model file of the config.json of a Hugging Face repository; no\n"
        "network is needed. What it does not know it names, with the nearest that it does.\n\n"
        "  terrace model show deepseek-v3 --explain\n"
        "  terrace model show llama-3.1-70b --tp 8 --kv-dtype fp8 --context 32768\n"
        "  terrace model import Llama-3.1-8B/config.json --out my-llama.yaml\n"
        "  terrace run quickstart --set model=./my-llama.yaml\n",
    .run = run};

}  // namespace terrace::app
