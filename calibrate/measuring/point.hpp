#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "calibrate/measuring/sample.hpp"

namespace terrace::calibrate {

/// One measurement, as NAME.points.json keeps it. `calibrate fit` reads the same.
struct MeasuredPoint {
  std::string id;            // "decode_attention/bf16/h32.8.128/b32/kv4096/cold"; no two are alike
  std::string family;        // of the registry: "decode_attention", "ssd"
  nlohmann::ordered_json x;  // what was done: {"b": 32, "kv": 4096, ...}; integers and words
  std::string cache;         // "cold" or "hot"; empty where there is nothing to be cold
  std::string unit;          // of the sample: "us", "ns", or "GB/s" for rates of many in flight
  Sample sample;
  double at = 0;         // seconds into the run
  bool drifted = false;  // the machine was not itself then, as sentinels tell
  std::string error;     // why there is no sample; empty if there is
};

}  // namespace terrace::calibrate
