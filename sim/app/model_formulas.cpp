#include "sim/app/model_formulas.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "sim/report/human.hpp"

namespace terrace::app {
namespace {

std::string n(std::int64_t number) { return human::count(number); }

std::string_view name_of(Op op) {
  switch (op) {
    case Op::qkv_proj:
      return "QKV";
    case Op::o_proj:
      return "O";
    case Op::gate_up_proj:
      return "up";
    case Op::down_proj:
      return "down";
    case Op::router:
      return "router";
    case Op::shared_expert:
      return "shared";
    case Op::q_a_proj:
      return "Q down";
    case Op::q_b_proj:
      return "Q up";
    case Op::kv_a_proj:
      return "latent";
    case Op::absorb:
      return "K or V up";
    case Op::indexer:
      return "index";
    case Op::in_proj:
      return "QKV and gate";
    case Op::lm_head:
      return "LM head";
    case Op::embedding:
      return "embedding";
    case Op::layernorm:
    case Op::qk_norm:
    case Op::rotary_emb:
    case Op::act_fn:
    case Op::scan:
    case Op::final_layernorm:
    case Op::sampler:
      break;  // no products
  }
  return "other";
}

/// "2 B", "0.5 B"
std::string width(DType type) { return fmt::format("{} B", bytes_per_element(type)); }

std::int64_t in_bytes(std::int64_t elements, DType type) { return share(elements * bits(type), 8); }

/// What a quotient of KV heads comes to: "8 KV heads", "1 of 8 KV heads".
std::string kv_heads(std::int64_t all, std::int64_t here) {
  if (all == here) return fmt::format("{} KV head{}", n(all), all == 1 ? "" : "s");
  return fmt::format("{} of {} KV heads", n(here), n(all));
}

struct KvText {
  const AttentionWork& work;
  DType kv;
  std::string_view and_layer;  // " and layer", or ", layer and GPU"
  Tokens encoder;

  [[nodiscard]] std::string pairs(const FullAttention& a, std::string_view token = "token") const {
    const std::int64_t bytes = in_bytes(work.cache.elements, kv);
    return fmt::format("2 x {} x {} x {} = {} B per {}{}",
                       kv_heads(a.kv_heads, work.kernels.front().kv_heads), n(a.head_dim),
                       width(kv), n(bytes), token, and_layer);
  }

  [[nodiscard]] std::string up_to(Tokens tokens) const {
    return human::bytes(static_cast<double>(in_bytes(work.cache.elements * tokens.count(), kv)));
  }

  std::string operator()(const FullAttention& a) const { return pairs(a); }

  std::string operator()(const SlidingAttention& a) const {
    return fmt::format("{}; of the last {} tokens, at most {} per sequence{}", pairs(a),
                       n(a.window.count()), up_to(a.window), and_layer);
  }

  std::string operator()(const ChunkedAttention& a) const {
    return fmt::format("{}; of a chunk of {} tokens, at most {} per sequence{}", pairs(a),
                       n(a.chunk.count()), up_to(a.chunk), and_layer);
  }

  std::string operator()(const LatentAttention& a) const {
    return fmt::format("({} latent + {} rotated key) x {} = {} B per token{}", n(a.kv_lora),
                       n(a.rope_dim), width(kv), n(in_bytes(work.cache.elements, kv)), and_layer);
  }

  std::string operator()(const SparseLatentAttention& a) const {
    return fmt::format("{}, and {} x 1 B index key + 4 B scale = {} B more",
                       (*this)(static_cast<const LatentAttention&>(a)), n(a.index_dim),
                       n(work.cache.fixed.count()));
  }

  std::string operator()(const LinearAttention& a) const {
    const std::int64_t state = a.key_dim * a.value_dim * 4;
    return fmt::format("{} states x {} x {} x 4 B = {} B per sequence{}, however long",
                       n(work.cache.state.count() / state), n(a.key_dim), n(a.value_dim),
                       n(work.cache.state.count()), and_layer);
  }

