#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "sim/base/random.hpp"
#include "sim/base/samplers.hpp"
#include "sim/study/mrc/block_stream.hpp"

namespace terrace::tests {

using Ids = std::vector<std::uint32_t>;

/// One request that reads these blocks, all full.
inline BlockStream one_request(const Ids& ids, std::int64_t block_size = 1) {
  BlockStream stream{Tokens{block_size}};
  std::vector<ContentId> blocks;
  for (const std::uint32_t id : ids) blocks.emplace_back(id);
  stream.add_reads(blocks, Tokens{block_size});
  return stream;
}

/// A request for each block: hits and usable hits are then the same.
inline BlockStream single_reads(const Ids& ids) {
  BlockStream stream{Tokens{1}};
  for (const std::uint32_t id : ids) stream.add_reads({ContentId{id}}, Tokens{1});
  return stream;
}

/// Independent references, rank i with a probability proportional to (i + 1)^-exponent.
inline Ids zipf(std::uint64_t ids, std::size_t accesses, double exponent, std::uint64_t seed) {
  Random random(seed, "tests/study/zipf");
  const Zipf ranks(ids, exponent);
  Ids all(accesses);
  for (std::uint32_t& id : all) id = static_cast<std::uint32_t>(ranks.draw(random));
  return all;
}

constexpr auto kGoOn = [](std::uint64_t) { return true; };

/// The Mooncake conversation trace; empty if TERRACE_DATA does not name the folder that has it.
inline std::string mooncake_path() {
  const char* folder = std::getenv("TERRACE_DATA");
  return folder == nullptr ? "" : std::string(folder) + "/traces/mooncake_conversation.jsonl";
}

}  // namespace terrace::tests
