// hallmark inspect: what a safetensors file holds, quantized containers and calibration files included.
#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "artifact/quantized_file.hpp"
#include "method/options_json.hpp"

namespace hallmark::cli {
namespace {

using Json = nlohmann::ordered_json;

bool is_quantized(const SafeTensors& file) { return file.metadata().contains("hallmark.schema"); }

Json describe(const SafeTensors& file) {
  Json out;
  Json files = Json::array();
  for (const std::string& path : file.paths()) files.push_back(escaped(path));
  out["files"] = std::move(files);
  out["sha256"] = file.digest();
  out["payload_sha256"] = payload_digest(file);
  out["metadata"] = file.metadata();
  Json tensors = Json::array();
  std::uint64_t bytes = 0;
  for (const TensorInfo& tensor : file.tensors()) {
    tensors.push_back({{"name", tensor.name},
                       {"dtype", dtype_name(tensor.dtype)},
                       {"shape", tensor.shape},
                       {"bytes", tensor.data.size()}});
    bytes += tensor.data.size();
  }
  out["tensors"] = std::move(tensors);
  out["tensor_bytes"] = bytes;
  return out;
}

void print_text(const Json& description) {
  for (const auto& path : description["files"]) print("{}\n", path.get<std::string>());
  print("  sha256 {}\n  payload {}\n", description["sha256"].get<std::string>(),
        description["payload_sha256"].get<std::string>());
  for (const auto& [key, value] : description["metadata"].items()) {
    const std::string text = value.get<std::string>();
    print("  {} = {}\n", printable(key), printable(text));
  }
  std::size_t width = 4;
  for (const Json& tensor : description["tensors"]) width = std::max(width, tensor["name"].get<std::string>().size());
  for (const Json& tensor : description["tensors"])
    print("  {:{}}  {:4} {:>14}  {:>12} bytes\n", tensor["name"].get<std::string>(), width,
          tensor["dtype"].get<std::string>(), tensor["shape"].dump(), tensor["bytes"].get<std::uint64_t>());
  const auto bytes = description["tensor_bytes"].get<std::uint64_t>();
  print("  {} tensors, {} bytes ({:.3f} MB)\n", description["tensors"].size(), bytes, static_cast<double>(bytes) / 1e6);
  if (!description.contains("matrices")) return;
  for (const Json& matrix : description["matrices"])
    print("  {:{}}  {:>7} x {:<7} {} {} {}{}\n", matrix["name"].get<std::string>(), width,
          matrix["rows"].get<std::uint64_t>(), matrix["cols"].get<std::uint64_t>(),
          matrix["options"]["grid"].get<std::string>(), matrix["options"]["method"].get<std::string>(),
          matrix["options"]["scale_rule"].get<std::string>(), matrix["transposed"].get<bool>() ? " transposed" : "");
  print("  quantized: {} matrices in {} tensors, of {}; bits per quantized weight with steps: {:.3f}\n",
        description["matrices"].size(), description["quantized_tensors"].get<std::size_t>(),
        description["original_tensors"].get<std::size_t>(), description["bits_per_weight"].get<double>());
}

/// The container's own account; opening it checks every code, scale and the payload digest.
Status add_container(const std::string& path, Json& out) {
  const Expected<QuantizedFile> file = QuantizedFile::open(path);
  if (!file) return file.error();
  double weights = 0, bits = 0;
  Json matrices = Json::array();
  for (const QuantizedMatrix& matrix : file->header().matrices) {
    const auto count = static_cast<double>(matrix.rows) * static_cast<double>(matrix.cols);
    const auto bits_of = [&](const char* part) {
      const TensorInfo* const tensor = file->file().find(matrix.name + part);
      return tensor ? 8.0 * static_cast<double>(tensor->data.size()) : 0.0;
    };
    weights += count;
    bits += count * matrix.options.grid.spec().bits + bits_of(".scale") + bits_of(".zero_point");
    matrices.push_back({{"name", matrix.name},
                        {"tensor", matrix.tensor},
                        {"rows", matrix.rows},
                        {"cols", matrix.cols},
                        {"transposed", matrix.transposed},
                        {"options", options_json(matrix.options)}});
  }
  out["matrices"] = std::move(matrices);
  out["quantized_tensors"] = std::ranges::count_if(
      file->header().tensors, [&](const OriginalTensor& t) { return is_quantized(file->header(), t.name); });
  out["original_tensors"] = file->header().tensors.size();
  out["bits_per_weight"] = weights > 0 ? bits / weights : 0.0;
  return ok();
}

}  // namespace

Command inspect_command(CLI::App& root) {
  CLI::App* app = root.add_subcommand("inspect", "List tensors, metadata and digests of a safetensors file");
  auto path = std::make_shared<std::string>();
  auto as_json = std::make_shared<bool>(false);
  app->add_option("file", *path, "File, or model.safetensors.index.json")->required();
  app->add_flag("--json", *as_json, "One JSON object");
  return {app, [path, as_json]() -> Expected<Exit> {
            const Expected<SafeTensors> file = SafeTensors::open(*path);
            if (!file) return file.error();
            Json description = describe(*file);
            if (is_quantized(*file))
              if (const Status checked = add_container(*path, description); !checked) return checked.error();
            if (*as_json) print("{}\n", description.dump());
            else print_text(description);
            return Exit::ok;
          }};
}

}  // namespace hallmark::cli
