#include "sim/cost/fitted_attention.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "sim/cost/forms/decode.hpp"
#include "sim/cost/forms/gemm.hpp"
#include "sim/cost/forms/mixed.hpp"
#include "sim/cost/forms/mla_decode.hpp"
#include "sim/cost/forms/mla_prefill.hpp"
#include "sim/cost/forms/prefill.hpp"

namespace terrace {
namespace {

double as_double(std::int64_t n) { return static_cast<double>(n); }

/// MHA, GQA and MQA. A step with chunks and decodes runs one kernel that does both: by its own law
/// if there is one, otherwise for the sum of both, with one launch.
class HeadAttention final : public AttentionLaw {
 public:
  HeadAttention(const AttentionKernel& kernel, DType kv, const forms::Chip& chip,
                CorrectedLaw decode, CorrectedLaw prefill, Law mixed)
      : kernel_(kernel),
        chip_(chip),
        kv_bytes_(bytes_per_element(kv)),
        decode_(std::move(decode)),
        prefill_(std::move(prefill)),
        mixed_(std::move(mixed)) {
    if (kernel.value_dim > 0) return;
    // Keys only, of an index: half of the bytes and of the operations.
    kv_bytes_ /= 2;
    kernel_.heads = share(kernel.heads, 2);
  }

  [[nodiscard]] Estimate time(const AttentionBatch& batch) const override {
    if (batch.prefills.empty()) return decode_time(batch);
    forms::Prefill::Load load;
    double length = 0;
    for (const PrefillChunk& chunk : batch.prefills) {
      load += chunk_load(chunk);
      length += equal_prompt(chunk);
    }
    const double chunks = static_cast<double>(batch.prefills.size());
    const double seconds = forms::Prefill::seconds(prefill_.law.parameters, chip_, load);
    const Estimate prefill = prefill_.time(seconds, chunks, length / chunks);
    if (batch.decodes == 0) return prefill;
    if (mixed_) return mixed_time(batch, load, prefill);
    const Duration launch = prefill_.law.time(prefill_.law.parameters[kLaunch]).time;
    const Estimate both = decode_time(batch) + prefill;
    return {std::max(prefill.time, both.time - launch), both.extrapolated};
  }

 private:
  static constexpr std::size_t kLaunch = 0;  // of forms::Prefill::kParameters

  [[nodiscard]] Estimate decode_time(const AttentionBatch& batch) const {
    const double sequences = as_double(batch.decodes);
    const double tokens = as_double(batch.context.count());
    const double seconds = forms::Decode::seconds(decode_.law.parameters, chip_,
                                                  {.batch = batch.decodes,
                                                   .kv_tokens = tokens,
                                                   .heads = kernel_.heads,
                                                   .kv_heads = kernel_.kv_heads,
                                                   .head_dim = kernel_.head_dim,
                                                   .kv_bytes_per_element = kv_bytes_,
                                                   .longest = as_double(batch.longest.count())});
    return decode_.time(seconds, sequences, std::max(1.0, tokens / sequences));
  }

  /// `prefill` is what the chunks take alone, and `load` what they put on the GPU.
  [[nodiscard]] Estimate mixed_time(const AttentionBatch& batch, const forms::Prefill::Load& load,
                                    const Estimate& prefill) const {
    const double sequences = as_double(batch.decodes);
    const double mean = as_double(batch.context.count()) / sequences;
    Tokens chunk{};
    for (const PrefillChunk& one : batch.prefills) chunk = std::max(chunk, one.fresh);
    const double seconds =
        forms::Mixed::seconds(mixed_.parameters, chip_,
                              {.heads = kernel_.heads,
                               .kv_heads = kernel_.kv_heads,
                               .head_dim = kernel_.head_dim,
                               .kv_bytes_per_element = kv_bytes_,
                               .decodes = batch.decodes,
                               .keys = sequences * forms::Mixed::walked(mean),
                               .longest = forms::Mixed::walked(as_double(batch.longest.count())),
                               .chunk = as_double(chunk.count()),
                               .chunk_tiles = load.one_head.count,
                               .prefill_seconds = terrace::seconds(prefill.time) / mixed_.stretch});
    return {mixed_.time(seconds).time, prefill.extrapolated};
  }

  /// Tokens of a prompt without prefix that has as many pairs of a query and a key.
  static double equal_prompt(const PrefillChunk& chunk) {
    const double fresh = as_double(chunk.fresh.count());
    return std::sqrt(fresh * (fresh + 2 * as_double(chunk.prefix.count())));
  }

  [[nodiscard]] forms::Prefill::Load chunk_load(const PrefillChunk& chunk) const {
    const std::int64_t fresh = chunk.fresh.count();
    const std::int64_t span = kernel_.span.count();
    switch (kernel_.reach) {
      case Reach::all:
        return load_of(fresh, chunk.prefix.count(), 0);
      case Reach::window:
      case Reach::chosen:
        return load_of(fresh, chunk.prefix.count(), span);
      case Reach::encoder:  // as many pairs, if causal
        return load_of(fresh, std::max<std::int64_t>(0, span - fresh / 2), 0);
      case Reach::chunk:
        break;
    }
    forms::Prefill::Load load;
    std::int64_t prefix = chunk.prefix.count() % span;
    for (std::int64_t done = 0; done < fresh; prefix = 0) {
      const std::int64_t piece = std::min(fresh - done, span - prefix);
      load += load_of(piece, prefix, 0);
      done += piece;
    }
    return load;
  }

