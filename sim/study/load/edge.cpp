#include "sim/study/load/edge.hpp"

#include <algorithm>
#include <cmath>

#include "sim/base/check.hpp"

namespace terrace {

std::optional<Edge> find_edge(const EdgeSearch& search,
                              FunctionRef<std::optional<bool>(double)> answer) {
  TERRACE_CHECK(search.least <= search.start && search.start <= search.most && search.step > 1 &&
                search.precision > 0);
  constexpr double kLongestStep = 2;
  Edge edge;
  double step = std::min(search.step, kLongestStep);
  for (double at = search.start; !edge.yes || !edge.no;) {
    const auto yes = answer(at);
    if (!yes) return std::nullopt;
    (*yes ? edge.yes : edge.no) = at;
    const double end = *yes ? search.most : search.least;
    if (at == end) break;
    at = *yes ? std::min(at * step, end) : std::max(at / step, end);
    step = std::min(step * step, kLongestStep);
  }
  while (edge.yes && edge.no && *edge.no > *edge.yes * (1 + search.precision)) {
    const double middle = std::sqrt(*edge.yes * *edge.no);
    const auto yes = answer(middle);
    if (!yes) return std::nullopt;
    (*yes ? edge.yes : edge.no) = middle;
  }
  return edge;
}

}  // namespace terrace
