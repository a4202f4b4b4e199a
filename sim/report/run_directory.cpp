#include "sim/report/run_directory.hpp"

#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/report/csv.hpp"
#include "sim/report/json.hpp"
#include "sim/report/miss_report.hpp"
#include "sim/report/output_file.hpp"

namespace terrace {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv
std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

/// A directory without results: those of an earlier run are removed, the manifest first, so that
/// two runs never mix.
fs::path prepared(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error && !fs::is_directory(path, error) && !error) {
    error = std::make_error_code(std::errc::not_a_directory);
  }
  if (error) {
    throw std::runtime_error("cannot create the directory " + path.string() + ": " +
                             error.message());
  }
  for (const char* file : {"manifest.json", "summary.json", "config.resolved.yaml", "tiers.csv",
                           "links.csv", "misses.csv", "requests.csv", "timeseries.csv"}) {
    fs::remove(path / file, error);
    if (error) {
      throw std::runtime_error("cannot replace " + (path / file).string() + ": " + error.message());
    }
  }
  return path;
}

void write_header(CsvFile& file, std::initializer_list<const char*> columns) {
  for (const char* column : columns) file.quoted(column);
  file.end_row();
}

void write_tiers(const fs::path& path, const Summary& summary) {
  CsvFile file(path);
  write_header(file, {"tier",
                      "medium",
                      "capacity_bytes",
                      "mean_occupied_bytes",
                      "peak_occupied_bytes",
                      "mean_held_bytes",
                      "peak_held_bytes",
                      "requests",
                      "lookup_tokens",
                      "hit_tokens",
                      "hit_blocks",
                      "read_bytes",
                      "written_bytes",
                      "loads",
                      "load_time_s",
                      "writes_skipped",
                      "writes_declined",
                      "writes_dropped",
                      "prefetches",
                      "prefetches_stopped",
                      "prefetched_blocks",
                      "prefetched_bytes",
                      "prefetch_used_blocks",
                      "prefetch_unused_blocks"});
  for (const TierSummary& t : summary.tiers) {
    file.text(t.name);
    file.text(t.medium);
    if (t.capacity == Bytes::max()) {
      file.nothing();
    } else {
      file.number(t.capacity.count());
    }
    file.number(t.mean_occupied);
    file.number(t.peak_occupied.count());
    file.number(t.mean_held);
    file.number(t.peak_held.count());
    file.number(t.counters.requests);
    file.number(t.counters.lookups.count());
    file.number(t.counters.hits.count());
    file.number(t.counters.hit_blocks);
    file.number(t.counters.read.count());
    file.number(t.counters.written.count());
    file.number(t.counters.loads);
    file.seconds(t.counters.load_time);
    file.number(t.counters.writes_skipped);
    file.number(t.counters.writes_declined);
    file.number(t.counters.writes_dropped);
    file.number(t.counters.prefetches);
    file.number(t.counters.prefetches_stopped);
    file.number(t.counters.prefetched_blocks);
    file.number(t.counters.prefetched.count());
    file.number(t.counters.prefetch_used);
    file.number(t.counters.prefetch_unused);
    file.end_row();
  }
  file.close();
}

void write_links(const fs::path& path, const Summary& summary) {
  CsvFile file(path);
  write_header(file, {"link", "bytes", "transfers", "busy_s", "utilisation", "queueing_s",
                      "peak_transfers"});
  for (const LinkReport& link : summary.links) {
    file.text(link.name);
    file.number(link.bytes.count());
    file.number(link.transfers);
    file.seconds(link.busy);
    file.number(link.utilisation);
    file.number(link.queueing.count());
    file.number(static_cast<std::int64_t>(link.peak));
    file.end_row();
  }
  file.close();
}

std::string manifest(const Summary& summary, const ReportHeader& header,
                     const Provenance& provenance) {
  Json out;
  out["schema_version"] = kManifestSchemaVersion;
  out["tool"] = "terrace";
  out["tool_version"] = provenance.tool_version;
  out["argv"] = provenance.argv;
  out["scenario"] = header.scenario;
  out["scenario_hash"] = fmt::format("fnv1a64:{:016x}", fnv1a(provenance.resolved_yaml));
  out["seed"] = provenance.seed;
  out["complete"] = summary.complete;
  out["came"] = summary.came;
  out["completed"] = summary.all.completed;
  out["rejected"] = summary.all.rejected;
  out["unfinished"] = summary.unfinished;
  return json_text(out);
}

}  // namespace

RunDirectory::RunDirectory(const fs::path& path, Bytes block_bytes)
    : path_(prepared(path)),
      requests_(path_ / "requests.csv"),
      series_(path_ / "timeseries.csv", block_bytes) {}

void RunDirectory::finish(const Summary& summary, const ReportHeader& header,
                          const Provenance& provenance) {
  requests_.close();
  series_.close();
  write_file(path_ / "config.resolved.yaml", provenance.resolved_yaml);
  write_file(path_ / "summary.json", json_text(summary, header));
  write_tiers(path_ / "tiers.csv", summary);
  write_links(path_ / "links.csv", summary);
  if (summary.misses) write_miss_csv(path_ / "misses.csv", make_miss_report(*summary.misses));
  write_file(path_ / "manifest.json", manifest(summary, header, provenance));
}

}  // namespace terrace
