#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "calibrate/fitting/points.hpp"
#include "calibrate/profile/machine_profile.hpp"

namespace terrace::calibrate {

/// The same measurement twice.
struct PointPair {
  std::string id;  // of the run
  std::string family;
  std::string regime;  // of its law, or "cold" and "hot"; empty if there is none
  std::string unit;
  double a = 0;
  double b = 0;
  double slower = 0;          // time of b over time of a
  bool interpolated = false;  // between two points of a table
};

/// How much longer b takes, over the pairs of a regime.
struct RegimeRatio {
  std::string family;
  std::string regime;  // "all" first
  std::int64_t pairs = 0;
  std::int64_t interpolated = 0;
  double median = 0;
  double p10 = 0;
  double p90 = 0;
};

/// A fact of the environment that is not the same; empty where one side does not have it.
struct FactDifference {
  std::string key;
  std::string a;
  std::string b;
};

/// A parameter of a law whose intervals do not overlap.
struct ParameterGap {
  std::string law;  // "gemm: roofline"
  LawParameter a;
  LawParameter b;
};

/// Two measurings side by side.
struct Comparison {
  std::vector<PointPair> pairs;
  std::vector<RegimeRatio> ratios;
  std::vector<std::string> only_a;
  std::vector<std::string> only_b;
  std::vector<FactDifference> environment;
  std::vector<ParameterGap> gaps;
};

/// A run and the profile that was made of it.
struct ProfiledRun {
  const MeasuredRun& run;
  const MachineProfile& profile;
};

/// Pairs points by their ids, and parameters by law and name.
Comparison compare(const ProfiledRun& a, const ProfiledRun& b);

/// A run beside a table of measured calls of one kernel, such as published ones. Points are paired
/// by shape; where the table has none of that shape but has shorter and longer ones at most a
/// factor of four apart (tokens of a product or prompt, length of the cache), it is interpolated
/// between them, geometrically. Tokens, a batch and everything else have to agree. `table_is_a`
/// says which side it is. Throws ConfigError if the table's columns are those of no kernel.
Comparison compare(const ProfiledRun& run, const PointTable& table, bool table_is_a);

/// By family and regime, of the pairs in their order.
std::vector<RegimeRatio> ratios_of(const std::vector<PointPair>& pairs);

/// Of the law's, by the id of the point; else whether it was cold or hot.
std::string regime_of(const MachineProfile& profile, const MeasuredPoint& point);

}  // namespace terrace::calibrate
