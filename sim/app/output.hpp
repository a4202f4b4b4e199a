#pragma once

#include <string_view>

namespace terrace::app {

/// Results go to the standard output and through here; everything else goes to note().
/// Throws std::runtime_error if they cannot be written, as on a full disk.
void print(std::string_view text);

/// Makes sure that all that was printed has been written. Throws like print().
void flush();

/// A message to the user, on the standard error: never part of the results.
void note(std::string_view text);

/// Gives the standard streams that were closed by the caller something to fail on; otherwise the
/// next file opened would take their place, and receive what is printed. Makes a closed pipe end
/// the program quietly, also where the caller had that switched off.
void secure_streams();

}  // namespace terrace::app
