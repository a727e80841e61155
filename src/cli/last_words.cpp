#include "cli/last_words.hpp"

#include <unistd.h>

#include <atomic>
#include <cstring>
#include <tuple>

namespace hallmark::cli {
namespace {

std::atomic<const char*> last_words = nullptr;

}  // namespace

LastWords::LastWords(std::string text) : text_(std::move(text)) { last_words = text_.c_str(); }

LastWords::~LastWords() { last_words = nullptr; }

void say_last_words() noexcept {
  if (const char* const text = last_words) std::ignore = ::write(STDERR_FILENO, text, std::strlen(text));
}

}  // namespace hallmark::cli
