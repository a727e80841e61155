#include "measure/budget_plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "io/utf8.hpp"
#include "measure/svg.hpp"

namespace hallmark {
namespace {

using svg::line, svg::marker, svg::text_at;

// All lengths in pixels.
constexpr double width = 900, height = 560, left = 84, right = 40, top = 84, bottom = 64;
constexpr double plot_width = width - left - right, plot_height = height - top - bottom;

// Ends of the axes; upwards decimal logarithms.
struct Axes {
  double from, to, low, high;
  double x(double bytes) const { return left + plot_width * (bytes - from) / (to - from); }
  double y(double log) const { return top + plot_height * (high - log) / (high - low); }
  double x(const BudgetPoint& point) const { return x(static_cast<double>(point.bytes)); }
  double y(const BudgetPoint& point) const { return y(std::log10(point.loss)); }
};

Axes axes_of(const std::vector<BudgetPoint>& points) {
  Axes axes{1e300, 0, 1e300, -1e300};
  for (const BudgetPoint& point : points) {
    const double bytes = static_cast<double>(point.bytes), log = std::log10(point.loss);
    axes.from = std::min(axes.from, bytes), axes.to = std::max(axes.to, bytes);
    axes.low = std::min(axes.low, log), axes.high = std::max(axes.high, log);
  }
  const double across = std::max(1.0, 0.03 * (axes.to - axes.from)), up = std::max(0.05, 0.05 * (axes.high - axes.low));
  return {axes.from - across, axes.to + across, axes.low - up, axes.high + up};
}

// 1, 2 or 5 times a power of ten: at most ten of them in the range.
double step_of(double range) {
  const double decade = std::pow(10, std::floor(std::log10(range / 10)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (range / (factor * decade) <= 10) return factor * decade;
  return 10 * decade;
}

std::string grid_lines(const Axes& axes) {
  std::string out;
  const double step = step_of(axes.to - axes.from);
  for (double bytes = step * std::ceil(axes.from / step); bytes <= axes.to; bytes += step) {
    out += line(axes.x(bytes), top, axes.x(bytes), top + plot_height, svg::grid_ink);
    out += text_at(axes.x(bytes), top + plot_height + 18, "middle", fmt::format("{:.0f}", bytes));
  }
  const bool wide = axes.high - axes.low > 4;
  for (double decade = std::floor(axes.low); decade <= axes.high; ++decade)
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double log = decade + std::log10(factor);
      if (log < axes.low || log > axes.high || (wide && factor > 1)) continue;
      out += line(left, axes.y(log), left + plot_width, axes.y(log), svg::grid_ink);
      out += text_at(left - 8, axes.y(log) + 4, "end", fmt::format("{:.4g}", factor * std::pow(10, decade)));
    }
  return out;
}

std::vector<BudgetPoint> drawn(std::vector<BudgetPoint> points) {
  std::erase_if(points, [](const BudgetPoint& point) { return !(point.loss > 0); });
  return points;
}

// A file name as text of SVG.
std::string in_xml(std::string_view name) {
  std::string text;
  for (const char c : escaped(name)) text += c == '&' ? "&amp;" : c == '<' ? "&lt;" : std::string(1, c);
  return text;
}

}  // namespace

std::string budget_svg(const Budgeted& done, const std::vector<std::string>& labels, std::string_view counted) {
  const std::vector<BudgetPoint> curve = drawn(done.frontier);
  std::vector<BudgetPoint> all = curve;
  std::ranges::copy(drawn(done.whole), std::back_inserter(all));
  std::string out = svg::begin(width, height);
  out += text_at(16, 26, "start", "What a budget of bytes buys", " font-size=\"16\"");
  if (all.empty()) return out + text_at(left, top + 24, "start", "nothing to show") + svg::end();
  const Axes axes = axes_of(all);
  out += grid_lines(axes);
  out += text_at(left + plot_width / 2, height - 20, "middle", "bytes of the artifact");
  out += text_at(0, 0, "middle", counted,
                 fmt::format(" transform=\"translate(22 {:.1f}) rotate(-90)\"", top + plot_height / 2));
  out += line(16, 50, 30, 50, svg::colours[0], 2) + text_at(36, 54, "start", "the least of all mixtures");
  out += marker(1, 230, 50) + text_at(242, 54, "start", "one candidate for all matrices");
  out += marker(2, 470, 50) + text_at(482, 54, "start", "what was written");
  for (std::size_t k = 1; k < curve.size(); ++k)
    out += line(axes.x(curve[k - 1]), axes.y(curve[k - 1]), axes.x(curve[k]), axes.y(curve[k]), svg::colours[0], 2);
  for (std::size_t i = 0; i < done.whole.size(); ++i) {
    if (!(done.whole[i].loss > 0)) continue;
    out += marker(1, axes.x(done.whole[i]), axes.y(done.whole[i]));
    out +=
        text_at(axes.x(done.whole[i]) + 8, axes.y(done.whole[i]) - 6, "start", in_xml(labels[i]), " font-size=\"10\"");
  }
  if (const BudgetPoint written{done.bytes, done.loss}; written.loss > 0)
    out += marker(2, axes.x(written), axes.y(written));
  return out + svg::end();
}

}  // namespace hallmark
