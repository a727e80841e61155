// The names that the published models of the family give their tensors, in three generations, and ours.
#pragma once

#include <string>
#include <vector>

#include "io/safetensors.hpp"
#include "replay/model.hpp"

namespace hallmark {

/// A tensor of ours; of rank 1 with one row.
struct TensorPart {
  std::string name;
  int rank;
  Index rows, cols;
};

/// The tensors of ours that a tensor holds one behind the other, row-major: bigram.embed for bigram.table, skip_weights
/// and skip_gates [encoders, dim], blocks.i.resid_mix [2, dim], qo_bank and kv_bank [2 layers, rows, dim] (c_q then
/// proj, c_k then c_v, layer by layer), mlp_up_bank and mlp_down_bank [layers, rows, cols], and scales of rank 0. Any
/// other vector or matrix is one of ours by its own name. Empty: neither, or another number of layers than `config`
/// has.
std::vector<TensorPart> published_parts(const std::string& name, const Shape& shape, const ModelConfig& config);

}  // namespace hallmark
