// The container and its sources as numbers, for the oracles of tool_fuzz; read by header_checker, not by src/.
#pragma once

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "header_checker.hpp"
#include "oracle/exact_grid.hpp"

namespace hallmark::test {

using Json = nlohmann::ordered_json;

/// A statement that does not hold, thrown.
struct False {
  std::string what;
};
inline void require(bool holds, const std::string& what) {
  if (!holds) throw False{what};
}

std::string sha256_of(std::string_view bytes);

/// A safetensors file.
struct File {
  explicit File(std::string_view bytes);  ///< throws False
  CheckedFile header;
  std::string_view data;

  const CheckedTensor* find(const std::string& name) const;
  std::string_view bytes(const CheckedTensor& tensor) const {
    return data.substr(tensor.begin, tensor.end - tensor.begin);
  }
  const std::string& metadata(const std::string& key) const;  ///< throws False
};

/// Number k of bytes that are of a dtype of real numbers or of whole ones; throws False for another dtype.
double number_at(std::string_view dtype, std::string_view bytes, std::size_t k);

/// A quantized matrix of a container: row-major, step of row i and column j at i groups + j / width.
struct StoredMatrix {
  std::string name, tensor;
  std::optional<std::size_t> index;
  bool transposed = false;
  std::size_t rows = 0, cols = 0, groups = 1, width = 1;
  Json options;
  GridSpec spec;
  oracle::ExactGrid grid;
  std::vector<Code> codes;
  std::vector<float> scales;
  std::vector<int> zeros;  ///< 0 for grids without

  std::size_t step(std::size_t i, std::size_t j) const { return i * groups + j / width; }
  /// Where W holds an element, within the bytes of the matrix.
  std::size_t place(std::size_t i, std::size_t j) const { return transposed ? j * rows + i : i * cols + j; }
  double value(Code code, std::size_t i, std::size_t j) const { return grid.value(code, zeros[step(i, j)]); }
};

/// The matrices of a container, in its order; throws False.
std::vector<StoredMatrix> stored_matrices(const File& container);

/// The payload digest and the metadata digest that a container should have.
std::string payload_of(const File& container);
std::string metadata_digest_of(const File& container);

}  // namespace hallmark::test
