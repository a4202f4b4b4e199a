#include "calibrate/profile/descriptor_part.hpp"

#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

#include "calibrate/fitting/link_law.hpp"
#include "calibrate/fitting/points.hpp"
#include "calibrate/profile/link_points.hpp"
#include "calibrate/profile/shape.hpp"
#include "sim/config/diagnostics.hpp"

namespace terrace::calibrate {
namespace {

using forms::Unit;

// Blocks of a call; fewer take what it takes to wake the threads, or to make the call.
constexpr double kFewestGathered = 16;
constexpr double kFewestLoaded = 128;

/// Blocks of points: points and blocks have the same indices, but for `more` that stand beside one.
struct MeasuredBlocks {
  std::vector<const MeasuredPoint*> points;
  std::vector<BlockPoint> blocks;
  std::vector<BlockPoint> more;
};

/// Scattered blocks of a processor's memory into one run of it, which is how its pools exchange KV.
MeasuredBlocks blocks_in_memory(const PartMaker& maker) {
  MeasuredBlocks all;
  all.points = chosen(maker, "blocks", [](const MeasuredPoint& point, const Shape& shape) {
    return shape.text("op") == "gather" && point.cache != "hot" &&
           shape.number("blocks").value_or(0) >= kFewestGathered;
  });
  for (const MeasuredPoint* point : all.points) {
    const Shape shape(*point);
    all.blocks.push_back({Bytes{shape.count("fragment")},
                          shape.count("blocks") * shape.count("fragments"), seconds_of(*point)});
  }
  return all;
}

/// Loads to a GPU by calls for many blocks, with what the search for a change of law tried.
MeasuredBlocks blocks_over_link(const PartMaker& maker) {
  constexpr std::string_view kTried = "us_of_";
  MeasuredBlocks all;
  all.points = chosen(maker, "link_blocks", [](const MeasuredPoint&, const Shape& shape) {
    return shape.text("op") == "batch" && shape.text("direction") == "h2d" &&
           shape.number("blocks").value_or(0) >= kFewestLoaded;
  });
  for (const MeasuredPoint* point : all.points) {
    const Shape shape(*point);
    all.blocks.push_back(
        {Bytes{shape.count("fragment")}, shape.count("blocks"), seconds_of(*point)});
  }
  for (const MeasuredPoint* point : points_of(maker.run, "link_blocks")) {
    const Shape shape(*point);
    if (shape.text("op") != "search" || shape.text("direction") != "h2d") continue;
    for (const auto& [name, microseconds] : point->sample.beside) {
      if (!name.starts_with(kTried) || microseconds <= 0) continue;
      const double size = std::strtod(name.c_str() + kTried.size(), nullptr);
      if (size < 1 || size > 1e12) continue;
      all.more.push_back({Bytes{std::llround(size)}, shape.count("blocks"), microseconds * 1e-6});
    }
  }
  return all;
}

void descriptors(PartMaker& maker, GpuSpec& gpu, const char* family, const char* how,
                 const MeasuredBlocks& measured) {
  const auto& [points, blocks, more] = measured;
  if (points.empty()) return;
  std::vector<BlockPoint> fitted = blocks;
  fitted.insert(fitted.end(), more.begin(), more.end());
  try {
    const DescriptorLawFit found = fit_descriptor_law(fitted, "small blocks");
    FamilyFit fit{.family = family,
                  .law = fmt::format("descriptors, {}", how),
                  .gate = Gate{"all", "mape", 0.20, {}}};
    const DescriptorLaw& law = found.law;
    for (std::size_t i = 0; i < points.size(); ++i) {
      const bool large = blocks[i].size >= law.cutoff;
      const double each = seconds(large ? law.large_fixed : law.small_fixed) +
                          static_cast<double>(blocks[i].size.count()) /
                              (large ? law.large_bandwidth : law.small_bandwidth).count();
      const double all = each * static_cast<double>(blocks[i].blocks);
      fit.points.push_back({points[i], all / seconds_per(points[i]->unit), 0, true});
    }
    keep_law(maker, std::move(fit), found.fit,
             {{"small_fixed", Unit::time},
              {"small_bandwidth", Unit::bandwidth},
              {"large_fixed", Unit::time},
              {"large_bandwidth", Unit::bandwidth}});
    gpu.host_link.descriptors = {kept(law.small_fixed), kept(law.small_bandwidth), law.cutoff,
                                 kept(law.large_fixed), kept(law.large_bandwidth)};
    gpu.sources["host_link.descriptors"] = source_of_last(maker, "scattered blocks, by size");
  } catch (const config::ConfigError& error) {
    maker.notes.emplace_back(error.what());
  }
}

}  // namespace

void descriptors_of_memory(PartMaker& maker, GpuSpec& gpu) {
  descriptors(maker, gpu, "blocks", "gather", blocks_in_memory(maker));
}

void descriptors_of_link(PartMaker& maker, GpuSpec& gpu) {
  for (const MeasuredPoint* point : points_of(maker.run, "link_blocks")) {
    for (const auto& [name, bytes] : point->sample.beside) {
      if (name != "cutoff_bytes") continue;
      const std::string way = Shape(*point).text("direction");
      maker.notes.push_back(
          bytes > 0 ? fmt::format("blocks from {:.0f} KiB on follow another law than smaller ones "
                                  "when one call is made for all, {}",
                                  bytes / 1024, way)
                    : fmt::format("one law holds for blocks of all sizes when one call is made for "
                                  "all, {}",
                                  way));
    }
  }
  descriptors(maker, gpu, "link_blocks", "one call for all", blocks_over_link(maker));
}

}  // namespace terrace::calibrate
