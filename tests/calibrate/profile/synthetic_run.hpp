#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "calibrate/measuring/points_file.hpp"
#include "calibrate/measuring/run.hpp"
#include "sim/base/random.hpp"

namespace terrace::testing {

/// A processor whose laws are known exactly.
struct Processor {
  double launch = 12e-6;
  double product_rate = 80e9;
  double product_bandwidth = 9e9;
  double attention_rate = 30e9;
  double attention_bandwidth = 7e9;
  double stream = 10e9;  // of reads in order
  double copy = 4e9;     // bytes copied per second
  double copy_latency = 5e-6;
  double noise = 0;  // standard deviation of a time's logarithm, about
  std::uint64_t seed = 1;
};

/// What that processor would be measured to do, family by family.
class RunMaker {
 public:
  explicit RunMaker(Processor p) : p_(p), random_(p.seed, "synthetic_run") {
    run_.created = "2026-11-22T10:00:00Z";
    run_.tool = {{"version", "0.1.0"},
                 {"extent", {{"memory_bytes", std::int64_t{8} << 30}, {"cache_bytes", 32 << 20}}}};
    run_.host = {{"device", "test processor"}, {"cpu", "test processor"}, {"cores", 4},
                 {"memory_mib", 16384},        {"numa_nodes", 1},         {"machine", "x86_64"}};
  }

  RunMaker& memory() {
    for (const std::int64_t size : {1 << 20, 16 << 20, 256 << 20}) {
      const auto bytes = static_cast<double>(size);
      add("memory", fmt::format("memory/read/{}/cold", size), {{"op", "read"}, {"bytes", size}},
          bytes / p_.stream);
      add("memory", fmt::format("memory/copy/{}/cold", size), {{"op", "copy"}, {"bytes", size}},
          p_.copy_latency + bytes / p_.copy);
    }
    return *this;
  }

  RunMaker& gemm() {
    for (const std::int64_t n : {256, 1024, 4096}) {
      for (const std::int64_t k : {512, 2048}) {
        for (const std::int64_t m : {1, 4, 16, 64, 256, 1024}) {
          const auto [x, y, z] = std::tuple(real(m), real(n), real(k));
          add("gemm", fmt::format("gemm/bf16/m{}/n{}/k{}/cold", m, n, k),
              {{"m", m}, {"n", n}, {"k", k}, {"dtype", "bf16"}},
              p_.launch + std::max(2 * x * y * z / p_.product_rate,
                                   2 * (y * z + x * (y + z)) / p_.product_bandwidth));
        }
      }
    }
    return *this;
  }

  RunMaker& decode() {
    for (const auto& [heads, kv_heads] : {std::pair{32, 32}, std::pair{32, 4}}) {
      for (const std::int64_t batch : {1, 8}) {
        for (const std::int64_t kv : {64, 256, 1024, 4096, 16384}) {
          const double context = real(batch * kv);
          add("decode_attention",
              fmt::format("decode_attention/bf16/h{}.{}.128/b{}/kv{}/cold", heads, kv_heads, batch,
                          kv),
              {{"b", batch},
               {"kv", kv},
               {"nh", heads},
               {"nkv", kv_heads},
               {"hd", 128},
               {"page", 16},
               {"kv_dtype", "bf16"},
               {"window", 0},
               {"ragged", false}},
              p_.launch + std::max(4 * heads * 128 * context / p_.attention_rate,
                                   4 * kv_heads * 128 * context / p_.attention_bandwidth));
        }
      }
    }
    return *this;
  }

  RunMaker& prefill() {
    for (const std::int64_t fresh : {16, 128, 1024, 4096}) {
      for (const std::int64_t prefix : {0, 512}) {
        const double pairs = real(fresh * prefix) + real(fresh * (fresh + 1)) / 2;
        add("prefill_attention",
            fmt::format("prefill_attention/bf16/h8.8.64/s{}/p{}/cold", fresh, prefix),
            {{"b", 1},
             {"s", fresh},
             {"prefix", prefix},
             {"nh", 8},
             {"nkv", 8},
             {"hd", 64},
             {"kv_dtype", "bf16"}},
            p_.launch + std::max(4 * 8 * 64 * pairs / p_.attention_rate,
                                 4 * 8 * 64 * real(fresh + prefix) / p_.attention_bandwidth));
      }
    }
    return *this;
  }

  /// Gathers of as many blocks as are planned; a call takes `wake` besides.
  RunMaker& blocks(double each, double bandwidth, double wake) {
    const calibrate::Extent extent{.memory = Bytes{std::int64_t{8} << 30},
                                   .pace = {Bandwidth{p_.stream}, FlopRate{p_.product_rate}}};
    for (const calibrate::Planned& planned :
         calibrate::plan_of(calibrate::chosen_families("blocks", calibrate::families()), extent)) {
      const calibrate::Measurement& m = planned.measurement;
      if (m.x.at("op") != "gather") continue;
      const auto count = m.x.at("blocks").get<double>() * m.x.at("fragments").get<double>();
      add("blocks", m.id, m.x,
          wake + count * (each + m.x.at("fragment").get<double>() / bandwidth));
    }
    return *this;
  }

  RunMaker& disk(bool is_virtual) {
    run_.host["disk"] = {{"model", "test disk"}, {"kind", "nvme"}, {"virtual", is_virtual}};
    const calibrate::Extent extent{.disk = Bytes{std::int64_t{1} << 30}};
    for (const calibrate::Planned& planned :
         calibrate::plan_of(calibrate::chosen_families("ssd", calibrate::families()), extent)) {
      const calibrate::Measurement& m = planned.measurement;
      if (m.x.at("op") == "sustained_write") continue;
      const double io = m.x.at("io");
      const double depth = m.x.at("depth").get<double>() * m.x.at("threads").get<double>();
      // Latency 100 us, 2 GB/s of one command, 100,000 commands/s and 3 GB/s; p = 2.
      const double waiting = (100e-6 + io / 2e9) / depth;
      const double busy = 1e-5 + io / 3e9;
      const double each = std::sqrt(waiting * waiting + busy * busy);
      add("ssd", m.id, m.x, m.unit == "us" ? each : io / each / 1e9, m.unit.c_str(), m.cache);
    }
    return *this;
  }

  calibrate::MeasuredRun& run() { return run_; }

 private:
  static double real(std::int64_t n) { return static_cast<double>(n); }

  void add(const char* family, std::string id, nlohmann::ordered_json x, double value,
           const char* unit = "us", const std::string& cache = "cold") {
    calibrate::MeasuredPoint point;
    point.id = std::move(id);
    point.family = family;
    point.x = std::move(x);
    point.cache = cache;
    point.unit = unit;
    const double scale = unit == std::string("us") ? 1e6 : 1;
    // The sum of twelve uniform numbers is about normal.
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += random_.uniform();
    const double median = value * scale * std::exp(p_.noise * sum);
    point.sample = {.median = median, .p10 = median, .p90 = median, .min = median, .n = 15};
    run_.points.push_back(std::move(point));
  }

  Processor p_;
  Random random_;
  calibrate::MeasuredRun run_;
};

/// All of it.
inline calibrate::MeasuredRun full_run(Processor p = {}) {
  return RunMaker(p).memory().gemm().decode().prefill().disk(true).run();
}

}  // namespace terrace::testing
