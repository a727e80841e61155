// What a cell measures on one tensor and its activations: losses, and the checks.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ablation/cell.hpp"
#include "base/error.hpp"
#include "linalg/matrix.hpp"
#include "measure/grams.hpp"
#include "method/quantized.hpp"

namespace hallmark {

/// Per row loss_G = e G e^T with e_j = fl(w_j - what_j), in binary64: y_a = sum_b e_b G_ba (b increasing, product and
/// addition rounded), loss = sum_a y_a e_a (a increasing). `magnitude` is the same with absolute values everywhere, so
/// |loss - exact| <= loss_error(cols) * magnitude. Shapes: W and What [rows, cols], G [cols, cols].
struct DirectLoss {
  std::vector<double> loss, magnitude;  ///< [rows]
};
DirectLoss direct_losses(const Matrix<float>& W, const Matrix<float>& What, const Matrix<double>& G);

/// (2 cols + 8) 2^-53 with room for second-order terms and for the rounding of the magnitude: two chains of cols
/// roundings of products and sums, and e itself rounded once in each factor.
double loss_error(Index cols);

/// Numerator and denominator of a mean squared error over tensors; terms are added in the order of the calls.
struct MeanLoss {
  double sum = 0, count = 0;
  void add(const std::vector<double>& losses, Index tokens) {
    for (const double loss : losses) sum += loss;
    count += static_cast<double>(losses.size()) * static_cast<double>(tokens);
  }
  double mean() const { return sum / count; }
};

/// Counts checks by name, and keeps the place of the first that failed.
class Contracts {
 public:
  /// `place` makes a string; it is called for the first failure only.
  template <class Place>
  void check(std::string_view name, bool holds, const Place& place) {
    auto found = counts_.find(name);
    if (found == counts_.end()) found = counts_.emplace(name, ContractCount{std::string(name), 0, 0}).first;
    ++(holds ? found->second.passed : found->second.failed);
    if (!holds && failure_.empty()) failure_ = std::string(name) + ": " + place();
  }
  std::vector<ContractCount> counts() const;
  /// Errors: E0620 the first failure, with the number of all.
  Status status() const;

 private:
  std::map<std::string, ContractCount, std::less<>> counts_;
  std::string failure_;
};

/// Checks one quantized tensor against W with arithmetic of its own (Grid and plain loops, no code of the quantizers):
///   scales_from_weights    each scale is the rule's, computed again from W; where no method fitted or searched it
///   codes_on_grid          each code is a point of the grid
///   product_exact          each element of What is s g, in a rotated row s times a signed sum of 16 points over 4, in
///   binary64 without rounding
///   rtn_codes              each code of a row that is RTN (all rows for n = 0) is the nearest point to w: the
///   byte-identity
///                          of N = 0 with RTN
///   guard_row_loss         per row, the recorded loss of what was kept is at most RTN's (G given)
///   guard_row_loss_direct  per row, e G e^T computed directly does not contradict that, within its rounding error (G
///   given)
/// Gives the direct losses on G, for calibration_mse; empty without G.
std::vector<double> check_tensor(const std::string& name, const Matrix<float>& W, const Quantized& quantized,
                                 const Matrix<float>& What, const Options& options, const SiteGram* gram,
                                 Contracts& contracts);

}  // namespace hallmark
