#include "artifact/dequantized.hpp"

#include <fmt/format.h>

#include "artifact/stored_bytes.hpp"
#include "base/error_numbers.hpp"
#include "io/weights_writer.hpp"
#include "method/rtn.hpp"

#include "format/golden_float.hpp"  // after the dtypes, whose names its formats would shadow

namespace hallmark {
namespace {

Error beyond(const QuantizedMatrix& matrix, Index flat, double product, DType dtype, double largest) {
  const auto cols = static_cast<Index>(matrix.cols);
  return {Exit::infeasible, error_number::product_beyond,
          fmt::format("a product of scale and code is beyond {}", dtype_name(dtype)),
          fmt::format("{}: {} at [{}, {}], the largest number is {}", matrix.name, product, flat / cols, flat % cols,
                      largest),
          "--dtype f32, or f64 where that is refused too"};
}

/// The words of Target nearest to the products; binary64 holds these exactly, so there is one rounding.
template <class Target>
Status narrow(const QuantizedMatrix& matrix, const Matrix<double>& products, DType dtype, Rounding& rounding,
              Matrix<std::uint16_t>& words) {
  words.resize(products.rows(), products.cols());
  for (Index k = 0; k < products.size(); ++k) {
    const double product = products.data()[k];
    const std::uint16_t word = words.data()[k] = Target::encode(product);
    if (!Target::is_finite(word))
      return beyond(matrix, k, product, dtype, static_cast<double>(Target::decode(Target::max_finite)));
    const auto kept = static_cast<double>(Target::decode(word));
    rounding.inexact += kept != product;
    rounding.to_zero += kept == 0 && product != 0;
  }
  return ok();
}

/// The numbers of a matrix as W holds it: one that W holds transposed is turned again.
template <class T>
Status put(const QuantizedMatrix& matrix, const Matrix<T>& values, const ByteSink& sink) {
  if (!matrix.transposed) return sink(std::as_bytes(detail::all(values)));
  const Matrix<T> turned = values.transpose();
  return sink(std::as_bytes(detail::all(turned)));
}

Status write_matrix(const QuantizedModel& model, const QuantizedMatrix& matrix, DType dtype, Rounding& rounding,
                    const ByteSink& sink) {
  const Expected<Matrix<Code>> codes = model.codes(matrix);
  if (!codes) return codes.error();
  const Expected<Steps> steps = model.steps(matrix);
  if (!steps) return steps.error();
  const Grid& grid = matrix.options.grid;
  rounding.numbers += static_cast<std::uint64_t>(codes->size());
  if (dtype == DType::F32) return put(matrix, dequantize(*codes, *steps, grid), sink);
  const Matrix<double> products = dequantize_f64(*codes, *steps, grid);
  if (dtype == DType::F64) return put(matrix, products, sink);
  Matrix<std::uint16_t> words;
  const Status fits = dtype == DType::BF16 ? narrow<BF16>(matrix, products, dtype, rounding, words)
                                           : narrow<FP16>(matrix, products, dtype, rounding, words);
  return fits ? put(matrix, words, sink) : fits;
}

}  // namespace

Status exact_in_binary32(const QuantizedModel& model) {
  for (const QuantizedMatrix& matrix : model.header().matrices) {
    const Expected<Steps> steps = model.steps(matrix);
    if (!steps) return steps.error();
    const Matrix<float>& scales = steps->scales;
    for (Index k = 0; k < scales.size(); ++k)
      if (const float s = scales.data()[k]; !matrix.options.grid.exact_in_binary32(s))
        return Error{Exit::infeasible, error_number::product_not_exact,
                     "a product of scale and code is not exact in binary32",
                     fmt::format("{}: scale {} of {} is {:a}", matrix.name, k, scales.size(), s),
                     "dequantize --dtype f64, or export --to safetensors-f64"};
  }
  return ok();
}

Expected<Rounding> write_dequantized(const QuantizedModel& model, DType dtype, const Destination& to) {
  const QuantizedHeader& header = model.header();
  const auto matrices = matrices_by_tensor(header);
  std::vector<TensorPlan> plan;
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    const OriginalTensor& tensor = header.tensors[i];
    plan.push_back({tensor.name, matrices[i].empty() ? tensor.dtype : dtype, tensor.shape});
  }
  const auto cut = to.max_shard_bytes > 0 ? cut_by_size(plan, to.max_shard_bytes) : header.source_shards;
  if (!cut) return cut.error();
  auto metadata = header.source_metadata;
  metadata.erase(weights_digest_key);  // a checkpoint's digest of its own values, which are no longer these
  Expected<WeightsWriter> writer = WeightsWriter::create(to.path, to.overwrite, plan, *cut, metadata);
  if (!writer) return writer.error();
  Rounding rounding;
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    const std::string& name = plan[i].name;
    if (to.progress) to.progress(static_cast<double>(i), static_cast<double>(matrices.size()), name);
    const auto sink = [&](std::span<const std::byte> piece) { return writer->write(name, piece); };
    if (matrices[i].empty())
      if (const Status written = model.pass_through(name, sink); !written) return written.error();
    for (const QuantizedMatrix& matrix : matrices[i])
      if (const Status written = write_matrix(model, matrix, dtype, rounding, sink); !written) return written.error();
  }
  if (const Status same = model.files_unchanged(); !same) return same.error();
  if (const Status committed = writer->commit(); !committed) return committed.error();
  return rounding;
}

}  // namespace hallmark
