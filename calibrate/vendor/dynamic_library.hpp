#pragma once

#include <stdexcept>
#include <string>

#include <dlfcn.h>

namespace terrace::calibrate {

/// A library that a vendor's driver brings, or does not: found when the program runs. It is never
/// closed, as some do not bear that.
class DynamicLibrary {
 public:
  /// Throws std::runtime_error if the loader does not find it.
  explicit DynamicLibrary(const char* name) : name_(name), handle_(::dlopen(name, RTLD_NOW)) {
    if (handle_ == nullptr) throw std::runtime_error(name_ + " cannot be loaded");
  }

  /// Null if it has none of that name.
  template <class F>
  [[nodiscard]] F* find_if_any(const char* symbol) const {
    return reinterpret_cast<F*>(::dlsym(handle_, symbol));
  }
  /// Throws std::runtime_error if it has none of that name.
  template <class F>
  [[nodiscard]] F* find(const char* symbol) const {
    F* const found = find_if_any<F>(symbol);
    if (found == nullptr) throw std::runtime_error(name_ + " has no " + symbol);
    return found;
  }

 private:
  std::string name_;
  void* handle_;
};

}  // namespace terrace::calibrate
