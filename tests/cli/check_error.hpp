// An error as users see it: three lines, a number, an exit code.
#pragma once

#include <string>
#include <vector>

#include "shell.hpp"

namespace hallmark::test {

inline void check_error(const Result& result, int exit, const std::string& number,
                        const std::vector<std::string>& words = {}) {
  CAPTURE(result.out);
  CHECK(result.exit == exit);
  CHECK(result.out.find("error[" + number + "]: ") != std::string::npos);
  CHECK(result.out.find("\n  try: ") != std::string::npos);
  for (const std::string& word : words) CHECK_MESSAGE(result.out.find(word) != std::string::npos, word);
}

}  // namespace hallmark::test
