#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "sim/workload/trace_input.hpp"
#include "sim/workload/trace_spec.hpp"
#include "sim/workload/workload.hpp"

namespace terrace {

/// Replays a trace as it is read, in the memory of one request.
///
/// Times of data sets (mooncake, bailian, azure, burstgpt) count from their first request; times
/// of our own forms (csv, terrace) are those of the simulation. Arrivals carry no tickets: a trace
/// does not wait for answers.
///
/// Opening reads the first request; each later mistake in the trace is thrown, as ConfigError, by
/// the next_time() that comes upon it. `rate`, and clients that the trace does not declare at its
/// beginning, take a first pass over the trace, a `spread` a second reader that runs ahead; a pipe
/// can do neither.
///
/// Text that the trace does not identify belongs to one request alone, see TraceContent. `seed`
/// keeps such texts of several traces in one simulation apart, and drives a random spread.
std::unique_ptr<Workload> open_trace(const TraceSpec& spec, std::uint64_t seed);

/// The same from any bytes. spec.path is not used.
std::unique_ptr<Workload> open_trace(const TraceInput& input, const TraceSpec& spec,
                                     std::uint64_t seed);

/// Tokens that each hash id of the trace's prompts stands for; nothing if prompts are told
/// otherwise. Reads the first line. Throws ConfigError if that shows no format, or if the trace is
/// a pipe, which can be read only once.
std::optional<Tokens> trace_hash_block(const TraceInput& input, const TraceSpec& spec);

/// What is in a trace, up to max_requests of the spec.
struct TraceSummary {
  std::uint64_t requests = 0;
  std::uint64_t skipped = 0;  // failed ones
  std::uint64_t spans = 0;
  Tokens prompt;  // in total
  Tokens output;
  Tokens longest_prompt;
  Tokens longest_output;
  double seconds = 0;  // from the first arrival to the last, in the trace's own time
  std::vector<std::string> clients;
};

/// Reads a trace to its end. Throws ConfigError at the first mistake, so it also checks one.
TraceSummary summarise_trace(const TraceInput& input, const TraceSpec& spec);

/// Writes a workload in our own form: the table of its clients, then each of its arrivals in
/// order. Reading it gives the same clients and, but for tickets, the same arrivals.
void write_terrace_header(std::ostream& out, const std::vector<Client>& clients);
void write_terrace_jsonl(std::ostream& out, const Arrival& arrival,
                         const std::vector<Client>& clients);

}  // namespace terrace
