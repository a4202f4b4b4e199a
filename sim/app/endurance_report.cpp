#include "sim/app/endurance_report.hpp"

#include <array>
#include <cstdint>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/base/text.hpp"
#include "sim/config/scalar.hpp"
#include "sim/report/csv.hpp"
#include "sim/report/human.hpp"
#include "sim/report/json.hpp"
#include "sim/report/miss_report.hpp"
#include "sim/report/table.hpp"

namespace terrace::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kDay = 86400;

double terabytes_a_day(Bandwidth rate) { return rate.count() * kDay * 1e-12; }

std::string short_number(double value) { return fmt::format("{:.3g}", value); }

std::string rate_text(Bandwidth rate) {
  const double n = rate.count();
  return n >= 1e9 ? fmt::format("{:.4g} GB/s", n * 1e-9) : fmt::format("{:.4g} MB/s", n * 1e-6);
}

std::string years_text(Years years) { return fmt::format("{:.4g} years", years.count()); }

std::string written_text(const EnduranceReport& r) {
  if (r.written.empty()) return {};
  Table table({"rule", "write", "admission", "hit %", "mean TTFT", "TB a day", "drive life"});
  for (const WrittenRun& run : r.written) {
    table.add({escape_controls(run.name), run.write, run.admission,
               run.hit_ratio ? human::percent(*run.hit_ratio, 1) : "-",
               run.mean_ttft_ms ? human::time(*run.mean_ttft_ms * 1e-3) : "-",
               short_number(terabytes_a_day(run.rate)), human::span(run.life)});
  }
  return "\nWhat is written to the run's drives, by the rules of its tiers there\n" + table.text();
}

std::string fates_text(const EnduranceReport& r) {
  Table table({"drive", "each", "DWPD", "rated", "busy %", "life", "arrays", "USD (low to high)",
               "per TB"});
  std::set<std::string> shown;
  for (const DriveFate& f : r.fates) {
    if (!shown.insert(f.profile).second && !r.every_capacity) continue;
    std::vector<std::string> cells{f.profile,
                                   config::Scalar<Bytes>::format(f.capacity),
                                   short_number(f.writes_per_day),
                                   short_number(f.rated),
                                   short_number(100 * f.busy),
                                   human::span(f.life),
                                   human::count(static_cast<std::int64_t>(f.bought)),
                                   "no price",
                                   "-"};
    if (f.typical) {
      cells[7] = fmt::format("{} ({} to {})", human::dollars(f.typical->horizon),
                             human::dollars(f.low->horizon), human::dollars(f.high->horizon));
      cells[8] = short_number(f.typical->written.count());
    }
    table.add(std::move(cells));
  }
  return table.text();
}

std::string legend(const EnduranceReport& r) {
  std::string text =
      "DWPD: times a day each drive is written full; rated for so many, over five years, of writes "
      "like these. arrays: bought within the horizon, each replaced when worn out, at the latest "
      "after ";
  text += years_text(r.question.drive_life) +
          ". busy: above 100 % the drives cannot keep up. per TB: USD for each TB that is written.";
  if (!r.every_capacity) {
    text +=
        " Each drive is shown in the capacity that costs least; --ssd NAME shows it in all, and "
        "so do --csv and --json.";
  }
  if (r.too_small > 0) {
    text += fmt::format(" Left out: {} that are too small for the run's tiers.", r.too_small);
  }
  std::string oldest;
  for (const DriveFate& f : r.fates) {
    if (!f.as_of.empty() && (oldest.empty() || f.as_of < oldest)) oldest = f.as_of;
  }
  if (!oldest.empty()) text += fmt::format(" Prices: typical, of {} or later.", oldest);
  return "\n" + paragraph("", text);
}

Json json_of(const std::optional<DriveFate::Price>& price) {
  if (!price) return nullptr;
  return {{"horizon_usd", price->horizon.count()},
          {"usd_per_tb_written", finite(price->written.count())}};
}

Json json_of(const DriveFate& f) {
  return {{"drive", f.profile},
          {"capacity_bytes", f.capacity.count()},
          {"dwpd", f.writes_per_day},
          {"rated_dwpd", f.rated},
          {"busy_ratio", f.busy},
          {"life_years", finite(f.life.count())},
          {"arrays_bought", f.bought},
          {"low", json_of(f.low)},
          {"typical", json_of(f.typical)},
          {"high", json_of(f.high)},
          {"price_as_of", f.as_of.empty() ? Json(nullptr) : Json(f.as_of)}};
}

Json json_of(const WrittenRun& run) {
  return {{"rule", run.name},
          {"write", run.write},
          {"admission", run.admission},
          {"prefix_hit_ratio", run.hit_ratio ? Json(*run.hit_ratio) : Json(nullptr)},
          {"mean_ttft_ms", run.mean_ttft_ms ? Json(*run.mean_ttft_ms) : Json(nullptr)},
          {"written_bytes", run.written.count()},
          {"written_bytes_per_s", run.rate.count()},
          {"life_years", finite(run.life.count())}};
}

}  // namespace

