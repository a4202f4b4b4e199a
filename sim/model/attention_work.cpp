#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/model/layer.hpp"

namespace terrace {
namespace {

std::int64_t share(std::int64_t total, std::int64_t parts) { return (total + parts - 1) / parts; }

/// Norm and residual before a part of a layer: each writes a token once.
Pointwise norm(std::int64_t hidden) { return {Op::layernorm, 2 * hidden}; }

AttentionWork work_of(const FullAttention& a, std::int64_t hidden, std::int64_t tp) {
  const std::int64_t heads = share(a.heads, tp);
  const std::int64_t kv_heads = share(a.kv_heads, std::min(tp, a.kv_heads));
  const std::int64_t query = heads * a.head_dim;
  const std::int64_t key = kv_heads * a.head_dim;

  AttentionWork work;
  work.products = {{Op::qkv_proj, query + 2 * key, hidden}, {Op::o_proj, hidden, query}};
  work.pointwise = {norm(hidden), {Op::rotary_emb, query + key}};
  work.kernels = {{heads, kv_heads, a.head_dim, a.head_dim}};
  work.cache.elements = 2 * key;
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
  work.expansion = a.kv_lora * heads * (a.nope_dim + a.v_dim);
  work.pointwise = {norm(hidden), {Op::qk_norm, a.q_lora + latent}, {Op::rotary_emb, query}};
  work.kernels = {{heads, heads, a.nope_dim + a.rope_dim, a.v_dim, a.kv_lora, a.rope_dim}};
  work.cache.elements = latent;
  return work;
}

}  // namespace

AttentionWork work(const Attention& attention, std::int64_t hidden, const Parallel& parallel) {
  TERRACE_CHECK(parallel.tensor >= 1);
  return std::visit([&](const auto& a) { return work_of(a, hidden, parallel.tensor); }, attention);
}

}  // namespace terrace
