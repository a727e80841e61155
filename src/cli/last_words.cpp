#include "cli/last_words.hpp"

#include <unistd.h>

#include <atomic>
#include <cstring>
#include <tuple>

namespace hallmark::cli {
namespace {

std::atomic<const char*> words = nullptr;

}  // namespace

LastWords::LastWords(std::string text) : text_(std::move(text)) { words = text_.c_str(); }

LastWords::~LastWords() { words = nullptr; }

void say_last_words() noexcept {
  if (const char* const text = words) std::ignore = ::write(STDERR_FILENO, text, std::strlen(text));
}

}  // namespace hallmark::cli
