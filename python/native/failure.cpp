#include "failure.hpp"

namespace hallmark::python {

namespace py = pybind11;

namespace {

void raise(const Error& error) {
  const py::object raised =
      py::module_::import("hallmark.errors")
          .attr("of")(static_cast<int>(error.exit), error.number, error.what, error.where, error.hint);
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(raised.ptr())), raised.ptr());
}

}  // namespace

void add_errors(py::module_& module) {
  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const Failure& failure) {
      raise(failure.error);
    }
  });
  module.def("refuse_array", [](const std::string& what, const std::string& where, const std::string& hint) {
    throw Failure{{Exit::input, error_number::dtype_unsupported, what, where, hint}};
  });
}

}  // namespace hallmark::python
