#include <fmt/format.h>

#include "certify/certificate.hpp"

namespace hallmark {
namespace {

template <class T>
std::string shown(const T& value) {
  if constexpr (std::is_same_v<T, bool>) return value ? "true" : "false";
  else if constexpr (std::is_same_v<T, double>) return fmt::format("{:a}", value);
  else if constexpr (std::is_same_v<T, std::string>) return value.empty() ? "nothing" : value.substr(0, 80);
  else return fmt::format("{}", value);
}

std::string said(const std::optional<bool>& flag) { return flag ? shown(*flag) : std::string(); }

// Collects the first difference.
class Comparison {
 public:
  template <class T>
  Comparison& same(std::string_view what, const T& certified, const T& computed) {
    if (!first_ && !(certified == computed))
      first_ = fmt::format("{} is {}, the certificate says {}", what, shown(computed), shown(certified));
    return *this;
  }
  Comparison& same(const std::string& what, const Enclosure& certified, const Enclosure& computed) {
    return same(what + ", lower end,", certified.lo, computed.lo)
        .same(what + ", upper end,", certified.hi, computed.hi);
  }
  Comparison& same(const std::string& what, const CertifiedLoss& certified, const CertifiedLoss& computed) {
    same(what, certified.enclosure, computed.enclosure);
    if (certified.exact && computed.exact) same(what + ", exact,", certified.exact->text(), computed.exact->text());
    for (const auto* exact : {&certified.exact, &computed.exact})
      if (!first_ && *exact &&
          !((*exact)->round_down() >= computed.enclosure.lo && (*exact)->round_up() <= computed.enclosure.hi))
        first_ = fmt::format("{}: the exact value {} is outside of [{:a}, {:a}]", what, shown((*exact)->text()),
                             computed.enclosure.lo, computed.enclosure.hi);
    return *this;
  }
  std::optional<std::string> first() const { return first_; }

 private:
  std::optional<std::string> first_;
};

}  // namespace

std::optional<std::string> first_difference(const CertificateHeader& certified, const CertificateHeader& computed) {
  return Comparison()
      .same("the program", certified.tool, computed.tool)
      .same("the digest of the weights", certified.weights_sha256, computed.weights_sha256)
      .same("the digest of the calibration", certified.calibration_sha256, computed.calibration_sha256)
      .same("contracts", certified.contracts, computed.contracts)
      .first();
}

std::optional<std::string> first_difference(const CertifiedTensor& certified, const CertifiedTensor& computed) {
  Comparison comparison;
  comparison.same("the name", certified.name, computed.name)
      .same("the number of rows", certified.rows, computed.rows)
      .same("the number of columns", certified.cols, computed.cols);
  if (const std::string option = first_difference(certified.options, computed.options);
      !comparison.first() && !option.empty())
    return option;
  comparison.same("calibration", certified.calibration, computed.calibration)
      .same("tokens", certified.tokens, computed.tokens)
      .same("lambda", certified.lambda, computed.lambda)
      .same("dead_columns", certified.dead_columns, computed.dead_columns)
      .same("the number of rows with values", certified.values.size(), computed.values.size());
  for (std::size_t i = 0; !comparison.first() && i < computed.values.size(); ++i) {
    const CertifiedRow &a = certified.values[i], &b = computed.values[i];
    const std::string row = fmt::format("row {}: ", i);
    comparison.same(row + "kept rtn", a.kept_rtn, b.kept_rtn)
        .same(row + "the final loss", a.final, b.final)
        .same(row + "the loss of rtn", a.rtn, b.rtn);
    if (a.bound && b.bound)
      comparison.same(row + "the bound", a.bound->enclosure, b.bound->enclosure)
          .same(row + "the slack", a.bound->slack, b.bound->slack);
    if (a.optimality && b.optimality)
      comparison.same(row + "what its optimality follows from", a.optimality->by, b.optimality->by)
          .same(row + "optimality", a.optimality->lower.value_or(0), b.optimality->lower.value_or(0));
    if (a.one_opt) comparison.same(row + "one_opt", said(a.one_opt), said(b.one_opt));
  }
  comparison.same("the number of contracts", certified.contracts.size(), computed.contracts.size());
  for (std::size_t i = 0; !comparison.first() && i < computed.contracts.size(); ++i) {
    const CertifiedContract &a = certified.contracts[i], &b = computed.contracts[i];
    const std::string contract = fmt::format("contract {}: ", b.name);
    comparison.same(contract + "the name", a.name, b.name)
        .same(contract + "the theorem", a.theorem, b.theorem)
        .same(contract + "decided by enclosures", a.by_enclosure, b.by_enclosure)
        .same(contract + "decided by exact arithmetic", a.by_exact, b.by_exact);
  }
  return comparison.same("clipped codes", certified.clipped, computed.clipped)
      .same("guard_rows", certified.guard_rows, computed.guard_rows)
      .same("the digest of its bytes in W", certified.weights_sha256, computed.weights_sha256)
      .same("the digest of its Gram matrix", certified.gram_sha256, computed.gram_sha256)
      .same("the digest of its cross-Gram matrix", certified.cross_sha256, computed.cross_sha256)
      .same("the digest of the Gram matrix of its float inputs", certified.float_sha256, computed.float_sha256)
      .same("the digest of the scales", certified.scales_sha256, computed.scales_sha256)
      .same("the digest of the zero points", certified.zeros_sha256, computed.zeros_sha256)
      .same("the digest of the marks of rotated rows", certified.rotated_sha256, computed.rotated_sha256)
      .same("the digest of the correction of low rank", certified.low_rank_sha256, computed.low_rank_sha256)
      .same("the digest of the codes", certified.codes_sha256, computed.codes_sha256)
      .first();
}

}  // namespace hallmark
