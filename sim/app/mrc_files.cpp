#include <array>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/app/mrc_part.hpp"
#include "sim/app/mrc_report.hpp"
#include "sim/report/json.hpp"

namespace terrace::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;

Json counts_json(const HitCounts& hits) {
  Json out;
  out["usable_hit_tokens"] = hits.usable_tokens.count();
  out["usable_hit_blocks"] = hits.usable_blocks;
  out["hit_tokens"] = hits.tokens.count();
  out["hit_blocks"] = hits.blocks;
  return out;
}

Json capacity_json(const MrcReport& report, std::int64_t blocks) {
  Json out;
  out["capacity_bytes"] = bytes_of(report, blocks).count();
  out["capacity_blocks"] = blocks;
  return out;
}

Json part_json(const MrcReport& report, const MrcPart& part) {
  const StreamTotals& t = report.mrc.totals;
  Json out;
  out["policy"] = part.curve().policy;
  out["method"] = name_of(part.curve().method);
  out["oracle"] = part.curve().oracle;
  out["sampling_rate"] = part.curve().rate;
  Json& points = out["points"] = Json::array();
  for (std::size_t i = 0; i < part.points().size(); ++i) {
    Json point = capacity_json(report, part.capacities()[i]);
    if (const MrcPart::Point& p = part.points()[i]) {
      point["usable_token_hit_ratio"] = part.usable_tokens(p->hits);
      point["usable_block_hit_ratio"] = ratio(p->hits.usable_blocks, t.reads);
      point["block_hit_ratio"] = ratio(p->hits.blocks, t.reads);
      point["block_hit_ratio_error"] = ratio(1, t.reads) * p->error;
      point.update(counts_json(p->hits));
    }
    points.push_back(std::move(point));
  }
  const auto place = [&](std::optional<std::size_t> at) {
    return at ? capacity_json(report, part.capacities()[*at]) : Json(nullptr);
  };
  out["knee"] = place(part.knee_at());
  Json& reached = out["reaching"] = Json::object();
  for (const double share : kShares) {
    reached[fmt::format("{:.0f}%", 100 * share)] = place(part.reaches(share));
  }
  return out;
}

}  // namespace

std::string mrc_json(const MrcReport& report) {
  const StreamTotals& t = report.mrc.totals;
  Json out;
  out["schema_version"] = kSchemaVersion;
  out["source"] = report.source;
  out["model_id"] = report.model;
  out["kv_dtype"] = report.kv_dtype;
  out["block_size_tokens"] = report.stream.block_size.count();
  out["block_bytes"] = report.bytes_per_block.count();
  out["partial_blocks"] = report.stream.partial_blocks ? "count" : "ignore";
  out["outputs"] = report.stream.outputs;
  out["complete"] = report.mrc.complete;
  out["requests"] = t.requests;
  out["prompt_tokens"] = t.prompt.count();
  out["read_blocks"] = t.reads;
  out["written_blocks"] = t.writes;
  out["distinct_blocks"] = t.unique;
  out["compulsory_misses"] = t.compulsory_misses;
  out["achievable"] = counts_json(t.achievable);
  Json& left_out = out["left_out"] = Json::array();
  for (const LeftOut& one : report.left_out) {
    left_out.push_back({{"policy", one.policy}, {"lacks", one.lacks}});
  }
  Json& tiers = out["tiers"] = Json::array();
  for (const MrcReport::Tier& tier : report.tiers) {
    Json one;
    one["name"] = tier.name;
    one["range"] = tier.range;
    Json& curves = one["curves"] = Json::array();
    for (const MrcPart& part : parts_of(report, tier)) curves.push_back(part_json(report, part));
    tiers.push_back(std::move(one));
  }
  return json_text(out);
}

void write_mrc_csv(const MrcReport& report, CsvFile& file) {
  constexpr std::array kHeads = {"tier",
                                 "policy",
                                 "method",
                                 "capacity_bytes",
                                 "capacity_blocks",
                                 "usable_token_hit_ratio",
                                 "usable_block_hit_ratio",
                                 "block_hit_ratio",
                                 "block_hit_ratio_error",
                                 "usable_hit_tokens",
                                 "usable_hit_blocks",
                                 "hit_tokens",
                                 "hit_blocks"};
  for (const char* head : kHeads) file.quoted(head);
  file.end_row();
  const std::int64_t reads = report.mrc.totals.reads;
  for (const MrcReport::Tier& tier : report.tiers) {
    for (const MrcPart& part : parts_of(report, tier)) {
      for (std::size_t i = 0; i < part.points().size(); ++i) {
        const MrcPart::Point& point = part.points()[i];
        if (!point) continue;
        file.text(tier.name);
        file.text(part.curve().policy);
        file.text(name_of(part.curve().method));
        file.number(bytes_of(report, tier.capacities[i]).count());
        file.number(tier.capacities[i]);
        file.number(part.usable_tokens(point->hits));
        file.number(ratio(point->hits.usable_blocks, reads));
        file.number(ratio(point->hits.blocks, reads));
        file.number(ratio(1, reads) * point->error);
        file.number(point->hits.usable_tokens.count());
        file.number(point->hits.usable_blocks);
        file.number(point->hits.tokens.count());
        file.number(point->hits.blocks);
        file.end_row();
      }
    }
  }
  file.close();
}

}  // namespace terrace::app
