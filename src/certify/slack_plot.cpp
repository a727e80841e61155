#include "certify/slack_plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace hallmark {
namespace {

constexpr double width = 900, top = 84, row_height = 22, bottom = 40;  // pixels
constexpr double right = 150;                                          // room for the figures
constexpr const char* ink = "#222222";
constexpr const char* range_ink = "#0072B2";
constexpr const char* bound_ink = "#D55E00";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '&') out += "&amp;";
    else out += c;
  }
  return out;
}

std::string text_at(double x, double y, const char* anchor, std::string_view text, const char* more = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y, anchor, more, text);
}

std::string line(double x1, double y1, double x2, double y2, const char* colour, double thickness = 1) {
  return fmt::format(
      "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\" stroke-width=\"{}\"/>\n", x1, y1, x2,
      y2, colour, thickness);
}

}  // namespace

std::string slack_svg(std::string_view title, std::span<const TensorSlack> tensors) {
  std::size_t longest = 6;
  double largest = 1;
  for (const TensorSlack& tensor : tensors) {
    longest = std::max(longest, tensor.name.size());
    for (const double slack : tensor.slack)
      if (std::isfinite(slack)) largest = std::max(largest, slack);
  }
  const double left = std::min(24 + 7.0 * static_cast<double>(std::min<std::size_t>(longest, 48)), width / 2);
  const double span = width - left - right, height = top + row_height * static_cast<double>(tensors.size()) + bottom;
  const double foot = height - bottom + 6;
  const auto x_of = [&](double slack) { return left + span * slack / largest; };
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
      "font-family=\"DejaVu Sans, Verdana, sans-serif\" font-size=\"12\" fill=\"{2}\">\n"
      "<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n",
      width, height, ink);
  out += text_at(16, 26, "start", escaped(title), " font-size=\"16\"");
  out +=
      text_at(16, 48, "start",
              "slack = loss / proved bound, of every row: all rows (line), the middle half (bar), the median (tick)");
  out += text_at(width - right + 16, top - 8, "start", "median, largest");
  for (int tick = 0; tick <= 5; ++tick) {
    const double value = largest * tick / 5;
    out += line(x_of(value), top - 4, x_of(value), foot, "#dddddd");
    out += text_at(x_of(value), foot + 16, "middle", fmt::format("{:.3g}", value));
  }
  out += line(x_of(1), top - 4, x_of(1), foot, bound_ink, 1.5);
  out += text_at(x_of(1) - 4, top - 8, "end", "the bound");
  double y = top + row_height / 2;
  for (const TensorSlack& tensor : tensors) {
    const std::string name = tensor.name.size() > 48
                                 ? tensor.name.substr(0, 22) + "..." + tensor.name.substr(tensor.name.size() - 22)
                                 : tensor.name;
    out += text_at(left - 10, y + 4, "end", escaped(name));
    std::vector<double> sorted = tensor.slack;
    std::ranges::sort(sorted);
    if (sorted.empty() || !std::isfinite(sorted.back())) {
      out += text_at(left + 6, y + 4, "start", sorted.empty() ? "no calibration: no bound" : "a row without a bound");
    } else {
      const auto quantile = [&](std::size_t quarters) { return sorted[(sorted.size() - 1) * quarters / 4]; };
      out += line(x_of(sorted.front()), y, x_of(sorted.back()), y, range_ink);
      out += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"8\" fill=\"{}\"/>\n",
                         x_of(quantile(1)), y - 4, std::max(1.0, x_of(quantile(3)) - x_of(quantile(1))), range_ink);
      out += line(x_of(quantile(2)), y - 6, x_of(quantile(2)), y + 6, ink, 1.5);
      out += text_at(width - right + 16, y + 4, "start", fmt::format("{:.3f}, {:.3f}", quantile(2), sorted.back()));
    }
    y += row_height;
  }
  return out + "</svg>\n";
}

}  // namespace hallmark