std::string endurance_text(const EnduranceReport& r) {
  const WearLoad& load = r.question.load;
  std::string text;
  for (const std::string& line : r.about) text += paragraph("", escape_controls(line));
  text += partial_note(r.complete);
  text += paragraph(
      "", fmt::format("{} ({} TB a day) to {} drive{} together{}; {} writes",
                      rate_text(load.writes), short_number(terabytes_a_day(load.writes)),
                      load.drives, load.drives == 1 ? "" : "s",
                      load.amplification == 1
                          ? ""
                          : fmt::format(", times {:g} on the way to them", load.amplification),
                      load.sequential ? "large, sequential" : "small, random"));
  text += written_text(r);
  text += fmt::format("\nWhat such an array costs over {}\n", years_text(r.question.horizon));
  return text + fates_text(r) + legend(r);
}

std::string endurance_json(const EnduranceReport& r) {
  const WearLoad& load = r.question.load;
  Json json = {{"schema_version", 1},
               {"about", r.about},
               {"complete", r.complete},
               {"written_bytes_per_s", load.writes.count()},
               {"drives", load.drives},
               {"write_amplification", load.amplification},
               {"sequential", load.sequential},
               {"horizon_years", r.question.horizon.count()},
               {"drive_life_years", r.question.drive_life.count()},
               {"too_small", r.too_small},
               {"rules", Json::array()},
               {"drives_by_cost", Json::array()}};
  for (const WrittenRun& run : r.written) json["rules"].push_back(json_of(run));
  for (const DriveFate& fate : r.fates) json["drives_by_cost"].push_back(json_of(fate));
  return json_text(json);
}

std::string endurance_formulas(const EnduranceReport& r, const DriveOffer& first) {
  const WearLoad& load = r.question.load;
  const SsdSpec& ssd = first.ssd;
  const DriveFate& fate = r.fates.front();
  const auto size = config::Scalar<Bytes>::format(ssd.capacity);
  std::string text = fmt::format("\nHow the first row comes about\n");
  text += paragraph("  DWPD    ", fmt::format("{:.4g} GB/s x {:g} x 86400 s / ({} x {}) = {:.3g}",
                                              load.writes.count() * 1e-9, load.amplification,
                                              load.drives, size, fate.writes_per_day));
  text += paragraph(
      "  rated   ",
      fmt::format("{:g} of random 4 KiB writes over five years{} (JEDEC JESD218)", ssd.dwpd,
                  load.sequential
                      ? fmt::format(" x {:g}, as much more as its maker allows of sequential ones",
                                    ssd.sequential_endurance)
                      : std::string()));
  text += paragraph("  life    ", fmt::format("5 years x {:.3g} / {:.3g} = {}", fate.rated,
                                              fate.writes_per_day, human::span(fate.life)));
  text += paragraph("  arrays  ", fmt::format("{} / min(life, {}), rounded up = {:.0f}",
                                              years_text(r.question.horizon),
                                              years_text(r.question.drive_life), fate.bought));
  if (fate.typical) {
    text +=
        paragraph("  USD     ",
                  fmt::format("{:.0f} x {} x {} x {:.4g} USD/TB = {:.0f}", fate.bought, load.drives,
                              size, ssd.price->typical.count(), fate.typical->horizon.count()));
  }
  constexpr std::array kSpare = {0.07, 0.125, 0.28, 1.0};
  std::string table;
  for (const double spare : kSpare) {
    table += fmt::format("{}{:.3g} with {:g} %", table.empty() ? "" : ", ",
                         write_amplification(1 + spare), 100 * spare);
  }
  return text + paragraph("  WAF     ",
                          "flash takes more than the host writes if blocks are overwritten at "
                          "random: a / (a + W0(-a exp(-a))) for a = raw / usable capacity, " +
                              table +
                              " spare room; about 1 for large segments that are trimmed as a "
                              "whole. A rating is for random writes and has it in it.");
}

void write_endurance_csv(const EnduranceReport& r, const std::filesystem::path& path) {
  constexpr std::array kColumns = {"drive",
                                   "capacity_bytes",
                                   "dwpd",
                                   "rated_dwpd",
                                   "busy_ratio",
                                   "life_years",
                                   "arrays",
                                   "horizon_usd_low",
                                   "horizon_usd",
                                   "horizon_usd_high",
                                   "usd_per_tb_written",
                                   "price_as_of"};
  replace_csv(path, [&](CsvFile& csv) {
    for (const char* column : kColumns) csv.quoted(column);
    csv.end_row();
    for (const DriveFate& f : r.fates) {
      csv.text(f.profile);
      csv.number(f.capacity.count());
      csv.number(f.writes_per_day);
      csv.number(f.rated);
      csv.number(f.busy);
      csv.number(f.life.count());
      csv.number(f.bought);
      for (const auto& price : {f.low, f.typical, f.high}) {
        price ? csv.number(price->horizon.count()) : csv.nothing();
      }
      f.typical ? csv.number(f.typical->written.count()) : csv.nothing();
      csv.text(f.as_of);
      csv.end_row();
    }
  });
}

}  // namespace terrace::app
