#include "sim/model/attention_rewrite.hpp"

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

namespace terrace {
namespace {

constexpr std::string_view kForms =
    "write mha, mqa, gqa:KV_HEADS or mla:LATENT+ROPE, as mla:512+64";

std::optional<std::int64_t> positive(std::string_view text) {
  const auto number = config::Scalar<std::int64_t>::parse(text).value;
  constexpr std::int64_t kMost = 65536;  // as in files
  return number && *number >= 1 && *number <= kMost ? number : std::nullopt;
}

/// Changes the attention of one layer; says whether there was something to change.
class Rewriter {
 public:
  Rewriter(const AttentionRewrite& rewrite, const std::string& model)
      : rewrite_(rewrite), model_(model) {}

  [[nodiscard]] std::optional<Attention> operator()(const LinearAttention&) const { return {}; }
  [[nodiscard]] std::optional<Attention> operator()(const CrossAttention&) const { return {}; }

  [[nodiscard]] std::optional<Attention> operator()(const FullAttention& a) const {
    if (rewrite_.kind != AttentionRewrite::Kind::mla) return shared(a);
    return LatentAttention{.heads = a.heads,
                           .kv_lora = rewrite_.latent,
                           .rope_dim = rewrite_.rope,
                           .nope_dim = a.head_dim,
                           .v_dim = a.head_dim};
  }

  [[nodiscard]] std::optional<Attention> operator()(const SlidingAttention& a) const {
    return windowed(a, "a sliding window");
  }
  [[nodiscard]] std::optional<Attention> operator()(const ChunkedAttention& a) const {
    return windowed(a, "chunks");
  }

  [[nodiscard]] std::optional<Attention> operator()(const LatentAttention& a) const {
    return latent(a);
  }
  [[nodiscard]] std::optional<Attention> operator()(const SparseLatentAttention& a) const {
    return latent(a);
  }

 private:
  /// The same with other KV heads.
  template <class A>
  [[nodiscard]] A shared(A a) const {
    using Kind = AttentionRewrite::Kind;
    a.kv_heads = rewrite_.kind == Kind::mqa   ? 1
                 : rewrite_.kind == Kind::gqa ? rewrite_.kv_heads
                                              : a.heads;
    if (a.heads % a.kv_heads == 0) return a;
    std::vector<std::int64_t> possible;
    for (std::int64_t n = 1; n <= a.heads; ++n) {
      if (a.heads % n == 0) possible.push_back(n);
    }
    throw RewriteError(fmt::format(
        "{} cannot become {}: each KV head serves as many of its {} heads; possible are {}", model_,
        rewrite_.text, a.heads, fmt::join(possible, ", ")));
  }

  template <class A>
  [[nodiscard]] std::optional<Attention> windowed(const A& a, std::string_view span) const {
    if (rewrite_.kind != AttentionRewrite::Kind::mla) return shared(a);
    throw RewriteError(fmt::format(
        "{} cannot become {}: it has layers with {}, and MLA attends to all tokens; mha, gqa and "
        "mqa keep it",
        model_, rewrite_.text, span));
  }

  template <class A>
  [[nodiscard]] std::optional<Attention> latent(A a) const {
    if (rewrite_.kind == AttentionRewrite::Kind::mla) {
      a.kv_lora = rewrite_.latent;
      a.rope_dim = rewrite_.rope;
      return a;
    }
    const std::int64_t pair = a.nope_dim + a.rope_dim + a.v_dim;
    if (pair % 2 == 0) return shared(FullAttention{.heads = a.heads, .head_dim = pair / 2});
    throw RewriteError(
        fmt::format("{} cannot become {}: a key of {} and a value of {} elements are {} together, "
                    "which is no two heads of one width",
                    model_, rewrite_.text, a.nope_dim + a.rope_dim, a.v_dim, pair));
  }

  const AttentionRewrite& rewrite_;
  const std::string& model_;
};

}  // namespace

config::Parsed<AttentionRewrite> parse_rewrite(std::string_view text) {
  using Kind = AttentionRewrite::Kind;
  AttentionRewrite rewrite;
  rewrite.text = text;
  if (text == "mha") return {std::move(rewrite), {}};
  if (text == "mqa") {
    rewrite.kind = Kind::mqa;
    return {std::move(rewrite), {}};
  }
  if (text.starts_with("gqa:")) {
    const auto heads = positive(text.substr(4));
    rewrite.kind = Kind::gqa;
    rewrite.kv_heads = heads.value_or(0);
    if (heads) return {std::move(rewrite), {}};
  }
  const std::size_t plus = text.find('+');
  if (text.starts_with("mla:") && plus != std::string_view::npos) {
    const auto latent = positive(text.substr(4, plus - 4));
    const auto rope = positive(text.substr(plus + 1));
    rewrite.kind = Kind::mla;
    rewrite.latent = latent.value_or(0);
    rewrite.rope = rope.value_or(0);
    if (latent && rope) return {std::move(rewrite), {}};
  }
  return {std::nullopt, fmt::format("'{}' is no attention; {}", text, kForms)};
}

ModelSpec rewritten(const ModelSpec& model, const AttentionRewrite& rewrite) {
  ModelSpec other = model;
  bool any = false;
  const Rewriter rewriter(rewrite, model.name);
  for (LayerGroup& group : other.layers) {
    const auto attention = std::visit(rewriter, group.attention);
    if (!attention) continue;
    group.attention = *attention;
    any = true;
  }
  if (!any) {
    throw RewriteError(
        fmt::format("{} cannot become {}: none of its layers keeps keys and values "
                    "of its own tokens",
                    model.name, rewrite.text));
  }
  other.name = fmt::format("{} ({})", model.name, rewrite.text);
  return other;
}

}  // namespace terrace
