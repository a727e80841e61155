// The contracts of many rows at once, for one kind of processor: the printed text on numbers with counted roundings
// (contracts/runtime/counted.hpp). A unit says yes or leaves the matter to the enclosures. One translation unit per
// kind, compiled for it as a whole; so a unit takes and gives plain data, and its file shares no function with any
// other (tests/certify: nm).
#pragma once

#include <cstddef>
#include <cstdint>

namespace hallmark::units {

/// The points of a grid that is no table, by code: integers first .. last, or words of sign and magnitude 0 .. last.
struct PointRule {
  bool integer;
  std::int32_t first, last, sign_bit;
  std::int32_t shift;  ///< golden: the point is the binary32 number of the bits m << shift, times factor
  float factor;
};

/// What the rows of a tensor share. Position p is column `column[p]` of W and codes, or p where `column` is null; the
/// first n are those of the recurrence.
struct Tensor {
  std::size_t cols, n;
  const float* W;
  std::size_t W_stride;
  const std::uint16_t* codes;  ///< [rows, cols], final
  const std::int32_t* column;
  const float* scales;        ///< [rows, groups]
  const std::int16_t* zeros;  ///< [rows, groups] zero points, or null
  bool either_sign;           ///< some scale is negative
  std::size_t groups;
  const std::int32_t* group;  ///< of position p; null: one scale per row
  PointRule points;
  double relative, absolute;  ///< half a gap at x is max(relative |x|, absolute |s|)
  bool half_gap;              ///< the contract gf16_half_gap is to be judged
  bool binary32;              ///< scales times points, and half gaps from `absolute` s up, are exact in binary32
  // Of the n positions, for the losses (RowColumns, LossModel); g and g_room are the constants of both contracts.
  const double *d, *root, *H, *twice_G, *chain, *underflow;
  double g, g_room, product;
  // No number that is not 0 is smaller than 2 to these: points s g, scales, d, root, H and 2 G.
  int low_q, low_s, low_d, low_root, low_c;
  bool positive;  ///< no pivot is negative
};

/// As many rows as the unit takes. x_p of row r is u[p stride + r], for p < n, or the weight where u is null.
struct Rows {
  const std::int32_t* row;  ///< each
  const float* u;
  std::size_t stride;
  const double *lo, *hi;  ///< the enclosed loss of each; null: losses are not judged
};

/// Bit r: the contract holds for row r.
struct Verdict {
  std::uint32_t nearest, half_gap, bound, enclosure;
};

struct Unit {
  std::size_t lanes, rows_at_once;
  std::size_t (*work_bytes)(std::size_t cols);  ///< of `work`, aligned to 64 bytes
  Verdict (*rows)(const Tensor& tensor, const Rows& rows, void* work);
  /// gram_bound for row i of G, a sum through so many roundings: its entries from column i on, and the diagonal from i
  /// on.
  bool (*gram_row)(const double* row, const double* diagonal, std::size_t count, int low_diagonal,
                   std::size_t roundings);
  /// factor_residual for the diagonal entries first .. first + lanes - 1 of H, first a multiple of lanes: bit r for
  /// each that holds. U: [n, n] upper triangular, below the diagonal nothing is read; no pivot but 0 is smaller than
  /// 2^low_d. work: n lanes numbers.
  std::uint32_t (*diagonal)(const double* U, std::size_t n, std::size_t first, const double* d, const double* h,
                            const double* root, double g, int low_d, double* work);
  /// The same for entries (i, j) of H, as many as lanes.
  std::uint32_t (*entries)(const double* U, std::size_t n, const std::size_t* i, const std::size_t* j, const double* d,
                           const double* h, const double* root, double g);
  /// out = e U, chains of fma over increasing rows of U.
  void (*product)(const double* U, std::size_t n, const double* e, double* out);
  /// The points of `rows_at_once` codes with their neighbours (GridPoints), NaN for a code that is no point.
  void (*points)(const PointRule& rule, const std::uint16_t* codes, float* value, float* below, float* above);
  /// sum a_k (e_k +- e_err_k) = mid +- err; `count` terms.
  void (*dot)(const double* a, const double* e, const double* e_err, std::size_t count, double* mid, double* err);
};

extern const Unit portable;
#if defined(__x86_64__)
extern const Unit avx2, avx512;
#endif

}  // namespace hallmark::units
