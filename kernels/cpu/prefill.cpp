#include "kernels/prefill.hpp"

#include <algorithm>
#include <cstddef>
#include <numbers>
#include <vector>

#include "kernels/cpu/cpu_set.hpp"
#include "kernels/cpu/online_softmax.hpp"
#include "kernels/cpu/workspace.hpp"

namespace terrace::kernels {
namespace cpu {
namespace {

constexpr std::int64_t kRowsPerPiece = 64;  // queries that share a tile of widened keys

/// New tokens [first, last) of a sequence with the heads of one kv head: a row for each token and
/// head, tokens in front.
struct PrefillPiece {
  std::int64_t sequence = 0;
  std::int64_t kv_head = 0;
  std::int64_t first = 0;
  std::int64_t last = 0;
};

std::vector<PrefillPiece> pieces_of(const PagedPrefill& op) {
  const std::int64_t tokens = std::max<std::int64_t>(kRowsPerPiece * op.kv.kv_heads / op.heads, 1);
  std::vector<PrefillPiece> pieces;
  for (std::int64_t s = 0; s < op.table.sequences(); ++s) {
    const auto i = static_cast<std::size_t>(s);
    const std::int64_t count = op.indptr[i + 1] - op.indptr[i];
    for (std::int64_t first = 0; first < count; first += tokens) {
      for (std::int64_t h = 0; h < op.kv.kv_heads; ++h) {
        pieces.push_back({s, h, first, std::min(first + tokens, count)});
      }
    }
  }
  return pieces;
}

struct PrefillJob {
  const PagedPrefill& op;
  PrefillPiece piece;

  template <int Lanes>
  [[gnu::always_inline]] void run() const {
    const auto s = static_cast<std::size_t>(piece.sequence);
    const std::int64_t dim = op.kv.head_dim;
    const std::int64_t group = op.heads / op.kv.kv_heads;
    const std::int64_t rows = (piece.last - piece.first) * group;
    const std::int64_t before = op.table.kv_lens[s] - (op.indptr[s + 1] - op.indptr[s]);
    const std::int64_t last = before + piece.last;  // of the keys that any row sees
    const std::int64_t first = first_seen(before + piece.first);
    const PagedRows keys = paged_rows(op.kv, op.kv.keys, op.table, piece.sequence, piece.kv_head);
    const PagedRows values =
        paged_rows(op.kv, op.kv.values, op.table, piece.sequence, piece.kv_head);

    Workspace space(rows, dim, dim);
    const float scale = op.scale * op.kv.key_scale * std::numbers::log2e_v<float>;
    for (std::int64_t r = 0; r < rows; ++r) {
      widen(op.q, place(r), dim, scale, space.state().q[r]);
    }
    for (std::int64_t t = first; t < last; t += kTile) {
      const std::int64_t end = std::min(t + kTile, last);
      widen_tokens(keys, t, end, last, dim, space.keys());
      widen_tokens(values, t, end, last, dim, space.values());
      for (std::int64_t r = 0; r < rows; ++r) {
        const std::int64_t position = before + piece.first + r / group;
        space.seen()[static_cast<std::size_t>(r)] = {
            std::max<std::int64_t>(first_seen(position) - t, 0), std::min(position + 1, end) - t};
      }
      attend<Lanes>(space.state(),
                    {{space.keys().begin, dim}, {space.values().begin, dim}, dim, dim},
                    space.seen());
    }
    for (std::int64_t r = 0; r < rows; ++r) write(r, space.state());
  }

  /// The first key that the token at `position` sees.
  [[nodiscard]] std::int64_t first_seen(std::int64_t position) const {
    return op.window ? std::max<std::int64_t>(position + 1 - *op.window, 0) : 0;
  }

  /// Where a row's numbers begin in q and out.
  [[nodiscard]] std::int64_t place(std::int64_t row) const {
    const std::int64_t group = op.heads / op.kv.kv_heads;
    const std::int64_t token =
        op.indptr[static_cast<std::size_t>(piece.sequence)] + piece.first + row / group;
    return (token * op.heads + piece.kv_head * group + row % group) * op.kv.head_dim;
  }

  void write(std::int64_t row, const QueryRows& state) const {
    const float factor = op.kv.value_scale / state.gathered[row].weight;
    with_elements(op.out, [&]<class T>(T* out) {
      for (std::int64_t d = 0; d < op.kv.head_dim; ++d) {
        out[place(row) + d] = round_to<T>(state.sums[row][d] * factor);
      }
    });
  }
};

}  // namespace
}  // namespace cpu

void CpuSet::compute(const PagedPrefill& op) {
  const std::vector<cpu::PrefillPiece> pieces = cpu::pieces_of(op);
  threads_.run(pieces.size(), [&](std::size_t i) {
    cpu::run_job(vectors_, cpu::PrefillJob{op, pieces[i]});
  });
}

}  // namespace terrace::kernels
