#include "sim/base/check.hpp"
#include "sim/model/layer.hpp"

namespace terrace {
namespace {

std::int64_t matrices(bool gated) { return gated ? 3 : 2; }

/// Up, or gate and up in one; activation; down.
void add_mlp(MlpWork& work, std::int64_t hidden, std::int64_t width, bool gated, Op up, Op down) {
  work.products.push_back({up, (matrices(gated) - 1) * width, hidden});
  work.products.push_back({down, hidden, width});
  work.pointwise.push_back({Op::act_fn, width});
}

MlpWork work_of(const DenseMlp& m, std::int64_t hidden, const Parallel& parallel) {
  MlpWork work;
  work.pointwise = {{Op::layernorm, 2 * hidden}};
  add_mlp(work, hidden, share(m.width, parallel.tensor), m.gated, Op::gate_up_proj, Op::down_proj);
  return work;
}

MlpWork work_of(const MoeMlp& m, std::int64_t hidden, const Parallel& parallel) {
  const bool whole = parallel.expert > 1;
  MlpWork work;
  work.experts.total = m.experts;
  work.experts.local = share(m.experts, parallel.expert);
  work.experts.top_k = m.top_k;
  work.experts.hidden = hidden;
  work.experts.width = whole ? m.width : share(m.width, parallel.tensor);
  work.experts.matrices = matrices(m.gated);

  work.products = {{Op::router, m.experts, hidden}};
  work.pointwise = {{Op::layernorm, 2 * hidden}};
  if (m.shared_experts > 0) {
    const std::int64_t one = m.shared_width > 0 ? m.shared_width : m.width;
    const std::int64_t width = m.shared_experts * share(one, parallel.tensor);
    add_mlp(work, hidden, width, m.gated, Op::shared_expert, Op::shared_expert);
  }
  return work;
}

MlpWork work_of(const NoMlp&, std::int64_t, const Parallel&) { return {}; }

}  // namespace

MlpWork work(const Mlp& mlp, std::int64_t hidden, const Parallel& parallel) {
  TERRACE_CHECK(parallel.tensor >= 1 && parallel.expert >= 1);
  return std::visit([&](const auto& m) { return work_of(m, hidden, parallel); }, mlp);
}

}  // namespace terrace
