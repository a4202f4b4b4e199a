#include "sim/cost/fitted_kernels.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "sim/base/check.hpp"
#include "sim/base/p_norm.hpp"
#include "sim/config/scalar.hpp"
#include "sim/cost/forms/collective.hpp"
#include "sim/cost/forms/decode.hpp"
#include "sim/cost/forms/gemm.hpp"
#include "sim/cost/forms/mixed.hpp"
#include "sim/cost/forms/mla_decode.hpp"
#include "sim/cost/forms/mla_prefill.hpp"
#include "sim/cost/forms/prefill.hpp"
#include "sim/cost/kernel_tables.hpp"
#include "sim/cost/roofline.hpp"

namespace terrace {
namespace {

constexpr Duration kPointwiseLaunch = std::chrono::microseconds(2);
constexpr double kActivationBytes = 2;
constexpr std::int64_t kExpertRows = 16;     // the smallest tile of vLLM's fused_moe
constexpr std::int64_t kRoutingKernels = 4;  // choice, sorting, activation, combination

double as_double(std::int64_t n) { return static_cast<double>(n); }
double element_bytes(DType type) { return as_double(bits(type)) / 8; }

/// The parameters of a fit, and by how much its times are stretched.
struct Law {
  std::vector<double> parameters;
  double stretch = 1;

  [[nodiscard]] explicit operator bool() const { return !parameters.empty(); }
  [[nodiscard]] Estimate time(double seconds) const {
    return {duration_from_seconds(seconds * stretch)};
  }
};

/// A law, and what measurements say that it leaves, if there are any of the kernel.
struct CorrectedLaw {
  Law law;
  std::optional<KernelResidual> residual{};

  [[nodiscard]] Estimate time(double seconds, double calls, double length = 1) const {
    if (!residual) return law.time(seconds);
    const ResidualTable::Looked looked = residual->at(calls, length);
    return {law.time(seconds * looked.factor).time, looked.extrapolated};
  }
};

/// The fits of a profile, by what they are asked for; keeps account of what stood in.
class Fits {
 public:
  Fits(const KernelProfile& profile, Confidence confidence)
      : profile_(profile), confidence_(confidence) {}

  /// The fit of that form which differs least: in the data type first, then in `size`, its head_dim
  /// or number of GPUs. Empty if there is none of the form.
  [[nodiscard]] Law nearest(std::string_view form, DType dtype, std::int64_t size = 0) const {
    const KernelFit* best = nullptr;
    for (const KernelFit& fit : profile_.fits) {
      if (fit.form.text != form) continue;
      if (best == nullptr || distance(fit, dtype, size) < distance(*best, dtype, size)) best = &fit;
    }
    if (best == nullptr) return {};
    const auto [type, off] = distance(*best, dtype, size);
    if (type > 0 || off > 0) {
      note(fmt::format("no {} fit for {}; that for {} stands in", form, key(dtype, size),
                       key(best->dtype, size_of(*best))));
    }
    return {best->best(), stretch(*best)};
  }

  void note(std::string caveat) const { caveats_.insert(std::move(caveat)); }
  [[nodiscard]] std::vector<std::string> caveats() const {
    return {caveats_.begin(), caveats_.end()};
  }

 private:
  static std::int64_t size_of(const KernelFit& fit) {
    return fit.head_dim.value_or(fit.gpus.value_or(0));
  }

  static std::string key(DType dtype, std::int64_t size) {
    const std::string type = config::Scalar<DType>::format(dtype);
    return size > 0 ? fmt::format("{}, {}", type, size) : type;
  }

  /// In bits of the type, as types of one width are computed alike; then the larger size over the
  /// smaller one, less 1.
  static std::pair<std::int64_t, double> distance(const KernelFit& fit, DType dtype,
                                                  std::int64_t size) {
    const std::int64_t type = std::abs(bits(fit.dtype) - bits(dtype));
    const std::int64_t own = size_of(fit);
    if (own == 0 || size == 0) return {type, 0};
    return {type, as_double(std::max(own, size)) / as_double(std::min(own, size)) - 1};
  }

  [[nodiscard]] double stretch(const KernelFit& fit) const {
    for (const RegimeError& error : fit.errors) {
      if (error.regime == "all") {
        return terrace::stretch(confidence_, error.cv_median.value_or(error.median));
      }
    }
    return 1;
  }

