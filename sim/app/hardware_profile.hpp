#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/app/catalogue.hpp"
#include "sim/config/catalogue.hpp"

namespace terrace::app {

/// One value of a profile, as it is written there.
struct Figure {
  std::string key;     // "host_link.h2d"
  std::string value;   // "55.4 GB/s"
  std::string doc;     // what it means
  std::string source;  // as NumberSource reads it; empty if the profile says none
};

/// A number that follows from those of a profile.
struct Derived {
  std::string key;
  double value = 0;
  std::string unit;  // empty: a plain number
  std::string how;   // what it means, and what it was made of
};

/// What a drive is in one of the capacities it is sold in: the figures that depend on it.
struct SoldCapacity {
  std::string capacity;
  std::vector<Derived> figures;  // the same keys in the same order for every capacity
  std::string source;            // of what the profile says by capacity; empty if it says nothing
};

/// A file of hwprofiles/, for people to read.
struct HardwareProfile {
  std::string kind;  // "gpus", "hosts", "ssds", "networks" or "machines"
  std::string name;  // of the file
  std::string title;
  std::string file;
  std::string summary;                  // its first comment
  std::vector<std::string> highlights;  // with units; as many for each of a kind
  std::vector<Figure> figures;
  std::vector<Derived> derived;
  std::vector<SoldCapacity> capacities;  // of a drive
};

/// Whether files of this kind of the catalogue are hardware profiles.
bool is_hardware(std::string_view kind);

/// The profile called `name`, which may say its kind: "h200-sxm", "gpus/h200-sxm"; or the machine
/// in a file, "mine.yaml". Throws UsageError with the nearest names if there is none or more than
/// one, ConfigError if it is wrong.
HardwareProfile find_hardware(const config::Catalogue& catalogue, const std::string& name);

/// The profile in `file`; a machine may name parts of the catalogue. Throws ConfigError if it is
/// wrong. REQUIRES: is_hardware(kind).
HardwareProfile load_hardware(std::string_view kind, const std::string& name,
                              const std::string& file, const config::Catalogue& catalogue);

}  // namespace terrace::app
