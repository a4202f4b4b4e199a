#include "sim/app/model_show.hpp"

#include <cstdint>
#include <vector>

#include <fmt/format.h>

#include "sim/app/model_formulas.hpp"
#include "sim/report/human.hpp"
#include "sim/report/table.hpp"

namespace terrace::app {
namespace {

double real(std::int64_t n) { return static_cast<double>(n); }

Tokens encoder_tokens(const ModelSpec& model) {
  return model.encoder ? model.encoder->tokens : Tokens{};
}

template <class Kind, class Variant>
std::string_view kind_of(const Variant& value) {
  return config::Names<Kind>::kList[value.index()].first;
}

/// A group of equal layers on one GPU.
class Layers {
 public:
  Layers(const LayerGroup& group, const ModelSpec& model, const ModelQuestion& question)
      : group_(group),
        question_(question),
        encoder_(encoder_tokens(model)),
        attention_(work(group.attention, model.hidden, question.parallel)),
        mlp_(work(group.mlp, model.hidden, question.parallel)) {}

  [[nodiscard]] std::string name() const {
    const std::string mlp(kind_of<MlpKind>(group_.mlp));
    return fmt::format("{}, {}", kind_of<AttentionKind>(group_.attention),
                       mlp == "none" ? "no MLP" : mlp);
  }

  [[nodiscard]] double weights() const {
    return products() + real(mlp_.experts.local * mlp_.experts.weights_of_one());
  }

  /// Operations of one decoded token, by its products; of experts, the share that is here.
  [[nodiscard]] double weight_flops() const {
    const ExpertsWork& e = mlp_.experts;
    const double used = e.total > 0 ? real(e.top_k * e.local) / real(e.total) : 0;
    return 2 * (products() - once() + used * real(e.weights_of_one()));
  }

  [[nodiscard]] double attention_flops() const {
    double sum = 0;
    for (const AttentionKernel& kernel : attention_.kernels) {
      sum += flops_per_pair(kernel) * real(seen(kernel).count());
    }
    return sum;
  }

  /// "4,096 B", per token; of what the cache holds whatever the context, "4 MiB/seq".
  [[nodiscard]] std::string kv() const {
    const CacheWork& cache = attention_.cache;
    if (cache.state > Bytes{}) return human::bytes(cache.state) + " state";
    return human::count(share(cache.elements * bits(question_.kv), 8) + cache.fixed.count()) + " B";
  }

  [[nodiscard]] std::string keeps() const {
    const CacheWork& cache = attention_.cache;
    const std::string span = human::count(cache.span.count());
    if (cache.state > Bytes{}) return "-";
    switch (cache.reach) {
      case Reach::all:
      case Reach::chosen:
        return "all";
      case Reach::window:
        return "last " + span;
      case Reach::chunk:
        return "chunk of " + span;
      case Reach::encoder:
        return fmt::format("encoder's {}", human::count(encoder_.count()));
    }
    return {};
  }

  [[nodiscard]] std::string explained() const {
    std::string text = fmt::format("{} x {}\n", human::count(group_.count), name());
    text += paragraph("  KV: ",
                      kv_formula(group_.attention, question_.kv, question_.parallel, encoder_));
    text += paragraph("  weights: ", weights_formula(attention_, mlp_));
    text += paragraph("  per token: ", "2 x weights used = " + flops(weight_flops()));
    for (const AttentionKernel& kernel : attention_.kernels) {
      text += paragraph(kernel.value_dim > 0 ? "  attention: " : "  index: ",
                        attention_formula(kernel, seen(kernel)));
    }
    return text;
  }

 private:
  [[nodiscard]] static double sum_of(const std::vector<Product>& products) {
    double sum = 0;
    for (const Product& product : products) sum += real(product.weights());
    return sum;
  }

  /// Weights that meet the encoder's output, not the decoder's tokens.
  [[nodiscard]] double once() const { return sum_of(attention_.encoder_products); }
  [[nodiscard]] double products() const {
    return sum_of(attention_.products) + once() + sum_of(mlp_.products);
  }
  [[nodiscard]] Tokens seen(const AttentionKernel& kernel) const {
    return attended(kernel.reach, kernel.span, question_.context, encoder_);
  }

