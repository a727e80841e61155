// What a quantizer is asked and what it answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "format/grid.hpp"
#include "scale/scale.hpp"
#include "linalg/matrix.hpp"

namespace hallmark {

enum class Method { gptq, rtn };

/// gptq, rtn. Errors: E0224 (usage).
Expected<Method> parse_method(std::string_view name);
std::string_view to_string(Method method);

struct Options {
  Grid grid;
  Method method = Method::gptq;
  ScaleRule scale_rule = ScaleRule::matrix_max;
  Index group_size = 0;        ///< columns that share a scale; 0: the whole row
  double damp_percent = 0.01;  ///< lambda as a fraction of mean(diag(2 G))
  bool desc_act = false;       ///< act-order: columns by descending diagonal of H, stable
  Index block_size = 128;      ///< columns worked on before moving to other rows: speed, never a bit
  bool guard = true;           ///< row by row the better of GPTQ and RTN
};

class Observer;  // evidence.hpp

/// An enclosure of a row's plain loss loss_G = e G e^T with the number that was computed; lo <= value <= hi.
struct Loss {
  double value = 0, lo = 0, hi = 0;
};

/// Codes and scales of one tensor, and how they came about. Rows of W are rows here; q_ij = s_ig value(code_ij) with g
/// = j / group_size. The losses are empty without the guard (RTN alone has no G).
struct Quantized {
  Matrix<Code> codes;    ///< [rows, cols]
  Matrix<float> scales;  ///< [rows, groups]
  Index group_size = 0;
  Method method = Method::rtn;
  double lambda = 0;
  Index dead_columns = 0;  ///< columns with G_jj = 0: rounded to nearest
  Index clipped = 0;       ///< codes whose rounded value lay beyond the grid
  Index guard_rows = 0;    ///< rows where RTN was better and kept
  Index exact_rows = 0;    ///< rows that only exact arithmetic could decide
  std::vector<double> loss_rtn, loss_gptq /* before the guard */, loss_final;  ///< plain loss_G per row
  std::vector<Loss> enclosed_rtn, enclosed_gptq;                               ///< the same with their enclosures
  std::vector<std::uint8_t> row_is_rtn;
};

/// The scale of column j in row i.
inline float scale_at(const Matrix<float>& scales, Index group_size, Index i, Index j) {
  return scales(i, group_size == 0 ? 0 : j / group_size);
}

/// Everything about W, the options and the scales that can be refused before any work: E0420 empty W, E0227 an option
/// out of range, E0350 a weight that is not finite (by index), E0321 given scales of a wrong shape or not positive and
/// finite; on success the scales [rows, groups]: the given ones, or those of the rule.
Expected<Matrix<float>> checked_scales(MatrixRef<float> W, const Options& options,
                                       const std::optional<Matrix<float>>& given_scales);

}  // namespace hallmark
