#include "sim/cost/kernels.hpp"

#include <algorithm>

namespace terrace {
namespace {

/// 1 + 2 + ... + n.
double triangle(double n) { return n * (n + 1) / 2; }

/// Pairs of the first n tokens of a sequence if each attends to the last `span` only.
double windowed(double n, double span) {
  return n <= span ? triangle(n) : triangle(span) + (n - span) * span;
}

/// The same if each attends to its own chunk of `span` tokens.
double chunked(double n, std::int64_t span) {
  const auto whole = static_cast<std::int64_t>(n) / span;
  return static_cast<double>(whole) * triangle(static_cast<double>(span)) +
         triangle(n - static_cast<double>(whole * span));
}

}  // namespace

double pairs(const AttentionKernel& kernel, const PrefillChunk& chunk) {
  const auto fresh = static_cast<double>(chunk.fresh.count());
  const auto prefix = static_cast<double>(chunk.prefix.count());
  const auto span = static_cast<double>(kernel.span.count());
  switch (kernel.reach) {
    case Reach::all:
      return fresh * prefix + triangle(fresh);
    case Reach::window:
    case Reach::chosen:
      return windowed(prefix + fresh, span) - windowed(prefix, span);
    case Reach::chunk:
      return chunked(prefix + fresh, kernel.span.count()) - chunked(prefix, kernel.span.count());
    case Reach::encoder:
      return fresh * span;
  }
  return 0;
}

Tokens prefix_met(const AttentionKernel& kernel, const PrefillChunk& chunk) {
  switch (kernel.reach) {
    case Reach::all:
    case Reach::chosen:  // each token may choose others
      return chunk.prefix;
    case Reach::window:
      return std::min(chunk.prefix, kernel.span - Tokens{1});
    case Reach::chunk:
      return Tokens{chunk.prefix.count() % kernel.span.count()};
    case Reach::encoder:
      return kernel.span;
  }
  return {};
}

}  // namespace terrace
