// hallmark dequantize: s g for every code, in a file with the names, shapes and order of W.
#include <memory>

#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "scale/scale.hpp"
#include "artifact/quantized_file.hpp"
#include "method/rtn.hpp"
#include "replay/model.hpp"

namespace hallmark::cli {
namespace {

struct DequantizeFlags {
  std::string input, output, dtype = "f32";
  bool overwrite = false;
};

/// Refuses binary32 where some s g is not exact in it: the file must hold the certified numbers themselves.
Status check_exact(const QuantizedFile& file, const std::string& name, const std::vector<float>& scales) {
  for (std::size_t i = 0; i < scales.size(); ++i)
    if (!file.grid().exact_in_binary32(scales[i]))
      return Error{Exit::infeasible, 433, "a product of scale and code is not exact in binary32",
                   fmt::format("{}: scale {} of {} is {:a}", name, i, scales.size(), scales[i]), "--dtype f64"};
  return ok();
}

template <class T>
std::vector<T> products(const QuantizedFile& file, const OriginalTensor& tensor, const std::vector<float>& scales) {
  const std::vector<Code> codes = file.codes(tensor.name);
  const std::uint64_t cols = tensor.shape[1], group = file.header().group_size;
  const std::uint64_t groups = group_count(cols, group);
  std::vector<T> values(codes.size());
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const std::uint64_t row = i / cols, column = i % cols;
    const float s = scales[row * groups + (group == 0 ? 0 : column / group)];
    values[i] = static_cast<T>(static_cast<double>(s) * file.grid().value(codes[i]));
  }
  return values;
}

Expected<Exit> run(const DequantizeFlags& flags) {
  const Expected<QuantizedFile> file = QuantizedFile::open(flags.input);
  if (!file) return file.error();
  if (const Status free = check_output(flags.output, flags.overwrite, file->file().paths()); !free) return free.error();
  const bool wide = flags.dtype == "f64";

  std::vector<TensorPlan> plan;
  for (const OriginalTensor& tensor : file->header().tensors)
    plan.push_back({tensor.name, tensor.quantized ? (wide ? DType::F64 : DType::F32) : tensor.dtype, tensor.shape});
  auto metadata = file->header().source_metadata;
  metadata.erase(weights_digest_key);  // a checkpoint's digest of its own values, which are no longer these
  Expected<SafeTensorsWriter> writer =
      SafeTensorsWriter::create(flags.output, flags.overwrite, plan, metadata, TensorOrder::given);
  if (!writer) return writer.error();

  Progress progress("dequantize");
  std::size_t done = 0, quantized = 0;
  for (const OriginalTensor& tensor : file->header().tensors) {
    progress.update(static_cast<double>(done++), static_cast<double>(plan.size()), tensor.name);
    Status written = ok();
    if (!tensor.quantized) {
      written = writer->write(tensor.name, file->unchanged(tensor.name).data);
    } else {
      ++quantized;
      const std::vector<float> scales = file->scales(tensor.name);
      if (wide) {
        written = writer->write(tensor.name, std::span<const double>(products<double>(*file, tensor, scales)));
      } else {
        if (const Status exact = check_exact(*file, tensor.name, scales); !exact) return exact.error();
        written = writer->write(tensor.name, std::span<const float>(products<float>(*file, tensor, scales)));
      }
    }
    if (!written) return written.error();
  }
  if (const Status whole = file->file().unchanged(); !whole) return whole.error();
  if (const Status written = writer->commit(); !written) return written.error();
  note("wrote {}: {} tensors, {} of them from {} codes", flags.output, plan.size(), quantized, file->grid().name());
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
