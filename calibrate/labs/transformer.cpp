#include "calibrate/labs/transformer.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "calibrate/labs/attention.hpp"
#include "calibrate/labs/buffer.hpp"
#include "calibrate/labs/kv_pool.hpp"
#include "calibrate/labs/rows.hpp"
#include "sim/base/check.hpp"

namespace terrace::labs {
namespace {

using kernels::Element;

/// A layer's projections in the kernels' memory, and its gains.
struct Layer {
  Layer(kernels::KernelSet& set, const LayerWeights& weights)
      : attention_norm(weights.attention_norm),
        mlp_norm(weights.mlp_norm),
        in(set, weights.in),
        out(set, weights.out),
        gate_up(set, weights.gate_up),
        down(set, weights.down) {}

  std::vector<float> attention_norm;
  std::vector<float> mlp_norm;
  Projection in;
  Projection out;
  Projection gate_up;
  Projection down;
};

}  // namespace

struct Transformer::State {
  State(const Shape& of, std::int64_t blocks, kernels::KernelSet& set, int thread_count)
      : State(of, Weights(of), blocks, set, thread_count) {}

  State(const Shape& of, Weights weights, std::int64_t blocks, kernels::KernelSet& set,
        int thread_count)
      : shape(of),
        kernels(set),
        threads(thread_count),
        pool(of, of.layers, blocks, set),
        attention(make_attention(of, weights, kernels, threads)),
        embedding(std::move(weights.embedding)),
        norm(std::move(weights.norm)),
        head(set, weights.head),
        normed(set, of.element),
        attended(set, of.element),
        gated(set, of.element),
        projected(set, Element::fp32) {
    layers.reserve(weights.layers.size());
    for (const LayerWeights& layer : weights.layers) layers.emplace_back(set, layer);
  }

  std::vector<float> forward(const StepPlan& plan, KvPool& into);
  void embed(const StepPlan& plan);
  void attend(std::int64_t layer, const StepPlan& plan, KvPool& into);
  void feed_forward(const Layer& layer, std::int64_t rows);
  std::vector<float> logits(const StepPlan& plan);
  void normalise(std::int64_t rows, const float* from, std::span<const float> gains);
  float* project(const Projection& projection, std::int64_t rows, const Buffer& from,
                 std::int64_t numbers);

