#include "container.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "format/grid.hpp"

namespace hallmark::test {

namespace {

template <class T>
T word_at(std::string_view bytes, std::size_t k) {
  require((k + 1) * sizeof(T) <= bytes.size(), "a tensor has fewer bytes than its shape");
  T word;
  std::memcpy(&word, bytes.data() + k * sizeof(T), sizeof(T));
  return word;
}

// A word of GF(E,M), infinity and NaN included, from its fields.
double golden(unsigned word, int E, int M) {
  const int field = static_cast<int>(word >> M & ((1U << E) - 1)), bias = (1 << (E - 1)) - 1;
  const auto fraction = static_cast<double>(word & ((1U << M) - 1));
  const double magnitude = field == (1 << E) - 1 ? (fraction == 0 ? HUGE_VAL : std::nan(""))
                           : field == 0          ? std::ldexp(fraction, 1 - bias - M)
                                                 : std::ldexp(fraction + std::ldexp(1.0, M), field - bias - M);
  return (word >> (E + M) & 1) != 0 ? -magnitude : magnitude;
}

GridSpec spec_of(const Json& options) {
  const std::string id = options.at("grid");
  if (options.contains("points")) {
    auto spec = GridSpec::table("table", id, options.at("points").get<std::vector<float>>());
    require(static_cast<bool>(spec), "the points are no table");
    return *spec;
  }
  const auto grid = Grid::of_id(id);
  require(static_cast<bool>(grid), "no grid has the id " + id);
  return grid->spec();
}

// Numbers [rows, cols] of a tensor: packed in bytes of U8, each row from a byte on, or one in each element.
std::vector<int> numbers_of(const File& container, const CheckedTensor& tensor, const GridSpec& spec, std::size_t rows,
                            std::size_t cols) {
  const std::string_view bytes = container.bytes(tensor);
  const auto bits = static_cast<std::size_t>(spec.bits), row_bytes = (cols * bits + 7) / 8;
  const bool packed = container.metadata("hallmark.schema") == "4" && bits < 8, sign = spec.code_dtype() == "I8";
  require(tensor.shape == std::vector<std::uint64_t>{rows, packed ? row_bytes : cols}, "numbers have another shape");
  require(tensor.dtype == (packed ? "U8" : spec.code_dtype()), "numbers have another dtype");
  std::vector<int> numbers;
  for (std::size_t i = 0; i < rows; ++i) {
    const auto bit = [&](std::size_t k) {
      return static_cast<int>(word_at<std::uint8_t>(bytes, i * row_bytes + k / 8) >> k % 8 & 1);
    };
    for (std::size_t j = 0; j < cols; ++j) {
      if (packed) {
        int number = sign ? -bit(bits * j + bits - 1) : bit(bits * j + bits - 1);
        for (std::size_t k = bits - 1; k-- > 0;) number = 2 * number + bit(bits * j + k);
        numbers.push_back(number);
      } else {
        numbers.push_back(static_cast<int>(number_at(tensor.dtype, bytes, i * cols + j)));
      }
    }
    for (std::size_t k = bits * cols; packed && k < 8 * row_bytes; ++k)
      require(bit(k) == 0, "a bit after the last number of a row is not 0");
  }
  return numbers;
}

StoredMatrix stored_matrix(const File& container, const Json& item, const Json& tensors) {
  const std::string tensor = item.at("tensor");
  std::optional<std::size_t> index;
  if (item.contains("index")) index = item.at("index").get<std::size_t>();
  Json shape;
  for (const Json& t : tensors)
    if (t.at("name") == tensor) shape = t.at("shape");
  require(shape.is_array() && shape.size() == (index ? 3 : 2), "a matrix of no tensor of W");
  const GridSpec spec = spec_of(item.at("options"));
  StoredMatrix m{.name = index ? fmt::format("{}[{}]", tensor, *index) : tensor,
                 .tensor = tensor,
                 .index = index,
                 .transposed = item.value("transposed", false),
                 .rows = shape[index ? 1 : 0],
                 .cols = shape[index ? 2 : 1],
                 .options = item.at("options"),
                 .spec = spec,
                 .grid = oracle::ExactGrid::of(spec),
                 .codes = {},
                 .scales = {},
                 .zeros = {}};
  if (m.transposed) std::swap(m.rows, m.cols);
  const std::size_t size = m.options.at("group_size");
  m.width = size == 0 ? std::max<std::size_t>(m.cols, 1) : size;
  m.groups = (m.cols + m.width - 1) / m.width;
  const auto part = [&](const char* suffix) {
    const CheckedTensor* const found = container.find(m.name + suffix);
    require(found != nullptr, "the container lacks " + m.name + suffix);
    return found;
  };
  const CheckedTensor *const codes = part(".codes"), *const scale = part(".scale");
  for (const int number : numbers_of(container, *codes, spec, m.rows, m.cols))
    m.codes.push_back(static_cast<Code>(number));
  for (std::size_t k = 0; k < m.rows * m.groups; ++k)
    m.scales.push_back(static_cast<float>(number_at(scale->dtype, container.bytes(*scale), k)));
  m.zeros.assign(m.scales.size(), 0);
  if (spec.zero_points) m.zeros = numbers_of(container, *part(".zero_point"), spec, m.rows, m.groups);
  for (const Code code : m.codes) require(m.grid.contains(code), "a code is no point of the grid");
  for (const float s : m.scales) require(std::isfinite(s) && s != 0, "a scale is none");
  return m;
}

}  // namespace

std::string sha256_of(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  require(EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr) == 1, "OpenSSL has no SHA-256");
  std::string text;
  for (unsigned k = 0; k < size; ++k) text += fmt::format("{:02x}", digest[k]);
  return text;
}

