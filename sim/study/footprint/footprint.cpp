#include "sim/study/footprint/footprint.hpp"

#include <algorithm>
#include <variant>

#include "sim/base/saturated.hpp"
#include "sim/serving/hbm_budget.hpp"

namespace terrace {
namespace {

std::size_t at(KvPart part) { return static_cast<std::size_t>(part); }

KvPart part_of(const Attention& attention) {
  const auto work_of = work(attention, 1, {});
  const CacheWork& cache = work_of.cache;
  if (cache.state > Bytes{}) return KvPart::state;
  if (cache.reach == Reach::encoder) return KvPart::cross;
  if (cache.reach == Reach::window || cache.reach == Reach::chunk) return KvPart::windowed;
  return work_of.kernels.front().latent > 0 ? KvPart::latent : KvPart::full;
}

/// The same question asked of some layers only, so that every part is counted as the whole is.
ModelSpec with_layers(const ModelSpec& model, KvPart part) {
  ModelSpec some = model;
  std::erase_if(some.layers,
                [&](const LayerGroup& group) { return part_of(group.attention) != part; });
  return some;
}

ModelSpec without_index(ModelSpec model) {
  for (LayerGroup& group : model.layers) {
    if (const auto* sparse = std::get_if<SparseLatentAttention>(&group.attention)) {
      group.attention = LatentAttention(*sparse);
    }
  }
  return model;
}

KvParts parts_of(const ModelSpec& model, DType kv, const Parallel& parallel) {
  KvParts parts{};
  for (const KvPart part : {KvPart::full, KvPart::windowed, KvPart::latent}) {
    parts[at(part)] = kv_bytes_per_token_per_gpu(with_layers(model, part), kv, parallel);
  }
  const ModelSpec latents = without_index(with_layers(model, KvPart::latent));
  const Bytes without = kv_bytes_per_token_per_gpu(latents, kv, parallel);
  parts[at(KvPart::index)] = parts[at(KvPart::latent)] - without;
  parts[at(KvPart::latent)] = without;
  for (const KvPart part : {KvPart::state, KvPart::cross}) {
    parts[at(part)] = fixed_bytes_per_sequence(with_layers(model, part), kv, parallel);
  }
  return parts;
}

HbmShare share_of(const HbmBudget& budget) {
  const double usable = static_cast<double>(budget.memory.count()) * budget.utilization;
  HbmShare share{budget, static_cast<double>(budget.weights.count()) <= usable, 0, false};
  const bool any = budget.block > Bytes{};
  if (any) share.blocks = fitting_blocks(budget);
  share.room = any ? share.blocks > 0 : budget.for_kv() >= Bytes{};
  return share;
}

class Asked {
 public:
  Asked(const FootprintQuestion& question, const ModelSpec& model, const FootprintSeries& series)
      : question_(question), model_(model), series_(series), engine_(question.engine) {
    engine_.kv_cache_dtype = series.kv;
  }

  [[nodiscard]] HbmShare share(const GpuSpec& gpu) const {
    return share_of(hbm_budget(model_, engine_, parallel(), gpu.memory));
  }

  [[nodiscard]] FootprintPoint point(Tokens context) const {
    FootprintPoint p;
    p.context = context;
    p.held = plus_fixed(saturated(series_.token_per_gpu, context.count()));
    p.needed = kv_bytes_of_sequence(model_, series_.kv, parallel(), context);
    p.blocks = engine_.blocks(context);
    p.held_in_blocks =
        plus_fixed(saturated(series_.token_per_gpu, p.blocks * engine_.block_size.count()));
    p.hybrid = hybrid_pages(model_, series_.kv, parallel(), engine_.block_size, context);
    for (const HbmShare& share : series_.gpus) p.gpus.push_back(in_hbm(share, p));
    for (const KvStore& store : question_.stores) p.stores.push_back(in_store(store, p));
    return p;
  }

 private:
  [[nodiscard]] Parallel parallel() const { return {.tensor = series_.tensor}; }

  [[nodiscard]] Bytes plus_fixed(Bytes tokens) const {
    return tokens > Bytes::max() - series_.fixed ? Bytes::max() : tokens + series_.fixed;
  }

  /// One block, or page, is never used, as in vLLM.
  [[nodiscard]] SequencesThatFit in_hbm(const HbmShare& share, const FootprintPoint& p) const {
    SequencesThatFit fit;
    if (share.blocks > 0) fit.held = (share.blocks - 1) / p.blocks;
    // Room is set aside for the fixed part of so many sequences.
    const std::int64_t most = share.room ? engine_.max_num_seqs : 0;
    if (series_.token == Bytes{}) fit.held = most;
    if (series_.fixed > Bytes{}) fit.held = std::min(fit.held, most);
    const Bytes room = share.budget.for_kv() + series_.fixed * engine_.max_num_seqs;
    const Bytes page = saturated(p.hybrid.slot, p.hybrid.slots);
    if (room >= page) fit.hybrid = (room.count() / page.count() - 1) / p.hybrid.pages();
    return fit;
  }

  [[nodiscard]] SequencesThatFit in_store(const KvStore& store, const FootprintPoint& p) const {
    const auto count = [&](Bytes on_one) {
      const Bytes on_all = saturated(on_one, series_.tensor);
      return on_all == Bytes{} ? 0 : store.capacity.count() / on_all.count();
    };
    return {count(p.held_in_blocks), count(p.hybrid.bytes())};
  }

  const FootprintQuestion& question_;
  const ModelSpec& model_;
  const FootprintSeries& series_;
  EngineSpec engine_;
};

}  // namespace

bool has_windows(const FootprintSeries& series) {
  return series.parts[at(KvPart::windowed)] > Bytes{};
}

KvParts parts_at(const FootprintSeries& series, Tokens context) {
  KvParts parts = series.parts;
  for (const KvPart part : {KvPart::full, KvPart::windowed, KvPart::latent, KvPart::index}) {
    parts[at(part)] = saturated(parts[at(part)], context.count());
  }
  return parts;
}

std::vector<FootprintSeries> footprint(const FootprintQuestion& question) {
  std::vector<FootprintSeries> all;
  for (std::size_t m = 0; m < question.models.size(); ++m) {
    const ModelSpec& model = question.models[m];
    for (const DType kv : question.kv) {
      for (const int tensor : question.tensor) {
        const Parallel parallel{.tensor = tensor};
        FootprintSeries series;
        series.model = m;
        series.kv = kv;
        series.tensor = tensor;
        series.token = kv_bytes_per_token(model, kv);
        series.token_per_gpu = kv_bytes_per_token_per_gpu(model, kv, parallel);
        series.parts = parts_of(model, kv, parallel);
        series.fixed = fixed_bytes_per_sequence(model, kv, parallel);
        series.weights = weight_bytes_per_gpu(model, parallel);
        const Asked asked(question, model, series);
        for (const GpuSpec& gpu : question.gpus) series.gpus.push_back(asked.share(gpu));
        for (const Tokens context : question.contexts)
          series.points.push_back(asked.point(context));
        all.push_back(std::move(series));
      }
    }
  }
  return all;
}

}  // namespace terrace
