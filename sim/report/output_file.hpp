#pragma once

#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "sim/base/function_ref.hpp"

namespace terrace {

/// "cannot write DIR/requests.csv: No space left on device"
class CannotWrite : public std::runtime_error {
 public:
  CannotWrite(const std::filesystem::path& path, const std::string& why);
};

/// A file being written. Every failure throws CannotWrite; what is not closed may be incomplete.
class OutputFile {
 public:
  /// Creates or replaces the file.
  explicit OutputFile(std::filesystem::path path);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  /// What is to be written next; append to it, then let flush_if_large() see to it.
  [[nodiscard]] fmt::memory_buffer& buffer() { return buffer_; }
  void flush_if_large() {
    if (buffer_.size() >= kLarge) flush();
  }
  void write(std::string_view text) {
    buffer_.append(text.data(), text.data() + text.size());
    flush_if_large();
  }
  void flush();

  /// All is written. May be called again, to no effect.
  void close();

  /// Moves the file to another name, in place of what is there, and stays open.
  void move_to(const std::filesystem::path& path);

 private:
  static constexpr std::size_t kLarge = std::size_t{1} << 16U;
  [[noreturn]] void fail(int reason) const;

  std::filesystem::path path_;
  std::FILE* file_;
  fmt::memory_buffer buffer_;
};

/// Writes a whole file.
void write_file(const std::filesystem::path& path, std::string_view text);

/// The same beside its place, moved there when it is whole: what stood there, be it a link to
/// another file, is replaced and never written to. Devices and pipes are written to. A failure
/// leaves nothing behind.
void replace_file(const std::filesystem::path& path, std::string_view text);

/// The same for what `write` puts into the file it is given.
void replace_file(const std::filesystem::path& path,
                  FunctionRef<void(const std::filesystem::path&)> write);

/// For who works long before there is something to write: throws CannotWrite where replace_file()
/// would, as far as that can be told now.
void check_replaceable(const std::filesystem::path& path);

/// Makes a directory for results if there is none; throws std::runtime_error if that fails, or
/// CannotWrite if no file can be made in it.
void make_output_directory(const std::filesystem::path& directory);

}  // namespace terrace
