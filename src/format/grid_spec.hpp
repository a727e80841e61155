// A grid as data: what production, contracts, oracle, checker, CUDA and files read. Nobody infers it again.
//
//   golden   the finite values of GF(E,M); code = its word (sign, exponent, fraction)
//   integer  first .. last; code = the integer, sign-extended to 16 bits. With zero points the value of a code c is c -
//   z,
//            z one of the codes, fixed for each scale
//   table    any 2 .. 65536 increasing reals; code = the index
//
// With a scale s the points are s g. Where `either_sign` is set s may be negative: the grid is then mirrored.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace hallmark {

using Code = std::uint16_t;

struct GridSpec {
  enum class Kind { golden, integer, table };

  std::string name;  ///< what a user types: "gf16", "int4"
  std::string id;    ///< versioned, as files carry it: "gf16/1", "int4/2"; an id never changes its points
  Kind kind = Kind::golden;
  int exponent_bits = 0, fraction_bits = 0;  ///< golden
  int first = 0, last = 0;                   ///< integer: the codes
  bool zero_points = false;                  ///< integer: the value of a code is code - zero
  bool either_sign = false;                  ///< scales may be negative
  bool windowed = false;                     ///< rotated rows are read through a window of their codes (trellis.hpp)
  bool unit_by_default = false;              ///< weights are often of this format already: they keep their values
  bool of_user = false;                      ///< table: the id does not tell the points, so files carry them
  std::vector<float> points;                 ///< table

  // What follows from the points.
  int bits = 0;        ///< that tell the codes apart
  int precision = 0;   ///< significant bits of a value, at most; of any zero point
  int lowest_bit = 0;  ///< every value is a multiple of 2^lowest_bit
  double largest = 0;  ///< the largest |value|; of any zero point

  /// The safetensors dtype of the codes: "U16", "U8" or "I8".
  std::string_view code_dtype() const;

  /// GF(E,M): 2 <= E <= 8, 1 <= M <= 12, 1 + E + M <= 16.
  static GridSpec golden(std::string name, std::string id, int exponent_bits, int fraction_bits);
  /// first <= 0 < last, at most 9 bits.
  static GridSpec integer(std::string name, std::string id, int first, int last);
  /// 0 .. last with zero points.
  static GridSpec with_zero_points(std::string name, std::string id, int last);
  /// 2 .. 65536 finite values, strictly increasing, of at most 13 significant bits each (so that a computed scale of 11
  /// bits times a value is exact in binary32). Errors: E0221.
  static Expected<GridSpec> table(std::string name, std::string id, std::vector<float> values);
  /// The same of a user's points, whatever they are under the one id.
  static Expected<GridSpec> table_of_user(std::string name, std::vector<float> values);
  static constexpr std::string_view id_of_user = "table/1";
};

}  // namespace hallmark
