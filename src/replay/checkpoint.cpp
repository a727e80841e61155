// The checkpoint file: what load_model and write_model of model.hpp read and write.
#include <array>
#include <cstring>

#include "base/error_numbers.hpp"
#include "io/safetensors.hpp"
#include "io/sha256.hpp"
#include "replay/model.hpp"
#include "replay/published.hpp"

namespace hallmark {

std::string weights_digest(const Weights& weights) {
  Sha256 digest;
  for (const auto& [name, weight] : weights) {
    const std::array<std::uint64_t, 2> sizes{static_cast<std::uint64_t>(weight.values.rows()),
                                             static_cast<std::uint64_t>(weight.values.cols())};
    digest.update(name).update(std::string_view("\0", 1)).update(std::as_bytes(std::span(sizes)));
    digest.update(std::as_bytes(std::span(weight.values.data(), static_cast<std::size_t>(weight.values.size()))));
  }
  return digest.hex();
}

Expected<Weights> read_weights(const SafeTensors& file, const ModelConfig& config, const std::string& path) {
  Weights weights;
  for (const TensorInfo& tensor : file.tensors()) {
    const auto parts = published_parts(tensor.name, tensor.shape, config);
    if (parts.empty())
      return Error{Exit::input, error_number::model_tensors, "the tensors are not those of the model's configuration",
                   path + ": " + tensor.name + " is " + shape_text(tensor.shape),
                   "a model has vectors and matrices, or the published banks of matrices"};
    const auto values = widen_to_f32(tensor);
    if (!values) return values.error();
    const float* from = values->data();
    for (const TensorPart& part : parts) {
      weights[part.name] = {Eigen::Map<const Matrix<float>>(from, part.rows, part.cols), part.rank};
      from += part.rows * part.cols;
    }
  }
  return weights;
}

Expected<Model> load_model(const std::string& path, Reads reads) {
  const auto file = SafeTensors::open(path);
  if (!file) return file.error();
  const Metadata& metadata = file->metadata();
  const auto config_text = metadata.find("hallmark.config");
  const auto config = parse_config(config_text == metadata.end() ? "" : config_text->second, path, reads);
  if (!config) return config.error();
  auto read = read_weights(*file, *config, path);
  if (!read) return read.error();
  Weights weights = std::move(*read);
  const auto recorded = metadata.find(weights_digest_key);
  if (recorded != metadata.end()) {
    const auto digest = weights_digest(weights);
    if (recorded->second != digest)
      return Error{
          Exit::mismatch, error_number::payload_digest, "the checkpoint's tensors are not those that were written",
          path + ": digest " + digest + ", recorded " + recorded->second, "fetch or train the checkpoint again"};
  }
  return Model::create(*config, std::move(weights), metadata, path);
}

Status write_model(const std::string& path, bool overwrite, const ModelConfig& config, const Weights& weights,
                   Metadata metadata) {
  metadata["hallmark.config"] = config_json(config);
  metadata[weights_digest_key] = weights_digest(weights);
  std::vector<TensorPlan> plan;
  for (const auto& [name, weight] : weights) {
    Shape shape{static_cast<std::uint64_t>(weight.values.cols())};
    if (weight.rank == 2) shape.insert(shape.begin(), static_cast<std::uint64_t>(weight.values.rows()));
    plan.push_back({name, DType::F32, shape});
  }
  auto writer = SafeTensorsWriter::create(path, overwrite, std::move(plan), std::move(metadata));
  if (!writer) return writer.error();
  for (const auto& [name, weight] : weights) {
    const std::span values(weight.values.data(), static_cast<std::size_t>(weight.values.size()));
    if (auto written = writer->write(name, values); !written) return written;
  }
  return writer->commit();
}

}  // namespace hallmark
