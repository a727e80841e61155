// What dequantize and export share: a quantized model into a file of some format.
#pragma once

#include <string>

#include "base/error.hpp"

namespace hallmark::cli {

struct ExportFlags {
  std::string input, output, format;
  bool overwrite = false;
};

/// Reads the model, judges its values, writes it. `label` is shown beside the progress. Errors: E0231; those of
/// read_quantized, check_model and write_quantized.
Expected<Exit> export_file(const ExportFlags& flags, const char* label);

}  // namespace hallmark::cli
