// Mutations of a set of files: a recipe of bytes says what to change and where, structure by structure.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace hallmark::test {

using FileSet = std::map<std::string, std::string>;  ///< name -> bytes

/// Bytes of a recipe in order; zeros behind its end.
class Recipe {
 public:
  explicit Recipe(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  bool done() const { return bytes_.empty(); }
  unsigned byte();
  unsigned word() { return byte() | byte() << 8; }
  /// A number below n; 0 where n is 0.
  std::size_t below(std::size_t n) { return n == 0 ? 0 : word() % n; }

 private:
  std::span<const std::uint8_t> bytes_;
};

/// Changes one file of the set once: bits, numbers in the data, digits of digests, tokens and lines of text (the header
/// of a safetensors file, and text inside of its strings), cuts, copies, and parts of the same file of another set.
void mutate(FileSet& set, const std::vector<FileSet>& others, Recipe& recipe);

}  // namespace hallmark::test
