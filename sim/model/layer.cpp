#include "sim/model/layer.hpp"

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "sim/base/check.hpp"

namespace terrace {
namespace {

using config::between;

std::int64_t share(std::int64_t total, std::int64_t parts) { return (total + parts - 1) / parts; }

constexpr double kFlopsPerWeight = 2;  // a multiplication and an addition

std::int64_t matrices(bool gated) { return gated ? 3 : 2; }

AttentionWork work_of(const FullAttention& a, std::int64_t hidden, std::int64_t tp) {
  const std::int64_t query = share(a.heads, tp) * a.head_dim;
  const std::int64_t key = share(a.kv_heads, std::min(tp, a.kv_heads)) * a.head_dim;

  AttentionWork work;
  work.weights = hidden * (query + 2 * key) + query * hidden;
  work.kv_elements = 2 * key;
  work.pair_flops = kFlopsPerWeight * 2 * static_cast<double>(query);
  work.cached_pair_flops = work.pair_flops;
  work.written = 2 * hidden + query + key;  // residual and norm; rotated queries and keys
  work.kernels = 5;                         // norm, QKV, rotation with cache write, attention, O
  return work;
}

AttentionWork work_of(const LatentAttention& a, std::int64_t hidden, std::int64_t tp) {
  const std::int64_t heads = share(a.heads, tp);
  const std::int64_t query = heads * (a.nope_dim + a.rope_dim);
  const std::int64_t value = heads * a.v_dim;
  const std::int64_t latent = a.kv_lora + a.rope_dim;
  const std::int64_t from_latent = a.kv_lora * heads * (a.nope_dim + a.v_dim);
  const std::int64_t queries = a.q_lora > 0 ? hidden * a.q_lora + a.q_lora * query : hidden * query;

  AttentionWork work;
  work.weights = queries + hidden * latent + from_latent + value * hidden;
  work.kv_elements = latent;
  work.pair_flops = kFlopsPerWeight * static_cast<double>(query + value);
  work.expand_flops = kFlopsPerWeight * static_cast<double>(from_latent);
  // Absorbed: the up-projections act on queries and outputs, so that keys and values are latents.
  work.cached_pair_flops = kFlopsPerWeight * static_cast<double>(heads * (latent + a.kv_lora));
  work.written = 2 * hidden + a.q_lora + latent + query;
  work.kernels = 9;  // as above, with two more projections, their norm, two absorptions
  return work;
}

MlpWork work_of(const DenseMlp& m, std::int64_t hidden, std::int64_t tp) {
  const std::int64_t width = share(m.width, tp);
  MlpWork work;
  work.weights = matrices(m.gated) * hidden * width;
  work.written = 2 * hidden + width;  // residual and norm; activation
  work.kernels = 4;                   // norm, up, activation, down
  return work;
}

MlpWork work_of(const MoeMlp& m, std::int64_t hidden, std::int64_t tp) {
  const std::int64_t width = share(m.width, tp);
  const std::int64_t expert = matrices(m.gated) * hidden * width;
  MlpWork work;
  work.weights = hidden * m.experts + m.shared_experts * expert;
  work.written = 2 * hidden + m.top_k * (hidden + width) + hidden + m.shared_experts * width;
  // Norm, router, choice, sorting, up, activation, down, combination; the shared ones on their own.
  work.kernels = 8 + (m.shared_experts > 0 ? 3 : 0);
  work.expert_weights = expert;
  work.experts = m.experts;
  work.top_k = m.top_k;
  return work;
}

void describe_shape(config::Fields& f, FullAttention& a) {
  f.required("heads", a.heads, "query heads per layer", between(1, 4096));
  f.required("kv_heads", a.kv_heads, "KV heads per layer; as many as heads: MHA, one: MQA",
             between(1, 65536));
  f.required("head_dim", a.head_dim, "elements of a head; need not be hidden / heads",
             between(1, 16384));
  f.check(a.kv_heads < 1 || a.heads % a.kv_heads == 0, "kv_heads", "'kv_heads' must divide 'heads'",
          "each KV head serves the same number of query heads");
}

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

void describe_shape(config::Fields& f, DenseMlp& m) {
  f.required("width", m.width, "elements of the inner layer", between(1, 1e6));
  f.required("gated", m.gated, "three matrices (SwiGLU, GeGLU), not two");
}

void describe_shape(config::Fields& f, MoeMlp& m) {
  f.required("experts", m.experts, "routed experts per layer", between(1, 4096));
  f.required("top_k", m.top_k, "routed experts that a token uses", between(1, 4096));
  f.required("width", m.width, "elements of an expert's inner layer", between(1, 1e6));
  f.required("gated", m.gated, "three matrices per expert (SwiGLU, GeGLU), not two");
  f.field("shared_experts", m.shared_experts, "experts of the same width that every token uses",
          between(0, 4096));
  f.check(m.top_k <= m.experts, "top_k", "'top_k' must not exceed 'experts'");
}

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

AttentionWork work(const Attention& attention, std::int64_t hidden, int tp) {
  TERRACE_CHECK(tp >= 1);
  return std::visit([&](const auto& a) { return work_of(a, hidden, tp); }, attention);
}

MlpWork work(const Mlp& mlp, std::int64_t hidden, int tp) {
  TERRACE_CHECK(tp >= 1);
  return std::visit([&](const auto& m) { return work_of(m, hidden, tp); }, mlp);
}

void describe(config::Fields& f, Attention& attention) {
  describe_kind<AttentionKind>(f, attention, "how tokens attend, hence what the KV cache holds");
}

void describe(config::Fields& f, Mlp& mlp) {
  describe_kind<MlpKind>(f, mlp, "whether all weights serve every token");
}

}  // namespace terrace
