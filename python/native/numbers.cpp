// Grids, GF16 words and Gram matrices.
#include <algorithm>
#include <memory>
#include <mutex>

#include "arrays.hpp"
#include "calls.hpp"
#include "format/codec_lanes.hpp"
#include "format/golden_float.hpp"
#include "linalg/gram.hpp"
#include "linalg/target_grams.hpp"
#include "method/options.hpp"
#include "parts.hpp"

namespace hallmark::python {

namespace py = pybind11;

namespace {

// A binary64 number is rounded once, by the program of T12 for such numbers.
void encode(const py::buffer& values, const py::buffer& words) {
  const Array<std::uint16_t> to(words, true);
  if (values.request().format == py::format_descriptor<float>::format()) {
    const Array<float> from(values);
    const Call call(0);
    check(encode_gf16(from.all(), to.all()));
  } else {
    const Array<double> from(values);
    const Call call(0);
    std::ranges::transform(from.all(), to.data(), [](double x) { return GF16::encode(x); });
  }
}

void decode(const py::buffer& words, const py::buffer& values) {
  const Array<std::uint16_t> from(words);
  const Array<float> to(values, true);
  const Call call(0);
  check(decode_gf16(from.all(), to.all()));
}

/// The sums of GramAccumulator; two threads of Python may add to one of them.
class Gram {
 public:
  explicit Gram(Index columns) : sums_(columns) {}

  void add(const py::buffer& tokens) {
    const Array<float> X(tokens);
    const Call call(0);
    const std::lock_guard lock(mutex_);
    check(sums_.add(Eigen::Map<const Matrix<float>>(X.data(), X.rows(), X.cols())));
  }
  std::unique_ptr<Gram> copy() const {
    const Call call(0);
    const std::lock_guard lock(mutex_);
    return std::unique_ptr<Gram>(new Gram(GramAccumulator(sums_)));
  }
  Index columns() const { return sums_.columns(); }
  Index tokens() const {
    const std::lock_guard lock(mutex_);
    return sums_.tokens();
  }
  void write(const py::buffer& to) const {
    const Array<double> G(to, true);
    const Call call(0);
    const std::lock_guard lock(mutex_);
    Eigen::Map<Matrix<double>>(G.data(), G.rows(), G.cols()) = sums_.gram();
  }

 private:
  explicit Gram(GramAccumulator sums) : sums_(std::move(sums)) {}

  mutable std::mutex mutex_;
  GramAccumulator sums_;
};

/// The sums of TargetAccumulator, likewise.
class TargetGram {
 public:
  explicit TargetGram(Index columns) : columns_(columns), sums_(columns) {}

  void add(const py::buffer& tokens, const py::buffer& behind) {
    const Array<float> X(tokens), moved(behind);
    const Call call(0);
    const std::lock_guard lock(mutex_);
    check(sums_.add(Eigen::Map<const Matrix<float>>(X.data(), X.rows(), X.cols()),
                    Eigen::Map<const Matrix<float>>(moved.data(), moved.rows(), moved.cols())));
  }
  Index columns() const { return columns_; }
  Index tokens() const {
    const std::lock_guard lock(mutex_);
    return sums_.tokens();
  }
  void write(const py::buffer& H, const py::buffer& C, const py::buffer& K) const {
    const Array<double> matrix(H, true), cross(C, true), of_float(K, true);
    const Call call(0);
    const std::lock_guard lock(mutex_);
    const TargetGrams grams = sums_.grams();
    std::copy_n(grams.H.data(), grams.H.size(), matrix.data());
    std::copy_n(grams.C.data(), grams.C.size(), cross.data());
    std::copy_n(grams.K.data(), grams.K.size(), of_float.data());
  }

 private:
  Index columns_;
  mutable std::mutex mutex_;
  TargetAccumulator sums_;
};

// The codes of a grid, in the order of their values; words that stand for no point are left out.
std::vector<double> points(const Grid& grid) {
  std::vector<double> values;
  for (unsigned code = 0; code <= 0xFFFF; ++code)
    if (grid.contains(static_cast<Code>(code))) values.push_back(grid.value(static_cast<Code>(code)));
  std::ranges::sort(values);
  return values;
}

py::list options_table() {
  py::list table;
  const Options defaults{taken(Grid::parse("gf16"))};
  visit_options(defaults, [&](const OptionInfo& info, const auto& value) {
    table.append(py::make_tuple(std::string(info.name), option_help(info), option_text(value)));
  });
  return table;
}

}  // namespace

void add_numbers(py::module_& module) {
  module.def("encode", &encode);
  module.def("decode", &decode);
  module.def("options", &options_table);
  py::class_<Gram>(module, "Gram")
      .def(py::init<Index>())
      .def("add", &Gram::add)
      .def("copy", &Gram::copy)
      .def("write", &Gram::write)
      .def_property_readonly("columns", &Gram::columns)
      .def_property_readonly("tokens", &Gram::tokens);
  py::class_<TargetGram>(module, "TargetGram")
      .def(py::init<Index>())
      .def("add", &TargetGram::add)
      .def("write", &TargetGram::write)
      .def_property_readonly("columns", &TargetGram::columns)
      .def_property_readonly("tokens", &TargetGram::tokens);
  py::class_<Grid>(module, "Grid")
      .def(py::init([](const std::string& name) { return taken(Grid::parse(name)); }))
      .def_property_readonly("id", &Grid::id)
      .def_property_readonly("name", &Grid::name)
      .def_property_readonly("bits", [](const Grid& grid) { return grid.spec().bits; })
      .def_property_readonly("dtype", [](const Grid& grid) { return std::string(grid.spec().code_dtype()); })
      .def("points", [](const Grid& grid) {
        py::list list;
        for (const double value : points(grid)) list.append(value);
        return list;
      });
}

}  // namespace hallmark::python
