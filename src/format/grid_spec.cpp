#include "base/error_numbers.hpp"
#include "format/grid_spec.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "format/extent.hpp"

namespace hallmark {

std::string_view GridSpec::code_dtype() const {
  if (kind == Kind::integer && first < 0) return "I8";
  return bits <= 8 ? "U8" : "U16";
}

GridSpec GridSpec::golden(std::string name, std::string id, int E, int M) {
  GridSpec spec;
  spec.name = std::move(name);
  spec.id = std::move(id);
  spec.exponent_bits = E;
  spec.fraction_bits = M;
  spec.bits = 1 + E + M;
  spec.precision = M + 1;
  spec.lowest_bit = 2 - (1 << (E - 1)) - M;
  spec.largest = std::ldexp(2.0 - std::ldexp(1.0, -M), (1 << (E - 1)) - 1);
  return spec;
}

GridSpec GridSpec::integer(std::string name, std::string id, int first, int last) {
  GridSpec spec;
  spec.name = std::move(name);
  spec.id = std::move(id);
  spec.kind = Kind::integer;
  spec.first = first;
  spec.last = last;
  spec.bits = static_cast<int>(std::bit_width(static_cast<unsigned>(last - first)));
  // -first is a power of two where it is larger than last: it has one significant bit.
  const int widest = -first == last + 1 ? last : std::max(-first, last);
  spec.precision = static_cast<int>(std::bit_width(static_cast<unsigned>(widest)));
  spec.largest = std::max(-first, last);
  return spec;
}

GridSpec GridSpec::with_zero_points(std::string name, std::string id, int last) {
  GridSpec spec = integer(std::move(name), std::move(id), 0, last);
  spec.zero_points = true;  // c - z lies in -last .. last
  return spec;
}

Expected<GridSpec> GridSpec::table(std::string name, std::string id, std::vector<float> values) {
  const auto refuse = [&](std::string where) {
    return Error{Exit::usage, error_number::table_invalid, "'" + name + "' is not a table of points", std::move(where),
                 "2 to 65536 finite values, strictly increasing, of at most 13 significant bits each"};
  };
  if (values.size() < 2 || values.size() > 65536) return refuse(std::to_string(values.size()) + " values");
  GridSpec spec;
  spec.kind = Kind::table;
  spec.lowest_bit = std::numeric_limits<int>::max();
  for (float& value : values) value += 0.0F;  // a zero has no sign: one table, one text
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Extent extent = extent_of(values[i]);
    if (!std::isfinite(values[i]) || extent.significant > 13 || (i > 0 && !(values[i - 1] < values[i])))
      return refuse("value " + std::to_string(i) + " is " + std::to_string(values[i]));
    spec.precision = std::max(spec.precision, extent.significant);
    spec.lowest_bit = std::min(spec.lowest_bit, extent.lowest);
  }
  spec.name = std::move(name);
  spec.id = std::move(id);
  spec.bits = static_cast<int>(std::bit_width(values.size() - 1));
  spec.largest = std::max(std::fabs(values.front()), std::fabs(values.back()));
  spec.points = std::move(values);
  return spec;
}

Expected<GridSpec> GridSpec::table_of_user(std::string name, std::vector<float> values) {
  Expected<GridSpec> spec = table(std::move(name), std::string(id_of_user), std::move(values));
  if (spec) spec->of_user = true;
  return spec;
}

}  // namespace hallmark
