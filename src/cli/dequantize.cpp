// hallmark dequantize: s g for every code, in a file with the names, shapes and order of W; a short name of two
// exports.
#include <memory>

#include "cli/command.hpp"
#include "cli/export.hpp"

namespace hallmark::cli {

Command dequantize_command(CLI::App& root) {
  CLI::App* app =
      root.add_subcommand("dequantize", "Write scale times grid point for every code, with W's names and order");
  auto flags = std::make_shared<ExportFlags>();
  auto dtype = std::make_shared<std::string>("f32");
  app->add_option("input", flags->input, "Quantized file")->required();
  app->add_option("-o,--output", flags->output, "safetensors file to write")->required();
  app->add_option("--dtype", *dtype, "f32, or f64 where given scales make products inexact in binary32")
      ->check(CLI::IsMember({"f32", "f64"}))
      ->capture_default_str();
  app->add_flag("--overwrite", flags->overwrite, "Replace an existing output");
  return {app, [flags, dtype] {
            flags->format = "safetensors-" + *dtype;
            return export_file(*flags, "dequantize");
          }};
}

}  // namespace hallmark::cli
