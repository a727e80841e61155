// hallmark inspect: what a safetensors file holds, quantized containers and calibration files included.
#include <algorithm>
#include <cmath>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error_numbers.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "artifact/file_format.hpp"
#include "artifact/formats/parameter_golf_published.hpp"
#include "artifact/matrix_bits.hpp"
#include "artifact/quantized_file.hpp"
#include "certify/certificate.hpp"
#include "method/options_json.hpp"
#include "replay/pieces.hpp"
#include "replay/token_shard.hpp"

namespace hallmark::cli {
namespace {

using Json = nlohmann::ordered_json;

Json describe(const std::vector<std::string>& paths) {
  Json files = Json::array();
  for (const std::string& path : paths) files.push_back(escaped(path));
  return {{"files", std::move(files)}};
}

void add_tensors(const SafeTensors& file, Json& out) {
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
}

// The model's own account, after every code, step and the digest of the whole were judged.
// `file`: the one that holds it, where that is a safetensors file.
Status add_model(const QuantizedModel& model, const SafeTensors* file, Json& out) {
  if (const Status whole = model.check_whole(); !whole) return whole;
  double weights = 0, bits = 0, entropy = 0;
  Json matrices = Json::array();
  for (const QuantizedMatrix& matrix : model.header().matrices) {
    const Expected<Matrix<Code>> codes = model.codes(matrix);
    if (!codes) return codes.error();
    const Expected<Steps> steps = model.steps(matrix);
    if (!steps) return steps.error();
    if (const Status sound = check_values(model, matrix, *codes, *steps); !sound) return sound;
    const MatrixBits taken = bits_of(matrix);
    const double of_code = entropy_of(*codes), count = static_cast<double>(codes->size());
    weights += count;
    entropy += of_code * count;
    bits += taken.codes + taken.steps;
    matrices.push_back({{"name", matrix.name},
                        {"tensor", matrix.tensor},
                        {"rows", matrix.rows},
                        {"cols", matrix.cols},
                        {"transposed", matrix.transposed},
                        {"entropy", of_code},
                        {"options", options_json(matrix.options)}});
  }
  out["matrices"] = std::move(matrices);
  const QuantizedHeader& header = model.header();
  const auto by_tensor = matrices_by_tensor(header);
  out["quantized_tensors"] =
      by_tensor.size() - static_cast<std::size_t>(
                             std::ranges::count_if(by_tensor, [](const auto& of_tensor) { return of_tensor.empty(); }));
  out["original_tensors"] = header.tensors.size();
  out["bits_per_weight"] = weights > 0 ? bits / weights : 0.0;
  out["entropy"] = weights > 0 ? entropy / weights : 0.0;
  if (!file) return ok();
  double stored = 0;  // codes, scales and zero points take what the file gives them, whatever the grid needs
  for (const TensorInfo& tensor : file->tensors()) stored += 8 * static_cast<double>(tensor.data.size());
  for (std::size_t i = 0; i < by_tensor.size(); ++i)
    if (by_tensor[i].empty()) stored -= 8 * static_cast<double>(file->find(header.tensors[i].name)->data.size());
  out["stored_bits_per_weight"] = weights > 0 ? stored / weights : 0.0;
  return ok();
}

std::size_t widest_name(const Json& list) {
  std::size_t width = 4;
  for (const Json& item : list) width = std::max(width, item["name"].get<std::string>().size());
  return width;
}

void print_tensors(const Json& description) {
  print("  sha256 {}\n  payload {}\n", description["sha256"].get<std::string>(),
        description["payload_sha256"].get<std::string>());
  for (const auto& [key, value] : description["metadata"].items()) {
    const std::string text = value.get<std::string>();
    print("  {} = {}\n", printable(key), printable(text));
  }
  const std::size_t width = widest_name(description["tensors"]);
  for (const Json& tensor : description["tensors"])
    print("  {:{}}  {:4} {:>14}  {:>12} bytes\n", tensor["name"].get<std::string>(), width,
          tensor["dtype"].get<std::string>(), tensor["shape"].dump(), tensor["bytes"].get<std::uint64_t>());
  const auto bytes = description["tensor_bytes"].get<std::uint64_t>();
  print("  {} tensors, {} bytes ({:.3f} MB)\n", description["tensors"].size(), bytes, static_cast<double>(bytes) / 1e6);
}

void print_matrices(const Json& description) {
  const std::size_t width = widest_name(description["matrices"]);
  for (const Json& matrix : description["matrices"])
    print(
        "  {:{}}  {:>7} x {:<7} {} {} {}{}{}{}, {:.3f} bits of entropy a code\n", matrix["name"].get<std::string>(),
        width, matrix["rows"].get<std::uint64_t>(), matrix["cols"].get<std::uint64_t>(),
        matrix["options"]["grid"].get<std::string>(), matrix["options"]["method"].get<std::string>(),
        matrix["options"]["scale_rule"].get<std::string>(),
        matrix["options"].contains("rotation") ? " " + matrix["options"]["rotation"].get<std::string>() : "",
        matrix["options"].contains("low_rank") ? fmt::format(" rank {}", matrix["options"]["low_rank"].get<int>()) : "",
        matrix["transposed"].get<bool>() ? " transposed" : "", matrix["entropy"].get<double>());
  print(
      "  quantized: {} matrices in {} tensors, of {}; bits per quantized weight with steps: {:.3f} by the grids{}; "
      "entropy of codes {:.3f} bits\n",
      description["matrices"].size(), description["quantized_tensors"].get<std::size_t>(),
      description["original_tensors"].get<std::size_t>(), description["bits_per_weight"].get<double>(),
      description.contains("stored_bits_per_weight")
          ? fmt::format(", {:.3f} in this file", description["stored_bits_per_weight"].get<double>())
          : "",
      description["entropy"].get<double>());
}

// What a certificate says; whether it is true of any file is for verify.
Expected<Json> described_certificate(const std::string& path) {
  Expected<CertificateReader> certificate = CertificateReader::open(path);
  if (!certificate) return certificate.error();
  const CertificateHeader& header = certificate->header();
  Json out = describe({path}), matrices = Json::array();
  out["certificate"] = header.version;
  out["tool"] = escaped(header.tool);
  out["weights_sha256"] = header.weights_sha256;
  out["calibration_sha256"] = header.calibration_sha256;
  while (true) {
    const Expected<std::optional<CertifiedTensor>> next = certificate->next();
    if (!next) return next.error();
    if (!*next) break;
    const CertifiedTensor& tensor = **next;
    double loss = 0, rtn = 0;
    for (const CertifiedRow& row : tensor.values) loss += row.final.enclosure.hi, rtn += row.rtn.enclosure.hi;
    Json matrix = {{"name", escaped(tensor.name)},
                   {"rows", tensor.rows},
                   {"cols", tensor.cols},
                   {"options", options_json(tensor.options)},
                   {"calibration", tensor.calibration},
                   {"tokens", tensor.tokens},
                   {"guard_rows", tensor.guard_rows},
                   {"clipped", tensor.clipped},
                   {"dead_columns", tensor.dead_columns}};
    if (!tensor.values.empty()) matrix["loss"] = loss, matrix["loss_rtn"] = rtn;
    if (const MeanOptimality mean = mean_optimality(tensor.values); mean.rows > 0)
      matrix["loss_over_optimality"] = mean.ratio(), matrix["optimality_rows"] = mean.rows;
    if (const OneOptRows rows = one_opt_rows(tensor.values); rows.rows > 0)
      matrix["one_opt_rows"] = rows.held, matrix["one_opt_judged"] = rows.rows;
    matrices.push_back(std::move(matrix));
  }
  out["matrices"] = std::move(matrices);
  return out;
}

// What a certificate says of optimality and of changes of one code, where it was asked to.
std::string on_request(const Json& matrix) {
  std::string text;
  if (matrix.contains("optimality_rows"))
    text += fmt::format(", loss/optimality {:.2f} in the mean of {} rows", matrix["loss_over_optimality"].get<double>(),
                        matrix["optimality_rows"].get<std::uint64_t>());
  if (matrix.contains("one_opt_judged"))
    text += fmt::format(", no change of one code lowers the loss of {} of {} rows",
                        matrix["one_opt_rows"].get<std::uint64_t>(), matrix["one_opt_judged"].get<std::uint64_t>());
  return text;
}

void print_certificate(const Json& description) {
  print("  certificate {} by {}\n  weights {}\n", description["certificate"].get<int>(),
        description["tool"].get<std::string>(), description["weights_sha256"].get<std::string>());
  if (const auto calibration = description["calibration_sha256"].get<std::string>(); !calibration.empty())
    print("  calibration {}\n", calibration);
  const std::size_t width = widest_name(description["matrices"]);
  for (const Json& matrix : description["matrices"])
    print("  {:{}}  {:>7} x {:<7} {} {} loss {}, guard kept RTN in {} rows, {} codes clipped{}\n",
          matrix["name"].get<std::string>(), width, matrix["rows"].get<std::uint64_t>(),
          matrix["cols"].get<std::uint64_t>(), matrix["options"]["grid"].get<std::string>(),
          matrix["options"]["method"].get<std::string>(),
          matrix.contains("loss")
              ? fmt::format("{:.6g} (RTN {:.6g})", matrix["loss"].get<double>(), matrix["loss_rtn"].get<double>())
              : "not computed",
          matrix["guard_rows"].get<std::uint64_t>(), matrix["clipped"].get<std::uint64_t>(), on_request(matrix));
  print("  {} matrices; hallmark verify judges whether this is true of a file\n", description["matrices"].size());
}

// An artifact of parameter-golf that has no certificate: what import would make of it.
Json described_artifact(const golf::PublishedFile& file) {
  Json out = describe({file.path()}), tensors = Json::array();
  out["layout"] = file.layout();
  out["frame"] = file.frame();
  out["shuffled"] = file.shuffled();
  for (const golf::Published& tensor : file.tensors()) {
    Json entry = {{"name", escaped(tensor.stored.name)},
                  {"dtype", dtype_name(tensor.dtype)},
                  {"shape", tensor.stored.shape},
                  {"stored", dtype_name(tensor.stored.dtype)}};
    if (tensor.scale) entry["scales"] = tensor.scale->shape, entry["scale_dtype"] = dtype_name(tensor.scale->dtype);
    tensors.push_back(std::move(entry));
  }
  out["tensors"] = std::move(tensors);
  return out;
}

void print_artifact(const Json& description) {
  print("  artifact of parameter-golf: {} in {}{}, without certificate or container; hallmark import reads it\n",
        description["layout"].get<std::string>(), description["frame"].get<std::string>(),
        description["shuffled"].get<bool>() ? " over a byte shuffle" : "");
  const std::size_t width = widest_name(description["tensors"]);
  for (const Json& tensor : description["tensors"])
    print("  {:{}}  {:4} {:>14}  {}{}\n", tensor["name"].get<std::string>(), width, tensor["dtype"].get<std::string>(),
          tensor["shape"].dump(), tensor["stored"].get<std::string>(),
          tensor.contains("scales")
              ? fmt::format(" codes, {} scales {}", tensor["scale_dtype"].get<std::string>(), tensor["scales"].dump())
              : "");
  print("  {} tensors\n", description["tensors"].size());
}

bool is_shard(const std::string& path) {
  const Expected<MappedFile> file = MappedFile::open(path);
  return file && TokenShard::is_one(file->bytes());
}

// A token shard; `pieces`: the model file of its tokenizer, or empty.
Expected<Json> described_shard(const std::string& path, const std::string& pieces) {
  const Expected<TokenShard> shard = TokenShard::open(path);
  if (!shard) return shard.error();
  Json out = describe({path});
  out["tokens"] = shard->tokens().size();
  if (pieces.empty()) return out;
  const Expected<PieceBytes> known = read_pieces(pieces);
  if (!known) return known.error();
  const Expected<std::uint64_t> bytes = predicted_bytes(shard->tokens(), *known);
  if (!bytes) return bytes.error();
  out["predicted_bytes"] = *bytes;
  return out;
}

void print_shard(const Json& description) {
  const auto tokens = description["tokens"].get<std::uint64_t>();
  print("  a shard of {} tokens\n", tokens);
  if (!description.contains("predicted_bytes")) return;
  const auto bytes = description["predicted_bytes"].get<std::uint64_t>();
  print("  {} of them are predicted, which are {} bytes of text{}\n", tokens > 0 ? tokens - 1 : 0, bytes,
        bytes > 0 ? fmt::format(": x nats a token are {:.6f} x bits a byte",
                                static_cast<double>(tokens - 1) / static_cast<double>(bytes) / std::log(2.0))
                  : "");
}

// A safetensors file has tensors; a quantized model, in whatever file, has matrices.
Expected<Json> described(const std::string& path, const std::string& pieces) {
  if (path.ends_with(".certificate.json")) return described_certificate(path);
  if (is_shard(path)) return described_shard(path, pieces);
  if (!pieces.empty())
    return Error{Exit::usage, error_number::command_line, "--pieces goes with a token shard", path, "leave it out"};
  const Expected<SafeTensors> file = SafeTensors::open(path);
  Json out = describe(file ? file->paths() : std::vector{path});
  if (file) add_tensors(*file, out);
  if (file && !file->metadata().contains("hallmark.schema")) return out;
  const Expected<std::unique_ptr<QuantizedModel>> model = read_quantized(path);
  if (!model && !file) {
    const auto artifact = golf::PublishedFile::open(path);
    if (artifact && *artifact) return described_artifact(**artifact);
    if (!artifact && model.error().number == error_number::quantized_metadata) return artifact.error();
  }
  if (!model) return model.error();
  if (const Status sound = add_model(**model, file ? &*file : nullptr, out); !sound) return sound.error();
  return out;
}

}  // namespace

Command inspect_command(CLI::App& root) {
  CLI::App* app = root.add_subcommand(
      "inspect",
      "List tensors, metadata and digests of a safetensors file, a quantized model of any format, or a certificate");
  auto path = std::make_shared<std::string>();
  auto pieces = std::make_shared<std::string>();
  auto as_json = std::make_shared<bool>(false);
  app->add_option("file", *path, "File, model.safetensors.index.json, a folder with one of both, or a certificate")
      ->required();
  app->add_option("--pieces", *pieces, "Of a token shard: the tokenizer's model of sentencepiece, for bytes of text");
  app->add_flag("--json", *as_json, "One JSON object");
  return {app, [path, pieces, as_json]() -> Expected<Exit> {
            const Expected<Json> description = described(*path, *pieces);
            if (!description) return description.error();
            if (*as_json) {
              print("{}\n", description->dump());
              return Exit::ok;
            }
            for (const auto& file : (*description)["files"]) print("{}\n", file.get<std::string>());
            if (description->contains("tokens")) print_shard(*description);
            if (description->contains("layout")) print_artifact(*description);
            else if (description->contains("tensors")) print_tensors(*description);
            if (description->contains("certificate")) print_certificate(*description);
            else if (description->contains("matrices")) print_matrices(*description);
            return Exit::ok;
          }};
}

}  // namespace hallmark::cli
