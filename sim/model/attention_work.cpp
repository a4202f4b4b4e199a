#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/model/layer.hpp"

namespace terrace {
namespace {

/// Norm and residual before a part of a layer: each writes a token once.
Pointwise norm(std::int64_t hidden) { return {Op::layernorm, 2 * hidden}; }

/// Attention whose cache holds keys and values as they are, to the tokens within `reach`.
AttentionWork spelled_out(const FullAttention& a, std::int64_t hidden, std::int64_t tp, Reach reach,
                          Tokens span) {
  const std::int64_t heads = share(a.heads, tp);
  const std::int64_t kv_heads = share(a.kv_heads, std::min(tp, a.kv_heads));
  const std::int64_t query = heads * a.head_dim;
  const std::int64_t key = kv_heads * a.head_dim;
  const std::int64_t gate = a.output_gate ? query : 0;

  AttentionWork work;
  work.products = {{Op::qkv_proj, query + gate + 2 * key, hidden}, {Op::o_proj, hidden, query}};
  work.pointwise = {norm(hidden), {Op::rotary_emb, query + key}};
  if (a.qk_norm) work.pointwise.push_back({Op::qk_norm, query + key});
  if (a.output_gate) work.pointwise.push_back({Op::act_fn, query});
  work.kernels = {{heads, kv_heads, a.head_dim, a.head_dim, 0, 0, reach, span}};
  work.cache.elements = 2 * key;
  work.cache.reach = reach;
  work.cache.span = span;
  return work;
}

AttentionWork work_of(const FullAttention& a, std::int64_t hidden, std::int64_t tp) {
  return spelled_out(a, hidden, tp, Reach::all, {});
}

AttentionWork work_of(const SlidingAttention& a, std::int64_t hidden, std::int64_t tp) {
  return spelled_out(a, hidden, tp, Reach::window, a.window);
}

AttentionWork work_of(const ChunkedAttention& a, std::int64_t hidden, std::int64_t tp) {
  return spelled_out(a, hidden, tp, Reach::chunk, a.chunk);
}

/// Of the decoder's tokens queries and outputs only; no rotation, as positions differ.
AttentionWork work_of(const CrossAttention& a, std::int64_t hidden, std::int64_t tp) {
  AttentionWork work = spelled_out(a, hidden, tp, Reach::encoder, {});
  const std::int64_t query = work.kernels.front().heads * a.head_dim;
  work.products.front().n = query;
  work.encoder_products = {{Op::qkv_proj, work.cache.elements, hidden}};
  work.pointwise = {norm(hidden)};
  return work;
}

/// DeepSeek-V2 (arXiv 2405.04434), section 2.1, appendix C.
AttentionWork work_of(const LatentAttention& a, std::int64_t hidden, std::int64_t tp) {
  const std::int64_t heads = share(a.heads, tp);
  const std::int64_t query = heads * (a.nope_dim + a.rope_dim);
  const std::int64_t latent = a.kv_lora + a.rope_dim;

  AttentionWork work;
  if (a.q_lora > 0) {
    work.products = {{Op::q_a_proj, a.q_lora, hidden}, {Op::q_b_proj, query, a.q_lora}};
  } else {
    work.products = {{Op::q_b_proj, query, hidden}};
  }
  work.products.push_back({Op::kv_a_proj, latent, hidden});
  // Absorbed: the up-projections act on queries and outputs, so that keys and values are latents.
  work.products.push_back({Op::absorb, a.kv_lora, a.nope_dim, heads});
  work.products.push_back({Op::absorb, a.v_dim, a.kv_lora, heads});
  work.products.push_back({Op::o_proj, hidden, heads * a.v_dim});
  work.pointwise = {norm(hidden), {Op::qk_norm, a.q_lora + latent}, {Op::rotary_emb, query}};
  work.kernels = {{heads, heads, a.nope_dim + a.rope_dim, a.v_dim, a.kv_lora, a.rope_dim}};
  work.cache.elements = latent;
  return work;
}

/// DeepSeek-V3.2-Exp's report, section 2.1: scores of all tokens come from heads of their own, and
/// keys that they share. The indexer is the same on every GPU, as in vLLM and SGLang.
AttentionWork work_of(const SparseLatentAttention& a, std::int64_t hidden, std::int64_t tp) {
  constexpr std::int64_t kScaleBytes = 4;
  AttentionWork work = work_of(static_cast<const LatentAttention&>(a), hidden, tp);
  const std::int64_t query_source = a.q_lora > 0 ? a.q_lora : hidden;
  work.products.push_back({Op::indexer, a.index_heads * a.index_dim, query_source});
  work.products.push_back({Op::indexer, a.index_dim + a.index_heads, hidden});
  work.kernels.front().reach = Reach::chosen;
  work.kernels.front().span = a.top_k;
  work.kernels.push_back({a.index_heads, 1, a.index_dim, 0});
  work.cache.fixed = Bytes{a.index_dim + kScaleBytes};
  work.cache.reach = Reach::chosen;
  work.cache.span = a.top_k;
  return work;
}

/// Gated delta nets (arXiv 2412.06464), lightning attention (arXiv 2501.08313): projections to
/// queries, keys, values and an output gate.
AttentionWork work_of(const LinearAttention& a, std::int64_t hidden, std::int64_t tp) {
  constexpr std::int64_t kStateBytes = 4;  // fp32, as engines keep it
  const std::int64_t heads = share(a.heads, tp);
  const std::int64_t keys = 2 * share(a.key_heads, std::min(tp, a.key_heads)) * a.key_dim;
  const std::int64_t values = heads * a.value_dim;

  AttentionWork work;
  work.products = {{Op::in_proj, keys + 2 * values, hidden}, {Op::o_proj, hidden, values}};
  work.pointwise = {norm(hidden), {Op::scan, keys + 2 * values}, {Op::act_fn, values}};
  work.cache.state = Bytes{kStateBytes * heads * a.key_dim * a.value_dim};
  return work;
}

}  // namespace

AttentionWork work(const Attention& attention, std::int64_t hidden, const Parallel& parallel) {
  TERRACE_CHECK(parallel.tensor >= 1);
  return std::visit([&](const auto& a) { return work_of(a, hidden, parallel.tensor); }, attention);
}

}  // namespace terrace
