#include "kernels/cpu/split_decode.hpp"

#include <algorithm>
#include <cstddef>
#include <numbers>
#include <vector>

#include "kernels/cpu/online_softmax.hpp"
#include "kernels/cpu/workspace.hpp"

namespace terrace::kernels::cpu {
namespace {

constexpr std::int64_t kChunk = 1024;   // keys: enough that partial sums are few beside them
constexpr std::int64_t kMostRows = 64;  // of one piece: more share no further work

/// Query rows of one sequence that share keys: some of the heads of one kv head.
struct Unit {
  std::int64_t kv_head = 0;
  std::int64_t first_head = 0;
  std::int64_t rows = 0;
};

/// The pieces of an operation, and where each leaves its sums.
class Plan {
 public:
  explicit Plan(const SplitDecode& op) : op_(op) {
    const std::int64_t group = op.heads / op.kv.kv_heads;
    for (std::int64_t h = 0; h < op.kv.kv_heads; ++h) {
      for (std::int64_t r = 0; r < group; r += kMostRows) {
        units_.push_back({h, h * group + r, std::min(kMostRows, group - r)});
      }
    }
    for (std::int64_t s = 0; s < op.table.sequences(); ++s) {
      first_chunk_.push_back(first_chunk_.back() + (length(s) - start(s) + kChunk - 1) / kChunk);
    }
  }

  [[nodiscard]] const std::vector<Unit>& units() const { return units_; }
  [[nodiscard]] std::int64_t chunks() const { return first_chunk_.back(); }

  [[nodiscard]] std::int64_t length(std::int64_t sequence) const {
    return op_.table.kv_lens[static_cast<std::size_t>(sequence)];
  }
  /// The first token that the new one sees.
  [[nodiscard]] std::int64_t start(std::int64_t sequence) const {
    return op_.window ? std::max<std::int64_t>(length(sequence) - *op_.window, 0) : 0;
  }
  /// Chunks are numbered through all sequences.
  [[nodiscard]] std::int64_t first_chunk(std::int64_t sequence) const {
    return first_chunk_[static_cast<std::size_t>(sequence)];
  }
  [[nodiscard]] std::int64_t sequence_of(std::int64_t chunk) const {
    return std::upper_bound(first_chunk_.begin(), first_chunk_.end(), chunk) -
           first_chunk_.begin() - 1;
  }

 private:
  const SplitDecode& op_;
  std::vector<Unit> units_;
  std::vector<std::int64_t> first_chunk_{0};  // by sequence, and the number of all
};

/// What chunks have gathered: [chunk][head].
struct Partials {
  FloatBuffer sums;
  std::vector<Gathered> gathered;
};

struct ChunkJob {
  const SplitDecode& op;
  const Plan& plan;
  Partials& partials;
  std::int64_t chunk = 0;
  Unit unit{};

  template <int Lanes>
  [[gnu::always_inline]] void run() const {
    const std::int64_t sequence = plan.sequence_of(chunk);
    const std::int64_t first = plan.start(sequence) + (chunk - plan.first_chunk(sequence)) * kChunk;
    const std::int64_t last = std::min(first + kChunk, plan.length(sequence));
    const std::int64_t key_dim = op.kv.head_dim;
    const float scale = op.scale * op.kv.key_scale * std::numbers::log2e_v<float>;
    const bool values_in_keys = op.kv.values.begin == op.kv.keys.begin;
    const PagedRows keys = paged_rows(op.kv, op.kv.keys, op.table, sequence, unit.kv_head);
    const PagedRows values = paged_rows(op.kv, op.kv.values, op.table, sequence, unit.kv_head);

    Workspace space(unit.rows, key_dim, op.value_dim);
    const std::int64_t row = chunk * op.heads + unit.first_head;
    QueryRows state = space.state();
    state.sums = {partials.sums.data() + row * op.value_dim, op.value_dim};
    state.gathered = partials.gathered.data() + row;
    std::fill_n(state.sums.begin, unit.rows * op.value_dim, 0.0F);
    for (std::int64_t r = 0; r < unit.rows; ++r) {
      const std::int64_t query = sequence * op.heads + unit.first_head + r;
      widen(op.q, query * key_dim, key_dim, scale, state.q[r]);
    }
    for (std::int64_t t = first; t < last; t += kTile) {
      const std::int64_t end = std::min(t + kTile, last);
      widen_tokens(keys, t, end, last, key_dim, space.keys());
      if (!values_in_keys) widen_tokens(values, t, end, last, op.value_dim, space.values());
      std::fill(space.seen().begin(), space.seen().end(), Seen{0, end - t});
      const Rows<float> v = values_in_keys ? space.keys() : space.values();
      attend<Lanes>(
          state,
          {{space.keys().begin, space.keys().stride}, {v.begin, v.stride}, key_dim, op.value_dim},
          space.seen());
    }
  }
};

/// The output row of a head, from what the chunks of its sequence have gathered.
void merge(const SplitDecode& op, const Plan& plan, const Partials& partials, std::int64_t sequence,
           std::int64_t head) {
  std::vector<float> sums(static_cast<std::size_t>(op.value_dim));
  Gathered all;
  for (std::int64_t c = plan.first_chunk(sequence); c < plan.first_chunk(sequence + 1); ++c) {
    const std::int64_t row = c * op.heads + head;
    Gathered part = partials.gathered[static_cast<std::size_t>(row)];
    float* part_sums = partials.sums.data() + row * op.value_dim;
    if (part.largest > all.largest) correct(all, part.largest, sums.data(), op.value_dim);
    correct(part, all.largest, part_sums, op.value_dim);
    all.weight += part.weight;
    for (std::size_t d = 0; d < sums.size(); ++d) sums[d] += part_sums[d];
  }
  const std::int64_t row = (sequence * op.heads + head) * op.value_dim;
  with_elements(op.out, [&]<class T>(T* out) {
    const float factor = plan.length(sequence) > 0 ? op.kv.value_scale / all.weight : 0.0F;
    std::transform(sums.begin(), sums.end(), out + row,
                   [=](float sum) { return round_to<T>(sum * factor); });
  });
}

}  // namespace

void run(const SplitDecode& op, Threads& threads, Vectors vectors) {
  const Plan plan(op);
  const auto units = static_cast<std::int64_t>(plan.units().size());
  Partials partials{FloatBuffer(plan.chunks() * op.heads * op.value_dim),
                    std::vector<Gathered>(static_cast<std::size_t>(plan.chunks() * op.heads))};
  threads.run(static_cast<std::size_t>(plan.chunks() * units), [&](std::size_t piece) {
    const auto i = static_cast<std::int64_t>(piece);
    const Unit unit = plan.units()[static_cast<std::size_t>(i % units)];
    run_job(vectors, ChunkJob{op, plan, partials, i / units, unit});
  });
  threads.run(static_cast<std::size_t>(op.table.sequences()), [&](std::size_t sequence) {
    for (std::int64_t h = 0; h < op.heads; ++h) {
      merge(op, plan, partials, static_cast<std::int64_t>(sequence), h);
    }
  });
}

}  // namespace terrace::kernels::cpu
