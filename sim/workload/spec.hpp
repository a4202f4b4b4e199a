#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/config/fields.hpp"
#include "sim/workload/workload.hpp"

namespace terrace {

// What a file says about a synthetic workload: clients, each with its arrivals, lengths, content.
// make_synthetic() turns it into requests.

/// No single text is longer, whatever its distribution says: sums of lengths then never overflow.
constexpr Tokens kLongestText{1'000'000'000};

enum class GapDistribution : std::uint8_t { constant, exponential, lognormal };

/// A pause of a user between an answer and the next request.
struct GapSpec {
  GapDistribution distribution = GapDistribution::constant;
  Duration mean{};  // of a constant gap: its value
  double cv = 1;    // lognormal: standard deviation / mean
};

enum class LengthDistribution : std::uint8_t {
  constant,
  uniform,
  lognormal,
  normal,
  zipf,
  histogram
};

/// Bounds to which a length is clamped: what lies outside becomes the bound.
struct ClipSpec {
  Tokens min{1};
  Tokens max = kLongestText;
};

/// How long a text is. Lengths are rounded to the nearest whole token, then clamped to `clip`.
struct LengthSpec {
  LengthDistribution distribution = LengthDistribution::constant;
  Tokens value{1};             // constant
  Tokens min{1};               // uniform, zipf
  Tokens max{1};               // uniform, zipf
  std::optional<double> mean;  // normal; lognormal together with cv
  std::optional<double> cv;    // lognormal: standard deviation / mean
  std::optional<double> p50;   // lognormal, instead of mean and cv
  std::optional<double> p99;
  double stddev = 0;                 // normal
  double exponent = 1;               // zipf: min + i has a weight of (i + 1)^-exponent
  std::vector<std::int64_t> values;  // histogram
  std::vector<double> weights;
  std::optional<ClipSpec> clip;
};

enum class ArrivalLaw : std::uint8_t {
  poisson,
  gamma,
  deterministic,
  on_off,
  diurnal,
  closed_loop
};

/// When requests arrive; of conversations, their first turns.
struct ArrivalSpec {
  ArrivalLaw process = ArrivalLaw::poisson;
  Frequency rate;          // mean: poisson, gamma, deterministic, diurnal
  double cv = 1;           // gamma: of the gaps
  Frequency rate_on;       // on_off
  Frequency rate_off;      // on_off
  Duration mean_on{};      // on_off
  Duration mean_off{};     // on_off
  double amplitude = 0;    // diurnal: rate * (1 + amplitude * sin(2 pi (t / period + phase)))
  Duration period{};       // diurnal
  double phase = 0;        // diurnal: in periods
  std::int64_t users = 1;  // closed_loop
  GapSpec think;           // closed_loop
  Duration ramp{};         // closed_loop
};

/// Texts that many requests begin with.
struct SystemPromptSpec {
  std::int64_t prompts = 1;
  LengthSpec length;
  double popularity = 0;  // Zipf exponent; 0: all alike
};

enum class ContentLaw : std::uint8_t { unique, shared_prefix, conversation, rag };

/// What prompts have in common with each other.
struct ContentSpec {
  ContentLaw kind = ContentLaw::unique;
  SystemPromptSpec prefix;                 // shared_prefix
  std::optional<SystemPromptSpec> system;  // conversation, rag
  LengthSpec turns;                        // conversation; in turns, not tokens
  GapSpec think;                           // conversation
  std::optional<Tokens> max_context;       // conversation
  bool tool_calls = false;                 // conversation: the pauses are tools at work
  std::int64_t documents = 1;              // rag
  LengthSpec document_length;              // rag
  std::int64_t documents_per_request = 1;  // rag
  double popularity = 0;                   // rag: Zipf exponent over documents
};

struct SloSpec {
  std::optional<Duration> ttft;
  std::optional<Duration> tpot;
};

struct ClientSpec {
  std::string name;
  std::int64_t priority = 0;
  SloSpec slo;
  std::optional<std::int64_t> max_requests;
  ArrivalSpec arrivals;
  LengthSpec prompt;
  LengthSpec output;
  ContentSpec content;
  std::vector<RetentionSpec> retention;
};

struct WorkloadSpec {
  std::vector<ClientSpec> clients;
  std::optional<std::int64_t> max_requests;
  std::optional<Duration> duration;
};

void describe(config::Fields& f, GapSpec& gap);
void describe(config::Fields& f, ClipSpec& clip);
void describe(config::Fields& f, LengthSpec& length);
void describe(config::Fields& f, ArrivalSpec& arrivals);
void describe(config::Fields& f, SystemPromptSpec& system);
void describe(config::Fields& f, ContentSpec& content);
void describe(config::Fields& f, SloSpec& slo);
void describe(config::Fields& f, RetentionSpec& retention);
void describe(config::Fields& f, ClientSpec& client);
void describe(config::Fields& f, WorkloadSpec& workload);

namespace config {

template <>
struct Names<GapDistribution> {
  static constexpr std::string_view kKind = "distribution of a pause";
  static constexpr std::array<std::pair<std::string_view, GapDistribution>, 3> kList{
      {{"constant", GapDistribution::constant},
       {"exponential", GapDistribution::exponential},
       {"lognormal", GapDistribution::lognormal}}};
};

template <>
struct Names<LengthDistribution> {
  static constexpr std::string_view kKind = "distribution of lengths";
  static constexpr std::array<std::pair<std::string_view, LengthDistribution>, 6> kList{
      {{"constant", LengthDistribution::constant},
       {"uniform", LengthDistribution::uniform},
       {"lognormal", LengthDistribution::lognormal},
       {"normal", LengthDistribution::normal},
       {"zipf", LengthDistribution::zipf},
       {"histogram", LengthDistribution::histogram}}};
};

template <>
struct Names<ArrivalLaw> {
  static constexpr std::string_view kKind = "arrival process";
  static constexpr std::array<std::pair<std::string_view, ArrivalLaw>, 6> kList{
      {{"poisson", ArrivalLaw::poisson},
       {"gamma", ArrivalLaw::gamma},
       {"deterministic", ArrivalLaw::deterministic},
       {"on_off", ArrivalLaw::on_off},
       {"diurnal", ArrivalLaw::diurnal},
       {"closed_loop", ArrivalLaw::closed_loop}}};
};

template <>
struct Names<ContentLaw> {
  static constexpr std::string_view kKind = "kind of content";
  static constexpr std::array<std::pair<std::string_view, ContentLaw>, 4> kList{
      {{"unique", ContentLaw::unique},
       {"shared_prefix", ContentLaw::shared_prefix},
       {"conversation", ContentLaw::conversation},
       {"rag", ContentLaw::rag}}};
};

}  // namespace config
}  // namespace terrace
