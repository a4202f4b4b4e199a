#include "sim/kv/hybrid_pages.hpp"

#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/base/saturated.hpp"

namespace terrace {
namespace {

constexpr Tokens kAlignment{16};  // of attention blocks, as FlashAttention wants them

/// Equal layers, on one GPU.
struct Kind {
  std::size_t layer_group = 0;
  std::int64_t layers = 0;
  Reach reach = Reach::all;
  Tokens span;
  Bytes state;                // of a sequence; zero: what follows is
  std::int64_t elements = 0;  // per token
  Bytes fixed;                // likewise

  [[nodiscard]] bool is_state() const { return state > Bytes{}; }
  [[nodiscard]] bool same_reach(const Kind& other) const {
    return reach == other.reach && span == other.span && is_state() == other.is_state();
  }
  [[nodiscard]] bool same(const Kind& other) const {
    return same_reach(other) && state == other.state && elements == other.elements &&
           fixed == other.fixed;
  }
  [[nodiscard]] Bytes page(DType kv, Tokens block) const {
    if (is_state()) return state;
    return Bytes{share(elements * block.count() * bits(kv), 8)} + fixed * block.count();
  }
};

/// An index decides what is read, not what is kept.
Reach kept(Reach reach) { return reach == Reach::chosen ? Reach::all : reach; }

std::vector<Kind> kinds_of(const ModelSpec& model, const Parallel& parallel) {
  std::vector<Kind> kinds;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const LayerGroup& group = model.layers[i];
    const CacheWork cache = work(group.attention, model.hidden, parallel).cache;
    Kind kind{i,           group.count,    kept(cache.reach), cache.span,
              cache.state, cache.elements, cache.fixed};
    if (kind.reach == Reach::all) kind.span = {};
    const auto known =
        std::find_if(kinds.begin(), kinds.end(), [&](const Kind& k) { return k.same(kind); });
    if (known == kinds.end()) {
      kinds.push_back(kind);
    } else {
      known->layers += kind.layers;
    }
  }
  return kinds;
}

std::int64_t blocks(Tokens tokens, Tokens block) { return share(tokens.count(), block.count()); }

/// What a sequence has of one kind.
std::int64_t pages_of(const Kind& kind, Tokens block, Tokens context, Tokens encoder) {
  if (kind.is_state()) return 1;
  switch (kind.reach) {
    case Reach::all:
    case Reach::chosen:
      break;
    case Reach::window: {
      const std::int64_t left = std::max(context - kind.span, Tokens{}).count();
      return blocks(context, block) - left / block.count();
    }
    case Reach::chunk:
      return blocks(std::min(context, kind.span), block);
    case Reach::encoder:
      return blocks(encoder, block);
  }
  return blocks(context, block);
}

/// Blocks of attention that a state fits beside.
Tokens aligned_block(const std::vector<Kind>& kinds, DType kv, Tokens block) {
  Bytes state;
  Bytes token;
  for (const Kind& kind : kinds) {
    state = std::max(state, kind.state);
    if (!kind.is_state()) token = std::max(token, kind.page(kv, kAlignment));
  }
  if (state == Bytes{} || token == Bytes{}) return block;
  return std::max(block, kAlignment * share(state.count(), token.count()));
}

/// Layers that share a page.
std::int64_t slots_of(const std::vector<Kind>& kinds) {
  std::int64_t least = kinds.front().layers;
  std::int64_t most = least;
  for (const Kind& kind : kinds) {
    least = std::min(least, kind.layers);
    most = std::max(most, kind.layers);
  }
  return 2 * most < 3 * least ? most : least;
}

}  // namespace

std::int64_t HybridPages::pages() const {
  std::int64_t sum = 0;
  for (const PageGroups& group : groups) sum += group.groups * group.pages;
  return sum;
}

Bytes HybridPages::bytes() const { return saturated(slot, slots * pages()); }

HybridPages hybrid_pages(const ModelSpec& model, DType kv, const Parallel& parallel, Tokens block,
                         Tokens context) {
  TERRACE_CHECK(block > Tokens{} && context > Tokens{});
  const std::vector<Kind> kinds = kinds_of(model, parallel);
  const Tokens encoder = model.encoder ? model.encoder->tokens : Tokens{};
  HybridPages all;
  const bool alike = std::all_of(kinds.begin(), kinds.end(), [&](const Kind& kind) {
    return kind.same_reach(kinds.front()) && !kind.is_state();
  });
  if (alike) {
    std::int64_t layers = 0;
    for (const Kind& kind : kinds) {
      all.slot += kind.page(kv, block) * kind.layers;
      layers += kind.layers;
    }
    all.groups = {{0, layers, 1, block, pages_of(kinds.front(), block, context, encoder)}};
    return all;
  }
  const Tokens common = aligned_block(kinds, kv, block);
  for (const Kind& kind : kinds) all.slot = std::max(all.slot, kind.page(kv, common));
  all.slots = slots_of(kinds);
  for (const Kind& kind : kinds) {
    const Bytes page = kind.page(kv, common);
    const bool even = !kind.is_state() && all.slot.count() % page.count() == 0;
    const Tokens own = kind.is_state() ? Tokens{}
                       : even          ? common * (all.slot.count() / page.count())
                                       : common;
    all.groups.push_back({kind.layer_group, kind.layers, share(kind.layers, all.slots), own,
                          pages_of(kind, own, context, encoder)});
  }
  return all;
}

}  // namespace terrace
