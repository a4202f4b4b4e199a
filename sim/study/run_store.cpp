#include "sim/study/run_store.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

namespace terrace {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 5> kStatusNames = {"ok", "infeasible", "invalid_input",
                                                     "invariant", "world"};

// A metric of a row: json_extract(metrics, '$."tier.dram.read_bytes"'); kLimit is one in words.
constexpr const char* kSchema = R"(
  CREATE TABLE IF NOT EXISTS runs (
    key TEXT PRIMARY KEY,
    version TEXT NOT NULL,
    arm TEXT NOT NULL,
    seed INTEGER NOT NULL,
    status TEXT NOT NULL,
    error TEXT NOT NULL,
    metrics TEXT NOT NULL,
    scenario TEXT NOT NULL
  ) WITHOUT ROWID;
)";

constexpr const char* kLimit = "limit";

RunStatus status_of(std::string_view name) {
  for (std::size_t i = 0; i < kStatusNames.size(); ++i) {
    if (name == kStatusNames[i]) return static_cast<RunStatus>(i);
  }
  return RunStatus::world;
}

std::string metrics_text(const RunRecord& record) {
  nlohmann::ordered_json all = nlohmann::ordered_json::object();
  for (const auto& [name, value] : record.found.metrics) {
    all[name] = value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
  }
  all[kLimit] = record.found.limit;
  // Names come from files and may be no UTF-8.
  return all.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

struct RunStore::Database {
  std::string path;
  sqlite3* handle = nullptr;
  std::mutex mutex;  // a transaction is not to hold what others ask or add meanwhile

  explicit Database(const fs::path& file) : path(file.string()) {}
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() { sqlite3_close(handle); }

  void check(int code, int wanted = SQLITE_OK) const {
    if (code == wanted) return;
    throw std::runtime_error(
        fmt::format("cannot use {}: {}", path,
                    handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code)));
  }
  void execute(const char* statements) const {
    check(sqlite3_exec(handle, statements, nullptr, nullptr, nullptr));
  }
};

namespace {

/// A prepared statement; parameters count from 1, columns from 0.
class Statement {
 public:
  template <class Database>
  Statement(const Database& database, const char* text) {
    database.check(sqlite3_prepare_v2(database.handle, text, -1, &statement_, nullptr));
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void bind(int at, const std::string& text) {
    sqlite3_bind_text64(statement_, at, text.data(), text.size(), nullptr /* outlives the step */,
                        SQLITE_UTF8);
  }
  void bind(int at, std::int64_t number) { sqlite3_bind_int64(statement_, at, number); }
  int step() { return sqlite3_step(statement_); }
  void reset() { sqlite3_reset(statement_); }
  [[nodiscard]] std::string text(int column) const {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return bytes != nullptr ? std::string(bytes, size) : std::string();
  }
  [[nodiscard]] std::int64_t number(int column) const {
    return sqlite3_column_int64(statement_, column);
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace

RunStore::RunStore(const fs::path& path) : database_(std::make_unique<Database>(path)) {
  database_->check(sqlite3_open(path.c_str(), &database_->handle));
  constexpr int kPatienceMs = 10'000;  // with people who look at the results while they come in
  sqlite3_busy_timeout(database_->handle, kPatienceMs);
  // In WAL mode, with NORMAL, a commit survives the program's death; only a power cut may undo the
  // last ones, and never half of one.
  database_->execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
  database_->execute(kSchema);
}

RunStore::~RunStore() = default;

std::optional<RunRecord> RunStore::find(const std::string& key) const {
  const std::lock_guard lock(database_->mutex);
  Statement query(*database_,
                  "SELECT key, version, arm, seed, status, error, metrics, scenario FROM runs "
                  "WHERE key = ?");
  query.bind(1, key);
  const int code = query.step();
  if (code == SQLITE_DONE) return std::nullopt;
  database_->check(code, SQLITE_ROW);
  RunRecord record{query.text(0),
                   query.text(1),
                   query.text(2),
                   query.number(3),
                   status_of(query.text(4)),
                   query.text(5),
                   {},
                   query.text(7)};
  const auto metrics = nlohmann::ordered_json::parse(query.text(6), nullptr, false);
  if (!metrics.is_object()) return std::nullopt;  // somebody has been at it: run it again
  for (const auto& [name, value] : metrics.items()) {
    if (name == kLimit && value.is_string()) {
      record.found.limit = value.get<std::string>();
    } else {
      record.found.metrics.emplace_back(
          name, value.is_number() ? std::optional(value.get<double>()) : std::nullopt);
    }
  }
  return record;
}

std::size_t RunStore::foreign(const std::string& version) const {
  const std::lock_guard lock(database_->mutex);
  Statement query(*database_, "SELECT COUNT(*) FROM runs WHERE version <> ?");
  query.bind(1, version);
  database_->check(query.step(), SQLITE_ROW);
  return static_cast<std::size_t>(query.number(0));
}

void RunStore::add(const std::vector<RunRecord>& records) {
  if (records.empty()) return;
  const std::lock_guard lock(database_->mutex);
  database_->execute("BEGIN IMMEDIATE");
  try {
    Statement insert(*database_, "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    for (const RunRecord& record : records) {
      const std::string status = name_of(record.status);
      const std::string metrics = metrics_text(record);
      insert.bind(1, record.key);
      insert.bind(2, record.version);
      insert.bind(3, record.arm);
      insert.bind(4, record.seed);
      insert.bind(5, status);
      insert.bind(6, record.error);
      insert.bind(7, metrics);
      insert.bind(8, record.scenario);
      database_->check(insert.step(), SQLITE_DONE);
      insert.reset();
    }
    database_->execute("COMMIT");
  } catch (...) {
    sqlite3_exec(database_->handle, "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
}

std::string name_of(RunStatus status) { return kStatusNames[static_cast<std::size_t>(status)]; }

DirectoryLock::DirectoryLock(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (!error) {
    file_ = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file_ == -1) error = {errno, std::generic_category()};
  }
  if (error) {
    throw std::runtime_error(
        fmt::format("cannot create the directory {}: {}", directory.string(), error.message()));
  }
  if (flock(file_, LOCK_EX | LOCK_NB) == 0) return;
  const int reason = errno;
  close(file_);
  throw std::runtime_error(
      reason == EWOULDBLOCK
          ? fmt::format("another terrace is at work in {}: wait for it, or choose another --out",
                        directory.string())
          : fmt::format("cannot lock {}: {}", directory.string(), std::strerror(reason)));
}

DirectoryLock::~DirectoryLock() { close(file_); }

}  // namespace terrace
