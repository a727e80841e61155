#include "artifact/sealed.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error_numbers.hpp"
#include "artifact/quantized_file.hpp"
#include "artifact/quantized_metadata.hpp"
#include "io/sha256.hpp"
#include "io/utf8.hpp"

namespace hallmark::detail {

namespace {

Error malformed(int number, std::string what, std::string where) {
  return {Exit::input, number, std::move(what), std::move(where), "quantize the weights again"};
}

}  // namespace

// Compares the tensors with those that the metadata promises, both sorted by name.
Status check_tensors(const SafeTensors& file, std::vector<TensorPlan> plan) {
  const std::string& path = file.paths().front();
  std::ranges::sort(plan, {}, &TensorPlan::name);
  for (std::size_t i = 0; i + 1 < plan.size(); ++i)
    if (plan[i].name == plan[i + 1].name)
      return malformed(error_number::quantized_tensors, "the tensor map needs one name twice",
                       fmt::format("{}: '{}'", path, printable(plan[i].name)));
  for (const TensorPlan& wanted : plan) {
    const TensorInfo* const tensor = file.find(wanted.name);
    if (tensor == nullptr)
      return Error{Exit::input, error_number::quantized_tensors, "a tensor of the tensor map is missing",
                   fmt::format("{}: '{}'", path, printable(wanted.name)),
                   "the index, where this is one of its shards, or quantize the weights again"};
    if (tensor->dtype != wanted.dtype || tensor->shape != wanted.shape)
      return malformed(error_number::quantized_shape, "a tensor has another dtype or shape than the metadata says",
                       fmt::format("{}: tensor '{}': {} of shape {}, by the metadata {} of shape {}", path, wanted.name,
                                   dtype_name(tensor->dtype), shape_text(tensor->shape), dtype_name(wanted.dtype),
                                   shape_text(wanted.shape)));
  }
  // Names are unique on both sides, so a surplus shows in the number.
  if (file.tensors().size() == plan.size()) return ok();
  for (const TensorInfo& tensor : file.tensors())
    if (!std::ranges::binary_search(plan, tensor.name, {}, &TensorPlan::name))
      return malformed(error_number::quantized_tensors, "a tensor that the tensor map does not know",
                       fmt::format("{}: '{}'", path, tensor.name));
  return ok();
}

Status check_sealed(const SafeTensors& file, int version) {
  for (const std::string_view key : {payload_key, metadata_key})
    if (!file.metadata().contains(std::string(key)) && (key == payload_key || version >= 2))
      return malformed(error_number::quantized_metadata, "not a quantized file of Hallmark's, or an incomplete one",
                       fmt::format("{}: no metadata entry '{}'", file.paths().front(), key));
  return ok();
}

Status check_digests(const SafeTensors& file) {
  const auto differs = [&](const char* what, const char* name, const std::string& computed, const std::string& stored) {
    return Error{
        Exit::mismatch, error_number::payload_digest, fmt::format("the {} are not those that were written", what),
        fmt::format("{}: {} digest {}, the metadata say {}", file.paths().front(), name, computed, printable(stored)),
        "get the file again, or quantize the weights again"};
  };
  const std::string& stored = file.metadata().at(std::string(payload_key));
  if (const std::string computed = payload_digest(file); computed != stored)
    return differs("tensors", "payload", computed, stored);
  const auto of_metadata = file.metadata().find(std::string(metadata_key));  // schema 1 has none
  if (of_metadata == file.metadata().end()) return ok();
  const std::string computed = metadata_digest(file.metadata());
  return computed == of_metadata->second ? ok()
                                         : Status(differs("metadata", "metadata", computed, of_metadata->second));
}

Expected<SealedWriter> SealedWriter::create(const std::string& path, bool overwrite, std::vector<TensorPlan> plan,
                                            std::map<std::string, std::string> metadata) {
  for (const std::string_view key : {payload_key, metadata_key})
    metadata[std::string(key)] = std::string(64, '0');  // entered by seal()
  Expected<SafeTensorsWriter> writer = SafeTensorsWriter::create(path, overwrite, std::move(plan), std::move(metadata));
  if (!writer) return writer.error();
  return SealedWriter(*std::move(writer));
}

Status SealedWriter::write(const std::string& name, std::span<const std::byte> bytes) {
  if (Status written = writer_.write(name, bytes); !written) return written;
  digests_[name] = sha256_hex(bytes);
  return ok();
}

Status SealedWriter::write_in_pieces(const std::string& name, const std::function<Status(const ByteSink&)>& from) {
  Sha256 digest;
  const Status written = from([&](std::span<const std::byte> piece) {
    digest.update(piece);
    return writer_.write(name, piece);
  });
  if (written) digests_[name] = digest.hex();
  return written;
}

std::string SealedWriter::digest(const std::string& name) const {
  const auto found = digests_.find(name);
  return found == digests_.end() ? "" : found->second;
}

Expected<std::string> SealedWriter::seal() {
  std::vector<TensorPlan> plan = writer_.plan();
  if (digests_.size() != plan.size())  // the writer below would not miss a tensor of no bytes
    return Error{Exit::internal, error_number::writer_misuse, "tensors written otherwise than planned",
                 fmt::format("{} of {} tensors were written", digests_.size(), plan.size()), "report this"};
  std::ranges::sort(plan, {}, &TensorPlan::name);
  Sha256 payload;
  for (const TensorPlan& tensor : plan)
    payload.update(payload_line(tensor.name, tensor.dtype, tensor.shape, digests_[tensor.name]));
  if (Status entered = writer_.replace_metadata(std::string(payload_key), payload.hex()); !entered)
    return entered.error();
  const std::string all = metadata_digest(writer_.metadata());
  if (Status entered = writer_.replace_metadata(std::string(metadata_key), all); !entered) return entered.error();
  if (Status complete = writer_.check_complete(); !complete) return complete.error();
  return payload.hex();
}

Status SealedWriter::commit() {
  const Expected<std::string> sealed = seal();
  return sealed ? writer_.commit() : Status(sealed.error());
}

}  // namespace hallmark::detail
