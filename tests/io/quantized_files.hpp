// Small quantized containers: made, and made again with one thing changed.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <functional>

#include "artifact/quantized_file.hpp"
#include "artifact/quantized_metadata.hpp"
#include "temporary_folder.hpp"

namespace hallmark::test {

inline const std::vector<float> bias{1.5F, -2.0F};
inline const std::vector<Code> codes{0x3E00, 0xBE00, 0x0001, 0x7DFF, 0x8000, 0x0000};  // [2, 3], words of GF16
inline const std::vector<float> scale{0.25F, 1.0F};

inline Options options_of(std::string_view grid) {
  Options options{Grid::parse(grid).value()};
  options.damp_fraction = 0.1;  // has no short binary form
  options.desc_act = true;
  return options;
}

inline QuantizedHeader header_of(const Options& options) {
  QuantizedHeader header;
  header.tool = "hallmark test";
  header.source_sha256 = std::string(64, 'a');
  // Neither by dtype nor by name: the order of W is its own.
  header.tensors = {{"z.weight", DType::BF16, {2, 3}}, {"a.bias", DType::F32, {2}}, {"none", DType::I64, {0, 4}}};
  header.matrices = {{"z.weight", "z.weight", std::nullopt, false, 2, 3, options}};
  header.source_metadata = {{"format", "pt"}, {"hallmark.config", R"({"d":"\"quoted\" é"})"}};
  return header;
}
inline QuantizedHeader header_of(std::string_view grid) { return header_of(options_of(grid)); }

template <class T>
Matrix<T> matrix_of(Index rows, Index cols, const std::vector<T>& values) {
  REQUIRE(rows * cols == static_cast<Index>(values.size()));
  return Eigen::Map<const Matrix<T>>(values.data(), rows, cols);
}

/// Scales [2, groups], and zero points where there are any.
inline Steps steps_of(const std::vector<float>& scales, const std::vector<std::int16_t>& zeros = {}) {
  const auto groups = static_cast<Index>(scales.size() / 2);
  Steps steps{matrix_of(2, groups, scales), {}, groups == 1 ? 0 : 2};
  if (!zeros.empty()) steps.zeros = matrix_of(2, groups, zeros);
  return steps;
}

inline std::vector<float> passed_through(const QuantizedModel& model, const std::string& tensor) {
  std::vector<float> values;
  REQUIRE(model.pass_through(tensor, [&](std::span<const std::byte> piece) {
    const auto first = values.size();
    values.resize(first + piece.size() / sizeof(float));
    std::memcpy(values.data() + first, piece.data(), piece.size());
    return ok();
  }));
  return values;
}

inline TensorInfo bias_tensor() { return {"a.bias", DType::F32, {2}, std::as_bytes(std::span(bias))}; }

inline Status write(const std::string& path, const QuantizedHeader& header, std::span<const Code> c, const Steps& s) {
  auto writer = QuantizedFileWriter::create(path, true, header);
  if (!writer) return writer.error();
  if (Status done = writer->write_unchanged({"none", DType::I64, {0, 4}, {}}); !done) return done;
  if (Status done = writer->write_unchanged(bias_tensor()); !done) return done;
  if (Status done = writer->write_quantized("z.weight", c, s); !done) return done;
  return writer->commit();
}
inline Status write(const std::string& path, const QuantizedHeader& header) {
  return write(path, header, codes, steps_of(scale));
}

inline int error_of(const std::string& path) {
  const auto opened = QuantizedFile::open(path);
  return opened ? 0 : opened.error().number;
}

/// Replaces the first occurrence of `from` by `to`, of the same length.
inline void patch(const std::string& path, std::string_view from, std::string_view to) {
  REQUIRE(from.size() == to.size());
  std::string bytes = test::read_file(path);
  const std::size_t at = bytes.find(from);
  REQUIRE(at != std::string::npos);
  test::write_file(path, bytes.replace(at, to.size(), to));
}

/// Rewrites a container with other metadata, tensors or bytes and, where asked, with the digest that then fits.
using Edit = std::function<void(std::map<std::string, std::string>&, std::vector<TensorPlan>&,
                                std::map<std::string, std::string>&)>;
inline void rewrite(const std::string& path, const Edit& edit) {
  std::map<std::string, std::string> metadata, data;
  std::vector<TensorPlan> plan;
  {
    const auto file = SafeTensors::open(path);
    REQUIRE(file);
    metadata = file->metadata();
    for (const TensorInfo& t : file->tensors()) {
      plan.push_back({t.name, t.dtype, t.shape});
      data[t.name] = std::string(reinterpret_cast<const char*>(t.data.data()), t.data.size());
    }
  }
  edit(metadata, plan, data);
  for (int pass = 0; pass < 2; ++pass) {  // the second with the digest of the first
    auto writer = SafeTensorsWriter::create(path, true, plan, metadata);
    REQUIRE(writer);
    for (const TensorPlan& t : plan) REQUIRE(writer->write(t.name, std::as_bytes(std::span(data[t.name]))));
    REQUIRE(writer->commit());
    const auto file = SafeTensors::open(path);
    REQUIRE(file);
    if (metadata.contains("hallmark.payload.sha256")) metadata["hallmark.payload.sha256"] = payload_digest(*file);
    const std::string all(detail::metadata_key);
    if (metadata.contains(all)) metadata[all] = detail::metadata_digest(metadata);
  }
}

}  // namespace hallmark::test
