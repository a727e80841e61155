// Files: quantized, opened, judged and exported by the pipeline of the tool.
#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include <limits>

#include "arrays.hpp"
#include "artifact/file_format.hpp"
#include "calls.hpp"
#include "calibrate/calibration_file.hpp"
#include "io/weights_writer.hpp"
#include "matrix.hpp"
#include "parts.hpp"
#include "pipeline/quantize_files.hpp"
#include "pipeline/verify_files.hpp"

namespace hallmark::python {

namespace py = pybind11;

namespace {

ExactRows rows_of(std::int64_t exact) {
  return {exact < 0 ? std::numeric_limits<Index>::max() : static_cast<Index>(exact)};
}

/// Tells Python how far the work is, and hears of Ctrl-C, between tensors. What Python raises goes through the library
/// as an exception: every output is then removed, as it is after an error.
class Progress {
 public:
  explicit Progress(py::object callback) : callback_(std::move(callback)) {}
  void operator()(double done, double total, std::string_view item) const {
    const py::gil_scoped_acquire held;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (!callback_.is_none()) callback_(total > 0 ? done / total : 0.0, std::string(item));
  }

 private:
  py::object callback_;
};

py::dict quantize_files(const std::string& weights, const std::string& calibration, const std::string& output,
                        const std::map<std::string, std::string>& words, const std::string& config,
                        const std::vector<std::string>& include, const std::vector<std::string>& exclude,
                        const std::string& contracts, std::int64_t exact, bool bounds, bool optimality, double holdout,
                        bool overwrite, int threads, py::object callback) {
  const Progress progress(std::move(callback));
  py::dict left_out;
  std::vector<std::pair<std::string, std::string>> reasons;
  {
    const LongCall call(threads);
    RuleSet rules = taken(rules_of_words(words, "the arguments", config));
    if (config.empty()) check(check_words(rules));
    const Demands demands{taken(contracts::parse_policy(contracts)), true, bounds, rows_of(exact), optimality};
    const QuantizeFilesRequest request{weights,   calibration,
                                       output,    "",
                                       config,    {include, exclude},
                                       demands,   holdout,
                                       overwrite, std::string("hallmark ") + HALLMARK_VERSION};
    const QuantizationOfFiles work = taken(QuantizationOfFiles::prepare(request, rules));
    taken(work.run({[&](double done, double total, std::string_view item) { progress(done, total, item); }, {}}));
    for (const LeftOut& tensor : work.plan().left_out) reasons.emplace_back(tensor.tensor->name, tensor.reason);
  }
  for (const auto& [name, reason] : reasons) left_out[py::str(name)] = reason;
  return left_out;
}

py::dict verify(const std::string& quantized, const std::string& weights, const std::string& calibration,
                const std::string& certificate, bool certified, bool reproduce, std::int64_t exact, int threads,
                py::object callback) {
  const Progress progress(std::move(callback));
  Findings found;
  {
    const LongCall call(threads);
    const VerifyRequest request{quantized, weights, calibration, certificate, certified, reproduce, rows_of(exact)};
    VerifyInputs in = taken(VerifyInputs::open(request));
    found = taken(verify_files(request, in,
                               [&](double done, double total, std::string_view item) { progress(done, total, item); }));
    if (found.mismatch) throw Failure{*found.mismatch};
    check(check_rest(in));
  }
  py::dict ratios;
  for (const VerifiedLine& line : found.lines)
    ratios[py::str(line.name)] = line.losses ? py::cast(line.ratio) : py::none();
  py::dict out;
  out["loss_over_rtn"] = ratios;
  out["rows"] = found.rows;
  out["worse_rows"] = found.worse_rows;
  out["unjudged_contracts"] = found.unjudged_contracts;
  out["unjudged_bounds"] = found.unjudged_bounds;
  out["unjudged_scales"] = found.unjudged_scales;
  out["unjudged_counts"] = found.unjudged_counts;
  out["unjudged_exact_losses"] = found.unjudged_exact_losses;
  out["decided"] = py::make_tuple(found.judged.binary32, found.judged.binary64, found.judged.exact);
  return out;
}

/// An open model; matrices are read one at a time.
class Model {
 public:
  explicit Model(const std::string& path) {
    const Call call(0);
    model_ = taken(read_quantized(path));
    check(check_model(*model_));
  }

