// How a grid of whole steps is told in the words of a layer profile.

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "calibrate/loop/prediction.hpp"
#include "calibrate/loop/step_grid.hpp"
#include "sim/model/model.hpp"
#include "sim/report/csv.hpp"

namespace terrace::calibrate {
namespace {

/// What a step spends on one occurrence of an operation, as a part of all it does of that kind.
using Shares = std::map<std::string, double, std::less<>>;

struct Kinds {
  Shares products;
  Shares pointwise;
};

void add(Shares& shares, Op op, std::int64_t amount) {
  shares[std::string(name(op))] += static_cast<double>(amount);
}

/// All occurrences of an operation share its curve evenly.
void make_relative(Shares& amounts, const std::map<std::string, double, std::less<>>& times) {
  double sum = 0;
  for (const auto& [op, amount] : amounts) sum += amount;
  for (auto& [op, amount] : amounts) amount /= sum * times.at(op);
}

Kinds kinds_of(const labs::Shape& shape) {
  const ModelSpec model = model_of(shape);
  Kinds kinds;
  std::map<std::string, double, std::less<>> times;
  const auto count = [&](Op op, std::int64_t occurrences) {
    times[std::string(name(op))] += static_cast<double>(occurrences);
  };
  const auto take = [&](const auto& work, std::int64_t layers) {
    for (const Product& p : work.products) {
      add(kinds.products, p.op, layers * p.weights());
      count(p.op, layers);
    }
    for (const Pointwise& p : work.pointwise) {
      add(kinds.pointwise, p.op, layers * p.elements);
      count(p.op, layers);
    }
  };
  for (const LayerGroup& group : model.layers) {
    take(work(group.attention, model.hidden, {}), group.count);
    take(work(group.mlp, model.hidden, {}), group.count);
  }
  for (const Op op : {Op::embedding, Op::final_layernorm}) {
    add(kinds.pointwise, op, model.hidden);
    count(op, 1);
  }
  make_relative(kinds.products, times);
  make_relative(kinds.pointwise, times);
  return kinds;
}

/// No profile has anything shorter.
constexpr double kShortestUs = 0.1;

double microseconds(Duration time, double share = 1) {
  return std::max(kShortestUs, seconds(time) * 1e6 * share);
}

void write_curves(CsvFile& csv, const std::map<std::int64_t, Duration>& curve,
                  const Shares& shares) {
  for (const auto& [op, share] : shares) {
    for (const auto& [count, time] : curve) {
      csv.text(op);
      csv.number(count);
      csv.number(microseconds(time, share));
      csv.end_row();
    }
  }
}

void write_heads(CsvFile& csv, const std::vector<std::string_view>& heads) {
  for (const std::string_view head : heads) csv.text(head);
  csv.end_row();
}

void write_attention(CsvFile& csv, const StepGrid& grid, std::int64_t layers) {
  write_heads(csv, {"prefill_chunk", "kv_prefill", "n_decode", "kv_decode", "time_us"});
  const auto row = [&](const StepGrid::Shape2& prefill, const StepGrid::Shape2& decode,
                       Duration time) {
    for (const std::int64_t n : {prefill.first, prefill.second, decode.first, decode.second}) {
      csv.number(n);
    }
    csv.number(microseconds(time / layers));
    csv.end_row();
  };
  for (const auto& [decode, time] : grid.decode) row({0, 0}, decode, time);
  for (const auto& [prefill, time] : grid.prefill) {
    row(prefill, {0, 0}, time);
    for (const auto& [decode, more] : grid.decode) row(prefill, decode, time + more);
  }
}

}  // namespace

void write_layer_profile(const StepGrid& grid, const labs::Shape& shape,
                         const std::filesystem::path& directory, const std::string& stem) {
  const Kinds kinds = kinds_of(shape);
  const auto file = [&](const char* kind) { return directory / (stem + kind); };
  replace_csv(file("_dense.csv"), [&](CsvFile& csv) {
    write_heads(csv, {"layer", "tokens", "time_us"});
    write_curves(csv, grid.products, kinds.products);
    write_curves(csv, grid.pointwise, kinds.pointwise);
  });
  replace_csv(file("_per_sequence.csv"), [&](CsvFile& csv) {
    write_heads(csv, {"layer", "sequences", "time_us"});
    write_curves(csv, grid.head, {{"lm_head", 1.0}});
    write_curves(csv, grid.sampler, {{"sampler", 1.0}});
  });
  replace_csv(file("_attention.csv"),
              [&](CsvFile& csv) { write_attention(csv, grid, shape.layers); });
}

}  // namespace terrace::calibrate
