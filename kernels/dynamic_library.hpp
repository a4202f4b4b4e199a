#pragma once

#include <initializer_list>
#include <stdexcept>
#include <string>

#include <dlfcn.h>

namespace terrace::kernels {

/// A library that a vendor's driver or toolkit brings, or does not: found when the program runs. It
/// is never closed, as some do not bear that.
class DynamicLibrary {
 public:
  /// By the first of these names that the loader finds. Throws std::runtime_error, with what the
  /// loader says of each, if it finds none. REQUIRES: one at least.
  DynamicLibrary(std::initializer_list<const char*> names) : name_(*names.begin()) {
    std::string why;
    for (const char* name : names) {
      handle_ = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
      if (handle_ != nullptr) return;
      const char* const reason = ::dlerror();
      why += (why.empty() ? ": " : "; ") + std::string(reason != nullptr ? reason : name);
    }
    throw std::runtime_error(name_ + " cannot be loaded" + why);
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
  void* handle_ = nullptr;
};

}  // namespace terrace::kernels
