#include "sim/study/footprint/footprint.hpp"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "sim/app/arguments.hpp"
#include "sim/app/catalogue.hpp"
#include "sim/app/footprint_options.hpp"
#include "sim/app/footprint_report.hpp"
#include "sim/app/number_axis.hpp"
#include "sim/app/output.hpp"
#include "sim/report/human.hpp"
#include "sim/report/output_file.hpp"

namespace terrace::app {
namespace {

void note_long_contexts(const FootprintQuestion& question) {
  for (const ModelSpec& model : question.models) {
    if (question.contexts.back() <= model.max_context) continue;
    note(fmt::format("note: {} was made for {} tokens; longer contexts are shown all the same",
                     model.name, human::count(model.max_context.count())));
  }
}

ExitCode run(const Arguments& arguments) {
  arguments.check_exclusive(
      std::array{std::pair<std::string_view, std::string_view>{"json", "explain"}});
  FootprintReport report{footprint_wishes(arguments), {}};
  report.series = footprint(report.wishes.question);
  if (const auto file = arguments.value("csv")) {
    replace_file(*file, [&](const auto& path) { write_footprint_csv(report, path); });
  }
  if (const auto file = arguments.value("plot")) replace_file(*file, footprint_svg(report));
  note_long_contexts(report.wishes.question);
  if (arguments.has("json")) {
    print(footprint_json(report));
  } else {
    print(footprint_text(report));
    if (arguments.has("explain")) print(footprint_explained(report));
  }
  return ExitCode::ok;
}

constexpr std::array kOptions = {
    Option{"models", "NAMES", "needed: names of 'terrace list models', or files, commas between"},
    Option{"context", "TOKENS", "tokens of a sequence; by default 4k..128k x2"},
    Option{"batch", "N", "sequences at once; by default 1"},
    Option{"kv-dtype", "TYPES", "element of the cache: bf16 (default), fp16, fp8, int8, int4"},
    Option{"tp", "N", "GPUs that share every layer (tensor parallel); by default 1"},
    Option{"what-if", "ATTENTION", "also the models as if made with mha, mqa, gqa:8 or mla:512+64",
           Words::free, true},
    Option{"block-size", "TOKENS", "tokens of a block; by default 16"},
    Option{"hw", "GPUS",
           "of 'terrace list gpus' or machines: how many sequences fit beside the weights"},
    Option{"host", "HOSTS", "of 'terrace list hosts': how many fit their DRAM; 2xNAME, NAME:1TiB"},
    Option{"ssd", "SSDS", "of 'terrace list ssds': likewise; 4xNAME:7.68TB"},
    Option{"gpu-memory-utilization", "SHARE", "of a GPU's memory for the engine; by default 0.9"},
    Option{"max-num-seqs", "N", "for its reserve: sequences that run at once; by default 256"},
    Option{"max-num-batched-tokens", "N", "likewise: tokens of a step; by default 8192"},
    Option{"explain", "", "the formulas, with the numbers of the longest context"},
    Option{"csv", "FILE", "write there a row for each combination", Words::file},
    Option{"json", "", "print the rows as JSON, and nothing else"},
    Option{"plot", "FILE", "draw there bytes against context, as SVG", Words::file},
    kCatalogOption};

}  // namespace

constinit const Verb kFootprint = {
    .name = "footprint",
    .summary = "bytes of a KV cache, for models side by side, and how many sequences fit",
    .positionals = {},
    .options = kOptions,
    .notes =
        "Every combination of models, contexts, batches, types and GPUs. --context, --batch and\n"
        "--tp take numbers with commas between, and ranges: FIRST..LAST xK (each K times the "
        "last),\n"
        "FIRST..LAST +STEP. k is 1,024 and M 1,048,576: 128k are 131,072 tokens.\n\n"
        "The parts of a cache: full (keys and values of every token), windowed (sliding windows,\n"
        "chunks), latent and index (MLA, sparse attention), state (linear attention) and cross\n"
        "(the encoder's output), the last two by sequence. KV heads are shared by tp GPUs as far\n"
        "as there are some, latents are on every GPU. Scales of quantised caches are left out.\n\n"
        "Layers with a window need no token that has left it. Engines that manage all layers "
        "alike\n"
        "hold it anyway; 'terrace run' does, too. vLLM's hybrid manager frees it, but pads all\n"
        "pages to one size: that is the third figure; --explain tells the rules.\n\n"
        "--what-if changes the attention, not heads, dimensions, layers or MLPs. An MLA layer is\n"
        "spelled out for mha, gqa and mqa: (nope + rope + value) / 2 elements per head.\n\n"
        "--hw counts the blocks that a run of the same machine has, with serving.tensor_parallel "
        "at\n"
        "tp. --host and --ssd hold the parts of all GPUs; '4xNAME:7.68TB' are four drives of that\n"
        "size.\n\n"
        "  terrace footprint --models llama-3.1-8b,deepseek-v3 --context '4k..1M x2' --tp 1,8\n"
        "  terrace footprint --models gpt-oss-120b --kv-dtype bf16,fp8 --explain\n"
        "  terrace footprint --models llama-3.1-8b --what-if mha,mqa,mla:512+64 --plot kv.svg\n"
        "  terrace footprint --models llama-3.1-70b --tp 4 --hw h100-sxm,h200-sxm \\\n"
        "      --host dual-xeon-ddr5-2tib --ssd 4xsolidigm-d7-ps1010:7.68TB\n",
    .run = run};

}  // namespace terrace::app
