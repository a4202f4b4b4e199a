#include "calibrate/profile/link_points.hpp"

namespace terrace::calibrate {

using forms::Unit;

std::vector<const MeasuredPoint*> chosen(const PartMaker& maker, std::string_view family,
                                         const Choice& choice) {
  std::vector<const MeasuredPoint*> all;
  for (const MeasuredPoint* point : points_of(maker.run, family)) {
    if (choice(*point, Shape(*point))) all.push_back(point);
  }
  return all;
}

void keep_law(PartMaker& maker, FamilyFit fit, const LawFit& law,
              std::vector<std::pair<const char*, Unit>> names) {
  for (std::size_t i = 0; i < names.size() && i < law.parameters.size(); ++i) {
    fit.parameters.push_back({names[i].first, names[i].second, law.parameters[i]});
  }
  fit.notes = law.notes;
  judge(fit);
  maker.families.push_back(std::move(fit));
}

std::string source_of_last(const PartMaker& maker, const std::string& where) {
  return maker.fitted(where, maker.families.back());
}

}  // namespace terrace::calibrate
