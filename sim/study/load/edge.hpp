#pragma once

#include <optional>

#include "sim/base/function_ref.hpp"

namespace terrace {

/// Where, as a positive number grows, a yes turns to a no. One of them is missing if there was
/// nothing else from one end to the other.
struct Edge {
  std::optional<double> yes;
  std::optional<double> no;
};

struct EdgeSearch {
  double start = 1;
  double step = 2;          // the first one away from there; squared each time, at most doubling
  double least = 0x1p-16;   // no smaller number is tried,
  double most = 0x1p16;     // and no larger one
  double precision = 0.02;  // the no is so little above the yes
};

/// Walks from the start to the first change of the answer, and halves the gap until it is small.
/// The answers need not be monotone: what is found is one edge, the yes below, the no above. To
/// answer nothing ends the search, with nothing. REQUIRES: least <= start <= most, step > 1,
/// precision > 0.
std::optional<Edge> find_edge(const EdgeSearch& search,
                              FunctionRef<std::optional<bool>(double)> answer);

}  // namespace terrace
