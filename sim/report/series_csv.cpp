#include "sim/report/series_csv.hpp"

#include "sim/kv/hierarchy.hpp"

namespace terrace {

SeriesCsv::SeriesCsv(const std::filesystem::path& path, Bytes block_bytes)
    : file_(path), sampler_(block_bytes, [this](const Sample& sample) { write(sample); }) {}

void SeriesCsv::on_start(const RunView& view) {
  for (const char* column :
       {"time_s", "replica", "running", "waiting", "loading", "held_blocks", "occupied_blocks",
        "completed", "output_tokens", "preemptions", "busy_s"}) {
    file_.quoted(column);
  }
  for (const Tier& tier : view.hierarchy.tiers()) file_.text(tier.spec.name + "_occupied_bytes");
  file_.end_row();
  sampler_.on_start(view);
}

void SeriesCsv::write(const Sample& s) {
  file_.seconds(s.at.time_since_epoch());
  if (s.replica == ReplicaId::none()) {
    file_.quoted("all");
  } else {
    file_.number(static_cast<std::int64_t>(s.replica.index()));
  }
  for (const std::int64_t count :
       {s.running, s.waiting, s.loading, s.held_blocks, s.occupied_blocks, s.completed,
        s.output_tokens, s.preemptions}) {
    file_.number(count);
  }
  file_.seconds(s.busy);
  for (const Bytes bytes : s.tier_occupied) file_.number(bytes.count());
  file_.end_row();
}

}  // namespace terrace
