#include "ablation/plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "measure/svg.hpp"

namespace hallmark {
namespace {

using svg::colours, svg::grid_ink, svg::line, svg::marker, svg::superscript, svg::text_at;

// All lengths in pixels. A row holds two panels; a panel's plotting area is panel_width x panel_height.
constexpr double width = 900, header = 64, row_height = 262;
constexpr double panel_width = 340, panel_height = 156, panel_top = 50;
constexpr double panel_left[2] = {84, 534};
constexpr double seed_offset = 12;  // seeds stand side by side, so that equal values do not hide each other

double x_of(double left, std::size_t n, std::size_t seed) {
  return left + panel_width * (0.5 + static_cast<double>(n)) / 3 + seed_offset * (static_cast<double>(seed) - 1);
}

// A value axis: multiples of step from first to last, printed in units of 10^exponent.
struct Axis {
  double first, last, step;
  int exponent;
};

Axis axis_for(double low, double high) {
  if (!(high > low)) {  // all values equal: show them in the middle
    const double half = high == 0 ? 1 : std::abs(high) / 2;
    low -= half;
    high += half;
  }
  const double rough = (high - low) / 4, decade = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * decade;
  for (const double factor : {1.0, 2.0, 5.0})
    if (rough <= factor * decade) {
      step = factor * decade;
      break;
    }
  const double first = std::floor(low / step) * step, last = std::ceil(high / step) * step;
  const double largest = std::max(std::abs(first), std::abs(last));
  int exponent = static_cast<int>(std::floor(std::log10(largest)));
  if (exponent >= -2 && exponent <= 2) exponent = 0;
  return {first, last, step, exponent};
}

std::string tick_label(double value, const Axis& axis) {
  const double unit = std::pow(10, axis.exponent), step = axis.step / unit;
  const int digits = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
  const double shown = std::abs(value) < axis.step / 2 ? 0 : value / unit;
  std::string label = fmt::format("{:.{}f}", shown, digits);
  if (label.starts_with('-')) label = "\u2212" + label.substr(1);
  return label;
}

// values[seed][n]
using Values = std::array<std::array<double, 3>, 3>;

std::string panel(double left, double top, std::string_view title, const Values& values, bool from_zero) {
  double low = values[0][0], high = low;
  for (const auto& row : values)
    for (const double value : row) low = std::min(low, value), high = std::max(high, value);
  if (from_zero) low = std::min(low, 0.0), high = std::max(high, 0.0);
  const Axis axis = axis_for(low, high);
  const auto y_of = [&](double value) {
    return top + panel_height * (1 - (value - axis.first) / (axis.last - axis.first));
  };
  std::string out = text_at(left, top - 12, "start", title);
  if (axis.exponent != 0) out += text_at(left + panel_width, top - 12, "end", "unit 10" + superscript(axis.exponent));
  const auto ticks = std::lround((axis.last - axis.first) / axis.step);
  for (long i = 0; i <= ticks; ++i) {
    const double value = axis.first + static_cast<double>(i) * axis.step;
    const bool zero = std::abs(value) < axis.step / 2;
    out += line(left, y_of(value), left + panel_width, y_of(value), zero ? "#888888" : grid_ink);
    out += text_at(left - 8, y_of(value) + 4, "end", tick_label(value, axis));
  }
  for (std::size_t n = 0; n < 3; ++n)
    out += text_at(x_of(left, n, 1), top + panel_height + 18, "middle",
                   canonical_batches[n] == 0 ? std::string("0 (RTN)") : std::to_string(canonical_batches[n]));
  out += text_at(left + panel_width / 2, top + panel_height + 36, "middle", "calibration batches N");
  for (std::size_t seed = 0; seed < 3; ++seed) {
    for (std::size_t n = 0; n + 1 < 3; ++n)
      out += line(x_of(left, n, seed), y_of(values[seed][n]), x_of(left, n + 1, seed), y_of(values[seed][n + 1]),
                  colours[seed], 1.2);
    for (std::size_t n = 0; n < 3; ++n) out += marker(seed, x_of(left, n, seed), y_of(values[seed][n]));
  }
  return out;
}

std::string row(double top, const RecordedRun& run) {
  Values change{}, loss{};
  for (const Cell& cell : run.cells) {
    const auto seed = static_cast<std::size_t>(std::find(canonical_seeds.begin(), canonical_seeds.end(), cell.seed) -
                                               canonical_seeds.begin());
    const auto n = static_cast<std::size_t>(std::find(canonical_batches.begin(), canonical_batches.end(), cell.n) -
                                            canonical_batches.begin());
    change[seed][n] = cell.bpb_post_quant - cell.bpb_pre_quant;
    loss[seed][n] = cell.reconstruction_mse;
  }
  return text_at(16, top + 14, "start", run.verdict.grid, " font-weight=\"bold\" font-size=\"16\"") +
         panel(panel_left[0], top + panel_top, "bits per byte, after \u2212 before", change, true) +
         panel(panel_left[1], top + panel_top, "reconstruction loss", loss, true);
}

}  // namespace

std::string ablation_svg(std::span<const RecordedRun> runs) {
  const double height = header + row_height * static_cast<double>(runs.size());
  std::string out = svg::begin(width, height);
  out += text_at(16, 26, "start", "Quantization with N calibration batches: nine cells per grid", " font-size=\"16\"");
  for (std::size_t seed = 0; seed < 3; ++seed) {
    const double x = 24 + 130 * static_cast<double>(seed);
    out += marker(seed, x, 46);
    out += text_at(x + 12, 50, "start", fmt::format("training seed {}", canonical_seeds[seed]));
  }
  for (std::size_t i = 0; i < runs.size(); ++i) out += row(header + row_height * static_cast<double>(i), runs[i]);
  return out + svg::end();
}

}  // namespace hallmark
