#pragma once

namespace terrace {

// How two times add up that overlap in part: (a^p + b^p)^(1/p) for a, b >= 0, the sum at p = 1, the
// larger at p = infinity. The same bits everywhere.

/// REQUIRES: p >= 1. About 40 ns.
double p_norm(double a, double b, double p);

/// At p = 3, with one call of pow.
double p_norm3(double a, double b);

/// At p = 4, with none.
double p_norm4(double a, double b);

}  // namespace terrace
