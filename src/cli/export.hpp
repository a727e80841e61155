// What dequantize and export share: a quantized model is read, judged and written as something else.
#pragma once

#include <functional>
#include <string>

#include "artifact/file_format.hpp"
#include "cli/command.hpp"

namespace hallmark::cli {

struct ExportFlags {
  std::string input, output, max_shard_size, llama;
  bool overwrite = false;
};

/// The flags that both take: all but `llama`, which is export's.
void add_export_options(CLI::App& app, ExportFlags& flags);

using ModelWriter = std::function<Status(const QuantizedModel&, const Destination&)>;

/// Reads the model, judges its values, hands it to `write`. `label` is shown beside the progress. Errors: E0201; those
/// of read_quantized, check_model and `write`.
Expected<Exit> export_model(const ExportFlags& flags, const char* label, const ModelWriter& write);

}  // namespace hallmark::cli
