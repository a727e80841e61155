// Made by: extract/contracts generate
// The contracts by name: the shapes of their inputs, and both of their functions. For the differential test.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "contracts/generated/contracts.hpp"

namespace hallmark::generated {

/// An input: a matrix, or a vector without columns, or a scalar without rows.
struct InputShape {
  std::string_view name, rows, columns;
};
struct Shape {
  std::string_view name;
  std::vector<std::string_view> sizes;
  std::vector<InputShape> inputs;
};

inline constexpr std::size_t contract_count = 19;

inline Shape shape_of(std::string_view name) {
  if (name == "gf16_half_gap") return {"gf16_half_gap", {"n"}, {{"s", "n", ""}, {"x", "n", ""}, {"q", "n", ""}, {"l", "n", ""}, {"r", "n", ""}}};
  if (name == "gf16_nearest") return {"gf16_nearest", {"n"}, {{"x", "n", ""}, {"q", "n", ""}, {"l", "n", ""}, {"r", "n", ""}}};
  if (name == "idempotence") return {"idempotence", {"n"}, {{"q", "n", ""}, {"p", "n", ""}, {"r", "n", ""}}};
  if (name == "exact_product") return {"exact_product", {"n"}, {{"s", "n", ""}, {"g", "n", ""}, {"p", "n", ""}, {"b", "n", ""}}};
  if (name == "two_of_four") return {"two_of_four", {"p"}, {{"q0", "p", ""}, {"q1", "p", ""}, {"q2", "p", ""}, {"q3", "p", ""}, {"m0", "p", ""}, {"m1", "p", ""}, {"m2", "p", ""}, {"m3", "p", ""}, {"v0", "p", ""}, {"v1", "p", ""}, {"v2", "p", ""}, {"v3", "p", ""}}};
  if (name == "gram_accumulation") return {"gram_accumulation", {"m"}, {{"x", "m", ""}, {"y", "m", ""}, {"c", "m", ""}, {"delta", "m", ""}, {"G", "", ""}}};
  if (name == "gram_bound") return {"gram_bound", {"n", "m"}, {{"G", "n", ""}, {"h", "", ""}, {"D", "n", ""}, {"x", "m", ""}, {"Y", "n", "m"}}};
  if (name == "factor_residual") return {"factor_residual", {"n"}, {{"x", "n", ""}, {"y", "n", ""}, {"d", "n", ""}, {"h", "", ""}, {"p", "", ""}, {"s", "", ""}, {"a", "", ""}, {"b", "", ""}, {"f", "", ""}, {"g", "", ""}}};
  if (name == "pivots") return {"pivots", {"n"}, {{"U", "n", "n"}, {"d", "n", ""}, {"h", "n", ""}, {"g", "", ""}}};
  if (name == "error_identity") return {"error_identity", {"n"}, {{"H", "n", "n"}, {"U", "n", "n"}, {"d", "n", ""}, {"w", "n", ""}, {"q", "n", ""}, {"u", "n", ""}, {"L", "", ""}}};
  if (name == "error_identity_residual") return {"error_identity_residual", {"n"}, {{"H", "n", "n"}, {"U", "n", "n"}, {"d", "n", ""}, {"w", "n", ""}, {"q", "n", ""}, {"u", "n", ""}, {"L", "", ""}, {"R", "", ""}}};
  if (name == "loss_enclosure") return {"loss_enclosure", {"n"}, {{"G", "n", "n"}, {"H", "n", "n"}, {"U", "n", "n"}, {"d", "n", ""}, {"c", "n", ""}, {"e", "n", ""}, {"t", "n", ""}, {"a", "n", ""}, {"g", "", ""}, {"N", "", ""}, {"rho", "", ""}, {"L", "", ""}}};
  if (name == "gptq_bound") return {"gptq_bound", {"n"}, {{"H", "n", "n"}, {"U", "n", "n"}, {"d", "n", ""}, {"w", "n", ""}, {"q", "n", ""}, {"u", "n", ""}, {"r", "n", ""}, {"L", "", ""}}};
  if (name == "gptq_bound_emitted") return {"gptq_bound_emitted", {"n"}, {{"H", "n", "n"}, {"U", "n", "n"}, {"d", "n", ""}, {"w", "n", ""}, {"q", "n", ""}, {"u", "n", ""}, {"v", "n", ""}, {"h", "n", ""}, {"delta", "n", ""}, {"a", "n", ""}, {"g", "", ""}, {"L", "", ""}}};
  if (name == "guard_row") return {"guard_row", {"n"}, {{"G", "n", "n"}, {"w", "n", ""}, {"g", "n", ""}, {"r", "n", ""}, {"q", "n", ""}, {"keep", "", ""}, {"upper", "", ""}, {"lower", "", ""}, {"L_g", "", ""}, {"L_r", "", ""}, {"L_q", "", ""}}};
  if (name == "guard_total") return {"guard_total", {"p"}, {{"L_q", "p", ""}, {"L_r", "p", ""}, {"D", "p", ""}}};
  if (name == "two_columns") return {"two_columns", {"n"}, {{"H", "n", "n"}, {"U", "n", "n"}, {"d", "n", ""}, {"w", "n", ""}, {"q", "n", ""}, {"u", "n", ""}, {"r", "n", ""}, {"L_q", "", ""}, {"L_r", "", ""}}};
  if (name == "rtn_when_no_calibration") return {"rtn_when_no_calibration", {"n", "m"}, {{"X", "n", "m"}, {"H", "n", "n"}, {"U", "n", "n"}, {"d", "n", ""}, {"w", "n", ""}, {"q", "n", ""}, {"u", "n", ""}, {"r", "n", ""}, {"lambda", "", ""}}};
  if (name == "transfer") return {"transfer", {"n"}, {{"T", "n", "n"}, {"G", "n", "n"}, {"U", "n", "n"}, {"d", "n", ""}, {"e", "n", ""}, {"eps", "", ""}, {"B", "", ""}, {"M", "", ""}, {"L", "", ""}}};
  throw std::invalid_argument(std::string(name));
}

template <class Ops>
std::pair<typename Ops::Truth, typename Ops::Truth> call(std::string_view name, const auto& size, const auto& input) {
  if (name == "gf16_half_gap") return {gf16_half_gap_pre<Ops>(size("n"), input("s"), input("x"), input("q"), input("l"), input("r")), gf16_half_gap_post<Ops>(size("n"), input("s"), input("x"), input("q"))};
  if (name == "gf16_nearest") return {gf16_nearest_pre<Ops>(size("n"), input("x"), input("q"), input("l"), input("r")), gf16_nearest_post<Ops>(size("n"), input("x"), input("q"), input("l"), input("r"))};
  if (name == "idempotence") return {idempotence_pre<Ops>(size("n"), input("q"), input("p"), input("r")), idempotence_post<Ops>(size("n"), input("q"), input("r"))};
  if (name == "exact_product") return {exact_product_pre<Ops>(size("n"), input("s"), input("g"), input("p"), input("b")), exact_product_post<Ops>(size("n"), input("s"), input("g"), input("p"))};
  if (name == "two_of_four") return {two_of_four_pre<Ops>(size("p"), input("q0"), input("q1"), input("q2"), input("q3"), input("m0"), input("m1"), input("m2"), input("m3"), input("v0"), input("v1"), input("v2"), input("v3")), two_of_four_post<Ops>(size("p"), input("q0"), input("q1"), input("q2"), input("q3"))};
  if (name == "gram_accumulation") return {gram_accumulation_pre<Ops>(size("m"), input("x"), input("y"), input("c"), input("delta"), input("G")), gram_accumulation_post<Ops>(size("m"), input("x"), input("y"), input("G"))};
  if (name == "gram_bound") return {gram_bound_pre<Ops>(size("n"), size("m"), input("G"), input("h"), input("D"), input("x"), input("Y")), gram_bound_post<Ops>(size("n"), size("m"), input("G"), input("h"), input("D"))};
  if (name == "factor_residual") return {factor_residual_pre<Ops>(size("n"), input("x"), input("y"), input("d"), input("h"), input("p"), input("s"), input("a"), input("b"), input("f"), input("g")), factor_residual_post<Ops>(size("n"), input("x"), input("y"), input("d"), input("h"), input("a"), input("b"), input("g"))};
  if (name == "pivots") return {pivots_pre<Ops>(size("n"), input("U"), input("d"), input("h"), input("g")), pivots_post<Ops>(size("n"), input("d"), input("h"), input("g"))};
  if (name == "error_identity") return {error_identity_pre<Ops>(size("n"), input("H"), input("U"), input("d"), input("w"), input("q"), input("u"), input("L")), error_identity_post<Ops>(size("n"), input("d"), input("q"), input("u"), input("L"))};
  if (name == "error_identity_residual") return {error_identity_residual_pre<Ops>(size("n"), input("H"), input("U"), input("d"), input("w"), input("q"), input("u"), input("L"), input("R")), error_identity_residual_post<Ops>(size("n"), input("d"), input("q"), input("u"), input("L"), input("R"))};
  if (name == "loss_enclosure") return {loss_enclosure_pre<Ops>(size("n"), input("G"), input("H"), input("U"), input("d"), input("c"), input("e"), input("t"), input("a"), input("g"), input("N"), input("rho"), input("L")), loss_enclosure_post<Ops>(size("n"), input("d"), input("c"), input("e"), input("t"), input("a"), input("g"), input("N"), input("rho"), input("L"))};
  if (name == "gptq_bound") return {gptq_bound_pre<Ops>(size("n"), input("H"), input("U"), input("d"), input("w"), input("q"), input("u"), input("r"), input("L")), gptq_bound_post<Ops>(size("n"), input("d"), input("r"), input("L"))};
  if (name == "gptq_bound_emitted") return {gptq_bound_emitted_pre<Ops>(size("n"), input("H"), input("U"), input("d"), input("w"), input("q"), input("u"), input("v"), input("h"), input("delta"), input("a"), input("g"), input("L")), gptq_bound_emitted_post<Ops>(size("n"), input("d"), input("w"), input("q"), input("h"), input("delta"), input("a"), input("g"), input("L"))};
  if (name == "guard_row") return {guard_row_pre<Ops>(size("n"), input("G"), input("w"), input("g"), input("r"), input("q"), input("keep"), input("upper"), input("lower"), input("L_g"), input("L_r"), input("L_q")), guard_row_post<Ops>(size("n"), input("r"), input("q"), input("L_r"), input("L_q"))};
  if (name == "guard_total") return {guard_total_pre<Ops>(size("p"), input("L_q"), input("L_r"), input("D")), guard_total_post<Ops>(size("p"), input("D"))};
  if (name == "two_columns") return {two_columns_pre<Ops>(size("n"), input("H"), input("U"), input("d"), input("w"), input("q"), input("u"), input("r"), input("L_q"), input("L_r")), two_columns_post<Ops>(input("L_q"), input("L_r"))};
  if (name == "rtn_when_no_calibration") return {rtn_when_no_calibration_pre<Ops>(size("n"), size("m"), input("X"), input("H"), input("U"), input("d"), input("w"), input("q"), input("u"), input("r"), input("lambda")), rtn_when_no_calibration_post<Ops>(size("n"), size("m"), input("q"), input("r"))};
  if (name == "transfer") return {transfer_pre<Ops>(size("n"), input("T"), input("G"), input("U"), input("d"), input("e"), input("eps"), input("B"), input("M"), input("L")), transfer_post<Ops>(input("eps"), input("B"), input("L"))};
  throw std::invalid_argument(std::string(name));
}

}  // namespace hallmark::generated
