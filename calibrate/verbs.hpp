#pragma once

#include "sim/app/verb.hpp"

namespace terrace::calibrate {

// One per file. Their names begin with "calibrate", as users say `terrace calibrate fit`.
extern const app::Verb kCompare;
extern const app::Verb kFit;
extern const app::Verb kHere;
extern const app::Verb kLab;
extern const app::Verb kReport;
extern const app::Verb kTables;

/// What `terrace calibrate` does without a verb.
extern const app::Verb kMeasure;

}  // namespace terrace::calibrate
