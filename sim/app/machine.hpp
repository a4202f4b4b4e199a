#pragma once

#include <string>

/// What the machine the program runs on has to offer, one sentence each. Nothing here changes it,
/// but for a scratch file that direct_io() makes and removes.
namespace terrace::app::machine {

std::string cores();
std::string memory();
std::string huge_pages();

/// Asks the driver, if there is one: no CUDA toolkit is needed to build or run this.
std::string cuda();

/// Where a program is found, or that it is not.
std::string on_path(const std::string& program);

/// Writes a block to a file in `directory` and reads it back past the page cache.
std::string direct_io(const std::string& directory);

std::string io_uring();
std::string terminal();

}  // namespace terrace::app::machine