  Shape shape;
  TimedKernels kernels;
  Threads threads;
  KvPool pool;
  std::unique_ptr<Attention> attention;
  Matrix embedding;
  std::vector<float> norm;
  Projection head;
  std::vector<Layer> layers{};
  std::vector<float> residual{};  // [row][width]
  Buffer normed, attended, gated, projected;
};

void Transformer::State::normalise(std::int64_t rows, const float* from,
                                   std::span<const float> gains) {
  normed.reserve(rows * shape.width);
  rms_norm(threads, rows, from, gains, normed.host());
  normed.upload(rows * shape.width);
}

/// The product, [row][numbers], where the host sees it; the next one takes its place.
float* Transformer::State::project(const Projection& projection, std::int64_t rows,
                                   const Buffer& from, std::int64_t numbers) {
  projected.reserve(rows * numbers);
  projection.apply(kernels, rows, from.as_const(), projected.array());
  projected.download(rows * numbers);
  return projected.numbers();
}

void Transformer::State::embed(const StepPlan& plan) {
  const auto width = static_cast<std::size_t>(shape.width);
  residual.resize(plan.tokens.size() * width);
  kernels::with_elements(embedding.view(), [&](const auto* table) {
    each_row(threads, plan.rows(), shape.width, [&](std::int64_t row) {
      const auto r = static_cast<std::size_t>(row);
      const auto* from = table + plan.tokens[r] * shape.width;
      for (std::size_t i = 0; i < width; ++i) residual[r * width + i] = kernels::to_float(from[i]);
    });
  });
}

void Transformer::State::attend(std::int64_t index, const StepPlan& plan, KvPool& into) {
  const Layer& layer = layers[static_cast<std::size_t>(index)];
  const std::int64_t rows = plan.rows();
  normalise(rows, residual.data(), layer.attention_norm);
  float* in = project(layer.in, rows, normed, shape.in_rows());
  attended.reserve(rows * shape.heads * shape.head_dim);
  attention->run(index, plan, into, in, attended);
  add(threads, rows * shape.width, project(layer.out, rows, attended, shape.width),
      residual.data());
}

void Transformer::State::feed_forward(const Layer& layer, std::int64_t rows) {
  normalise(rows, residual.data(), layer.mlp_norm);
  const float* both = project(layer.gate_up, rows, normed, 2 * shape.mlp);
  gated.reserve(rows * shape.mlp);
  gate(threads, rows, both, shape.mlp, gated.host());
  gated.upload(rows * shape.mlp);
  add(threads, rows * shape.width, project(layer.down, rows, gated, shape.width), residual.data());
}

std::vector<float> Transformer::State::logits(const StepPlan& plan) {
  const auto width = static_cast<std::size_t>(shape.width);
  std::vector<float> ends(plan.last.size() * width);
  for (std::size_t s = 0; s < plan.last.size(); ++s) {
    std::copy_n(residual.data() + plan.last[s] * shape.width, width, ends.data() + s * width);
  }
  const auto sequences = static_cast<std::int64_t>(plan.last.size());
  normalise(sequences, ends.data(), norm);
  const float* all = project(head, sequences, normed, shape.vocabulary);
  return {all, all + sequences * shape.vocabulary};
}

std::vector<float> Transformer::State::forward(const StepPlan& plan, KvPool& into) {
  if (plan.rows() == 0) return {};
  kernels.times() = {};
  const Stopwatch watch(kernels.times().total);
  embed(plan);
  for (std::int64_t l = 0; l < shape.layers; ++l) {
    attend(l, plan, into);
    feed_forward(layers[static_cast<std::size_t>(l)], plan.rows());
  }
  return logits(plan);
}

Transformer::Transformer(const Shape& shape, std::int64_t blocks, kernels::KernelSet& kernels,
                         int threads) {
  check(shape);
  state_ = std::make_unique<State>(shape, blocks, kernels, threads);
}

Transformer::~Transformer() = default;

const Shape& Transformer::shape() const { return state_->shape; }

std::vector<float> Transformer::step(std::span<const SequenceStep> sequences) {
  return state_->forward(StepPlan(state_->shape, sequences), state_->pool);
}

std::vector<float> Transformer::logits_without_cache(std::span<const std::int32_t> tokens) {
  // A layer's keys and values exist while the layer is computed, and are thrown away.
  const std::int64_t blocks = shape().blocks_for(static_cast<std::int64_t>(tokens.size()));
  KvPool passing(shape(), 1, blocks, state_->kernels.set());
  std::vector<std::int32_t> table(static_cast<std::size_t>(blocks));
  std::iota(table.begin(), table.end(), 0);
  const SequenceStep whole{tokens, 0, table};
  return state_->forward(StepPlan(shape(), std::span(&whole, 1)), passing);
}

const StepTimes& Transformer::last_times() const { return state_->kernels.times(); }

void Transformer::save_block(std::int32_t block, std::span<std::byte> to) {
  state_->pool.save(block, to);
}

void Transformer::load_block(std::int32_t block, std::span<const std::byte> from) {
  state_->pool.load(block, from);
}

std::vector<std::int32_t> greedy(std::span<const float> logits, std::int64_t vocabulary) {
  std::vector<std::int32_t> tokens;
  for (auto row = logits.begin(); row != logits.end(); row += vocabulary) {
    tokens.push_back(static_cast<std::int32_t>(std::max_element(row, row + vocabulary) - row));
  }
  return tokens;
}

}  // namespace terrace::labs
