#include "sim/workload/trace_spec.hpp"

namespace terrace {

void describe(config::Fields& f, TraceSpec& spec) {
  f.required("path", spec.path, "the file");
  f.field("format", spec.format, "how it is written; auto looks at its beginning");
  f.field("speedup", spec.speedup, "the trace's times are divided by this", config::kPositive);
  f.field("rate", spec.rate, "mean arrival rate to speed the trace up or slow it down to",
          config::kPositive);
  f.field("max_requests", spec.max_requests, "stop after this many", config::at_least(1));
  f.field("duration", spec.duration, "stop at this simulated time", config::kPositive);
  f.field("spread", spec.spread, "what becomes of requests with one and the same time");
  f.field("hash_block", spec.hash_block,
          "tokens per hash id; by default 512 in mooncake, 16 in bailian traces",
          config::between(1, 1e9));
  f.object("slo", spec.slo, "objectives for all requests of the trace");
  f.field("priority", spec.priority, "of all requests of the trace; lower is served first");

  f.check(!spec.rate || spec.speedup == 1, "rate", "'rate' and 'speedup' both set the pace",
          "keep one of them");
  const bool hashed = spec.format == TraceFormat::automatic ||
                      spec.format == TraceFormat::mooncake || spec.format == TraceFormat::bailian;
  f.check(!spec.hash_block || hashed, "hash_block", "traces of this format have no hash ids");
}

}  // namespace terrace
