#include "sim/kv/tier_spec.hpp"

namespace terrace {

void describe(config::Fields& f, TierSpec& tier) {
  f.required("name", tier.name, "what results call this tier");
  f.field("medium", tier.medium, "where it lies: dram, nvme or network");
  f.required("capacity", tier.capacity,
             "per host if shared (of the whole store on the network), per replica if private; "
             "0 switches the tier off");
  f.field("scope", tier.scope, "shared by the replicas of a host, or private to each");
  f.field("block_size", tier.block_size,
          "tokens per block, a multiple of the engine's; 0: the engine's");
  f.choice("eviction", tier.eviction, "which block leaves when the tier is full");
  f.field("write", tier.write,
          "through: a block is written when complete; on_evict: when the memory above drops it");
  f.field("inclusion", tier.inclusion,
          "whether a block that is loaded into HBM keeps its copy here (inclusive) or not");
  f.check(!(tier.write == WriteRule::through && tier.inclusion == Inclusion::exclusive),
          "inclusion",
          "an exclusive tier cannot be written through: every block would be here and above",
          "use write: on_evict");
  f.check(!(tier.medium == Medium::network && tier.scope == Scope::private_to_each), "scope",
          "a network store is shared by all replicas", "use scope: shared");
}

}  // namespace terrace
