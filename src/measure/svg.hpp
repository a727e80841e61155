// The marks that the pictures of the reports are made of. All lengths in pixels; the texts depend on the arguments
// alone.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace hallmark::svg {

/// Told apart by colour-blind readers, with the shapes of marker().
inline constexpr std::array<const char*, 3> colours = {"#0072B2", "#D55E00", "#007A5A"};
inline constexpr const char* ink = "#222222";
inline constexpr const char* grid_ink = "#dddddd";

/// The head of a picture on white; its end is end().
std::string begin(double width, double height);
std::string end();
std::string text_at(double x, double y, std::string_view anchor, std::string_view text, std::string_view more = "");
std::string line(double x1, double y1, double x2, double y2, std::string_view colour, double thickness = 1);
/// A circle, a square or a triangle for kind 0, 1, 2.
std::string marker(std::size_t kind, double x, double y);
/// "⁻³" for -3.
std::string superscript(int exponent);

}  // namespace hallmark::svg
