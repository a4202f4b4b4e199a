#include "sim/app/drive_offers.hpp"

#include <utility>

#include "sim/config/reader.hpp"
#include "sim/scenario/locate.hpp"

namespace terrace::app {
namespace {

constexpr NamedFile kSsdFile{"drive", "hwprofiles/ssds"};

SsdSpec read(const config::Node& profile, config::Diagnostics& diagnostics) {
  SsdSpec ssd;
  const config::Catalogue none;
  config::Reader(profile, "the profile", none, diagnostics).read(ssd);
  diagnostics.raise();
  return ssd;
}

}  // namespace

std::vector<SsdSpec> in_every_capacity(const config::Node& profile) {
  config::Diagnostics diagnostics;
  const SsdSpec ssd = read(profile, diagnostics);
  if (ssd.capacities.empty()) return {ssd};
  std::vector<SsdSpec> all;
  for (const Bytes capacity : ssd.capacities) {
    // Read again: what depends on the capacity is settled while a profile is read.
    config::Node other = profile;
    config::apply_override(other, "capacity=" + config::Scalar<Bytes>::format(capacity),
                           diagnostics);
    all.push_back(read(other, diagnostics));
  }
  return all;
}

std::vector<DriveOffer> drive_offers(const config::Catalogue& catalogue,
                                     std::vector<std::string> names) {
  if (names.empty()) names = catalogue.names(kSsdFile.folder);
  std::vector<DriveOffer> all;
  for (const std::string& name : names) {
    const std::string file = find_file(kSsdFile, name, catalogue);
    config::Diagnostics diagnostics;
    const config::Node profile =
        config::parse_yaml(file, config::read_text_file(file), diagnostics);
    diagnostics.raise();
    for (SsdSpec& ssd : in_every_capacity(profile)) all.push_back({name, std::move(ssd)});
  }
  return all;
}

}  // namespace terrace::app
