#include "sim/report/csv.hpp"

#include <array>
#include <cstddef>

namespace terrace {

std::string csv_quoted(std::string_view field) {
  if (field.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(field);
  std::string quoted = "\"";
  for (const char c : field) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted += '"';
}

void CsvFile::decimal(std::int64_t value, int digits) {
  separate();
  fmt::memory_buffer& out = file_.buffer();
  if (value < 0) out.push_back('-');
  // From the right: 0 <= `fraction` < 10^digits. The least integer has no absolute value, but is no
  // time either.
  auto left = static_cast<std::uint64_t>(value < 0 ? -value : value);
  std::array<char, 32> fraction;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled below
  for (int i = digits; i-- > 0; left /= 10) {
    fraction[static_cast<std::size_t>(i)] = static_cast<char>('0' + left % 10);
  }
  const fmt::format_int whole(left);
  out.append(whole.data(), whole.data() + whole.size());
  while (digits > 0 && fraction[static_cast<std::size_t>(digits - 1)] == '0') --digits;
  if (digits == 0) return;
  out.push_back('.');
  out.append(fraction.data(), fraction.data() + digits);
}

void replace_csv(const std::filesystem::path& path, FunctionRef<void(CsvFile&)> fill) {
  replace_file(path, [&](const std::filesystem::path& part) {
    CsvFile file(part);
    fill(file);
    file.close();
  });
}

}  // namespace terrace