  std::string operator()(const CrossAttention& a) const {
    return fmt::format("{}; of {} tokens of the encoder {} per sequence{}",
                       pairs(a, "encoder token"), n(encoder.count()), up_to(encoder), and_layer);
  }
};

}  // namespace

std::string compact(double number) {
  constexpr double kMost = 9e18;  // of what a file could make it
  return human::compact(static_cast<std::int64_t>(std::min(number, kMost)));
}

std::string flops(double operations) {
  const std::string text = compact(operations);
  const bool has_prefix = text.find(' ') != std::string::npos;
  return text + (has_prefix ? "FLOP" : " FLOP");
}

std::string kv_formula(const Attention& attention, DType kv, const Parallel& parallel,
                       Tokens encoder) {
  // Shapes of the cache do not depend on what goes in and out of a layer.
  const AttentionWork done = work(attention, 1, parallel);
  return std::visit(
      KvText{done, kv, parallel.tensor > 1 ? ", layer and GPU" : " and layer", encoder}, attention);
}

std::string weights_formula(const AttentionWork& attention, const MlpWork& mlp) {
  std::string text;
  double sum = 0;
  const auto add = [&](std::string_view name, std::int64_t times, std::int64_t k, std::int64_t m) {
    if (!text.empty()) text += " + ";
    text += fmt::format("{} {}{} x {}", name, times > 1 ? n(times) + " x " : "", n(k), n(m));
    sum += static_cast<double>(times) * static_cast<double>(k) * static_cast<double>(m);
  };
  for (const auto* products : {&attention.products, &attention.encoder_products, &mlp.products}) {
    for (const Product& p : *products) add(name_of(p.op), p.times, p.k, p.n);
  }
  const ExpertsWork& e = mlp.experts;
  if (e.total > 0) {
    const std::string held =
        e.local == e.total ? n(e.total) : fmt::format("{} of {}", n(e.local), n(e.total));
    add(held + " experts,", e.local * e.matrices, e.hidden, e.width);
  }
  return fmt::format("{} = {}", text, compact(sum));
}

double flops_per_pair(const AttentionKernel& kernel) {
  const std::int64_t per_head =
      kernel.latent > 0 ? 2 * kernel.latent + kernel.rope : kernel.head_dim + kernel.value_dim;
  return 2 * static_cast<double>(kernel.heads * per_head);
}

std::string attention_formula(const AttentionKernel& kernel, Tokens attended) {
  const std::string dims =
      kernel.latent > 0      ? fmt::format("(2 x {} + {})", n(kernel.latent), n(kernel.rope))
      : kernel.value_dim > 0 ? fmt::format("({} + {})", n(kernel.head_dim), n(kernel.value_dim))
                             : n(kernel.head_dim);
  const double sum = flops_per_pair(kernel) * static_cast<double>(attended.count());
  return fmt::format("2 x {} heads x {} x {} tokens = {}", n(kernel.heads), dims,
                     n(attended.count()), flops(sum));
}

std::string replicated(const ModelSpec& model, const Parallel& parallel) {
  std::vector<std::string> everywhere;
  std::vector<std::string> twice;
  const auto add = [](std::vector<std::string>& list, std::string what) {
    if (std::find(list.begin(), list.end(), what) == list.end()) list.push_back(std::move(what));
  };
  for (const LayerGroup& group : model.layers) {
    for (const AttentionKernel& kernel : work(group.attention, model.hidden, {}).kernels) {
      if (kernel.latent > 0) {
        add(everywhere, "latents and what makes them");
      } else if (kernel.value_dim == 0) {
        add(everywhere, "the index");
      } else if (parallel.tensor > kernel.kv_heads) {
        add(twice,
            fmt::format("; each of {} on {} GPUs", kv_heads(kernel.kv_heads, kernel.kv_heads),
                        n(share(parallel.tensor, kernel.kv_heads))));
      }
    }
    if (work(group.mlp, model.hidden, {}).experts.total > 0) add(everywhere, "routers");
  }
  add(everywhere, "norms");
  return fmt::format("{} on every GPU{}", fmt::join(everywhere, ", "), fmt::join(twice, ""));
}

}  // namespace terrace::app
