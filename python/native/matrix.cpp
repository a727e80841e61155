// One matrix, quantized in memory by the pipeline of the tool.
#include <pybind11/stl.h>

#include <limits>

#include "arrays.hpp"
#include "calls.hpp"
#include "matrix.hpp"
#include "method/options_json.hpp"
#include "parts.hpp"
#include "pipeline/matrix_in_memory.hpp"

namespace hallmark::python {

namespace py = pybind11;

namespace {

/// Codes as files store them: U16, U8 or I8.
void write_codes(const NativeMatrix& matrix, const py::buffer& to) {
  const std::span<const Code> all(matrix.codes.data(), static_cast<std::size_t>(matrix.codes.size()));
  if (matrix.matrix.options.grid.spec().code_dtype() == "U16") {
    std::ranges::copy(all, Array<std::uint16_t>(to, true).data());
  } else if (matrix.matrix.options.grid.spec().code_dtype() == "U8") {
    std::ranges::transform(all, Array<std::uint8_t>(to, true).data(),
                           [](Code code) { return static_cast<std::uint8_t>(code); });
  } else {
    std::ranges::transform(all, Array<std::int8_t>(to, true).data(),
                           [](Code code) { return static_cast<std::int8_t>(code); });
  }
}

// Scales of the user's need not have products in binary32.
void check_exact(const NativeMatrix& matrix) {
  const Matrix<float>& scales = matrix.steps.scales;
  for (Index k = 0; k < scales.size(); ++k)
    if (!matrix.matrix.options.grid.exact_in_binary32(scales.data()[k]))
      throw Failure{
          {Exit::infeasible, error_number::product_not_exact, "a product of scale and code is not exact in binary32",
           "tensor '" + matrix.matrix.name + "', scale " + std::to_string(k), "export(..., to=\"safetensors-f64\")"}};
}

void dequantize(const NativeMatrix& matrix, const py::buffer& to) {
  check_exact(matrix);
  const Array<float> out(to, true);
  const Index rows = matrix.codes.rows(), cols = matrix.codes.cols();
  const auto width = static_cast<std::size_t>(cols);
  const Call call(0);
#pragma omp parallel for schedule(static)
  for (Index i = 0; i < rows; ++i)
    decode_row(matrix.matrix.options.grid, matrix.steps, {matrix.codes.data() + i * cols, width}, i,
               {out.data() + i * cols, width});
}

NativeMatrix quantize(const py::buffer& weights, const std::optional<py::buffer>& gram,
                      const std::optional<std::pair<py::buffer, py::buffer>>& float_inputs, std::uint64_t tokens,
                      bool no_token, const std::string& name, const std::map<std::string, std::string>& words,
                      const std::string& contracts, bool exact, bool bounds, bool optimality, int threads) {
  const Array<float> W(weights);
  std::optional<Array<double>> G;
  if (gram) G.emplace(*gram);
  std::optional<Array<double>> C, K;
  if (float_inputs) C.emplace(float_inputs->first), K.emplace(float_inputs->second);
  MatrixInMemory in{name, W.data(), W.rows(), W.cols()};
  if (G) {
    in.G = G->data();
    in.gram_cols = G->cols();
    if (C) in.C = C->data(), in.K = K->data();
    in.tokens = tokens;
    in.no_token = no_token;
  }
  const LongCall call(threads);
  RuleSet rules = taken(rules_of_words(words, "the arguments"));
  const ExactRows all{exact ? std::numeric_limits<Index>::max() : 0};
  CertifiedMatrix made =
      taken(quantize_in_memory(in, rules, {taken(contracts::parse_policy(contracts)), true, bounds, all, optimality}));
  return {std::move(made.matrix), std::move(made.result.codes), std::move(made.result.steps),
          std::move(made.certificate)};
}

template <class T>
auto writer(const Matrix<T> Steps::*member) {
  return [member](const NativeMatrix& matrix, const py::buffer& to) {
    const Matrix<T>& from = matrix.steps.*member;
    std::copy_n(from.data(), from.size(), Array<T>(to, true).data());
  };
}

}  // namespace

void add_matrix(py::module_& module) {
  py::class_<NativeMatrix>(module, "Matrix")
      .def_property_readonly("name", [](const NativeMatrix& m) { return m.matrix.name; })
      .def_property_readonly("shape",
                             [](const NativeMatrix& m) { return py::make_tuple(m.codes.rows(), m.codes.cols()); })
      .def_property_readonly("groups", [](const NativeMatrix& m) { return m.steps.scales.cols(); })
      .def_property_readonly("has_zero_points", [](const NativeMatrix& m) { return m.steps.zeros.size() > 0; })
      .def_property_readonly("has_rotation", [](const NativeMatrix& m) { return m.steps.rotation.any(); })
      .def_property_readonly("low_rank", [](const NativeMatrix& m) { return m.steps.low_rank.B.rows(); })
      .def_property_readonly(
          "code_dtype", [](const NativeMatrix& m) { return std::string(m.matrix.options.grid.spec().code_dtype()); })
      .def_property_readonly("grid", [](const NativeMatrix& m) { return m.matrix.options.grid; })
      .def_property_readonly("options", [](const NativeMatrix& m) { return options_json(m.matrix.options).dump(); })
      .def("certificate", [](const NativeMatrix& m) { return certificate_lines(m.certificate.value()); })
      .def("write_codes", &write_codes)
      .def("write_scales", writer(&Steps::scales))
      .def("write_zero_points", writer(&Steps::zeros))
      .def("write_rotated",
           [](const NativeMatrix& m, const py::buffer& to) {
             std::ranges::copy(m.steps.rotation.rows, Array<std::uint8_t>(to, true).data());
           })
      .def("write_low_rank",
           [](const NativeMatrix& m, const py::buffer& a, const py::buffer& b) {
             const LowRank& factors = m.steps.low_rank;
             std::copy_n(factors.A.data(), factors.A.size(), Array<float>(a, true).data());
             std::copy_n(factors.B.data(), factors.B.size(), Array<float>(b, true).data());
           })
      .def("dequantize", &dequantize);
  module.def("quantize", &quantize);
}

}  // namespace hallmark::python
