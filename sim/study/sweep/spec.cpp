#include "sim/study/sweep/spec.hpp"

namespace terrace {

void describe(config::Fields& f, SweepKeySpec& key) {
  f.tree("key", key.key, "a key of the scenario, as in tiers[0].capacity", "string", true);
  f.tree("values", key.values,
         "what it is set to in turn: a list, or a range such as 1GiB..1TiB x2 or 4..64 +4",
         "string or array", true);
}

void describe(config::Fields& f, SweepAxisSpec& axis) {
  f.tree("key", axis.one.key, "a key of the scenario, as in tiers[0].capacity", "string");
  f.tree("values", axis.one.values,
         "what it is set to in turn: a list, or a range such as 1GiB..1TiB x2 or 4..64 +4",
         "string or array");
  f.list("zip", axis.zip, "keys that move together: the n-th values of all");
  const bool key = axis.one.key.kind != config::Node::Kind::null;
  const bool values = axis.one.values.kind != config::Node::Kind::null;
  f.check(!axis.zip.empty() || (key && values), "key",
          !key && !values ? "an axis needs 'key' and 'values', or 'zip'"
          : key           ? "the axis lacks its 'values'"
                          : "the axis lacks its 'key'",
          "as in {key: serving.replicas, values: [1, 2]}");
  f.check(axis.zip.empty() || (!key && !values), "zip", "an axis has a key or a zip, not both",
          "put the key into the zip, or into an axis of its own");
}

void describe(config::Fields& f, SweepRepeat& repeat) {
  f.tree("seeds", repeat.seeds,
         "how many, counted from the scenario's seed, or a list; every arm runs with the same",
         "integer or array", true);
}

void describe(config::Fields& f, SweepSpec& sweep) {
  f.tree("scenario", sweep.scenario, "a file, beside this one, or a name of the catalogue",
         "string", true);
  f.tree("set", sweep.set, "values for every run, by key, as in {serving.replicas: 2}", "object");
  f.list("axes", sweep.axes, "what is varied; every combination runs, the last axis fastest", true);
  f.object("repeat", sweep.repeat, "how often every combination runs");
  f.tree("metrics", sweep.metrics, "what is reported; terrace list metrics", "array");
  f.tree("rank_by", sweep.rank_by, "the metric that arms are ranked by", "string");
  f.tree("pareto", sweep.pareto, "metrics that are traded off against each other", "array");
}

}  // namespace terrace
