#include "sim/base/random.hpp"

#include <Random123/philox.h>

#include "sim/base/check.hpp"

namespace terrace {
namespace {

__extension__ typedef unsigned __int128 Uint128;  // NOLINT(modernize-use-using): needs a typedef

constexpr std::uint32_t low_word(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
constexpr std::uint32_t high_word(std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32U); }

/// Steele et al., "Fast splittable pseudorandom number generators", OOPSLA 2014. A bijection, so
/// different seeds never share a stream.
constexpr std::uint64_t splitmix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111eb;
  return x ^ (x >> 31U);
}

constexpr std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace

PhiloxCounter philox4x32_10(const PhiloxCounter& counter, const PhiloxKey& key) {
  const r123::Philox4x32::ctr_type words{{counter[0], counter[1], counter[2], counter[3]}};
  const r123::Philox4x32::key_type keys{{key[0], key[1]}};
  const auto mixed = r123::Philox4x32{}(words, keys);
  return {mixed[0], mixed[1], mixed[2], mixed[3]};
}

Random::Random(std::uint64_t seed, std::string_view name)
    : stream_{splitmix(seed), splitmix(fnv1a(name))} {}

Random Random::fork(std::uint64_t index) const {
  return Random{Stream{stream_.seed_hash, splitmix(splitmix(stream_.name_hash) + index)}};
}

Random Random::fork(std::string_view name) const { return fork(fnv1a(name)); }

void Random::refill() {
  const PhiloxCounter mixed =
      philox4x32_10({low_word(block_), high_word(block_), low_word(stream_.name_hash),
                     high_word(stream_.name_hash)},
                    {low_word(stream_.seed_hash), high_word(stream_.seed_hash)});
  words_ = {mixed[0] | (std::uint64_t{mixed[1]} << 32U),
            mixed[2] | (std::uint64_t{mixed[3]} << 32U)};
  ++block_;
  used_ = 0;
}

std::uint64_t Random::below(std::uint64_t n) {
  TERRACE_CHECK(n > 0);
  // Lemire, "Fast random integer generation in an interval", TOMACS 2019: the high word of
  // next() * n, where 2^64 mod n of the low words are refused to leave each result equally many.
  Uint128 product = Uint128{next()} * n;
  if (static_cast<std::uint64_t>(product) < n) {
    const std::uint64_t refused = (0 - n) % n;
    while (static_cast<std::uint64_t>(product) < refused) product = Uint128{next()} * n;
  }
  return static_cast<std::uint64_t>(product >> 64U);
}

}  // namespace terrace
