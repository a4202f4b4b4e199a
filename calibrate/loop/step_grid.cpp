#include "calibrate/loop/step_grid.hpp"

#include <algorithm>
#include <chrono>
#include <span>

#include "kernels/array.hpp"
#include "sim/base/check.hpp"
#include "sim/base/quantile.hpp"
#include "sim/base/random.hpp"
#include "sim/base/samplers.hpp"
#include "sim/base/shuffle.hpp"

namespace terrace::calibrate {
namespace {

constexpr std::int64_t kSentinelTokens = 32;
constexpr int kSeries = 4;  // steps of a kind in a row, of which the last is timed

std::vector<std::int64_t> up_to(std::vector<std::int64_t> values, std::int64_t most) {
  std::erase_if(values, [most](std::int64_t v) { return v >= most; });
  values.push_back(most);
  return values;
}

/// What is measured, each by its shape.
struct Points {
  explicit Points(const StepGridSpec& s)
      : chunks(up_to({4, 16, 64, 128}, s.most_tokens)),
        more_tokens(up_to({10, 12, 20, 24, 32, 48, 96, 160, 192}, s.most_tokens)),
        decodes(up_to({1, 2, 3, 4, 6}, s.most_sequences)),
        prefixes(up_to({0, s.longest / 4, s.longest / 2}, s.longest)) {
    for (const std::int64_t chunk : chunks) {
      for (const std::int64_t prefix : prefixes) shapes.push_back({{chunk, prefix}});
    }
    for (const std::int64_t tokens : more_tokens) shapes.push_back({{tokens, 0}});
    for (const std::int64_t n : decodes) {
      for (const std::int64_t prefix : prefixes) shapes.push_back(decode(n, prefix));
    }
  }

  static StepShape decode(std::int64_t sequences, std::int64_t prefix) {
    return StepShape(static_cast<std::size_t>(sequences), {1, std::max<std::int64_t>(1, prefix)});
  }

