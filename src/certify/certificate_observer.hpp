// What a certificate says of the rows of one tensor, gathered while the quantizer shows its work.
#pragma once

#include <mutex>
#include <optional>
#include <vector>

#include "certify/certificate.hpp"
#include "oracle/exact_recurrence.hpp"
#include "quantize/evidence.hpp"

namespace hallmark {

/// Which rows exact arithmetic judges too: `count` of them, evenly spaced from row 0, or all when there are fewer.
struct ExactRows {
  Index count = 0;
  bool contains(Index row, Index rows) const;
};

/// Values per row: enclosures of the loss of the codes and of round-to-nearest, and the bound of T2, T7, T9, T11 and T15. With
/// t_j = u'_j - u_j, u at the codes that GPTQ produced, h_j >= |u'_j - q_j| (half a gap; measured where a code was clipped),
/// A = sum |e_j| sqrt(H_jj) and N(x)^2 = sum d_j x_j^2, all of them of n columns and v = 2^-24:
///
///   loss_H <= N(h + |t|)^2 + g' A^2 <= (N(h) + N(t))^2 + g' A^2        T9 and T15 for U rounded to binary32; Minkowski
///   N(t)   <= G(n+1) A (1 + 2^-22) + v (1 + 2^-22) N(u') + 2^-148 n sum sqrt(H_jj),  G(m) = m v (1 + m v)       T11, row norms
///             of U as in src/quantize/loss.hpp: sum_j d_j U_kj^2 <= (1 + v)^2 (1 + g') H_kk
///   2 loss_G = loss_H - sum_j (H_jj - 2 G_jj) e_j^2
///
/// and a row in which the guard kept round-to-nearest loses less than GPTQ's. Infinite where the conditions of T15 fail.
class CertificateObserver : public Observer {
 public:
  /// G outlives the observer; null for round-to-nearest without a Gram matrix. exact: losses as exact numbers and, for GPTQ,
  /// every element of the recurrence decided (|u'_j - u_j| <= delta_j, the code nearest to u'_j) in these rows.
  CertificateObserver(const Matrix<double>* G, const Options& options, ExactRows exact);

  void rows(const RecurrenceRows& rows) override;
  void tensor(const Evidence& evidence) override;

  std::vector<CertifiedRow> values;        ///< one for each row; empty without G
  Matrix<Code> codes_rtn;
  std::optional<std::string> offence;      ///< "row 3, column 5: ...": what exact arithmetic found wrong, in the lowest row
  std::uint64_t exact_elements = 0;        ///< elements that it decided
  double largest_ratio = 0;                ///< max |u'_j - u_j| / delta_j over them

 private:
  struct Bound {
    Index row;
    Enclosure bound;
  };
  Enclosure bound(const RecurrenceRows& rows, Index r) const;
  void audit(const RecurrenceRows& rows, Index r);
  void offend(Index row, std::string what);
  void confirm_rtn(const Evidence& evidence, Index row);

  const Matrix<double>* G_;
  Options options_;
  ExactRows exact_;
  double lambda_ = 0;
  std::vector<Bound> bounds_;
  std::once_flag once_;
  std::optional<oracle::ExactRecurrence> recurrence_;
  std::optional<oracle::ExactGrid> grid_;
  std::mutex mutex_;  // of bounds_ and of what the audit found
  Index offending_row_ = 0;
};

}  // namespace hallmark
