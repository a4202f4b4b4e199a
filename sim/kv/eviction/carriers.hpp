#pragma once

#include <cstddef>
#include <vector>

#include "sim/base/id.hpp"

namespace terrace {

/// Which blocks of a pool carry a content: more than one if several requests computed it.
class Carriers {
 public:
  void add(BlockId block, ContentId content) {
    if (content.index() >= first_.size()) first_.resize(content.index() + 1, BlockId::none());
    if (block.index() >= links_.size()) links_.resize(block.index() + 1);
    BlockId& first = first_[content.index()];
    if (first != BlockId::none()) links_[first.index()].before = block;
    links_[block.index()] = {BlockId::none(), first};
    first = block;
  }

  /// REQUIRES: `block` was added with `content`.
  void remove(BlockId block, ContentId content) {
    const Link gone = links_[block.index()];
    (gone.before == BlockId::none() ? first_[content.index()] : links_[gone.before.index()].after) =
        gone.after;
    if (gone.after != BlockId::none()) links_[gone.after.index()].before = gone.before;
  }

  template <class Visit>
  void for_each(ContentId content, Visit visit) const {
    if (content.index() >= first_.size()) return;
    for (BlockId b = first_[content.index()]; b != BlockId::none(); b = links_[b.index()].after) {
      visit(b);
    }
  }

 private:
  struct Link {
    BlockId before = BlockId::none();
    BlockId after = BlockId::none();
  };

  std::vector<BlockId> first_;  // by content
  std::vector<Link> links_;     // by block
};

}  // namespace terrace