  KernelProfile profile_;
  Confidence confidence_;
  mutable std::set<std::string> caveats_;
};

/// MHA, GQA and MQA. A step with chunks and decodes runs one kernel that does both: by its own law
/// if there is one, otherwise for the sum of both, with one launch.
class HeadAttention final : public AttentionLaw {
 public:
  HeadAttention(const AttentionKernel& kernel, DType kv, const forms::Chip& chip,
                CorrectedLaw decode, CorrectedLaw prefill, Law mixed)
      : kernel_(kernel),
        chip_(chip),
        kv_bytes_(element_bytes(kv)),
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
    const Estimate decode = decode_time(batch);
    const Duration launch = prefill_.law.time(prefill_.law.parameters[kLaunch]).time;
    return {std::max(prefill.time, decode.time + prefill.time - launch),
            decode.extrapolated || prefill.extrapolated};
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
        kv_bytes_(element_bytes(kv)),
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

forms::Chip chip_of(const GpuSpec& gpu) {
  TERRACE_CHECK(gpu.sms > 0 && gpu.l2 > Bytes{});
  return {as_double(gpu.sms), as_double(gpu.l2.count())};
}

class FittedKernels final : public Kernels {
 public:
  FittedKernels(const KernelProfile& profile, const GpuSpec& gpu, Confidence confidence,
                std::optional<KernelTables> tables)
      : fits_(profile, confidence),
        chip_(chip_of(gpu)),
        tables_(std::move(tables)),
        rest_(roofline_kernels(gpu, confidence)) {}

  [[nodiscard]] Estimate product(const Product& p, DType weights,
                                 std::int64_t tokens) const override {
    const Law law = gemm(weights);
    if (!law) return rest_->product(p, weights, tokens);
    const std::int64_t n = p.n * p.times;
    const double seconds = forms::Gemm::seconds(
        law.parameters, chip_, {.m = tokens, .n = n, .k = p.k, .weights = weights});
    return CorrectedLaw{law, residual(weights, n, p.k)}.time(seconds, as_double(tokens));
  }

  [[nodiscard]] Estimate pointwise(const Pointwise& kernel, std::int64_t tokens) const override {
    const Law law = gemm(DType::bf16);
    if (!law) return rest_->pointwise(kernel, tokens);
    const double bytes = as_double(kernel.elements * tokens) * kActivationBytes;
    return Estimate{kPointwiseLaunch} + law.time(bytes / law.parameters[kBandwidth]);
  }

  [[nodiscard]] Estimate experts(const ExpertsWork& e, DType weights,
                                 const Routed& routed) const override {
    const Law law = gemm(weights);
    if (!law) return rest_->experts(e, weights, routed);
    fits_.note("routed experts: from the fit of dense products, not measured");
    return Estimate{kRoutingKernels * kPointwiseLaunch} +
           grouped(law, routed, reaching(routed), (e.matrices - 1) * e.width, e.hidden, weights) +
           grouped(law, routed, routed.pairs, e.hidden, e.width, weights);
  }

  [[nodiscard]] std::unique_ptr<AttentionLaw> attention(const AttentionKernel& kernel,
                                                        DType kv) const override {
    if (kernel.value_dim == 0) {
      fits_.note("the index of sparse attention: from the fit of attention, not measured");
    }
    if (kernel.latent > 0) {
      if (kernel.reach == Reach::chosen) {
        fits_.note("prefill of sparse attention: from the fit of decode, not measured");
      }
      Law decode = fits_.nearest(forms::MlaDecode::kName, kv);
      Law prefill = fits_.nearest(forms::MlaPrefill::kName, kv);
      Law expansion = gemm(DType::bf16);
      if (decode && prefill && expansion) {
        CorrectedLaw corrected{std::move(decode)};
        if (tables_) corrected.residual = tables_->mla_decode(kv, kernel.heads);
        return std::make_unique<MlaAttention>(kernel, kv, chip_, std::move(corrected),
                                              std::move(prefill), std::move(expansion));
      }
      fits_.note("no fit of MLA attention; a roofline stands in");
    } else {
      Law decode = fits_.nearest(forms::Decode::kName, kv, kernel.head_dim);
      Law prefill = fits_.nearest(forms::Prefill::kName, kv, kernel.head_dim);
      if (decode && prefill) {
        CorrectedLaw decodes{std::move(decode)};
        CorrectedLaw prefills{std::move(prefill)};
        if (tables_) {
          decodes.residual = tables_->decode(kv, kernel.head_dim, kernel.heads, kernel.kv_heads);
          prefills.residual = tables_->prefill(kv, kernel.head_dim, kernel.heads, kernel.kv_heads);
        }
        Law mixed = fits_.nearest(forms::Mixed::kName, kv, kernel.head_dim);
        if (!mixed) fits_.note("steps with prompts and decodes: not measured, the sum of both");
        return std::make_unique<HeadAttention>(kernel, kv, chip_, std::move(decodes),
                                               std::move(prefills), std::move(mixed));
      }
      fits_.note("no fit of decode and prefill attention; a roofline stands in");
    }
    return rest_->attention(kernel, kv);
  }

