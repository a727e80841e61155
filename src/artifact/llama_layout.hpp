// The tensors of a llama in a GGUF file as llama.cpp wants them: its names, the order of the rows of q and k, and
// vectors in F32. Nothing here changes a number. docs/formats.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "artifact/quantized_model.hpp"
#include "io/gguf.hpp"

namespace hallmark::llama {

/// Heads of the attention: of queries, and of keys and values.
struct Heads {
  std::uint64_t query = 0, key_value = 0;
};
/// "4 2", as the file says it; none for any other text, and where a number is 0.
std::string text_of(const Heads& heads);
std::optional<Heads> heads_of(std::string_view text);

/// llama.cpp's name for a tensor of a model of Hugging Face: "blk.0.attn_q.weight" for
/// "model.layers.0.self_attn.q_proj.weight"; none where it has none. Two tensors have two names.
std::optional<std::string> name_of(std::string_view tensor);

/// Where row i of W stands in the file. Hugging Face turns entry j of a head together with entry j + height / 2,
/// llama.cpp turns neighbours: the halves of each head are dealt out in turn. `height`: rows of a head, even; 0: rows
/// stay.
constexpr std::uint64_t file_row(std::uint64_t i, std::uint64_t height) {
  if (height == 0) return i;
  const std::uint64_t at = i % height, half = height / 2;
  return i - at + 2 * (at % half) + at / half;
}

/// How a tensor of W stands in the file.
struct Arrangement {
  std::uint64_t height = 0;  ///< see file_row
  bool widened = false;      ///< binary16 or bfloat16 in W, F32 in the file
};
/// Gives a planned tensor llama.cpp's name and type. Errors: E0439 a name, dtype or number of rows that llama.cpp does
/// not take. `quantized`: it has blocks.
Expected<Arrangement> arrange(const OriginalTensor& tensor, bool quantized, const Heads& heads, gguf::TensorPlan& plan);

/// The bytes of a tensor that passes through, in the file. Errors: E0439 a number that F32 would not give back.
Expected<std::vector<std::byte>> to_file(const OriginalTensor& tensor, const Arrangement& how,
                                         std::vector<std::byte> bytes);
/// The bytes in W. Errors: E0364 a number that the dtype in W has not. Precondition: as many bytes as the file has.
Expected<std::vector<std::byte>> from_file(const OriginalTensor& tensor, const Arrangement& how,
                                           std::vector<std::byte> bytes);

}  // namespace hallmark::llama
