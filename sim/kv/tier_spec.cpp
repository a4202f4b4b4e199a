#include "sim/kv/tier_spec.hpp"

namespace terrace {

void describe(config::Fields& f, WriteQueueSpec& queue) {
  f.field("limit", queue.limit,
          "blocks of the tier that may wait, for each memory that writes to it; 0: any number",
          config::at_least(0));
  f.field("when_full", queue.when_full, "what becomes of a write for which there is no room");
  f.check(queue.limit > 0 || queue.when_full == WhenFull::skip, "when_full",
          "'when_full' has no effect on a queue without a limit", "give it a limit");
}

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
  f.choice("admission", tier.admission, "which of the blocks it is offered the tier takes");
  f.variant("write", tier.write,
            "through: a block is offered when complete; selective: when used so often; back, "
            "back_batched: when the memory above evicts it",
            [&] {
              if (tier.write == WriteRule::selective || f.wants_all()) {
                f.field("write_uses", tier.write_uses,
                        "uses before a block is written, its computation included (SGLang "
                        "write_through_selective: 2)",
                        config::at_least(1));
              }
              if (tier.write == WriteRule::back_batched || f.wants_all()) {
                f.field(
                    "write_batch", tier.write_batch,
                    "blocks of this tier that are written in one piece; fewer only if it has no "
                    "room for more, and what is left at the end of a run is not written",
                    config::at_least(1));
              }
            });
  f.object("write_queue", tier.write_queue, "writes that wait for the ones before them");
  f.field("promotion", tier.promotion,
          "on_hit: what is loaded from here leaves a copy in inclusive DRAM tiers above; in_place: "
          "it does not");
  f.choice("prefetch", tier.prefetch, "what moves from here up into DRAM before it is asked for");
  f.field("inclusion", tier.inclusion,
          "whether a block that is loaded into HBM keeps its copy here (inclusive) or not");
  const bool back = tier.write == WriteRule::back || tier.write == WriteRule::back_batched;
  f.check(back || tier.inclusion == Inclusion::inclusive, "inclusion",
          "an exclusive tier must be written back: else every block would be here and above",
          "use write: back");
  f.check(tier.write != WriteRule::back_batched || tier.write_queue.limit == 0 ||
              tier.write_queue.limit >= tier.write_batch,
          "write_queue", "its limit is below write_batch: no batch would ever be full",
          "raise write_queue.limit, or lower write_batch");
  f.check(!(tier.medium == Medium::network && tier.scope == Scope::private_to_each), "scope",
          "a network store is shared by all replicas", "use scope: shared");
}

}  // namespace terrace
