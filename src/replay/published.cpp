#include "replay/published.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace hallmark {

namespace {

Index dimension(const Shape& shape, std::size_t i) { return static_cast<Index>(shape[i]); }

std::string of_block(Index i, std::string_view name) { return "blocks." + std::to_string(i) + "." + std::string(name); }

// A stack of one matrix of every layer, or of two: first that of every layer by one name, then by the other.
struct Bank {
  std::string_view name;
  std::array<std::string_view, 2> matrices;
};
constexpr Bank banks[] = {{"qo_bank", {"attn.c_q.weight", "attn.proj.weight"}},
                          {"kv_bank", {"attn.c_k.weight", "attn.c_v.weight"}},
                          {"mlp_up_bank", {"mlp.fc.weight", ""}},
                          {"mlp_down_bank", {"mlp.proj.weight", ""}}};

std::vector<TensorPart> bank_parts(const Bank& bank, const Shape& shape, const ModelConfig& c) {
  const Index kinds = bank.matrices[1].empty() ? 1 : 2;
  if (shape.size() != 3 || dimension(shape, 0) != kinds * c.layers) return {};
  std::vector<TensorPart> parts;
  for (Index i = 0; i < kinds * c.layers; ++i)
    parts.push_back({of_block(i % c.layers, bank.matrices[static_cast<std::size_t>(i / c.layers)]), 2,
                     dimension(shape, 1), dimension(shape, 2)});
  return parts;
}

// The rows of a matrix, each a vector.
std::vector<TensorPart> row_parts(const std::vector<std::string>& names, const Shape& shape) {
  if (shape.size() != 2 || shape[0] != names.size()) return {};
  std::vector<TensorPart> parts;
  for (const std::string& name : names) parts.push_back({name, 1, 1, dimension(shape, 1)});
  return parts;
}

}  // namespace

std::vector<TensorPart> published_parts(const std::string& name, const Shape& shape, const ModelConfig& config) {
  for (const Bank& bank : banks)
    if (name == bank.name) return bank_parts(bank, shape, config);
  for (const auto& [theirs, ours] : {std::pair("skip_weights", "skip_w."), std::pair("skip_gates", "skip_gate.")})
    if (name == theirs) {
      std::vector<std::string> names;
      for (Index i = 0; i < config.encoders(); ++i) names.push_back(ours + std::to_string(i));
      return row_parts(names, shape);
    }
  if (name.ends_with(".resid_mix")) return row_parts({name + "_x", name + "_x0"}, shape);
  if (shape.size() == 2)
    return {
        {name == "bigram.embed.weight" ? "bigram.table.weight" : name, 2, dimension(shape, 0), dimension(shape, 1)}};
  if (shape.size() == 1) return {{name, 1, 1, dimension(shape, 0)}};
  if (shape.empty() && name.ends_with(".scale")) return {{name, 1, 1, 1}};
  return {};
}

}  // namespace hallmark
