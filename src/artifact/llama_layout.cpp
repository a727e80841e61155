#include "artifact/llama_layout.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <charconv>
#include <cstring>

#include "base/error_numbers.hpp"
#include "io/utf8.hpp"

#include "format/golden_float.hpp"  // after the dtypes, whose names its formats would shadow

namespace hallmark::llama {
namespace {

struct Renamed {
  std::string_view from, to;
};
constexpr std::array<Renamed, 3> whole = {{{"model.embed_tokens.weight", "token_embd.weight"},
                                           {"model.norm.weight", "output_norm.weight"},
                                           {"lm_head.weight", "output.weight"}}};
constexpr std::array<Renamed, 9> of_layer = {{{"input_layernorm.weight", "attn_norm.weight"},
                                              {"self_attn.q_proj.weight", "attn_q.weight"},
                                              {"self_attn.k_proj.weight", "attn_k.weight"},
                                              {"self_attn.v_proj.weight", "attn_v.weight"},
                                              {"self_attn.o_proj.weight", "attn_output.weight"},
                                              {"post_attention_layernorm.weight", "ffn_norm.weight"},
                                              {"mlp.gate_proj.weight", "ffn_gate.weight"},
                                              {"mlp.up_proj.weight", "ffn_up.weight"},
                                              {"mlp.down_proj.weight", "ffn_down.weight"}}};

// The number that the text is, in the one way in which it is written.
std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc{} || end != text.data() + text.size() || (text.size() > 1 && text.front() == '0'))
    return std::nullopt;
  return value;
}

Error not_for_llama(std::string what, const std::string& tensor, const std::string& where, std::string hint) {
  return {Exit::infeasible, error_number::format_refuses, std::move(what),
          fmt::format("tensor '{}': {}", printable(tensor), where), std::move(hint)};
}

// Rows of the file from those of W, or back.
std::vector<std::byte> turned(const std::vector<std::byte>& bytes, std::uint64_t rows, std::uint64_t height,
                              bool back) {
  std::vector<std::byte> out(bytes.size());
  const std::size_t size = bytes.size() / rows;
  for (std::uint64_t i = 0; i < rows; ++i) {
    const std::uint64_t in_w = i * size, in_file = file_row(i, height) * size;
    std::memcpy(out.data() + (back ? in_w : in_file), bytes.data() + (back ? in_file : in_w), size);
  }
  return out;
}

float wide(std::uint16_t word, DType dtype) {
  return dtype == DType::BF16 ? std::bit_cast<float>(std::uint32_t{word} << 16) : FP16::decode(word);
}
// The word that stands for the number, where there is one.
std::optional<std::uint16_t> narrow(float number, DType dtype) {
  const auto word = dtype == DType::BF16 ? static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(number) >> 16)
                                         : FP16::encode(number);
  if (std::bit_cast<std::uint32_t>(wide(word, dtype)) != std::bit_cast<std::uint32_t>(number)) return std::nullopt;
  return word;
}

}  // namespace

std::string text_of(const Heads& heads) { return fmt::format("{} {}", heads.query, heads.key_value); }

std::optional<Heads> heads_of(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto query = whole_number(text.substr(0, space)), key_value = whole_number(text.substr(space + 1));
  if (!query || !key_value || *query == 0 || *key_value == 0) return std::nullopt;
  return Heads{*query, *key_value};
}

std::optional<std::string> name_of(std::string_view tensor) {
  for (const auto& [from, to] : whole)
    if (tensor == from) return std::string(to);
  constexpr std::string_view layers = "model.layers.";
  if (!tensor.starts_with(layers)) return std::nullopt;
  tensor.remove_prefix(layers.size());
  const std::size_t dot = std::min(tensor.find('.'), tensor.size());
  const auto layer = whole_number(tensor.substr(0, dot));
  for (const auto& [from, to] : of_layer)
    if (layer && dot < tensor.size() && tensor.substr(dot + 1) == from) return fmt::format("blk.{}.{}", *layer, to);
  return std::nullopt;
}

Expected<Arrangement> arrange(const OriginalTensor& tensor, bool quantized, const Heads& heads,
                              gguf::TensorPlan& plan) {
  const auto name = name_of(tensor.name);
  if (!name)
    return not_for_llama("a llama of llama.cpp has no such tensor", tensor.name, "no name of llama.cpp's fits",
                         "leave the tensor out of the weights, or export without --llama");
  plan.name = *name;
  Arrangement how;
  const std::uint64_t turning = name->ends_with(".attn_q.weight")   ? heads.query
                                : name->ends_with(".attn_k.weight") ? heads.key_value
                                                                    : 0;
  if (turning > 0) {
    const std::uint64_t rows = plan.dims.size() == 2 ? plan.dims[1] : 0;
    if (rows == 0 || rows % turning != 0 || rows / turning % 2 != 0)
      return not_for_llama("the rows are not those of heads of even height", tensor.name,
                           fmt::format("{}, {} heads", shape_text(tensor.shape), turning), "the config.json of W");
    how.height = rows / turning;
  }
  if (quantized) return how;
  const DType dtype = tensor.dtype;
  if (dtype != DType::F32 && dtype != DType::F16 && dtype != DType::BF16)
    return not_for_llama("llama.cpp computes with no such dtype", tensor.name, std::string(dtype_name(dtype)),
                         "F32, F16 or BF16");
  how.widened = tensor.shape.size() == 1 && dtype != DType::F32;  // it multiplies vectors of F32 alone
  if (how.widened) plan.type = gguf::Type::F32;
  return how;
}

Expected<std::vector<std::byte>> to_file(const OriginalTensor& tensor, const Arrangement& how,
                                         std::vector<std::byte> bytes) {
  if (how.height > 0) return turned(bytes, tensor.shape[0], how.height, false);
  if (!how.widened) return bytes;
  std::vector<std::byte> out(2 * bytes.size());
  for (std::size_t i = 0; i < bytes.size() / 2; ++i) {
    std::uint16_t word;
    std::memcpy(&word, bytes.data() + 2 * i, sizeof word);
    const float number = wide(word, tensor.dtype);
    if (narrow(number, tensor.dtype) != word)
      return not_for_llama("F32 would not give a number back", tensor.name, fmt::format("entry {} is {}", i, number),
                           "numbers that are finite");
    std::memcpy(out.data() + 4 * i, &number, sizeof number);
  }
  return out;
}

Expected<std::vector<std::byte>> from_file(const OriginalTensor& tensor, const Arrangement& how,
                                           std::vector<std::byte> bytes) {
  if (how.height > 0) return turned(bytes, tensor.shape[0], how.height, true);
  if (!how.widened) return bytes;
  std::vector<std::byte> out(bytes.size() / 2);
  for (std::size_t i = 0; i < out.size() / 2; ++i) {
    float number;
    std::memcpy(&number, bytes.data() + 4 * i, sizeof number);
    const auto word = narrow(number, tensor.dtype);
    if (!word)
      return Error{Exit::input, error_number::quantized_shape, "a number that its dtype in W has not",
                   fmt::format("tensor '{}': entry {} is {}, in W it is {}", printable(tensor.name), i, number,
                               dtype_name(tensor.dtype)),
                   "export the model again"};
    std::memcpy(out.data() + 2 * i, &*word, sizeof *word);
  }
  return out;
}

}  // namespace hallmark::llama
