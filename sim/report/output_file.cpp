#include "sim/report/output_file.hpp"

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace terrace {
namespace {

/// root could put a file in the place of /dev/null.
bool is_written_to(const std::filesystem::path& path) {
  std::error_code unknown;
  return std::filesystem::is_other(path, unknown) || path.parent_path() == "/dev";
}

/// Makes a file whose name begins with `stem` and is nobody's, and removes it. Throws CannotWrite
/// about `path` if that fails.
void probe(const std::filesystem::path& path, const std::filesystem::path& stem) {
  std::string name = stem.string() + ".XXXXXX";
  const int file = ::mkstemp(name.data());
  if (file < 0) throw CannotWrite(path, std::generic_category().message(errno));
  static_cast<void>(::close(file));
  static_cast<void>(::unlink(name.c_str()));
}

}  // namespace

CannotWrite::CannotWrite(const std::filesystem::path& path, const std::string& why)
    : std::runtime_error("cannot write " + path.string() + ": " + why) {}

OutputFile::OutputFile(std::filesystem::path path)
    : path_(std::move(path)), file_(std::fopen(path_.c_str(), "wb")) {
  if (file_ == nullptr) fail(errno);
  std::setvbuf(file_, nullptr, _IONBF, 0);  // buffer_ is the only one
}

OutputFile::~OutputFile() {
  if (file_ != nullptr) static_cast<void>(std::fclose(file_));
}

void OutputFile::flush() {
  errno = 0;
  const std::size_t size = buffer_.size();
  const std::size_t written = std::fwrite(buffer_.data(), 1, size, file_);
  const int reason = errno;
  buffer_.clear();
  if (written != size) fail(reason);
}

void OutputFile::close() {
  if (file_ == nullptr) return;
  flush();
  errno = 0;
  if (std::fclose(std::exchange(file_, nullptr)) != 0) fail(errno);
}

void OutputFile::move_to(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::rename(path_, path, error);
  if (error) throw CannotWrite(path, error.message());
  path_ = path;
}

void OutputFile::fail(int reason) const {
  throw CannotWrite(path_, std::generic_category().message(reason));
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  OutputFile file(path);
  file.write(text);
  file.close();
}

void replace_file(const std::filesystem::path& path, std::string_view text) {
  replace_file(path, [text](const std::filesystem::path& part) { write_file(part, text); });
}

void replace_file(const std::filesystem::path& path,
                  FunctionRef<void(const std::filesystem::path&)> write) {
  if (is_written_to(path)) {
    write(path);
    return;
  }
  const std::filesystem::path part = path.string() + ".part";
  std::error_code error;
  std::filesystem::remove(part, error);  // it may be a link, too
  if (error) throw CannotWrite(path, error.message());
  try {
    write(part);
    std::filesystem::rename(part, path, error);
    if (error) throw CannotWrite(path, error.message());
  } catch (...) {
    std::filesystem::remove(part, error);
    throw;
  }
}

void check_replaceable(const std::filesystem::path& path) {
  if (is_written_to(path)) return;
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) throw CannotWrite(path, "it is a directory");
  probe(path, path);
}

void make_output_directory(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    throw std::runtime_error("cannot create the directory " + directory.string() + ": " +
                             error.message());
  }
  probe(directory, directory / "terrace");
}

}  // namespace terrace
