// A model of Hugging Face beside its weights: what of config.json and tokenizer.model llama.cpp asks for, as key-values
// of GGUF. docs/formats.md.
#pragma once

#include <string>
#include <vector>

#include "artifact/llama_layout.hpp"
#include "artifact/quantized_model.hpp"
#include "io/gguf.hpp"

namespace hallmark::llama {

struct Config {
  std::uint64_t width = 0, hidden = 0, layers = 0, head_height = 0, vocabulary = 0, context = 0;
  Heads heads;
  float epsilon = 0, theta = 0;
  bool tied = false;  ///< the head is the table of embeddings
};

/// What was read and checked; the paths are of files that no output may replace.
struct Folder {
  std::string path;
  Config config;
  gguf::Metadata metadata;  ///< general.architecture, llama.* and tokenizer.*
  std::vector<std::string> inputs;
};

/// Errors: E0326 config.json is not that of a llama that llama.cpp computes as its authors do; E0386 no
/// tokenizer.model, one with another number of pieces, or one by which llama.cpp would cut text otherwise; E0349; those
/// of read_text.
Expected<Folder> read_folder(const std::string& path);

/// Whether the model has the tensors that the configuration asks for, of its shapes, and no others. Errors: E0439.
Status check_tensors(const Folder& folder, const QuantizedHeader& header);

}  // namespace hallmark::llama
