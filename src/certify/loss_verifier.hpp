// Stored codes against their certificate: what its rows say of their losses, decided from W, G, codes and steps,
// whatever made the codes.
#pragma once

#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "base/row_progress.hpp"
#include "certify/certificate.hpp"
#include "certify/certificate_observer.hpp"
#include "method/asymmetric.hpp"
#include "method/quantize.hpp"

namespace hallmark {

/// How many rows each stage decided.
struct JudgedRows {
  std::uint64_t binary32 = 0, binary64 = 0, exact = 0;
};

/// W [rows, cols] finite, G [cols, cols] without gaps between rows, steps of the grid and codes of it; everything
/// outlives the judge.
class LossVerifier {
 public:
  /// Factors H = 2 G + lambda I once. Any damping encloses the losses in G: where this one leaves H not positive
  /// definite, larger ones are tried. Errors: those of factor_hessian.
  /// rtn_steps: those of round-to-nearest, where rows have others. inputs: of an asymmetric target.
  static Expected<LossVerifier> make(MatrixRef<float> W, MatrixRef<double> G, const Options& options,
                                     const Steps& steps, std::string_view name, Backend* backend = nullptr,
                                     const Steps* rtn_steps = nullptr, const FloatInputs* inputs = nullptr);

  /// Enclosures of the plain losses of all rows, by the cheapest stage that says anything (T1, T15; Coq
  /// `guard_loss_enclosure`, `guard_loss_enclosure_binary32`); of round-to-nearest with its own steps.
  Expected<std::vector<Loss>> losses(const Matrix<Code>& codes) { return losses_with(target(steps_), codes); }
  Expected<std::vector<Loss>> losses_of_rtn(const Matrix<Code>& codes) {
    return losses_with(target(rtn_steps_), codes);
  }
  /// The same in binary64 at once: enclosures some 2^29 times as narrow.
  Expected<std::vector<Loss>> narrow_losses(const Matrix<Code>& codes) {
    std::vector<Index> rows(static_cast<std::size_t>(codes.rows()));
    std::iota(rows.begin(), rows.end(), Index{0});
    return (backend_ ? *backend_ : cpu_).losses(factored_.widened(), target(steps_), codes, rows);
  }

  /// What is false in the rows of a certificate, in the lowest row; none where all of it was decided and holds:
  /// the losses of codes and of round-to-nearest lie in their enclosures, rows that kept round-to-nearest have its
  /// codes, no loss is above the bound of its row, whose slack is theirs, and with `at_most_rtn` no row loses more than
  /// round-to-nearest (T6). Whether a bound could be smaller is not judged. In the rows of `exact` exact
  /// arithmetic confirms it all, and `tell` hears of each of them. Errors: those of the backend. Throws what `tell`
  /// does.
  Expected<std::optional<std::string>> first_false(const Matrix<Code>& codes, const Matrix<Code>& rtn,
                                                   const std::vector<CertifiedRow>& rows, bool at_most_rtn,
                                                   ExactRows exact, const TellRows& tell = {});

  /// The lowest row whose codes lose more than other codes under other steps, as loss_G says exactly (T6); none where
  /// no row does. Errors: those of the backend.
  Expected<std::optional<Index>> first_worse(const Matrix<Code>& codes, const Matrix<Code>& other, const Steps& others);

  const JudgedRows& judged() const { return judged_; }
  double lambda() const { return factored_.lambda; }
  /// What a scale rule that needs the statistic is to be given.
  std::vector<double> scale_weights(Statistic needed) const { return hallmark::scale_weights(needed, G_, factored_); }
  Index dead_columns() const { return factored_.dead_columns; }

 private:
  LossVerifier(MatrixRef<float> W, MatrixRef<double> G, const Options& options, const Steps& steps,
               const Steps& rtn_steps, Factored factored, Backend* backend, const FloatInputs* inputs);
  Target target(const Steps& steps) const {
    return {W_, options_.grid, steps, factored_.order, asymmetric_ ? &*asymmetric_ : nullptr};
  }
  Expected<std::vector<Loss>> losses_with(const Target& target, const Matrix<Code>& codes);

  MatrixRef<float> W_;
  MatrixRef<double> G_;
  Options options_;
  const Steps &steps_, &rtn_steps_;
  Factored factored_;
  std::optional<AsymmetricTerm> asymmetric_;
  UpperStrips<float> U_;
  Backend cpu_;
  Backend* backend_;
  JudgedRows judged_;
};

}  // namespace hallmark
