// hallmark dequantize: s g for every code, in a file with the names, shapes and order of W.
#include <memory>

#include <fmt/format.h>

#include "base/error_numbers.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "artifact/quantized_file.hpp"
#include "replay/model.hpp"

namespace hallmark::cli {
namespace {

struct DequantizeFlags {
  std::string input, output, dtype = "f32";
  bool overwrite = false;
};

/// Refuses binary32 where some s g is not exact in it: the file must hold the certified numbers themselves.
Status check_exact(const QuantizedMatrix& matrix, const Steps& steps) {
  for (Index i = 0; i < steps.scales.size(); ++i)
    if (const float s = steps.scales.data()[i]; !matrix.options.grid.exact_in_binary32(s))
      return Error{Exit::infeasible, error_number::product_not_exact,
                   "a product of scale and code is not exact in binary32",
                   fmt::format("{}: scale {} of {} is {:a}", matrix.name, i, steps.scales.size(), s), "--dtype f64"};
  return ok();
}

/// s value(code) as W holds it; a matrix that W holds transposed is turned again.
template <class T>
std::vector<T> products(const QuantizedFile& file, const QuantizedMatrix& matrix, const Steps& steps) {
  const std::vector<Code> codes = file.codes(matrix);
  const auto rows = static_cast<Index>(matrix.rows), cols = static_cast<Index>(matrix.cols);
  std::vector<T> values(codes.size());
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < cols; ++j) {
      const Step step = steps.at(i, j);
      const Code code = codes[static_cast<std::size_t>(i * cols + j)];
      values[static_cast<std::size_t>(matrix.transposed ? j * rows + i : i * cols + j)] =
          static_cast<T>(step.scale * matrix.options.grid.value(code, step.zero));
    }
  return values;
}

// The matrices of a tensor, one after the other.
Status write_products(const QuantizedFile& file, const std::string& tensor, bool wide, SafeTensorsWriter& writer) {
  for (const QuantizedMatrix& matrix : file.header().matrices) {
    if (matrix.tensor != tensor) continue;
    const Steps steps = file.steps(matrix);
    Status written = wide ? ok() : check_exact(matrix, steps);
    if (written && wide) written = writer.write(tensor, std::span<const double>(products<double>(file, matrix, steps)));
    if (written && !wide) written = writer.write(tensor, std::span<const float>(products<float>(file, matrix, steps)));
    if (!written) return written;
  }
  return ok();
}

Expected<Exit> run(const DequantizeFlags& flags) {
  const Expected<QuantizedFile> file = QuantizedFile::open(flags.input);
  if (!file) return file.error();
  if (const Status free = check_output(flags.output, flags.overwrite, file->file().paths()); !free) return free.error();
  const bool wide = flags.dtype == "f64";

  std::vector<TensorPlan> plan;
  for (const OriginalTensor& tensor : file->header().tensors)
    plan.push_back({tensor.name,
                    !is_quantized(file->header(), tensor.name) ? tensor.dtype
                    : wide                                     ? DType::F64
                                                               : DType::F32,
                    tensor.shape});
  auto metadata = file->header().source_metadata;
  metadata.erase(weights_digest_key);  // a checkpoint's digest of its own values, which are no longer these
  Expected<SafeTensorsWriter> writer =
      SafeTensorsWriter::create(flags.output, flags.overwrite, plan, metadata, TensorOrder::given);
  if (!writer) return writer.error();

  Progress progress("dequantize");
  std::size_t done = 0, quantized = 0;
  for (const OriginalTensor& tensor : file->header().tensors) {
    progress.update(static_cast<double>(done++), static_cast<double>(plan.size()), tensor.name);
    const bool made = is_quantized(file->header(), tensor.name);
    quantized += made;
    const Status written = made ? write_products(*file, tensor.name, wide, *writer)
                                : writer->write(tensor.name, file->unchanged(tensor.name).data);
    if (!written) return written.error();
  }
  if (const Status whole = file->file().unchanged(); !whole) return whole.error();
  if (const Status written = writer->commit(); !written) return written.error();
  note("wrote {}: {} tensors, {} of them from codes", flags.output, plan.size(), quantized);
  return Exit::ok;
}

}  // namespace

Command dequantize_command(CLI::App& root) {
  CLI::App* app =
      root.add_subcommand("dequantize", "Write scale times grid point for every code, with W's names and order");
  auto flags = std::make_shared<DequantizeFlags>();
  app->add_option("input", flags->input, "Quantized file")->required();
  app->add_option("-o,--output", flags->output, "safetensors file to write")->required();
  app->add_option("--dtype", flags->dtype, "f32, or f64 where given scales make products inexact in binary32")
      ->check(CLI::IsMember({"f32", "f64"}))
      ->capture_default_str();
  app->add_flag("--overwrite", flags->overwrite, "Replace an existing output");
  return {app, [flags] { return run(*flags); }};
}

}  // namespace hallmark::cli
