#include "sim/cost/layer_profile.hpp"

#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/base/check.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/cost/measured_points.hpp"

namespace terrace {
namespace {

constexpr const char* kAttention = "attention";
constexpr const char* kDense = "dense";
constexpr const char* kPerSequence = "per_sequence";
constexpr const char* kMoe = "moe";

double real(std::int64_t n) { return static_cast<double>(n); }
double real(Tokens n) { return real(n.count()); }

std::filesystem::path table(const std::filesystem::path& directory, std::string_view stem,
                            std::string_view kind) {
  return directory / fmt::format("{}_{}.csv", stem, kind);
}

std::map<std::string, LayerProfile::Curve, std::less<>> read_curves(
    const std::filesystem::path& file, std::string_view count) {
  std::map<std::string, std::vector<ProfileGrid<1>::Point>> points;
  static constexpr TextColumn kLayer{"layer"};
  for (const MeasuredPoint& p :
       read_measured_points(file, {std::span(&kLayer, 1), std::span(&count, 1)})) {
    points[p.texts[0]].push_back({{p.counts[0]}, p.time});
  }
  std::map<std::string, LayerProfile::Curve, std::less<>> curves;
  for (const auto& [operation, of_one] : points) curves.emplace(operation, of_one);
  return curves;
}

[[noreturn]] void fail(const std::filesystem::path& file, std::string_view message) {
  throw config::ConfigError(fmt::format("{}: error: {}\n", file.string(), message));
}

struct AttentionPoints {
  std::vector<ProfileGrid<2>::Point> prefill;
  std::vector<ProfileGrid<2>::Point> decode;
  std::vector<ProfileGrid<4>::Point> mixed;
};

AttentionPoints read_attention(const std::filesystem::path& file) {
  static constexpr std::array<std::string_view, 4> kCounts{"prefill_chunk", "kv_prefill",
                                                           "n_decode", "kv_decode"};
  AttentionPoints points;
  for (const MeasuredPoint& p : read_measured_points(file, {{}, kCounts})) {
    const auto [chunk, prefix, decodes, decode_prefix, none] = p.counts;
    const auto row = fmt::format("{},{},{},{}", chunk, prefix, decodes, decode_prefix);
    if (chunk == 0 && decodes == 0) fail(file, fmt::format("the row {} has no tokens", row));
    if ((chunk == 0 && prefix > 0) || (decodes == 0 && decode_prefix > 0)) {
      fail(file, fmt::format("the row {} has a prefix of nothing", row));
    }
    if (decodes == 0) {
      points.prefill.push_back({{prefix, chunk}, p.time});
    } else if (chunk == 0) {
      points.decode.push_back({{decode_prefix, decodes}, p.time});
    } else {
      points.mixed.push_back({{prefix, decode_prefix, chunk, decodes}, p.time});
    }
  }
  if (points.prefill.empty()) fail(file, "no row has a prefill without decodes");
  if (points.decode.empty()) fail(file, "no row has decodes without a prefill");
  if (points.mixed.empty()) fail(file, "no row has decodes along with a prefill");
  return points;
}

std::optional<ProfileGrid<2>> read_moe(const std::filesystem::path& file) {
  static constexpr std::array<std::string_view, 2> kCounts{"tokens", "activated_experts"};
  if (!std::filesystem::exists(file)) return std::nullopt;
  std::vector<ProfileGrid<2>::Point> points;
  for (const MeasuredPoint& p : read_measured_points(file, {{}, kCounts})) {
    points.push_back({{p.counts[0], p.counts[1]}, p.time});
  }
  return ProfileGrid<2>(points);
}

}  // namespace

std::vector<std::filesystem::path> LayerProfile::files(const std::filesystem::path& directory,
                                                       std::string_view stem) {
  std::vector<std::filesystem::path> all;
  for (const char* kind : {kAttention, kDense, kPerSequence, kMoe}) {
    all.push_back(table(directory, stem, kind));
  }
  return all;
}

LayerProfile LayerProfile::read(const std::filesystem::path& directory, std::string_view stem) {
  const AttentionPoints attention = read_attention(table(directory, stem, kAttention));
  return {read_curves(table(directory, stem, kDense), "tokens"),
          read_curves(table(directory, stem, kPerSequence), "sequences"),
          ProfileGrid<2>(attention.prefill),
          ProfileGrid<2>(attention.decode),
          ProfileGrid<4>(attention.mixed),
          read_moe(table(directory, stem, kMoe))};
}

LayerProfile::LayerProfile(Curves per_token, Curves per_sequence, ProfileGrid<2> prefill,
                           ProfileGrid<2> decode, ProfileGrid<4> mixed,
                           std::optional<ProfileGrid<2>> moe)
    : per_token_(std::move(per_token)),
      per_sequence_(std::move(per_sequence)),
      prefill_(std::move(prefill)),
      decode_(std::move(decode)),
      mixed_(std::move(mixed)),
      moe_(std::move(moe)) {}

const LayerProfile::Curve* LayerProfile::per_token(std::string_view operation) const {
  const auto found = per_token_.find(operation);
  return found == per_token_.end() ? nullptr : &found->second;
}

const LayerProfile::Curve* LayerProfile::per_sequence(std::string_view operation) const {
  const auto found = per_sequence_.find(operation);
  return found == per_sequence_.end() ? nullptr : &found->second;
}

Estimate LayerProfile::attention(const AttentionCall& call) const {
  TERRACE_CHECK(call.prefill.count() > 0 || call.decodes > 0);
  const double chunk = real(call.prefill);
  const double prefix = real(call.prefill_prefix);
  const double decodes = real(call.decodes);
  const double decode_prefix = real(call.decode_prefix);
  if (call.decodes == 0) return prefill_.at({prefix, chunk});
  if (call.prefill.count() == 0) return decode_.at({decode_prefix, decodes});
  return mixed_.at({prefix, decode_prefix, chunk, decodes});
}

Estimate LayerProfile::moe(double tokens, double activated_experts) const {
  TERRACE_CHECK(has_moe());
  return moe_->at({tokens, activated_experts});
}

}  // namespace terrace
