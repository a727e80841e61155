// The layouts in which loaders of language models expect integer codes: safetensors with the words of word_stream.hpp
// under the names of a layer. A layout is data; what all of them share is here. Beside the tensors the file has the
// metadata of the container, so that it is read back as the model that it was, and verified.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "artifact/file_format.hpp"

namespace hallmark::detail {

/// A tensor that shapes and options decide.
struct KnownTensor {
  DType dtype;
  Shape shape;
  std::vector<std::byte> bytes;
};

/// How a layout holds the matrix [rows, cols] of NAME.weight, rows outputs and cols inputs, in the tensors NAME.codes
/// and so on. Stored codes are those of the grid where it has zero points, elsewhere code + 2^(bits-1).
struct WordLayout {
  std::string_view format;                       ///< the value of hallmark.file_format: an id, with a version
  std::string_view codes, scales, zeros, known;  ///< what follows NAME.
  std::uint32_t bits;                            ///< bit b is set where the layout has codes of b bits
  bool inputs_first;                             ///< tensors are [inputs, outputs], else [outputs, inputs]
  bool always_zeros;                             ///< grids without zero points have the constant 2^(bits-1)
  int zero_bias;                                 ///< what is subtracted from a zero point before it is stored
  std::uint64_t multiple;                        ///< rows and cols are multiples of it
  KnownTensor (*known_tensor)(const QuantizedMatrix& matrix);
  std::string (*config)(const QuantizedHeader& header);  ///< the text of FILE.config.json
};

/// What loaders have to know of a matrix.
struct WordScheme {
  int bits;
  Index group_size;  ///< 0: one group
  bool symmetric;    ///< no zero points
  friend bool operator==(const WordScheme&, const WordScheme&) = default;
};
WordScheme scheme_of(const QuantizedMatrix& matrix);
/// NAME of NAME.weight; "" where the tensor is called otherwise.
std::string_view layer_of(std::string_view tensor);

/// The three functions of a FileFormat. Errors of words_obstacle: E0439. Of read_words: E0360 to E0364; of the model
/// that it gives: E0364, E0365, E0366.
Expected<std::unique_ptr<QuantizedModel>> read_words(const WordLayout& layout, const std::string& path);
Status words_obstacle(const WordLayout& layout, const QuantizedModel& model);
/// Writes the file and, together with it, FILE.config.json.
Status write_words(const WordLayout& layout, const QuantizedModel& model, const Destination& to);

/// The FileFormat of a layout.
template <const WordLayout& layout>
constexpr FileFormat word_format(std::string_view name, std::string_view summary) {
  return {name, summary, [](const std::string& path) { return read_words(layout, path); },
          [](const QuantizedModel& model) { return words_obstacle(layout, model); },
          [](const QuantizedModel& model, const Destination& to) { return write_words(layout, model, to); }};
}

}  // namespace hallmark::detail
