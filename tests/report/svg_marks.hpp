#pragma once

#include <regex>
#include <string>
#include <utility>
#include <vector>

namespace terrace::testing {

/// The centres of all circles of a picture, in their order.
inline std::vector<std::pair<double, double>> circles(const std::string& svg) {
  static const std::regex circle("<circle cx=\"([0-9.]+)\" cy=\"([0-9.]+)\"");
  std::vector<std::pair<double, double>> all;
  for (std::sregex_iterator at(svg.begin(), svg.end(), circle), end; at != end; ++at) {
    all.emplace_back(std::stod((*at)[1]), std::stod((*at)[2]));
  }
  return all;
}

}  // namespace terrace::testing
