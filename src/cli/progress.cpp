#include "cli/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "cli/output.hpp"
#include "io/utf8.hpp"

namespace hallmark::cli {
namespace {

std::string duration(double seconds) {
  const auto whole = static_cast<long>(seconds + 0.5);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace

Progress::Progress(std::string label)
    : label_(std::move(label)), terminal_(isatty(STDERR_FILENO) == 1), start_(Clock::now()), shown_(start_) {}

Progress::~Progress() { erase(); }

void Progress::erase() {
  if (on_terminal_.exchange(false)) std::fputs("\r\033[K", stderr);
}

void Progress::update(double done, double total, std::string_view item) {
  if (quiet) return;
  const Clock::time_point now = Clock::now();
  const double interval = terminal_ ? 0.1 : 10.0;
  if (std::chrono::duration<double>(now - shown_).count() < interval) return;
  shown_ = now;
  const double share = total > 0 ? std::clamp(done / total, 0.0, 1.0) : 0.0;
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const std::string eta = share > 0 ? ", " + duration(elapsed * (1 - share) / share) + " left" : std::string{};
  const std::string line = fmt::format("{}: {:.0f} %{}: {}", label_, 100 * share, eta, item);
  const std::string shown = escaped(line);
  const std::string text = terminal_ ? fmt::format("\r\033[K{}", shown.substr(0, 100)) : shown + "\n";
  on_terminal_ = terminal_;
  std::fputs(text.c_str(), stderr);  // lost or not: the work goes on
  std::fflush(stderr);
}

}  // namespace hallmark::cli
