#pragma once

#include <string>
#include <vector>

#include "sim/config/catalogue.hpp"
#include "sim/config/node.hpp"
#include "sim/study/endurance/endurance.hpp"

namespace terrace::app {

/// The drive of a profile in every capacity it is sold in; as it is, if the profile names none.
std::vector<SsdSpec> in_every_capacity(const config::Node& profile);

/// The drives of the catalogue, or those named, each in every capacity. Throws ConfigError, with
/// the nearest name if there is none.
std::vector<DriveOffer> drive_offers(const config::Catalogue& catalogue,
                                     std::vector<std::string> names);

}  // namespace terrace::app
