#include "calibrate/profile/known_gpu.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/config/reader.hpp"

namespace terrace::calibrate {
namespace {

constexpr std::string_view kGpus = "hwprofiles/gpus";
constexpr double kSameMemory = 0.03;
constexpr double kMiB = 1024.0 * 1024.0;

/// Letters and digits in a row, in capitals: "H100", "80GB", "HBM3".
std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> all(1);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0) {
      all.back() += static_cast<char>(std::toupper(byte));
    } else if (!all.back().empty()) {
      all.emplace_back();
    }
  }
  return all;
}

/// The first word with both letters and digits, or a number of four: what tells models apart.
std::string model(std::string_view name) {
  for (const std::string& word : words(name)) {
    const auto digits = std::count_if(word.begin(), word.end(),
                                      [](unsigned char c) { return std::isdigit(c) != 0; });
    const bool number = digits == 4 && word.size() == 4;
    if (number || (digits > 0 && digits < static_cast<std::ptrdiff_t>(word.size()))) return word;
  }
  return {};
}

/// How unlike it is, the words of the names first; nothing if it is another GPU.
std::optional<std::pair<int, double>> distance(const GpuSpec& gpu, const PartMaker& maker) {
  const std::string found = maker.fact("gpu");
  const double memory = maker.number("mem_mib") * kMiB;
  const double off = std::abs(memory / static_cast<double>(gpu.memory.count()) - 1);
  const bool same = static_cast<double>(gpu.sms) == maker.number("sms") && off < kSameMemory &&
                    model(gpu.name) == model(found);
  if (!same) return std::nullopt;
  const std::vector<std::string> said = words(found);
  int missing = 0;
  for (const std::string& word : words(gpu.name)) {
    const auto begins = [&](const std::string& one) { return one.starts_with(word); };
    missing += std::none_of(said.begin(), said.end(), begins) ? 1 : 0;
  }
  return std::pair{missing, off};
}

}  // namespace

std::optional<GpuSpec> known_gpu(PartMaker& maker) {
  if (maker.fact("gpu").empty()) return std::nullopt;
  std::vector<std::pair<std::pair<int, double>, GpuSpec>> same;
  for (const std::string& name : maker.catalogue.names(kGpus)) {
    auto gpu = config::read_file<GpuSpec>(maker.catalogue.find(kGpus, name).value_or(name));
    if (const auto far = distance(gpu, maker)) same.emplace_back(*far, std::move(gpu));
  }
  std::stable_sort(same.begin(), same.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  const bool one = same.size() == 1 || (same.size() > 1 && same[0].first < same[1].first);
  if (one) return same.front().second;
  maker.notes.push_back(fmt::format(
      "'{}' with {} multiprocessors is {} of 'terrace list gpus': its peaks are what was measured",
      maker.fact("gpu"), maker.fact("sms"), same.empty() ? "none" : "more than one"));
  return std::nullopt;
}

}  // namespace terrace::calibrate
