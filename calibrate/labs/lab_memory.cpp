#include "calibrate/labs/lab_memory.hpp"

#include <algorithm>

namespace terrace::labs {

LabMemory::LabMemory(const LabRules& rules, Transformer& model)
    : rules_(rules),
      model_(model),
      reservations_(rules.pool_blocks, rules.cache == CacheMode::contiguous
                                           ? rules.shape.blocks_for(rules.context)
                                           : 1) {
  if (rules.cache != CacheMode::tiered) return;
  BlockStoreRules store = rules.store;
  store.block = rules.shape.block_bytes();
  store_.emplace(store);
}

bool LabMemory::reserve(LabRequest& request, std::int64_t tokens) {
  return rules_.cache == CacheMode::off ||
         reservations_.grow(request.blocks, rules_.shape.blocks_for(tokens));
}

/// Of its full blocks: what a dialogue has said never changes.
std::vector<ContentId> LabMemory::contents_of(const LabRequest& request,
                                              std::int64_t tokens) const {
  const std::int64_t most = rules_.shape.blocks_for(rules_.context);
  const auto first = request.dialogue * static_cast<std::size_t>(most);
  std::vector<ContentId> contents;
  for (std::int64_t b = 0; b < tokens / rules_.shape.page; ++b) {
    contents.emplace_back(first + static_cast<std::size_t>(b));
  }
  return contents;
}

std::span<std::byte> LabMemory::staged(std::size_t block) {
  const auto size = static_cast<std::size_t>(rules_.shape.block_bytes().count());
  return std::span(staging_).subspan(block * size, size);
}

void LabMemory::restore(LabRequest& request) {
  if (!store_) return;
  const Stopwatch watch(transfers_);
  const std::vector<ContentId> contents = contents_of(request, request.known() - 1);
  const auto found = static_cast<std::size_t>(store_->count_found(contents));
  store_->looked_up(contents);
  staging_.resize(found * static_cast<std::size_t>(rules_.shape.block_bytes().count()));
  std::vector<BlockStore::Wanted> wanted;
  for (std::size_t i = 0; i < found; ++i) wanted.push_back({contents[i], staged(i)});
  store_->load(wanted);
  for (std::size_t i = 0; i < found; ++i) model_.load_block(request.blocks[i], staged(i));
  request.computed = static_cast<std::int64_t>(found) * rules_.shape.page;
}

/// The tail goes first, so that it is the first to leave what is below.
void LabMemory::release(LabRequest& request) {
  if (store_) {
    const Stopwatch watch(transfers_);
    const std::vector<ContentId> contents = contents_of(request, request.computed);
    staging_.resize(contents.size() * static_cast<std::size_t>(rules_.shape.block_bytes().count()));
    std::vector<BlockStore::Block> blocks;
    for (std::size_t i = contents.size(); i-- > 0;) {
      model_.save_block(request.blocks[i], staged(i));
      blocks.push_back({contents[i], staged(i)});
    }
    store_->put(blocks);
  }
  reservations_.release(request.blocks);
  request.computed = 0;
}

}  // namespace terrace::labs
