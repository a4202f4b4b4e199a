#include "sim/study/identity.hpp"

#include <cstdint>
#include <fstream>
#include <memory>
#include <vector>

#include <fmt/format.h>
#define XXH_INLINE_ALL  // NOLINT(readability-identifier-naming): the package's switch
#include <xxhash.h>

namespace terrace {
namespace {

std::string hex(XXH128_hash_t hash) {
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace

std::string hash_of(std::string_view text) { return hex(XXH3_128bits(text.data(), text.size())); }

std::string file_identity(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return "missing";
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(),
                                                                       XXH3_freeState);
  XXH3_128bits_reset(state.get());
  std::vector<char> part(std::size_t{1} << 20U);
  std::int64_t size = 0;
  do {
    in.read(part.data(), static_cast<std::streamsize>(part.size()));
    XXH3_128bits_update(state.get(), part.data(), static_cast<std::size_t>(in.gcount()));
    size += in.gcount();
  } while (in);
  return fmt::format("{}:{}", size, hex(XXH3_128bits_digest(state.get())));
}

}  // namespace terrace
