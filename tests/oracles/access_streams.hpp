#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

/// Streams of accesses to objects 0 .. n-1 for tests of caches.
namespace terrace::oracle {

using Accesses = std::vector<std::uint64_t>;

/// 0, 1, 2, ...: nothing is ever used again.
Accesses scan(std::size_t length);

/// 0 .. n-1 again and again.
Accesses loop(std::size_t length, std::uint64_t n);

Accesses uniform(std::size_t length, std::uint64_t n, std::uint64_t seed);

/// Object i with a probability proportional to (i + 1)^-s.
Accesses zipf(std::size_t length, std::uint64_t n, double s, std::uint64_t seed);

/// Zipf with s = 1 over the lower half of the objects; each access is instead the next of a scan
/// over the upper half, which starts again when through, with the probability `scanning`.
Accesses zipf_and_scan(std::size_t length, std::uint64_t n, double scanning, std::uint64_t seed);

/// The blocks of each request of a trace in the Mooncake format (JSON lines with hash_ids),
/// numbered 0 .. n-1 in the order they first appear. Throws if the file cannot be read.
std::vector<Accesses> load_requests(const std::filesystem::path& trace);

/// All accesses of all requests, in order.
Accesses flatten(const std::vector<Accesses>& requests);

}  // namespace terrace::oracle