  std::vector<std::int64_t> chunks;
  std::vector<std::int64_t> more_tokens;
  std::vector<std::int64_t> decodes;
  std::vector<std::int64_t> prefixes;
  std::vector<StepShape> shapes;
};

using Timings = std::map<StepShape, std::vector<TimedStep>>;

template <class Part>
Duration median_of(std::span<const TimedStep> steps, Part part) {
  std::vector<double> times;
  for (const TimedStep& step : steps) times.push_back(seconds(part(step)));
  return duration_from_seconds(interpolated_quantile(std::move(times), 0.5));
}

/// Part of a product of all of a step's that is the LM head's, where all have as many rows.
double head_share(const labs::Shape& shape) {
  const auto head = static_cast<double>(shape.vocabulary * shape.width);
  const auto embedding = head;
  return head / (static_cast<double>(shape.parameters()) - embedding);
}

Duration scaled(Duration time, double factor) {
  return duration_from_seconds(seconds(time) * factor);
}

void add_decodes(StepGrid& grid, const Points& points, const Timings& timings,
                 const labs::Shape& shape) {
  const double share = head_share(shape);
  for (const std::int64_t n : points.decodes) {
    std::vector<TimedStep> all;
    for (const std::int64_t prefix : points.prefixes) {
      const StepShape step = Points::decode(n, prefix);
      const auto& steps = timings.at(step);
      all.insert(all.end(), steps.begin(), steps.end());
      grid.decode[{n, step.front().second}] =
          median_of(steps, [](const TimedStep& t) { return t.model.attention; });
    }
    const Duration gemm = median_of(all, [](const TimedStep& t) { return t.model.gemm; });
    grid.head[n] = scaled(gemm, share);
    grid.products[n] = scaled(gemm, 1 - share);
    grid.pointwise[n] = median_of(all, [](const TimedStep& t) { return t.model.other(); });
    grid.sampler[n] = median_of(all, [](const TimedStep& t) { return t.all - t.model.total; });
  }
}

void add_chunks(StepGrid& grid, const Points& points, const Timings& timings) {
  std::map<std::int64_t, std::vector<TimedStep>> by_tokens;
  for (const auto& [step, steps] : timings) {
    if (step.size() > 1 || step.front().first == 1) continue;
    const auto [tokens, prefix] = step.front();
    by_tokens[tokens].insert(by_tokens[tokens].end(), steps.begin(), steps.end());
    if (std::count(points.chunks.begin(), points.chunks.end(), tokens) > 0) {
      grid.prefill[{tokens, prefix}] =
          median_of(steps, [](const TimedStep& t) { return t.model.attention; });
    }
  }
  const Duration head = grid.head.at(1);
  for (const auto& [tokens, steps] : by_tokens) {
    if (grid.products.contains(tokens)) continue;
    const Duration gemm = median_of(steps, [](const TimedStep& t) { return t.model.gemm; });
    grid.products[tokens] = std::max(Duration{1}, gemm - head);
    grid.pointwise[tokens] = median_of(steps, [](const TimedStep& t) { return t.model.other(); });
  }
}

}  // namespace

StepBench::StepBench(labs::Transformer& model, std::int64_t blocks)
    : model_(model), blocks_(blocks) {
  Random random(1, "step bench");
  const kernels::Element element = model.shape().element;
  std::vector<std::byte> block(static_cast<std::size_t>(model.shape().block_bytes().count()));
  const std::size_t numbers = block.size() / static_cast<std::size_t>(kernels::bytes_of(element));
  kernels::with_elements(kernels::Array{element, block.data()}, [&]<class T>(T* to) {
    for (std::size_t i = 0; i < numbers; ++i) {
      to[i] = kernels::round_to<T>(static_cast<float>(normal(random, 0, 1)));
    }
  });
  for (std::int64_t b = 0; b < blocks; ++b) model.load_block(static_cast<std::int32_t>(b), block);
}

TimedStep StepBench::run(const StepShape& step) {
  const labs::Shape& shape = model_.shape();
  std::vector<std::vector<std::int32_t>> tokens;
  std::vector<std::vector<std::int32_t>> blocks;
  std::int32_t next = 0;
  for (const auto& [fresh, before] : step) {
    auto& said = tokens.emplace_back();
    for (std::int64_t i = 0; i < fresh; ++i) {
      said.push_back(static_cast<std::int32_t>((i * 37 + before) % shape.vocabulary));
    }
    auto& table = blocks.emplace_back();
    for (std::int64_t b = shape.blocks_for(fresh + before); b > 0; --b) table.push_back(next++);
  }
  TERRACE_CHECK(next <= blocks_);
  std::vector<labs::SequenceStep> sequences;
  for (std::size_t i = 0; i < step.size(); ++i) {
    sequences.push_back({tokens[i], step[i].second, blocks[i]});
  }
  const auto start = std::chrono::steady_clock::now();
  labs::greedy(model_.step(sequences), shape.vocabulary);
  return {model_.last_times(), std::chrono::steady_clock::now() - start};
}

std::int64_t blocks_for(const StepGridSpec& spec, std::int64_t page) {
  const auto pages = [page](std::int64_t tokens) { return (tokens + page - 1) / page; };
  return std::max(pages(spec.longest + spec.most_tokens),
                  spec.most_sequences * pages(spec.longest + 1));
}

StepGrid measure_steps(FunctionRef<TimedStep(const StepShape&)> run, const labs::Shape& shape,
                       const StepGridSpec& spec, FunctionRef<void(double)> proceed) {
  const Points points(spec);
  const StepShape sentinel = {{std::min(kSentinelTokens, spec.most_tokens), 0}};
  Timings timings;
  std::vector<double> sentinels;
  // In service a decode follows decodes, which leave the weights where it finds them.
  const auto in_series = [&](const StepShape& step) {
    for (int i = 1; i < kSeries; ++i) run(step);
    return run(step);
  };
  Random random(spec.seed, "order of steps");
  std::vector<StepShape> order = points.shapes;
  for (int pass = 0; pass < spec.passes; ++pass) {
    shuffle(order, random);
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i % 8 == 0) sentinels.push_back(seconds(in_series(sentinel).all));
      const bool decodes = order[i].front().first == 1;
      timings[order[i]].push_back(decodes ? in_series(order[i]) : run(order[i]));
      proceed((pass + static_cast<double>(i + 1) / static_cast<double>(order.size())) /
              spec.passes);
    }
  }
  StepGrid grid;
  add_decodes(grid, points, timings, shape);
  add_chunks(grid, points, timings);
  const double middle = interpolated_quantile(sentinels, 0.5);
  grid.sentinel = duration_from_seconds(middle);
  grid.sentinel_spread =
      (interpolated_quantile(sentinels, 0.9) - interpolated_quantile(sentinels, 0.1)) / middle;
  return grid;
}

}  // namespace terrace::calibrate
