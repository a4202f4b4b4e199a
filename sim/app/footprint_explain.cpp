#include <string>

#include <fmt/format.h>

#include "sim/app/footprint_report.hpp"
#include "sim/app/model_formulas.hpp"
#include "sim/base/saturated.hpp"
#include "sim/report/human.hpp"
#include "sim/report/table.hpp"

namespace terrace::app {
namespace {

std::string n(std::int64_t number) { return human::count(number); }
std::string size(Bytes bytes) { return human::bytes(static_cast<double>(bytes.count())); }

std::string_view kind_of(const Attention& attention) {
  return config::Names<AttentionKind>::kList[attention.index()].first;
}

class Explanation {
 public:
  Explanation(const FootprintReport& report, const FootprintSeries& series)
      : report_(report),
        question_(report.wishes.question),
        series_(series),
        model_(report.model(series)),
        point_(series.points.back()) {}

  [[nodiscard]] std::string text() const {
    std::string text = fmt::format("\n{}, {}, tp {}: {} tokens\n", model_.name, name_of(series_.kv),
                                   series_.tensor, n(point_.context.count()));
    text += layers() + token() + sequence() + pages();
    for (std::size_t g = 0; g < question_.gpus.size(); ++g) text += gpu(g);
    for (std::size_t s = 0; s < question_.stores.size(); ++s) text += store(s);
    return text;
  }

 private:
  [[nodiscard]] std::string layers() const {
    const Parallel parallel{.tensor = series_.tensor};
    const Tokens encoder = model_.encoder ? model_.encoder->tokens : Tokens{};
    std::string text;
    for (const LayerGroup& group : model_.layers) {
      text += paragraph(fmt::format("  {} x {}: ", n(group.count), kind_of(group.attention)),
                        kv_formula(group.attention, series_.kv, parallel, encoder));
    }
    return text;
  }

  [[nodiscard]] std::string token() const {
    std::string text = fmt::format("all layers {} B", n(series_.token_per_gpu.count()));
    if (series_.tensor > 1) {
      text += fmt::format(" on each GPU; {} B stored once", n(series_.token.count()));
    }
    return paragraph("  a token: ", text);
  }

  [[nodiscard]] std::string plus_fixed() const {
    return series_.fixed > Bytes{} ? fmt::format(" + {} whatever the length", size(series_.fixed))
                                   : "";
  }

  [[nodiscard]] std::string sequence() const {
    const std::int64_t block = question_.engine.block_size.count();
    std::string text = paragraph(
        "  held: ", fmt::format("{} x {} B{} = {}", n(point_.context.count()),
                                n(series_.token_per_gpu.count()), plus_fixed(), size(point_.held)));
    if (point_.needed < point_.held) {
      text += paragraph("  needed: ",
                        fmt::format("{}, if layers with a window keep no more than the window",
                                    size(point_.needed)));
    }
    return text + paragraph("  in blocks: ",
                            fmt::format("{} tokens / {}, rounded up, = {} blocks x {}{} = {}",
                                        n(point_.context.count()), block, n(point_.blocks),
                                        size(saturated(series_.token_per_gpu, block)), plus_fixed(),
                                        size(point_.held_in_blocks)));
  }

  /// By vLLM's rules, which hybrid_pages() cites.
  [[nodiscard]] std::string pages() const {
    const HybridPages& h = point_.hybrid;
    if (h.groups.size() == 1) {
      return paragraph(
          "  in vLLM's pages: ",
          fmt::format("all layers are of one kind, hence one group: {} pages x {} = {}",
                      n(h.pages()), size(saturated(h.slot, h.slots)), size(h.bytes())));
    }
    std::string text = paragraph(
        "  in vLLM's pages: ",
        fmt::format("every page has {} slots, one per layer, of {}, the page of the largest kind; "
                    "a kind with more layers takes several groups, the last one padded",
                    n(h.slots), size(h.slot)));
    for (const PageGroups& group : h.groups) {
      const std::int64_t padding = group.groups * h.slots - group.layers;
      std::string line = fmt::format("{} layers in {} group{}", n(group.layers), n(group.groups),
                                     group.groups == 1 ? "" : "s");
      if (padding > 0) line += fmt::format(" with {} empty slots", n(padding));
      line += group.block > Tokens{} ? fmt::format(", {} tokens to a page", n(group.block.count()))
                                     : ", a page for the state";
      line += fmt::format(": {} x {} pages", n(group.groups), n(group.pages));
      text += paragraph(
          fmt::format("    {}: ", kind_of(model_.layers[group.layer_group].attention)), line);
    }
    return text +
           paragraph("    ", fmt::format("{} pages x {} x {} = {} (vLLM, "
                                         "docs/design/hybrid_kv_cache_manager.md)",
                                         n(h.pages()), n(h.slots), size(h.slot), size(h.bytes())));
  }

  [[nodiscard]] std::string gpu(std::size_t g) const {
    const HbmShare& share = series_.gpus[g];
    const HbmBudget& b = share.budget;
    const std::int64_t seqs = question_.engine.max_num_seqs;
    std::string reserve = size(b.reserve - series_.fixed * seqs) + " of reserve (estimated)";
    if (series_.fixed > Bytes{}) {
      reserve +=
          fmt::format(" - {} sequences x {} whatever their length", n(seqs), size(series_.fixed));
    }
    std::string text = fmt::format("{} x {} - {} of weights - {}", size(b.memory), b.utilization,
                                   size(b.weights), reserve);
    if (!share.room) {
      text += share.weights_fit ? " leaves no room for KV" : ": the weights do not fit";
      return paragraph(fmt::format("  {}: ", question_.gpus[g].name), text);
    }
    text += fmt::format(" = {} for KV", size(b.for_kv()));
    if (share.blocks > 0) {
      text += fmt::format(" / {} = {} blocks; ({} - 1) / {} = {} sequences", size(b.block),
                          n(share.blocks), n(share.blocks), n(point_.blocks),
                          n((share.blocks - 1) / point_.blocks));
      if (point_.gpus[g].held < (share.blocks - 1) / point_.blocks) {
        text += fmt::format(", of which {} have room for their fixed part", n(point_.gpus[g].held));
      }
    }
    return paragraph(fmt::format("  {}: ", question_.gpus[g].name), text);
  }

  [[nodiscard]] std::string store(std::size_t s) const {
    const KvStore& store = question_.stores[s];
    return paragraph(fmt::format("  {}: ", store.name),
                     fmt::format("{} / ({} x {} GPU{}) = {} sequences", size(store.capacity),
                                 size(point_.held_in_blocks), series_.tensor,
                                 series_.tensor == 1 ? "" : "s", n(point_.stores[s].held)));
  }

  const FootprintReport& report_;
  const FootprintQuestion& question_;
  const FootprintSeries& series_;
  const ModelSpec& model_;
  const FootprintPoint& point_;
};

}  // namespace

std::string footprint_explained(const FootprintReport& report) {
  std::string text;
  for (const FootprintSeries& series : report.series) text += Explanation(report, series).text();
  return text;
}

}  // namespace terrace::app
