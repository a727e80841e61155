// Rotated rows: R = blockdiag(H_16 diag(sigma)) / 4 over the columns, H_16 Sylvester's Hadamard matrix, (H_16)_ab =
// (-1)^popcount(a & b), sigma signs; columns beyond the last whole block of 16 stay. R R^T = I, exactly: 16 is a power
// of 4. Codes of a rotated row are looked for in w R^T and G' = R G R^T, both rounded: a search device, of which
// nothing depends. What its codes stand for is exact, s (sum of 16 signed points) / 4, in the basis of the weights, and
// judged there with W and G themselves.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "format/grid.hpp"
#include "linalg/matrix.hpp"

namespace hallmark {

/// Names of rotations, as options carry them.
inline constexpr std::string_view no_rotation = "none", hadamard_16 = "hadamard:16";
inline constexpr std::array rotation_names = {no_rotation, hadamard_16};

struct Rotation {
  static constexpr Index kBlock = 16;
  std::vector<float> signs;        ///< sigma, 1 or -1 for each column of a whole block
  std::vector<std::uint8_t> rows;  ///< 1: the row is rotated; empty: no row is

  /// The columns that a rotation turns: all whole blocks.
  static constexpr Index columns_of(Index columns) { return columns / kBlock * kBlock; }
  bool any() const { return !rows.empty(); }
  bool of_row(Index i) const { return any() && rows[static_cast<std::size_t>(i)] != 0; }
};

/// x = (x H_16) in place, by 64 additions in one order: neighbours at distance 1, 2, 4, 8, (a, b) to (a + b, a - b).
template <class T>
void hadamard(T* x) {
  for (Index step = 1; step < Rotation::kBlock; step *= 2)
    for (Index first = 0; first < Rotation::kBlock; first += 2 * step)
      for (Index k = first; k < first + step; ++k) {
        const T a = x[k], b = x[k + step];
        x[k] = a + b;
        x[k + step] = a - b;
      }
}

/// W R^T: sums in binary64 in the order of hadamard(), each rounded once to binary32.
Matrix<float> rotated_weights(MatrixRef<float> W, std::span<const float> signs);
/// R G R^T of a symmetric G in binary64, as symmetric: the upper triangle of (R (G R^T)), mirrored.
Matrix<double> rotated_gram(MatrixRef<double> G, std::span<const float> signs);

/// x = x R in place, x the points s g of a rotated row without their scale: exact in binary32 under
/// exact_when_rotated.
void rotate_back(std::span<float> x, std::span<const float> signs);

/// Whether every s (sum of 16 points of any signs) / 4 is exact in binary32. Sufficient: the sum has as many bits as 16
/// times the largest point counted in units of the lowest bit. No grid with zero points.
bool exact_when_rotated(const Grid& grid, float s);
/// Whether that holds for every scale of at most 11 bits that is neither tiny nor huge: integers, and tables of
/// integers up to 512 times a power of 2.
bool takes_rotation(const GridSpec& grid);

}  // namespace hallmark
