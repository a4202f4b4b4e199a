#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calibrate/fitting/points.hpp"
#include "sim/cost/forms/form.hpp"
#include "sim/model/dtype.hpp"

namespace terrace::calibrate {

// An adapter says how a measured point becomes a case of a form. It is a struct of
//
//   using Form = forms::Gemm;
//   static constexpr std::string_view kFamily;       of the points in a JSON calibration
//   static constexpr std::array<Column, N> kColumns; what a point has to have, besides dtype
//   static constexpr std::array<std::string_view, N> kGroup;  columns: points that agree in them
//                                                    are similar, and cross-validation sees or
//                                                    does not see all of them
//   static constexpr std::array<std::string_view, N> kRegimes;  as reports of errors call them
//   static constexpr std::string_view kOnly;         a column: a fit is for one value of it; or ""
//
//   static Form::Case case_of(const Row&);
//
//   why the point is not fitted; empty if it is:
//   static std::string_view left_out(const Row&, const Form::Case&, const forms::Chip&);
//
//   an index of kRegimes:
//   static std::size_t regime(const Row&, const Form::Case&, const forms::Chip&);
//
//   static Work work(const Form::Case&);
//
//   static constexpr bool kTyped = false;            only where no data type matters
//
// in a file of calibrate/fitting/forms/, and a line in registry.cpp. The file ends with
//
//   Adapter name() { return adapter_of<Name>(); }
//
// Whether it is of a processor or of a GPU, the form says (kOfProcessor).

/// A column of whole numbers, `least` or more.
struct Column {
  std::string_view name;
  double least = 1;
};

/// What a call cannot do without: tells impossible times from fast ones.
struct Work {
  double flops = 0;
  double bytes = 0;  // to and from memory
};

/// A point as an adapter sees it: the values of its columns.
class Row {
 public:
  Row(const PointTable& table, const Point& point) : table_(table), point_(point) {}

  /// REQUIRES: one of the adapter's kColumns.
  [[nodiscard]] double number(std::string_view column) const;

  /// Empty if there is no such column.
  [[nodiscard]] std::string_view text(std::string_view column) const;

  /// The same as a whole number.
  [[nodiscard]] std::int64_t count(std::string_view column) const;

  [[nodiscard]] DType dtype() const;

  /// Bytes of an element of `dtype`.
  [[nodiscard]] double element_bytes() const;

  /// Measured.
  [[nodiscard]] double seconds() const { return point_.seconds; }

  /// Whether the measurement says that L2 was flushed before each call; tables do not say.
  [[nodiscard]] bool cold() const { return text("l2") == "cold"; }

  /// Whether it says that operands were in a cache.
  [[nodiscard]] bool hot() const { return text("l2") == "hot"; }

  /// Tokens in the cache before the fresh ones; tables of prefills have none.
  [[nodiscard]] double prefix() const { return optional("prefix").value_or(0); }

  /// Tokens that a query sees, if not all.
  [[nodiscard]] std::optional<double> window() const;

 private:
  [[nodiscard]] std::optional<double> optional(std::string_view column) const;

  const PointTable& table_;
  const Point& point_;
};

/// Times by a form for the cases of some points, numbered from 0.
class Law {
 public:
  virtual ~Law() = default;

  /// out[i] = seconds that case which[i] takes with these parameters.
  virtual void seconds(std::span<const double> parameters, std::span<const std::uint32_t> which,
                       std::span<double> out) const = 0;
};

/// The cases of a form, made of points one by one.
class Cases : public Law {
 public:
  struct Added {
    std::string_view left_out;  // why; empty if the point is a case now
    std::size_t regime = 0;
    Work work;
  };
  virtual Added add(const Row& row) = 0;
};

/// An adapter, whatever its form.
struct Adapter {
  std::string_view form;
  std::span<const forms::Parameter> parameters;
  std::string_view family;
  std::span<const Column> columns;
  std::span<const std::string_view> group;
  std::span<const std::string_view> regimes;
  std::string_view only;
  bool typed = true;
  bool of_processor = false;
  bool (*concerns)(std::string_view parameter, DType dtype) = nullptr;
  std::unique_ptr<Cases> (*cases)(const forms::Chip& chip) = nullptr;
};

template <class Type>
class CasesOf final : public Cases {
 public:
  explicit CasesOf(const forms::Chip& chip) : chip_(chip) {}

  Added add(const Row& row) override {
    const auto made = Type::case_of(row);
    Added added{Type::left_out(row, made, chip_), 0, {}};
    if (!added.left_out.empty()) return added;
    added.regime = Type::regime(row, made, chip_);
    added.work = Type::work(made);
    cases_.push_back(made);
    return added;
  }

  void seconds(std::span<const double> parameters, std::span<const std::uint32_t> which,
               std::span<double> out) const override {
    for (std::size_t i = 0; i < which.size(); ++i) {
      out[i] = Type::Form::seconds(parameters, chip_, cases_[which[i]]);
    }
  }

 private:
  forms::Chip chip_;
  std::vector<typename Type::Form::Case> cases_;
};

/// Whether times depend on a data type, which points then have to have.
template <class Type>
constexpr bool is_typed() {
  if constexpr (requires { Type::kTyped; }) {
    return Type::kTyped;
  } else {
    return true;
  }
}

template <class Type>
Adapter adapter_of() {
  return {Type::Form::kName,
          Type::Form::kParameters,
          Type::kFamily,
          Type::kColumns,
          Type::kGroup,
          Type::kRegimes,
          Type::kOnly,
          is_typed<Type>(),
          forms::of_processor<typename Type::Form>(),
          forms::concerns<typename Type::Form>,
          [](const forms::Chip& chip) -> std::unique_ptr<Cases> {
            return std::make_unique<CasesOf<Type>>(chip);
          }};
}

/// Every adapter, one for each form of sim/cost/forms/.
std::span<const Adapter> adapters();

/// The adapter of that form. Throws UsageError with the nearest one.
const Adapter& find_adapter(std::string_view form);

}  // namespace terrace::calibrate