  py::list tensors() const {
    py::list out;
    for (const OriginalTensor& tensor : model_->header().tensors)
      out.append(py::make_tuple(tensor.name, std::string(dtype_name(tensor.dtype)), tensor.shape));
    return out;
  }
  py::list matrices() const {
    py::list out;
    for (const QuantizedMatrix& matrix : model_->header().matrices)
      out.append(py::make_tuple(matrix.name, matrix.tensor, matrix.index, matrix.transposed));
    return out;
  }
  NativeMatrix matrix(std::size_t k) const {
    const QuantizedMatrix& matrix = model_->header().matrices.at(k);
    const Call call(0);
    return {matrix, taken(model_->codes(matrix)), taken(model_->steps(matrix)), std::nullopt};
  }
  py::bytes passed_through(const std::string& tensor) const {
    std::string bytes;
    {
      const Call call(0);
      check(model_->pass_through(tensor, [&](std::span<const std::byte> piece) {
        bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
        return ok();
      }));
    }
    return bytes;
  }
  void write(const std::string& format, const std::string& output, bool overwrite, py::object callback) const {
    const Progress progress(std::move(callback));
    const Call call(0);
    const FileFormat* const to = taken(find_file_format(format));
    check(check_output(output, overwrite, model_->paths()));
    if (is_index_name(output)) check(check_shards(output, overwrite, 0, model_->paths()));
    check(
        write_quantized(*model_, *to, {output, overwrite, 0, [&](double done, double total, const std::string& tensor) {
                                         progress(done, total, tensor);
                                       }}));
  }
  const QuantizedHeader& header() const { return model_->header(); }

 private:
  std::unique_ptr<QuantizedModel> model_;
};

using NamedArray = std::tuple<std::string, std::string, std::vector<std::uint64_t>, py::buffer>;

/// A safetensors file of arrays: name, dtype, shape, bytes of each.
void write_tensors(const std::string& path, const std::vector<NamedArray>& arrays,
                   const std::map<std::string, std::string>& metadata, bool overwrite) {
  std::vector<TensorPlan> plan;
  std::vector<Array<std::uint8_t>> bytes;
  for (const auto& [name, dtype, shape, array] : arrays) {
    plan.push_back({name, taken(parse_dtype(dtype)), shape});
    bytes.emplace_back(array);
  }
  const Call call(0);
  SafeTensorsWriter writer = taken(SafeTensorsWriter::create(path, overwrite, plan, metadata));
  for (std::size_t i = 0; i < plan.size(); ++i) check(writer.write<std::uint8_t>(plan[i].name, bytes[i].all()));
  check(writer.commit());
}

/// Gram matrices as a calibration file: name, suffix, [cols, cols], tokens (none: unknown) of each.
using NamedGram = std::tuple<std::string, std::string, py::buffer, std::optional<std::uint64_t>>;
void write_calibration(const std::string& path, const std::vector<NamedGram>& grams, bool overwrite) {
  std::vector<GramPlan> plan;
  std::vector<Array<double>> matrices;
  for (const auto& [name, suffix, matrix, tokens] : grams) {
    matrices.emplace_back(matrix);
    plan.push_back({name, static_cast<std::uint64_t>(matrices.back().cols()), tokens, suffix});
  }
  const Call call(0);
  check(write_grams(path, overwrite, plan, [&](std::size_t i) -> Expected<Matrix<double>> {
    const Array<double>& G = matrices[i];
    return Matrix<double>(Eigen::Map<const Matrix<double>>(G.data(), G.rows(), G.cols()));
  }));
}

py::list file_formats_table() {
  py::list out;
  for (const FileFormat* format : file_formats())
    out.append(py::make_tuple(std::string(format->name), std::string(format->summary)));
  return out;
}

}  // namespace

void add_files(py::module_& module) {
  module.def("quantize_files", &quantize_files);
  module.def("verify", &verify);
  module.def("write_tensors", &write_tensors);
  module.def("write_calibration", &write_calibration);
  module.def("file_formats", &file_formats_table);
  py::class_<Model>(module, "Model")
      .def(py::init<std::string>())
      .def_property_readonly("tensors", &Model::tensors)
      .def_property_readonly("matrices", &Model::matrices)
      .def_property_readonly("tool", [](const Model& m) { return m.header().tool; })
      .def_property_readonly("metadata", [](const Model& m) { return m.header().source_metadata; })
      .def("matrix", &Model::matrix)
      .def("passed_through", &Model::passed_through)
      .def("write", &Model::write);
}

}  // namespace hallmark::python
