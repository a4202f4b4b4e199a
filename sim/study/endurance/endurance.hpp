#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/fabric/wear.hpp"

namespace terrace {

/// A drive in one of the capacities it is sold in.
struct DriveOffer {
  std::string profile;  // name of its file
  SsdSpec ssd;
};

/// Writes to an array of equal drives, and for how long.
struct EnduranceQuestion {
  WearLoad load;
  Years horizon{5};
  Years drive_life{5};  // after which a drive is replaced, worn out or not
};

/// What becomes of such an array.
struct DriveFate {
  std::string profile;
  Bytes capacity;             // of one drive
  double writes_per_day = 0;  // times its capacity, each
  double rated = 0;           // the same for five years: of such writes
  Years life;                 // until worn out
  double bought = 0;          // arrays within the horizon, the first included
  double busy = 0;            // of its time that the writes take; it cannot keep up above 1
  struct Price {
    Dollars horizon;       // of all arrays that are bought
    DollarsPerTB written;  // of what is written meanwhile; infinite if nothing is
  };
  std::optional<Price> low;  // nothing if the profile has no price
  std::optional<Price> typical;
  std::optional<Price> high;
  std::string as_of;
};

DriveFate fate_of(const DriveOffer& offer, const EnduranceQuestion& question);

/// Every offer's fate, the cheapest over the horizon first; those that cannot keep up, and then
/// those without a price, last. Equal ones in the order of the offers.
std::vector<DriveFate> fates_of(const std::vector<DriveOffer>& offers,
                                const EnduranceQuestion& question);

}  // namespace terrace