  const LayerGroup& group_;
  const ModelQuestion& question_;
  Tokens encoder_;
  AttentionWork attention_;
  MlpWork mlp_;
};

/// "8.03 billion"
std::string in_words(double number) {
  std::string text = compact(number);
  if (text.ends_with('G')) text.replace(text.size() - 1, 1, "billion");
  if (text.ends_with('M')) text.replace(text.size() - 1, 1, "million");
  return text;
}

/// "1,024 B (1.00 KiB)"; small ones need no unit twice.
std::string both(Bytes bytes) {
  const std::string exact = human::count(bytes.count()) + " B";
  return bytes < Bytes{1024} ? exact : fmt::format("{} ({})", exact, human::bytes(bytes));
}

std::string sequence_text(const ModelSpec& model, const ModelQuestion& q) {
  const Bytes needed = kv_bytes_of_sequence(model, q.kv, q.parallel, q.context);
  const Bytes fixed = fixed_bytes_per_sequence(model, q.kv, q.parallel);
  const Bytes per_token = kv_bytes_per_token_per_gpu(model, q.kv, q.parallel);
  const double held = real(per_token.count()) * real(q.context.count()) + real(fixed.count());
  std::string text = fmt::format("a sequence of {} tokens: {}", human::count(q.context.count()),
                                 human::bytes(held));
  if (fixed > Bytes{}) text += fmt::format(", {} of it whatever its length", human::bytes(fixed));
  if (real(needed.count()) < held) {
    text += fmt::format("; {} if what has left a window is freed", human::bytes(needed));
  }
  return text;
}

std::string totals(const ModelSpec& model, const ModelQuestion& q) {
  std::string text;
  const auto& name = config::Names<DType>::kList;
  const auto of = [&](DType type) { return name[static_cast<std::size_t>(type)].first; };
  text +=
      paragraph("weights: ",
                fmt::format("{} parameters, {} used per token; {} in {}",
                            in_words(parameters(model)), in_words(active_parameters(model)),
                            human::bytes(weight_bytes_per_gpu(model, {})), of(model.weight_dtype)));
  text += paragraph("KV cache: ", fmt::format("{} per token in {}",
                                              both(kv_bytes_per_token(model, q.kv)), of(q.kv)));
  ModelQuestion whole = q;
  whole.parallel = {};
  text += paragraph("          ", sequence_text(model, whole));
  if (q.parallel.tensor == 1) return text;
  text += paragraph(fmt::format("each of {} GPUs: ", q.parallel.tensor),
                    fmt::format("{} of weights; {} of KV per token; {}",
                                human::bytes(weight_bytes_per_gpu(model, q.parallel)),
                                both(kv_bytes_per_token_per_gpu(model, q.kv, q.parallel)),
                                sequence_text(model, q)));
  text += paragraph("held more than once: ", replicated(model, q.parallel));
  return text;
}

}  // namespace

std::string model_text(const ModelSpec& model, const ModelQuestion& q) {
  std::vector<Layers> groups;
  for (const LayerGroup& group : model.layers) groups.emplace_back(group, model, q);

  Table table(
      {"Layers", "count", "KV per token", "keeps", "weights", "FLOP per token", "attention"});
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const Layers& layers = groups[i];
    table.add({layers.name(), human::count(model.layers[i].count), layers.kv(), layers.keeps(),
               compact(layers.weights()), flops(layers.weight_flops()),
               flops(layers.attention_flops())});
  }
  if (model.encoder) {
    for (const LayerGroup& group : model.encoder->layers) {
      const Layers layers(group, model, q);
      table.add({"encoder, " + layers.name(), human::count(group.count), "-", "-",
                 compact(layers.weights()), flops(layers.weight_flops()), "-"});
    }
  }
  const std::int64_t rows = share(model.vocabulary, q.parallel.tensor) * model.hidden;
  table.add({model.tied_embeddings ? "embedding = LM head" : "embedding, LM head", "1", "-", "-",
             human::compact(rows * (model.tied_embeddings ? 1 : 2)), flops(2 * real(rows)), "-"});

  std::string text = totals(model, q) + '\n' + table.text();
  text += paragraph("", fmt::format("per layer{}; attention of a token that comes after {} others",
                                    q.parallel.tensor > 1 ? " and GPU" : "",
                                    human::count(q.context.count() - 1)));
  if (!q.explain) return text;
  for (const Layers& layers : groups) text += '\n' + layers.explained();
  return text;
}

}  // namespace terrace::app
