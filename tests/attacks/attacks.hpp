// Bad safetensors files, each by name with the error that must answer it; a few good ones that look bad.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hallmark::test {

struct Attack {
  std::string name;
  std::string bytes;
  int number;  ///< of the expected error; 0: the file is valid and must be accepted
};

/// Header length (little-endian), header, data.
std::string assemble(std::string_view header, std::string_view data = "");

/// The catalogue; names are unique and fit for file names.
const std::vector<Attack>& attacks();

}  // namespace hallmark::test
