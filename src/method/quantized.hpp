// What a quantizer is asked and what it answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "linalg/matrix.hpp"
#include "method/options.hpp"

namespace hallmark {

/// Codes as a method leaves them.
struct Rounded {
  Matrix<Code> codes;
  std::vector<Index> clipped;  ///< per row
};

/// An enclosure of a row's plain loss loss_G = e G e^T with the number that was computed; lo <= value <= hi.
struct Loss {
  double value = 0, lo = 0, hi = 0;
};

/// Whether the codes of a row are those of round-to-nearest: of the method, or kept by the guard.
inline bool row_is_rtn(std::string_view method, bool kept_rtn) { return method == "rtn" || kept_rtn; }

/// Codes and steps of one tensor, and how they came about. Rows of W are rows here. The losses are empty without the
/// guard (RTN alone has no G).
struct Quantized {
  Matrix<Code> codes;  ///< [rows, cols]
  Steps steps;
  std::optional<Steps> rtn_steps;  ///< of round-to-nearest, where rows have others
  std::string method = "rtn";
  double lambda = 0;
  Index dead_columns = 0;     ///< columns with G_jj = 0: rounded to nearest
  double effective_rank = 0;  ///< (tr G)^2 / sum G_ij^2: how many directions the tokens fill
  Index clipped = 0;          ///< codes whose rounded value lay beyond the grid
  Index guard_rows = 0;       ///< rows where RTN was better and kept
  Index exact_rows = 0;       ///< rows that only exact arithmetic could decide
  std::vector<double> loss_rtn, loss_proposal /* before the guard */, loss_final;  ///< plain loss_G per row
  std::vector<Loss> enclosed_rtn, enclosed_proposal;                               ///< the same with their enclosures
  std::vector<std::uint8_t> kept_rtn;                                              ///< per row: by the guard

  const Steps& steps_of_rtn() const { return rtn_steps ? *rtn_steps : steps; }
  bool row_is_rtn(Index i) const {
    return hallmark::row_is_rtn(method, !kept_rtn.empty() && kept_rtn[static_cast<std::size_t>(i)] != 0);
  }
};

/// Whether the grid and the files can have these scales, and the grid these zero points. Errors: E0321.
Status check_given_scales(const Options& options, const Matrix<float>& scales);
Status check_given_zeros(const Options& options, const Matrix<std::int16_t>& zeros);

/// Everything about W, the options and the steps that can be refused before any work: E0420 empty W, E0227 an option
/// out of range, E0350 a weight that is not finite (by index), E0321 given steps of a wrong shape, a scale or a zero
/// point that the grid does not take, those of steps_for; on success the steps: the given ones, or those of the rule,
/// which reads the statistics that it needs.
Expected<Steps> checked_steps(MatrixRef<float> W, const Options& options, const std::optional<Steps>& given,
                              const ScaleStatistics& statistics = {});

}  // namespace hallmark
