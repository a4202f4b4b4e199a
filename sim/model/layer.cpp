#include "sim/model/layer.hpp"

#include <cstddef>
#include <type_traits>

namespace terrace {
namespace {

using config::between;

void describe_heads(config::Fields& f, FullAttention& a) {
  f.required("heads", a.heads, "query heads per layer", between(1, 4096));
  f.required("kv_heads", a.kv_heads, "KV heads per layer; as many as heads: MHA, one: MQA",
             between(1, 65536));
  f.required("head_dim", a.head_dim, "elements of a head; need not be hidden / heads",
             between(1, 16384));
  f.check(a.kv_heads < 1 || a.heads % a.kv_heads == 0, "kv_heads", "'kv_heads' must divide 'heads'",
          "each KV head serves the same number of query heads");
}

void describe_shape(config::Fields& f, FullAttention& a) {
  describe_heads(f, a);
  f.field("qk_norm", a.qk_norm, "norms on the heads of queries and keys");
  f.field("output_gate", a.output_gate, "a gate on the output, as wide as the queries");
}

void describe_shape(config::Fields& f, SlidingAttention& a) {
  describe_shape(f, static_cast<FullAttention&>(a));
  f.required("window", a.window, "tokens that a token attends to, itself included",
             between(1, 1e9));
}

void describe_shape(config::Fields& f, ChunkedAttention& a) {
  describe_shape(f, static_cast<FullAttention&>(a));
  f.required("chunk", a.chunk, "tokens that attend to each other only", between(1, 1e9));
}

void describe_shape(config::Fields& f, CrossAttention& a) { describe_heads(f, a); }

void describe_shape(config::Fields& f, LatentAttention& a) {
  f.required("heads", a.heads, "query heads per layer", between(1, 4096));
  f.field("q_lora", a.q_lora, "rank of the query projection; 0: not factorised", between(0, 65536));
  f.required("kv_lora", a.kv_lora, "elements of the latent that keys and values are made from",
             between(1, 65536));
  f.required("rope_dim", a.rope_dim, "elements of the rotated key that all heads share",
             between(1, 65536));
  f.required("nope_dim", a.nope_dim, "elements of a head's key that are not rotated",
             between(1, 16384));
  f.required("v_dim", a.v_dim, "elements of a head's value", between(1, 16384));
}

void describe_shape(config::Fields& f, SparseLatentAttention& a) {
  describe_shape(f, static_cast<LatentAttention&>(a));
  f.required("top_k", a.top_k, "tokens that a token attends to", between(1, 1e9));
  f.required("index_heads", a.index_heads, "heads that score tokens", between(1, 4096));
  f.required("index_dim", a.index_dim, "elements of a head that scores; kept in fp8 per token",
             between(1, 16384));
}

void describe_shape(config::Fields& f, LinearAttention& a) {
  f.required("heads", a.heads, "heads of values, and states per layer", between(1, 4096));
  f.required("key_heads", a.key_heads, "heads of queries and of keys", between(1, 65536));
  f.required("key_dim", a.key_dim, "elements of a query and of a key", between(1, 16384));
  f.required("value_dim", a.value_dim, "elements of a value", between(1, 16384));
  f.check(a.key_heads < 1 || a.heads % a.key_heads == 0, "key_heads",
          "'key_heads' must divide 'heads'", "each key serves the same number of states");
}

void describe_shape(config::Fields& f, DenseMlp& m) {
  f.required("width", m.width, "elements of the inner layer", between(1, 1e6));
  f.required("gated", m.gated, "three matrices (SwiGLU, GeGLU), not two");
}

void describe_shape(config::Fields& f, MoeMlp& m) {
  f.required("experts", m.experts, "routed experts per layer", between(1, 4096));
  f.required("top_k", m.top_k, "routed experts that a token uses", between(1, 4096));
  f.required("width", m.width, "elements of an expert's inner layer", between(1, 1e6));
  f.required("gated", m.gated, "three matrices per expert (SwiGLU, GeGLU), not two");
  f.field("shared_experts", m.shared_experts, "experts that every token uses", between(0, 4096));
  f.field("shared_width", m.shared_width, "of a shared expert, if not that of the others",
          between(0, 1e6));
  f.check(m.top_k <= m.experts, "top_k", "'top_k' must not exceed 'experts'");
  f.check(m.shared_width == 0 || m.shared_experts > 0, "shared_width",
          "'shared_width' has no effect without 'shared_experts'");
}

void describe_shape(config::Fields&, NoMlp&) {}

/// Makes `value` hold its alternative number `wanted`, keeping it if it does already.
template <std::size_t I = 0, class... Alternatives>
void hold(std::variant<Alternatives...>& value, std::size_t wanted) {
  if constexpr (I < sizeof...(Alternatives)) {
    if (wanted != I) return hold<I + 1>(value, wanted);
    if (value.index() != I) value.template emplace<I>();
  }
}

template <class Kind, class Variant>
void describe_kind(config::Fields& f, Variant& value, std::string_view doc) {
  static_assert(config::Names<Kind>::kList.size() == std::variant_size_v<Variant>);
  auto kind = static_cast<Kind>(value.index());
  const auto shape = [&] {
    hold(value, static_cast<std::size_t>(kind));
    std::visit([&](auto& alternative) { describe_shape(f, alternative); }, value);
  };
  f.variant("kind", kind, doc, shape, true);
}

}  // namespace

void describe(config::Fields& f, Attention& attention) {
  describe_kind<AttentionKind>(f, attention, "how tokens attend, hence what the KV cache holds");
}

void describe(config::Fields& f, Mlp& mlp) {
  describe_kind<MlpKind>(f, mlp, "whether all weights serve every token");
}

}  // namespace terrace
