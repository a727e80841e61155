#include "study/dots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace hallmark {
namespace {

// All lengths in pixels.
constexpr double dots_width = 980, dots_left = 330, dots_right = 30, dots_top = 84, row_height = 22, axis_room = 60;

// The decimal logarithms of the ends.
struct LogAxis {
  double low = 0, high = 1;
  double x(double value) const {
    const double span = dots_width - dots_left - dots_right;
    const double share = (std::log10(value) - low) / (high - low);
    return dots_left + span * std::clamp(share, 0.0, 1.0);
  }
};

LogAxis axis_for(const std::vector<DotRow>& rows) {
  double low = std::numeric_limits<double>::infinity(), high = 0;
  for (const DotRow& row : rows)
    for (const BySeed& values : row.series)
      if (!values.empty() && mean_of(values) > 0) {
        low = std::min(low, mean_of(values));
        high = std::max(high, std::ranges::max(values));
      }
  if (high == 0) return {};
  return {std::log10(low) - 0.1, std::log10(high) + 0.1};
}

std::string axis_marks(const LogAxis& axis, double bottom) {
  std::string out;
  for (double decade = std::floor(axis.low); decade <= axis.high; ++decade)
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double value = factor * std::pow(10, decade), place = std::log10(value);
      if (place < axis.low || place > axis.high) continue;
      out += svg::line(axis.x(value), dots_top - 8, axis.x(value), bottom, svg::grid_ink);
      if (factor == 1 || axis.high - axis.low < 2.5)
        out += svg::text_at(axis.x(value), bottom + 16, "middle", fmt::format("{:.4g}", value));
    }
  return out;
}

}  // namespace

std::string dots_svg(std::string_view title, std::string_view axis_title, const std::vector<std::string>& series,
                     const std::vector<DotRow>& rows) {
  const double bottom = dots_top + row_height * static_cast<double>(rows.size());
  std::string out = svg::begin(dots_width, bottom + axis_room);
  out += svg::text_at(16, 26, "start", title, " font-size=\"16\"");
  double legend = dots_left;
  for (std::size_t k = 0; k < series.size(); ++k) {
    out += svg::marker(k, legend, 50) + svg::text_at(legend + 12, 54, "start", series[k]);
    legend += 40 + 7.2 * static_cast<double>(series[k].size());
  }
  const LogAxis axis = axis_for(rows);
  out += axis_marks(axis, bottom);
  double y = dots_top + row_height / 2;
  for (const DotRow& row : rows) {
    out += svg::text_at(dots_left - 10, y + 4, "end", row.label);
    for (std::size_t k = 0; k < series.size(); ++k) {
      const BySeed& values = row.series[k];
      if (values.empty()) continue;
      const double mean = mean_of(values), least = std::max(std::ranges::min(values), std::pow(10, axis.low));
      if (mean > 0) {
        out += svg::line(axis.x(least), y, axis.x(std::ranges::max(values)), y, svg::colours[k], 1.5);
        out += svg::marker(k, axis.x(mean), y);
      } else {
        out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\" fill=\"none\" stroke=\"{}\"/>\n", dots_left,
                           y, svg::colours[k]);
      }
    }
    y += row_height;
  }
  out += svg::text_at((dots_left + dots_width - dots_right) / 2, bottom + 40, "middle", axis_title);
  return out + svg::end();
}

}  // namespace hallmark