  [[nodiscard]] forms::Prefill::Load load_of(std::int64_t fresh, std::int64_t prefix,
                                             std::int64_t window) const {
    return forms::Prefill::load({.heads = kernel_.heads,
                                 .kv_heads = kernel_.kv_heads,
                                 .head_dim = kernel_.head_dim,
                                 .kv_bytes_per_element = kv_bytes_,
                                 .batch = 1,
                                 .fresh = as_double(fresh),
                                 .prefix = as_double(prefix),
                                 .window = as_double(window)});
  }

  AttentionKernel kernel_;
  forms::Chip chip_;
  double kv_bytes_;
  CorrectedLaw decode_;
  CorrectedLaw prefill_;
  Law mixed_;  // empty if it was not measured
};

/// MLA: decode absorbed, prefill with keys and values spelled out, those of the prefix anew for
/// every chunk (vllm/v1/attention/backends/mla/common.py). Tokens of a prompt that choose whom they
/// attend to do so one by one, as decodes do (flashmla_sparse.py there), unless attending to all
/// takes less: this law of decodes does not know what neighbours both choose.
class MlaAttention final : public AttentionLaw {
 public:
  MlaAttention(const AttentionKernel& kernel, DType kv, const forms::Chip& chip,
               CorrectedLaw decode, Law prefill, Law gemm)
      : kernel_(kernel),
        chip_(chip),
        kv_bytes_(bytes_per_element(kv)),
        decode_(std::move(decode)),
        prefill_(std::move(prefill)),
        gemm_(std::move(gemm)) {}

  [[nodiscard]] Estimate time(const AttentionBatch& batch) const override {
    Estimate sum;
    if (batch.decodes > 0) sum += absorbed(batch.decodes, as_double(batch.context.count()));
    if (kernel_.reach != Reach::chosen) {
      if (!batch.prefills.empty()) sum += spelled_out(batch.prefills);
      return sum;
    }
    for (const PrefillChunk& chunk : batch.prefills) {
      const Estimate all = spelled_out({&chunk, 1});
      const Estimate chosen = absorbed(chunk.fresh.count(), pairs(kernel_, chunk));
      sum += chosen.time < all.time ? chosen : all;
    }
    return sum;
  }

 private:
  /// All tokens of the chunks attend to all before them.
  [[nodiscard]] Estimate spelled_out(std::span<const PrefillChunk> chunks) const {
    forms::MlaPrefill::Load load;
    std::int64_t prefix = 0;
    for (const PrefillChunk& chunk : chunks) {
      prefix += chunk.prefix.count();
      load += forms::MlaPrefill::load({.heads = kernel_.heads,
                                       .kv_bytes_per_element = kv_bytes_,
                                       .batch = 1,
                                       .fresh = as_double(chunk.fresh.count()),
                                       .prefix = as_double(chunk.prefix.count())});
    }
    Estimate sum = prefill_.time(forms::MlaPrefill::seconds(prefill_.parameters, chip_, load));
    if (prefix > 0) {
      const std::int64_t n = kernel_.heads * (kernel_.head_dim - kernel_.rope + kernel_.value_dim);
      sum += gemm_.time(forms::Gemm::seconds(gemm_.parameters, chip_,
                                             {.m = prefix, .n = n, .k = kernel_.latent}));
    }
    return sum;
  }

  /// So many queries that attend to so many latents in all, each to its own.
  [[nodiscard]] Estimate absorbed(std::int64_t queries, double attended) const {
    const double length = std::max(1.0, attended / as_double(queries));
    const double seconds = forms::MlaDecode::seconds(decode_.law.parameters, chip_,
                                                     {.heads = kernel_.heads,
                                                      .kv_bytes_per_element = kv_bytes_,
                                                      .batch = queries,
                                                      .kv_len = length});
    return decode_.time(seconds, as_double(queries), length);
  }

  AttentionKernel kernel_;
  forms::Chip chip_;
  double kv_bytes_;
  CorrectedLaw decode_;
  Law prefill_;  // tables of it hardly tell more than the law
  Law gemm_;
};

}  // namespace

std::unique_ptr<AttentionLaw> fitted_head_attention(const AttentionKernel& kernel, DType kv,
                                                    const forms::Chip& chip, HeadLaws laws) {
  return std::make_unique<HeadAttention>(kernel, kv, chip, std::move(laws.decode),
                                         std::move(laws.prefill), std::move(laws.mixed));
}

std::unique_ptr<AttentionLaw> fitted_mla_attention(const AttentionKernel& kernel, DType kv,
                                                   const forms::Chip& chip, MlaLaws laws) {
  return std::make_unique<MlaAttention>(kernel, kv, chip, std::move(laws.decode),
                                        std::move(laws.prefill), std::move(laws.gemm));
}

}  // namespace terrace
