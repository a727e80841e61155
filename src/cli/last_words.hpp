// What the tool says when a signal ends it in the middle of work whose finished part stays.
#pragma once

#include <string>

namespace hallmark::cli {

/// While it lives, say_last_words() writes this text. One at a time.
class LastWords {
 public:
  explicit LastWords(std::string text);
  ~LastWords();
  LastWords(const LastWords&) = delete;
  LastWords& operator=(const LastWords&) = delete;

 private:
  std::string text_;
};

/// To standard error. Async-signal-safe.
void say_last_words() noexcept;

}  // namespace hallmark::cli
