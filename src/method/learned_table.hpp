// Tables of points that are learned from a matrix (LNQ; there one for each row, here one for the matrix, because a
// row's takes 2^b words of a file): codes for the points, then the points that lose least with these codes, and again.
//
//   c = argmin sum_i loss_G(w_i - s_i P_i c),    (P_i c)_j = c at code_ij                       T20_codebook
//   (sum_i s_i^2 P_i^T G P_i) c = sum_i s_i P_i^T G w_i
//
// In rotated rows w R^T and R G R^T stand for w and G. The points are integers up to 127, which every rotation takes.
// What they are nothing depends on: codes under a learned table are certified like those of any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "method/quantize.hpp"

namespace hallmark {

/// The solution of the normal equations in binary64, scaled so that the largest magnitude is 127 and rounded to
/// integers; a point without codes stays where it is. None where these do not increase. Codes and steps are of the
/// grid, a table; G as in Layer. The same for any number of threads.
std::optional<std::vector<float>> fitted_points(const Layer& layer, const Quantized& of, const Grid& grid);

struct LearnedTable {
  std::vector<float> points;
  Index rounds = 0;              ///< that lowered the loss
  double before = 0, after = 0;  ///< sums of loss_G over the rows, with the options' table and with these points
};

/// Why no table can be learned for these options; none where it can.
std::optional<std::string> learning_obstacle(const Options& options);

/// At most `rounds` times points for the codes and codes for the points, as long as the sum of the losses falls.
/// Precondition: no obstacle; layer.G. Errors: those of quantize.
Expected<LearnedTable> learn_table(const Layer& layer, const Options& options, Index rounds);

/// "table:-127,-38,38,127", which Grid::parse reads.
std::string table_name(const std::vector<float>& points);

}  // namespace hallmark
