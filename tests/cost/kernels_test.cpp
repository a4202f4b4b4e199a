// What a chunk attends to, counted token by token.

#include "sim/cost/kernels.hpp"

#include <algorithm>
#include <cstdint>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/for_all.hpp"

namespace terrace {
namespace {

struct Counted {
  std::int64_t pairs = 0;
  std::int64_t prefix = 0;  // tokens before the chunk that one of it attends to
};

/// Tokens are numbered from the start of the sequence; `first` is the chunk's.
Counted counted(Reach reach, std::int64_t span, std::int64_t fresh, std::int64_t first) {
  Counted all;
  std::int64_t earliest = first;
  for (std::int64_t query = first; query < first + fresh; ++query) {
    for (std::int64_t key = 0; key <= query; ++key) {
      const bool seen = reach == Reach::all || (reach == Reach::window && key > query - span) ||
                        (reach == Reach::chunk && key / span == query / span) ||
                        (reach == Reach::chosen && key < span);  // any so many of those before
      if (!seen) continue;
      ++all.pairs;
      if (reach != Reach::chosen) earliest = std::min(earliest, key);
    }
  }
  // Each query may choose other tokens, all of which have to be there.
  all.prefix = reach == Reach::chosen ? first : first - earliest;
  return all;
}

TEST(Kernels, PairsAndPrefixAgreeWithCounting) {
  tests::for_all(
      [] {
        const auto fresh = *rc::gen::inRange<std::int64_t>(1, 60);
        const auto first = *rc::gen::inRange<std::int64_t>(0, 120);
        const auto span = *rc::gen::inRange<std::int64_t>(1, 70);
        const PrefillChunk chunk{Tokens{fresh}, Tokens{first}};
        for (const Reach reach : {Reach::all, Reach::window, Reach::chunk, Reach::chosen}) {
          AttentionKernel kernel;
          kernel.reach = reach;
          kernel.span = Tokens{span};
          const Counted by_hand = counted(reach, span, fresh, first);
          RC_ASSERT(pairs(kernel, chunk) == static_cast<double>(by_hand.pairs));
          RC_ASSERT(prefix_met(kernel, chunk).count() == by_hand.prefix);
        }
        AttentionKernel cross;
        cross.reach = Reach::encoder;
        cross.span = Tokens{span};
        RC_ASSERT(pairs(cross, chunk) == static_cast<double>(fresh * span));
        RC_ASSERT(prefix_met(cross, chunk) == Tokens{span});
      },
      500);
}

TEST(Kernels, ChunksOfOnePromptAddUp) {
  tests::for_all([] {
    const auto total = *rc::gen::inRange<std::int64_t>(2, 100'000);
    const auto cut = *rc::gen::inRange<std::int64_t>(1, total);
    const auto span = *rc::gen::inRange<std::int64_t>(1, 10'000);
    for (const Reach reach :
         {Reach::all, Reach::window, Reach::chunk, Reach::chosen, Reach::encoder}) {
      AttentionKernel kernel;
      kernel.reach = reach;
      kernel.span = Tokens{span};
      RC_ASSERT(pairs(kernel, {Tokens{cut}, Tokens{0}}) +
                    pairs(kernel, {Tokens{total - cut}, Tokens{cut}}) ==
                pairs(kernel, {Tokens{total}, Tokens{0}}));
    }
  });
}

TEST(Kernels, APairIsWhatDecodesAttendTo) {
  tests::for_all([] {
    const Tokens before{*rc::gen::inRange<std::int64_t>(0, 10'000)};
    const Tokens span{*rc::gen::inRange<std::int64_t>(1, 5'000)};
    for (const Reach reach :
         {Reach::all, Reach::window, Reach::chunk, Reach::chosen, Reach::encoder}) {
      AttentionKernel kernel;
      kernel.reach = reach;
      kernel.span = span;
      RC_ASSERT(pairs(kernel, {Tokens{1}, before}) ==
                static_cast<double>(attended(reach, span, before + Tokens{1}, span).count()));
    }
  });
}

}  // namespace
}  // namespace terrace