File::File(std::string_view bytes) {
  auto checked = check_file(bytes);
  require(checked.has_value(), "a file is no safetensors file");
  header = *std::move(checked);
  std::uint64_t length = 0;
  for (std::size_t i = 8; i-- > 0;) length = 256 * length + static_cast<unsigned char>(bytes[i]);
  data = bytes.substr(8 + length);
}

const CheckedTensor* File::find(const std::string& name) const {
  const auto found = header.tensors.find(name);
  return found == header.tensors.end() ? nullptr : &found->second;
}

const std::string& File::metadata(const std::string& key) const {
  const auto found = header.metadata.find(key);
  require(found != header.metadata.end(), "there is no metadata entry " + key);
  return found->second;
}

double number_at(std::string_view dtype, std::string_view bytes, std::size_t k) {
  if (dtype == "F64") return word_at<double>(bytes, k);
  if (dtype == "F32") return static_cast<double>(word_at<float>(bytes, k));
  if (dtype == "BF16") return golden(word_at<std::uint16_t>(bytes, k), 8, 7);
  if (dtype == "F16") return golden(word_at<std::uint16_t>(bytes, k), 5, 10);
  if (dtype == "U16") return word_at<std::uint16_t>(bytes, k);
  if (dtype == "U8") return word_at<std::uint8_t>(bytes, k);
  require(dtype == "I8", "a dtype of no numbers");
  return word_at<std::int8_t>(bytes, k);
}

std::vector<StoredMatrix> stored_matrices(const File& container) {
  const Json tensors = Json::parse(container.metadata("hallmark.tensors"));
  std::vector<StoredMatrix> found;
  for (const Json& item : Json::parse(container.metadata("hallmark.matrices")))
    found.push_back(stored_matrix(container, item, tensors));
  return found;
}

std::string payload_of(const File& container) {
  std::string text;
  for (const auto& [name, t] : container.header.tensors)
    text += fmt::format("{}\n{} [{}] {}\n", name, t.dtype, fmt::join(t.shape, ", "), sha256_of(container.bytes(t)));
  return sha256_of(text);
}

std::string metadata_digest_of(const File& container) {
  std::string text;
  for (const auto& [key, value] : container.header.metadata)
    if (key.starts_with("hallmark.") && key != "hallmark.metadata.sha256")
      text += fmt::format("{}\n{}\n{}", key, value.size(), value);
  return sha256_of(text);
}

}  // namespace hallmark::test
