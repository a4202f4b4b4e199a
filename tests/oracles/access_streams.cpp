#include "tests/oracles/access_streams.hpp"

#include <fstream>
#include <stdexcept>
#include <string>
#include <unordered_map>

#include <nlohmann/json.hpp>

#include "sim/base/random.hpp"
#include "sim/base/samplers.hpp"

namespace terrace::oracle {

Accesses scan(std::size_t length) { return loop(length, length); }

Accesses loop(std::size_t length, std::uint64_t n) {
  Accesses accesses(length);
  for (std::size_t i = 0; i < length; ++i) accesses[i] = i % n;
  return accesses;
}

Accesses uniform(std::size_t length, std::uint64_t n, std::uint64_t seed) {
  Random random(seed, "uniform accesses");
  Accesses accesses(length);
  for (std::uint64_t& access : accesses) access = random.below(n);
  return accesses;
}

Accesses zipf(std::size_t length, std::uint64_t n, double s, std::uint64_t seed) {
  Random random(seed, "Zipf accesses");
  const Zipf ranks(n, s);
  Accesses accesses(length);
  for (std::uint64_t& access : accesses) access = ranks.draw(random);
  return accesses;
}

Accesses zipf_and_scan(std::size_t length, std::uint64_t n, double scanning, std::uint64_t seed) {
  Random random(seed, "Zipf and scan accesses");
  const std::uint64_t popular = (n + 1) / 2;
  const std::uint64_t scanned = n - popular;
  const Zipf ranks(popular, 1);
  std::uint64_t position = 0;
  Accesses accesses(length);
  for (std::uint64_t& access : accesses) {
    const bool scans = random.uniform() < scanning && scanned > 0;
    access = scans ? popular + position++ % scanned : ranks.draw(random);
  }
  return accesses;
}

std::vector<Accesses> load_requests(const std::filesystem::path& trace) {
  std::ifstream file(trace);
  if (!file) throw std::runtime_error("cannot read " + trace.string());
  std::unordered_map<std::uint64_t, std::uint64_t> numbers;
  std::vector<Accesses> requests;
  for (std::string line; std::getline(file, line);) {
    Accesses& blocks = requests.emplace_back();
    const nlohmann::json request = nlohmann::json::parse(line);
    for (const std::uint64_t id : request.at("hash_ids").get<Accesses>()) {
      blocks.push_back(numbers.try_emplace(id, numbers.size()).first->second);
    }
  }
  return requests;
}

Accesses flatten(const std::vector<Accesses>& requests) {
  Accesses all;
  for (const Accesses& request : requests) all.insert(all.end(), request.begin(), request.end());
  return all;
}

}  // namespace terrace::oracle
