#include "state.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error_numbers.hpp"
#include "io/safetensors.hpp"

namespace hallmark::trainer {

namespace {

const std::string generation_key = "hallmark.trainer.state", generation = "1";

template <class Number>
bool read(const Metadata& metadata, const std::string& key, Number& value) {
  const auto entry = metadata.find(key);
  if (entry == metadata.end()) return false;
  const std::string& text = entry->second;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc() && end == text.data() + text.size();
}

// Copies the file's tensors into those at hand: the same names and shapes. A fault, or nothing.
std::string take(const SafeTensors& file, Parameters& tensors) {
  for (auto& [name, tensor] : tensors) {
    const TensorInfo* found = file.find(name);
    if (found == nullptr) return name + " is missing";
    const auto sizes = tensor.sizes();
    if (found->dtype != DType::F32 ||
        !std::equal(sizes.begin(), sizes.end(), found->shape.begin(), found->shape.end(),
                    [](std::int64_t a, std::uint64_t b) { return static_cast<std::uint64_t>(a) == b; }))
      return name + " has another shape or dtype";
    const auto values = widen_to_f32(*found);
    if (!values) return name + " cannot be read";
    torch::NoGradGuard no_gradient;
    tensor.copy_(torch::from_blob(const_cast<float*>(values->data()), sizes, torch::kFloat32));
  }
  return file.tensors().size() == tensors.size() ? "" : "it holds tensors that this training has not";
}

}  // namespace

Error foreign_state(const std::string& path, const std::string& reason) {
  return {Exit::infeasible, error_number::state_foreign, "the state is not one of this training", path + ": " + reason,
          "name another file with --state, or take this one away"};
}

Status write_state(const std::string& path, const Progress& progress, const Parameters& tensors,
                   const Metadata& training) {
  Metadata metadata = training;
  metadata[generation_key] = generation;
  metadata["step"] = std::to_string(progress.step);
  metadata["generator"] = std::to_string(progress.generator);
  metadata["snapshots"] = std::to_string(progress.snapshots);
  metadata["recent"] = fmt::format("{}", progress.recent);  // the shortest text that reads back as the same number
  metadata["hard"] = progress.hard;
  std::vector<TensorPlan> plan;
  for (const auto& [name, tensor] : tensors)
    plan.push_back({name, DType::F32, Shape(tensor.sizes().begin(), tensor.sizes().end())});
  auto writer = SafeTensorsWriter::create(path, true, std::move(plan), std::move(metadata));
  if (!writer) return writer.error();
  for (const auto& [name, tensor] : tensors) {
    const auto values = tensor.detach().to(torch::kCPU, torch::kFloat32).contiguous();
    const std::span numbers(values.data_ptr<float>(), static_cast<std::size_t>(values.numel()));
    if (auto written = writer->write(name, std::span<const float>(numbers)); !written) return written;
  }
  return writer->commit();
}

Expected<std::optional<Progress>> read_state(const std::string& path, Parameters tensors, const Metadata& training) {
  if (!std::filesystem::exists(path)) return std::optional<Progress>();
  const auto file = SafeTensors::open(path);
  if (!file) return file.error();
  const Metadata& metadata = file->metadata();
  const auto found = metadata.find(generation_key);
  if (found == metadata.end()) return foreign_state(path, "it holds no state of a training");
  if (found->second != generation)
    return foreign_state(path, "generation " + found->second + ", this program has " + generation);
  for (const auto& [key, value] : training) {
    const auto entry = metadata.find(key);
    if (entry == metadata.end() || entry->second != value)
      return foreign_state(path,
                           key + " was " + (entry == metadata.end() ? "not said" : entry->second) + ", is " + value);
  }
  Progress progress;
  if (!read(metadata, "step", progress.step) || !read(metadata, "generator", progress.generator) ||
      !read(metadata, "snapshots", progress.snapshots) || !read(metadata, "recent", progress.recent))
    return foreign_state(path, "an entry of its metadata is missing or malformed");
  if (const auto kept = metadata.find("hard"); kept != metadata.end()) progress.hard = kept->second;
  if (const auto fault = take(*file, tensors); !fault.empty()) return foreign_state(path, fault);
  return std::optional(progress);
}

}  // namespace hallmark::trainer
