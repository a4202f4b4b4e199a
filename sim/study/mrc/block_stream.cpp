#include "sim/study/mrc/block_stream.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/check.hpp"

namespace terrace {
namespace {

constexpr std::uint64_t kRequestsBetweenQuestions = 1024;

/// Adds the blocks of one request to the stream.
class Collector {
 public:
  explicit Collector(const StreamOptions& options) : options_(options), stream(options.block_size) {
    TERRACE_CHECK(!(options.partial_blocks && options.outputs));
  }

  void add(Arrival& arrival) {
    BlockStream::Request request;
    request.arrived = arrival.at;
    for (const Span& span : arrival.prompt) request.prompt += span.tokens;
    const std::int64_t block = options_.block_size.count();
    const std::int64_t rest = request.prompt.count() % block;
    request.last_read = options_.block_size;
    if (options_.partial_blocks && rest > 0) {
      arrival.prompt.back().tokens += Tokens{block - rest};
      request.last_read = Tokens{rest};
    }
    ContentTable::Tip tip;
    for (const Span& span : arrival.prompt) {
      tip = stream.table.append(tip, span.content, span.tokens, stream.accesses);
    }
    request.reads_end = stream.accesses.size();
    if (options_.outputs) {
      stream.table.append(tip, arrival.output_content, arrival.output, stream.accesses);
    }
    request.end = stream.accesses.size();
    stream.requests.push_back(request);
    stream.contents = stream.table.size();
  }

 private:
  StreamOptions options_;

 public:
  BlockStream stream;
};

}  // namespace

void BlockStream::add_reads(const std::vector<ContentId>& blocks, Tokens last_read) {
  for (const ContentId block : blocks) contents = std::max(contents, block.index() + 1);
  accesses.insert(accesses.end(), blocks.begin(), blocks.end());
  const auto count = static_cast<std::int64_t>(blocks.size());
  const Tokens prompt = count == 0 ? last_read : block_size * (count - 1) + last_read;
  requests.push_back({SimTime{}, accesses.size(), accesses.size(), prompt, last_read});
}

BlockStream collect_stream(Workload& workload, const StreamOptions& options,
                           FunctionRef<bool(std::uint64_t requests)> proceed) {
  Collector collector(options);
  Arrival arrival;
  for (std::uint64_t requests = 0; workload.next_time(); ++requests) {
    if (requests % kRequestsBetweenQuestions == 0 && !proceed(requests)) break;
    workload.next(arrival);
    const SimTime at = arrival.at;
    const std::uint32_t ticket = arrival.ticket;
    collector.add(arrival);
    if (ticket != Arrival::kNoTicket) workload.left(ticket, at);
  }
  return std::move(collector.stream);
}

StreamTotals totals(const BlockStream& stream) {
  StreamTotals t;
  t.requests = static_cast<std::int64_t>(stream.requests.size());
  std::vector<bool> seen(stream.contents);
  const auto first_time = [&](ContentId content) {
    if (seen[content.index()]) return false;
    ++t.unique;
    seen[content.index()] = true;
    return true;
  };
  std::uint64_t i = 0;
  for (const BlockStream::Request& request : stream.requests) {
    t.prompt += request.prompt;
    bool usable = true;
    for (; i < request.reads_end; ++i) {
      const bool hit = !first_time(stream.accesses[i]);
      usable = usable && hit;
      const bool last = i + 1 == request.reads_end;
      const Tokens tokens = last ? request.last_read : stream.block_size;
      ++t.reads;
      t.achievable.blocks += hit ? 1 : 0;
      t.achievable.tokens += hit ? tokens : Tokens{};
      t.achievable.usable_blocks += usable ? 1 : 0;
      t.achievable.usable_tokens += usable ? tokens : Tokens{};
    }
    for (; i < request.end; ++i) {
      first_time(stream.accesses[i]);
      ++t.writes;
    }
  }
  t.compulsory_misses = t.reads - t.achievable.blocks;
  return t;
}

}  // namespace terrace
