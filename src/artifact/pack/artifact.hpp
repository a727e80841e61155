// The packed artifact: one file that holds a container of one file, byte for byte, tensor by tensor. Layout:
// docs/artifacts.md.
#pragma once

#include <functional>
#include <string>

#include "artifact/pack/packed_tensor.hpp"
#include "artifact/quantized_file.hpp"
#include "io/safetensors_layout.hpp"

namespace hallmark::pack {

/// A container has at most 2^24 bytes and 2^12 for each byte of its artifact: a writer refuses to write what a reader
/// would take for a trap. Nothing is allocated for a container that has more.
inline constexpr std::uint64_t free_bytes = std::uint64_t{1} << 24, largest_ratio = std::uint64_t{1} << 12;

/// The container's head, its length included, and what stands for each of its tensors in their order.
struct Contents {
  Bytes head;
  std::vector<PackedTensor> tensors;
};

/// An artifact in memory whose digest and directory are sound; its data are views into the bytes that were parsed.
struct Parsed {
  struct Tensor {
    const Compressor* compressor;
    Form form;
    std::span<const std::byte> data;
  };
  Bytes head;
  SafeTensorsLayout layout;
  std::vector<Tensor> tensors;  ///< one for each of the layout
};

/// Called with tensors that are done, of how many, and a name.
using Progress = std::function<void(double done, double total, const std::string& tensor)>;

/// What stands for each tensor of the container, in its order, each by a thread of its own; without a compressor for
/// those that are not wanted. Errors: E0102.
Expected<std::vector<PackedTensor>> pack_tensors(const QuantizedFile& container,
                                                 const std::function<bool(const std::string& tensor)>& wanted,
                                                 const Progress& progress);

/// The artifact of the container at `path`, whose codes, steps and digest are judged first. Errors: those of
/// QuantizedFile::open; E0440 a container of several files; E0102, E0902.
Expected<Contents> pack_container(const std::string& path, const Progress& progress);

/// The bytes of the artifact. Errors: E0414 the container has more bytes than its artifact may stand for.
Expected<Bytes> artifact_bytes(const Contents& contents);

/// Checks all of an artifact but the data of its tensors. `path` is for messages. Errors: E0346, E0710; those of
/// parse_layout.
Expected<Parsed> parse_artifact(std::span<const std::byte> file, const std::string& path);

/// The bytes of tensor i of the layout. Errors: E0347.
Expected<Bytes> tensor_of(const Parsed& artifact, std::size_t i, const std::string& path);

}  // namespace hallmark::pack
