// What a certificate says of the rows of one tensor, gathered while the quantizer shows its work.
#pragma once

#include <mutex>
#include <optional>
#include <vector>

#include "base/row_progress.hpp"
#include "certify/certificate.hpp"
#include "certify/contracts.hpp"
#include "oracle/exact_recurrence.hpp"
#include "method/evidence.hpp"

namespace hallmark {

/// Which rows exact arithmetic judges too: `count` of them, evenly spaced from row 0, or all when there are fewer.
struct ExactRows {
  Index count = 0;
  bool contains(Index row, Index rows) const;
};

/// Values per row: enclosures of the loss of the codes and of round-to-nearest, and on request the bound of T2, T7, T9,
/// T11 and T15, in the form of Coq `emitted_codes_loss` with a larger delta. For the codes that GPTQ produced, with h_j
/// >= |u'_j - q_j| (half a gap; measured where a code was clipped), v = 2^-24, z = 2^-148 and E = |e|:
///
///   loss_H <= sum d_j (h_j + delta_j)^2 + g' (sum |e_j| sqrt(H_jj))^2            g' of T15 for U rounded to binary32
///   delta_j = (j + 1) v (1 + (j + 1) v) |U_0j .. U_(j-1)j| E + v |u'_j| + (j + 1) z (1 + |U_0j .. U_(j-1)j|)
///             T11 (a) with Cauchy's inequality: Coq `T11_recurrence_closed`, `feedback_size_cauchy`; j from 0
///   2 loss_G = loss_H - sum_j (H_jj - 2 G_jj) e_j^2
///
/// The enclosure is that of this expression with both norms enlarged by 1 + 2^-20 (Coq `T30_bound_ieee`). A row in
/// which the guard kept round-to-nearest loses less than GPTQ's. Infinite where the conditions of T15 fail.
class CertificateObserver : public Observer {
 public:
  /// G outlives the observer; null for round-to-nearest without a Gram matrix. exact: losses as exact numbers and, for
  /// GPTQ, every element of the recurrence decided (|u'_j - u_j| <= delta_j, the code nearest to u'_j) in these rows.
  /// tell: hears of each of them, of one whose recurrence is decided too twice.
  CertificateObserver(const MatrixRef<double>* G, const Options& options, ExactRows exact, bool with_bounds,
                      TellRows tell = {});

  void rows(const RecurrenceRows& rows) override;
  void tensor(const Evidence& evidence) override;
  bool wants_binary64() const override { return false; }

  static constexpr Index kTogether = 16;  ///< rows whose bounds are computed side by side

  std::vector<CertifiedRow> values;  ///< one for each row; empty without G
  Matrix<Code> codes_rtn;
  std::optional<std::string> offence;  ///< "row 3, column 5: ...": what exact arithmetic found wrong, in the lowest row
  std::uint64_t exact_elements = 0;    ///< elements that it decided
  double largest_ratio = 0;            ///< max |u'_j - u_j| / delta_j over them

 private:
  struct Bound {
    Index row;
    Enclosure bound;
  };
  struct Column;
  void prepare(const RecurrenceRows& rows);
  void load(const RecurrenceRows& rows, Index first, Index count, Index p, Column& column) const;
  /// The bounds of rows first + r .. first + r + count - 1, kTogether at most, appended.
  void bound(const RecurrenceRows& rows, Index r, Index count, std::vector<Bound>& found) const;
  void audit(const RecurrenceRows& rows, Index r);
  void offend(Index row, std::string what);
  void confirm_rtn(const Evidence& evidence, Index row);
  void judge_exactly(const Evidence& evidence, const std::vector<Index>& rows);

  const MatrixRef<double>* G_;
  Options options_;
  ExactRows exact_;
  bool with_bounds_;
  TellRows tell_;
  std::optional<RowProgress> progress_;  // of exact arithmetic
  double lambda_ = 0;
  std::vector<Bound> bounds_;
  std::once_flag once_;                    // of what all rows share, made by prepare:
  std::vector<double> chain_, underflow_;  // delta_p <= chain_p E + v |u'_p| + underflow_p
  std::vector<double> root_, excess_;      // sqrt(H_pp), H_pp - 2 G_pp
  std::shared_ptr<const GridPoints> points_;
  std::optional<oracle::ExactRecurrence> recurrence_;
  std::optional<oracle::ExactGrid> grid_;
  std::mutex mutex_;  // of bounds_ and of what the audit found
  Index offending_row_ = 0;
};

}  // namespace hallmark
