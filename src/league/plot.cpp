#include "league/plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "measure/svg.hpp"

namespace hallmark {
namespace {

using svg::line, svg::marker, svg::text_at;

// All lengths in pixels.
constexpr double width = 900, panel_height = 400, left = 84, right = 24, first_top = 100, between = 96;
constexpr double plot_width = width - left - right;
constexpr double most_bits = 8;

struct Point {
  double x, y;
  std::size_t kind;  // of marker()
  std::string label;
};

// Positions along one side: `low` and `high` are numbers, or their decimal logarithms.
struct Scale {
  double low, high;
  bool logarithmic;
  double share(double value) const { return ((logarithmic ? std::log10(value) : value) - low) / (high - low); }
};

Scale scale_for(const std::vector<Point>& points, double Point::*side, bool logarithmic) {
  double low = points.front().*side, high = low;
  for (const Point& point : points) low = std::min(low, point.*side), high = std::max(high, point.*side);
  if (!logarithmic) return {std::floor(low), std::ceil(high + 0.25), false};
  low = std::log10(low), high = std::log10(high);
  const double margin = std::max(0.04, 0.06 * (high - low));
  return {low - margin, high + margin, true};
}

// 1, 2 and 5 times powers of ten between the ends, or whole numbers.
std::vector<double> ticks(const Scale& scale) {
  std::vector<double> found;
  if (!scale.logarithmic)
    for (double x = scale.low; x <= scale.high; ++x) found.push_back(x);
  for (double decade = std::floor(scale.low); scale.logarithmic && decade <= scale.high; ++decade)
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double x = factor * std::pow(10, decade), place = std::log10(x);
      if (place >= scale.low && place <= scale.high) found.push_back(x);
    }
  return found;
}

struct Box {
  double x, y, width, height;
  bool meets(const Box& other) const {
    return x < other.x + other.width && other.x < x + width && y < other.y + other.height && other.y < y + height;
  }
};

// Labels beside their markers, each where it covers neither a marker nor an earlier label, if there is such a place.
std::string labels(const std::vector<Point>& at) {
  std::vector<Box> taken;
  for (const Point& point : at) taken.push_back({point.x - 5, point.y - 5, 10, 10});
  std::string out;
  for (const Point& point : at) {
    const double long_side = 6.2 * static_cast<double>(point.label.size()), short_side = 10;
    std::vector<Box> choices;
    for (const double far : {0.0, 10.0, 20.0, 30.0, 40.0})
      for (const double up : {0.0, -10.0, 10.0, -20.0, 20.0}) {
        choices.push_back({point.x + 7 + far, point.y - 5 + up, long_side, short_side});
        choices.push_back({point.x - 7 - far - long_side, point.y - 5 + up, long_side, short_side});
      }
    const auto free = std::ranges::find_if(choices, [&](const Box& box) {
      return std::ranges::none_of(taken, [&](const Box& other) { return box.meets(other); });
    });
    const Box box = free == choices.end() ? choices.front() : *free;
    taken.push_back(box);
    if (free - choices.begin() > 1)
      out += line(point.x, point.y, box.x < point.x ? box.x + box.width : box.x, box.y + 5, "#999999", 0.6);
    out += text_at(box.x, box.y + 9, "start", point.label, " font-size=\"10\"");
  }
  return out;
}

struct Side {
  std::string_view title;
  bool logarithmic;
};

std::string panel(double top, std::string_view title, const Side& x, const Side& y, std::vector<Point> points) {
  std::string out = text_at(left, top - 12, "start", title, " font-weight=\"bold\"");
  if (points.empty()) return out + text_at(left, top + 24, "start", "nothing to show");
  const Scale across = scale_for(points, &Point::x, x.logarithmic), up = scale_for(points, &Point::y, y.logarithmic);
  const auto x_of = [&](double value) { return left + plot_width * across.share(value); };
  const auto y_of = [&](double value) { return top + panel_height * (1 - up.share(value)); };
  for (const double value : ticks(up)) {
    out += line(left, y_of(value), left + plot_width, y_of(value), svg::grid_ink);
    out += text_at(left - 8, y_of(value) + 4, "end", fmt::format("{:.4g}", value));
  }
  for (const double value : ticks(across)) {
    out += line(x_of(value), top, x_of(value), top + panel_height, svg::grid_ink);
    out += text_at(x_of(value), top + panel_height + 18, "middle", fmt::format("{:.4g}", value));
  }
  out += text_at(left + plot_width / 2, top + panel_height + 38, "middle", x.title);
  out += text_at(0, 0, "middle", y.title,
                 fmt::format(" transform=\"translate(22 {:.1f}) rotate(-90)\"", top + panel_height / 2));
  for (Point& point : points) point.x = x_of(point.x), point.y = y_of(point.y);
  for (const Point& point : points) out += marker(point.kind, point.x, point.y);
  return out + labels(points);
}

}  // namespace

std::vector<std::string> places_of(std::span<const Standing> standings) {
  std::vector<std::string> places;
  std::size_t place = 0;
  for (std::size_t k = 0; k < standings.size(); ++k) {
    const Standing& one = standings[k];
    const bool first = k == 0 || standings[k - 1].division != one.division ||
                       standings[k - 1].embedding.has_value() != one.embedding.has_value();
    place = first ? 1 : place + 1;
    places.push_back(fmt::format("{}.{}{}", one.division, one.embedding ? "e" : "", place));
  }
  return places;
}

std::string league_svg(std::span<const Standing> standings) {
  const std::vector<std::string> places = places_of(standings);
  std::vector<Point> damage, loss;
  for (std::size_t k = 0; k < standings.size(); ++k) {
    const Standing& one = standings[k];
    if (one.stored_bits > most_bits) continue;
    const std::size_t kind = one.embedding ? 1 : 0;
    if (one.mean_damage > 0) damage.push_back({one.stored_bits, one.mean_damage, kind, places[k]});
    if (one.relative_loss > 0 && one.seconds > 0) loss.push_back({one.seconds, one.relative_loss, kind, places[k]});
  }
  std::string out = svg::begin(width, first_top + 2 * (panel_height + between) - between / 2);
  out += text_at(16, 26, "start", "The league: means over the checkpoints, numbered as in the tables",
                 " font-size=\"16\"");
  out += marker(0, 24, 50) + text_at(36, 54, "start", "one grid for all matrices");
  out += marker(1, 230, 50) + text_at(242, 54, "start", "the tied embedding on a grid of its own");
  out += panel(first_top, "Damage against size", {"bits per weight, codes and steps as stored", false},
               {"damage, bits per byte", true}, std::move(damage));
  out += panel(first_top + panel_height + between, "Loss against time", {"processor seconds for one checkpoint", true},
               {"loss relative to round-to-nearest", true}, std::move(loss));
  return out + svg::end();
}

}  // namespace hallmark
