#include "calibrate/profile/interference_notes.hpp"

#include <fmt/format.h>

#include "calibrate/profile/shape.hpp"

namespace terrace::calibrate {
namespace {

struct Beside {
  const MeasuredPoint* point = nullptr;
  std::string op, load, by, direction;

  [[nodiscard]] bool alone() const { return load == "none"; }
  /// The same without the load; copies are alone only in their own direction.
  [[nodiscard]] bool alone_of(const Beside& other) const {
    return alone() && op == other.op && point->unit == other.point->unit &&
           (op != "copy" || (by == other.by && direction == other.direction));
  }
};

std::string copy_name(const Beside& one) {
  if (one.by.empty()) return "copies within the host";
  return fmt::format("copies by {}, {}", one.by == "engine" ? "a copy engine" : "multiprocessors",
                     one.direction);
}

}  // namespace

void interference_notes(PartMaker& maker) {
  std::vector<Beside> all;
  for (const MeasuredPoint* point : points_of(maker.run, "interference")) {
    const Shape shape(*point);
    all.push_back(
        {point, shape.text("op"), shape.text("load"), shape.text("by"), shape.text("direction")});
  }
  for (const Beside& one : all) {
    if (one.alone()) continue;
    for (const Beside& alone : all) {
      if (!alone.alone_of(one) || alone.point->sample.median <= 0) continue;
      const double ratio = one.point->sample.median / alone.point->sample.median;
      maker.notes.push_back(
          one.op == "copy"
              ? fmt::format("{}: {:.0f} % of their rate beside {}; simulations leave that out",
                            copy_name(one), 100 * ratio, one.load)
              : fmt::format("{} takes {:.2f} times as long beside {}; simulations leave that out",
                            one.op, ratio, copy_name(one)));
      break;
    }
  }
}

}  // namespace terrace::calibrate