  [[nodiscard]] Estimate collective(Collective op, Bytes bytes, int gpus) const override {
    if (const auto measured = tables_ ? tables_->collective(op, bytes, gpus) : std::nullopt) {
      return *measured;
    }
    if (const std::string_view form = form_of(op); !form.empty()) {
      const Law law = fits_.nearest(form, DType::bf16, gpus);
      if (law) {
        return law.time(
            forms::CollectiveLaw::seconds(law.parameters, chip_, {as_double(bytes.count())}));
      }
      fits_.note(fmt::format("no {} fit; a roofline stands in", form));
    }
    return rest_->collective(op, bytes, gpus);
  }

  [[nodiscard]] std::vector<std::string> caveats() const override { return fits_.caveats(); }

 private:
  // Of forms::Gemm::kParameters.
  static constexpr std::size_t kBandwidth = 1;
  static constexpr std::size_t kQuantiseRow = 10;
  static constexpr std::size_t kQuantise = 11;
  static_assert(forms::Gemm::kParameters[kBandwidth].name == "bandwidth");
  static_assert(forms::Gemm::kParameters[kQuantiseRow].name == "row");
  static_assert(forms::Gemm::kParameters[kQuantise].name == "quantise");

  static std::string_view form_of(Collective op) {
    switch (op) {
      case Collective::all_reduce:
        return forms::AllReduce::kName;
      case Collective::all_gather:
        return forms::AllGather::kName;
      case Collective::reduce_scatter:
        return forms::ReduceScatter::kName;
      case Collective::send:
        return {};
    }
    return {};
  }

  /// Narrower than 8 bits are widened first, and computed at 16.
  [[nodiscard]] Law gemm(DType weights) const {
    const bool widened = bits(weights) == 4;
    Law law = fits_.nearest(forms::Gemm::kName, widened ? DType::bf16 : weights);
    if (!law) {
      fits_.note("no fit of products; a roofline stands in");
    } else if (widened) {
      fits_.note(
          fmt::format("no gemm fit for {}; that for bf16 stands in, with a quarter of the "
                      "weights' bytes",
                      config::Scalar<DType>::format(weights)));
    }
    return law;
  }

  /// What the tables say of products of that shape. Kept: it takes long to find out.
  [[nodiscard]] const std::optional<KernelResidual>& residual(DType weights, std::int64_t n,
                                                              std::int64_t k) const {
    const auto [entry, fresh] = products_.try_emplace({weights, n, k});
    if (fresh && tables_) entry->second = tables_->gemm(weights, n, k);
    return entry->second;
  }

  [[nodiscard]] Estimate gemm_time(const Law& law, std::int64_t m, std::int64_t n, std::int64_t k,
                                   DType weights) const {
    return law.time(
        forms::Gemm::seconds(law.parameters, chip_, {.m = m, .n = n, .k = k, .weights = weights}));
  }

  /// Tokens that some expert here sees.
  static double reaching(const Routed& routed) {
    return std::min(as_double(routed.tokens), routed.pairs);
  }

  /// One product of [rows of an expert, k] x [k, n] for each expert touched, in one kernel. With
  /// narrow weights so many rows are quantised: those of tokens before they are copied to experts.
  [[nodiscard]] Estimate grouped(const Law& law, const Routed& routed, double quantised,
                                 std::int64_t n, std::int64_t k, DType weights) const {
    if (routed.touched <= 0) return {};
    Law bare{law.parameters};
    bare.parameters[kQuantiseRow] = 0;
    bare.parameters[kQuantise] = std::numeric_limits<double>::max();
    const auto of_these = static_cast<std::int64_t>(std::ceil(quantised));
    const double quantising = seconds(gemm_time({law.parameters}, of_these, n, k, weights).time) -
                              seconds(gemm_time(bare, of_these, n, k, weights).time);
    const double rows = std::max(1.0, routed.pairs / routed.touched);
    const double padded = std::ceil(rows / as_double(kExpertRows)) * as_double(kExpertRows);
    const auto all = static_cast<std::int64_t>(std::ceil(routed.touched * padded));
    const double reading =
        routed.touched * as_double(n * k) * element_bytes(weights) / law.parameters[kBandwidth];
    const double computing = seconds(gemm_time(bare, all, n, k, weights).time);
    return law.time(quantising + p_norm3(reading, computing));
  }

  Fits fits_;
  forms::Chip chip_;
  std::optional<KernelTables> tables_;
  std::unique_ptr<const Kernels> rest_;
  mutable std::map<std::tuple<DType, std::int64_t, std::int64_t>, std::optional<KernelResidual>>
      products_;
};

}  // namespace

std::unique_ptr<const Kernels> fitted_kernels(const KernelProfile& profile, const GpuSpec& gpu,
                                              Confidence confidence) {
  return std::make_unique<FittedKernels>(profile, gpu, confidence, std::nullopt);
}

std::unique_ptr<const Kernels> table_kernels(const KernelProfile& profile, const GpuSpec& gpu,
                                             const std::filesystem::path& directory) {
  return std::make_unique<FittedKernels>(profile, gpu, Confidence::base,
                                         KernelTables::read(directory, profile, chip_of(gpu)));
}

}  // namespace terrace
