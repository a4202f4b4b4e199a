#pragma once

#include <span>
#include <string>
#include <string_view>

#include "sim/app/arguments.hpp"
#include "sim/config/catalogue.hpp"

namespace terrace::app {

/// `--catalog DIR`, for the verbs that read models and hardware.
constexpr Option kCatalogOption{"catalog", "DIR",
                                "look for models and hardware here first; so does TERRACE_CATALOG",
                                Words::directory};

/// A kind of file in the catalogue.
struct CatalogueKind {
  std::string_view name;    // "gpus", as in `terrace list gpus`
  std::string_view folder;  // "hwprofiles/gpus"
};

std::span<const CatalogueKind> catalogue_kinds();

/// Where models and hardware are looked for, first to last: `--catalog`, TERRACE_CATALOG, the
/// installation, the source tree it was built from, and beside the program, wherever it was moved.
/// Throws UsageError if the user named a directory that is none.
config::Catalogue open_catalogue(const Arguments& arguments);

/// What the first line of a catalogue file, a comment, says about it; empty if it says nothing.
std::string first_comment(const std::string& path);

}  // namespace terrace::app
