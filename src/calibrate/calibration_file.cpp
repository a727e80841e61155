#include "calibrate/calibration_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error_numbers.hpp"
#include "io/strict_json.hpp"
#include "linalg/buffer.hpp"
#include "linalg/gram.hpp"

namespace hallmark {

namespace {

constexpr std::string_view suffixes[] = {".activations",    gram_suffix, cross_gram_suffix,
                                         float_gram_suffix, ".scale",    ".zero_point"};
constexpr std::string_view tokens_key = "hallmark.calibration.tokens";

Error bad_entry(int number, std::string what, std::string where,
                std::string hint =
                    "store NAME.activations [tokens, cols] or NAME.gram [cols, cols], see "
                    "docs/calibration.md") {
  return {Exit::input, number, std::move(what), std::move(where), std::move(hint)};
}

std::string described(const TensorInfo& t) {
  return fmt::format("tensor '{}': {} of shape {}", t.name, dtype_name(t.dtype), shape_text(t.shape));
}

/// Elements first .. as binary32, those of F64 where they are binary32 numbers: sums are over these, and nothing is
/// rounded in silence. Errors: E0351.
Status read_binary32(const TensorInfo& stored, std::uint64_t first, std::span<float> out) {
  if (stored.dtype != DType::F64) return widen(stored, first, out);
  std::array<double, 1024> piece;
  for (std::size_t done = 0; done < out.size(); done += piece.size()) {
    const auto wide = std::span(piece).first(std::min(piece.size(), out.size() - done));
    if (Status read = widen(stored, first + done, wide); !read) return read;
    for (std::size_t i = 0; i < wide.size(); ++i) {
      const float narrow = out[done + i] = static_cast<float>(wide[i]);
      if (std::isfinite(wide[i]) && static_cast<double>(narrow) != wide[i])
        return bad_entry(error_number::dtype_unsupported, "a binary64 number that binary32 does not hold",
                         fmt::format("{}: {} at element {}", described(stored), wide[i], first + done + i),
                         "round it to F32 yourself: activations and scales are binary32 numbers");
    }
  }
  return ok();
}

bool one_of(DType dtype, std::initializer_list<DType> allowed) {
  return std::ranges::find(allowed, dtype) != allowed.end();
}

// The object of the metadata, empty without; null where it is none.
nlohmann::json token_counts(const SafeTensors& file) {
  const auto found = file.metadata().find(std::string(tokens_key));
  if (found == file.metadata().end()) return nlohmann::json::object();
  return is_strict_json(found->second, names_of_a_model) ? nlohmann::json::parse(found->second) : nlohmann::json();
}

// C and K of asymmetric targets, each beside the other and the Gram matrix of its weight.
Status enter_targets(const SafeTensors& file, const std::string& path,
                     std::map<std::string, CalibrationEntry>& entries) {
  for (const TensorInfo& tensor : file.tensors()) {
    const bool is_cross = tensor.name.ends_with(cross_gram_suffix);
    if (!is_cross && !tensor.name.ends_with(float_gram_suffix)) continue;
    const std::string weight = tensor.name.substr(0, tensor.name.rfind('.'));
    const std::string other = weight + std::string(is_cross ? float_gram_suffix : cross_gram_suffix);
    const auto entry = entries.find(weight);
    std::string lacks;
    if (entry == entries.end() || !entry->second.is_gram) lacks = fmt::format("without {}.gram", weight);
    else if (!file.find(other)) lacks = fmt::format("without {}", other);
    else if (tensor.shape[0] != entry->second.cols)
      lacks = fmt::format("beside a Gram matrix of {} columns", entry->second.cols);
    if (!lacks.empty())
      return bad_entry(error_number::calibration_gram, "half of an asymmetric target",
                       fmt::format("{}: {} {}", path, described(tensor), lacks),
                       "store NAME.gram, NAME.cross_gram and NAME.float_gram of one shape, see docs/calibration.md");
    entry->second.crossed = true;
  }
  return ok();
}

// The shapes of given scales and zero points, which stand beside what calibrates their weight.
Status enter_steps(const SafeTensors& file, const std::string& path, std::map<std::string, CalibrationEntry>& entries) {
  using namespace error_number;
  for (const TensorInfo& tensor : file.tensors()) {
    const bool is_zero = tensor.name.ends_with(".zero_point");
    if (!is_zero && !tensor.name.ends_with(".scale")) continue;
    const auto entry = entries.find(tensor.name.substr(0, tensor.name.rfind('.')));
    if (entry == entries.end())
      return bad_entry(calibration_lonely_scale, "a scale without activations or Gram matrix",
                       path + ": " + described(tensor));
    (is_zero ? entry->second.zero_point : entry->second.scale) = tensor.shape;
  }
  for (const auto& [weight, entry] : entries)
    if (!entry.zero_point.empty() && entry.zero_point != entry.scale)
      return bad_entry(calibration_scale, "zero points without scales of their shape",
                       fmt::format("{}: weight '{}': {} and {}", path, weight, shape_text(entry.zero_point),
                                   entry.scale.empty() ? "no scale" : shape_text(entry.scale)),
                       "store NAME.zero_point beside NAME.scale and in its shape, see docs/calibration.md");
  return ok();
}

}  // namespace

Expected<CalibrationFile> CalibrationFile::open(const std::string& path) {
  using namespace error_number;
  Expected<SafeTensors> opened = SafeTensors::open(path);
  if (!opened) return opened.error();
  CalibrationFile result(path, std::move(*opened));
  const SafeTensors& file = result.file_;

  const nlohmann::json tokens = token_counts(file);
  if (!tokens.is_object())
    return bad_entry(calibration_entry, "the token counts are not a JSON object",
                     fmt::format("{}: {}", path, tokens_key));
  for (const TensorInfo& tensor : file.tensors()) {
    const auto suffix = std::ranges::find_if(suffixes, [&](auto s) { return tensor.name.ends_with(s); });
    const bool known = suffix != std::end(suffixes) && tensor.name.size() > suffix->size();
    const bool is_scale = known && *suffix == ".scale", is_zero = known && *suffix == ".zero_point",
               is_gram = known && *suffix == gram_suffix,
               of_target = known && (*suffix == cross_gram_suffix || *suffix == float_gram_suffix);
    const bool of_steps = is_scale || is_zero;
    if (!known || (tensor.shape.size() != 2 && !(of_steps && tensor.shape.size() == 1)))
      return bad_entry(calibration_entry, "not a calibration entry", path + ": " + described(tensor));
    if (!(is_zero ? one_of(tensor.dtype, {DType::U8, DType::I8})
                  : one_of(tensor.dtype, {DType::F64, DType::F32, DType::BF16, DType::F16})))
      return bad_entry(calibration_entry, "a calibration entry of a dtype that it cannot have",
                       path + ": " + described(tensor),
                       is_zero ? "store it as U8 or I8" : "store it as F64, F32, BF16 or F16");
    const std::string weight = tensor.name.substr(0, tensor.name.size() - suffix->size());
    if (of_steps) continue;
    if ((is_gram || of_target) && tensor.shape[0] != tensor.shape[1])
      return bad_entry(calibration_gram, "a Gram matrix is not square", path + ": " + described(tensor));
    if (of_target) continue;
    CalibrationEntry entry{.is_gram = is_gram, .cols = tensor.shape[1], .tokens = is_gram ? 0 : tensor.shape[0]};
    entry.no_token = !is_gram && tensor.shape[0] == 0;
    if (is_gram && tokens.contains(weight)) {
      if (!tokens[weight].is_number_unsigned())
        return bad_entry(calibration_entry, "a token count is not a number",
                         fmt::format("{}: {} of '{}'", path, tokens_key, weight));
      entry.tokens = tokens[weight].get<std::uint64_t>();
      entry.no_token = entry.tokens == 0;
    }
    if (!result.entries_.emplace(weight, entry).second)
      return bad_entry(calibration_both, "activations and a Gram matrix for one weight",
                       fmt::format("{}: weight '{}'", path, weight));
  }
  if (const Status whole = enter_steps(file, path, result.entries_); !whole) return whole.error();
  if (const Status whole = enter_targets(file, path, result.entries_); !whole) return whole.error();
  return result;
}

const CalibrationEntry* CalibrationFile::find(const std::string& weight) const {
  const auto found = entries_.find(weight);
  return found == entries_.end() ? nullptr : &found->second;
}

const TensorInfo& CalibrationFile::tensor(const std::string& weight, std::string_view suffix) const {
  return *file_.find(weight + std::string(suffix));
}

Status check_entry(const CalibrationEntry& entry, const std::string& weight, std::uint64_t rows, std::uint64_t cols,
                   Index group_size) {
  const auto differs = [&](std::string what, std::string hint) {
    return Error{Exit::infeasible, error_number::calibration_shape, "calibration and weight do not fit together",
                 fmt::format("weight '{}' of shape [{}, {}]: {}", weight, rows, cols, what), std::move(hint)};
  };
  if (entry.cols != cols)
    return differs(
        fmt::format("the {} {}, the weight {}", entry.is_gram ? "Gram matrix has columns" : "activations have columns",
                    entry.cols, cols),
        "capture the inputs of this very layer: one column per input feature");
  if (entry.scale.empty()) return ok();
  const auto groups = static_cast<std::uint64_t>(groups_of(static_cast<Index>(cols), group_size));
  const std::uint64_t found = entry.scale.size() == 1 ? 1 : entry.scale[1];
  if (entry.scale[0] != rows || found != groups)
    return differs(
        fmt::format("the scale has shape {}, rows and groups are [{}, {}]", shape_text(entry.scale), rows, groups),
        "scales [rows] or [rows, groups], or a --group-size N (\"group_size\" in a rule) that makes these groups");
  return ok();
}

void CalibrationFile::hold_out(double fraction) {
  for (auto& [weight, entry] : entries_) {
    if (entry.is_gram) continue;
    entry.held_out = static_cast<std::uint64_t>(std::llround(fraction * static_cast<double>(entry.tokens)));
    entry.tokens -= entry.held_out;
  }
}

void CalibrationFile::use_first(const std::string& weight, std::uint64_t tokens) {
  const auto found = entries_.find(weight);
  if (found == entries_.end() || found->second.is_gram || found->second.tokens <= tokens) return;
  found->second.held_out += found->second.tokens - tokens;
  found->second.tokens = tokens;
}

Expected<HeldMatrix<double>> CalibrationFile::gram(const std::string& weight) const {
  return gram_of(tensor(weight, gram_suffix));
}

Expected<CrossGrams> CalibrationFile::cross_grams(const std::string& weight) const {
  Expected<HeldMatrix<double>> K = gram_of(tensor(weight, float_gram_suffix));
  if (!K) return K.error();
  const TensorInfo& stored = tensor(weight, cross_gram_suffix);
  const auto n = static_cast<Index>(stored.shape[0]);
  Matrix<double> C = fresh_matrix<double>(n, n);
  const std::span<double> values(C.data(), static_cast<std::size_t>(C.size()));
  if (const Status read = widen(stored, 0, values); !read) return located(path_, read.error());
  if (const Status finite = check_finite(stored.name, stored.shape, values); !finite)
    return located(path_, finite.error());
  forget_pages(stored.data);
  return CrossGrams{HeldMatrix(std::move(C)), *std::move(K)};
}

Expected<HeldMatrix<double>> CalibrationFile::gram_of(const TensorInfo& stored) const {
  const auto n = static_cast<Index>(stored.shape[0]);
  const auto plausible = [](MatrixRef<double> G) {
    return symmetric_and_finite(G) && (G.diagonal().array() >= 0).all();
  };
  if (const double* values = in_place<double>(stored)) {
    HeldMatrix<double> held(values, n, n);
    if (plausible(held.view())) return held;
  }
  Matrix<double> g = fresh_matrix<double>(n, n);
  const std::span<double> values(g.data(), static_cast<std::size_t>(g.size()));
  const bool finite_numbers = widen_finite(stored, 0, values);
  forget_pages(stored.data);
  if (finite_numbers && plausible(g)) return HeldMatrix(std::move(g));
  // What is wrong with it, and where first.
  if (Status read = widen(stored, 0, values); !read) return located(path_, read.error());
  if (Status finite = check_finite(stored.name, stored.shape, values); !finite) return located(path_, finite.error());
  for (Index i = 0; i < n; ++i) {
    if (!(g(i, i) >= 0))
      return bad_entry(error_number::calibration_gram, "a Gram matrix has a negative diagonal entry",
                       fmt::format("{}: {}: {} at [{}, {}]", path_, described(stored), g(i, i), i, i));
    for (Index j = 0; j < i; ++j)
      if (!(g(i, j) == g(j, i)))
        return Error{Exit::input, error_number::calibration_gram, "a Gram matrix is not symmetric",
                     fmt::format("{}: {}: {} at [{}, {}], {} at [{}, {}]", path_, described(stored), g(i, j), i, j,
                                 g(j, i), j, i),
                     "store (G + G.T) / 2: a product of matrices need not come out symmetric to the last bit"};
  }
  return HeldMatrix(std::move(g));
}

void CalibrationFile::forget(const std::string& weight) const {
  const CalibrationEntry& entry = entries_.at(weight);
  forget_pages(tensor(weight, entry.is_gram ? gram_suffix : ".activations").data);
  if (entry.crossed) forget_pages(tensor(weight, float_gram_suffix).data);
}

bool CalibrationFile::stored_as_used(const std::string& weight) const {
  return entries_.at(weight).is_gram && tensor(weight, gram_suffix).dtype == DType::F64;
}

Expected<Matrix<float>> CalibrationFile::activations(const std::string& weight, std::uint64_t first,
                                                     std::uint64_t count) const {
  const TensorInfo& stored = tensor(weight, ".activations");
  const std::uint64_t cols = stored.shape[1];
  Matrix<float> x(static_cast<Index>(count), static_cast<Index>(cols));
  const std::span<float> values(x.data(), static_cast<std::size_t>(x.size()));
  if (stored.dtype == DType::F64 || !widen_finite(stored, first * cols, values)) {
    if (Status read = read_binary32(stored, first * cols, values); !read) return located(path_, read.error());
    const auto bad = std::ranges::find_if(values, [](float v) { return !std::isfinite(v); });
    const auto at = static_cast<std::uint64_t>(bad - values.begin());
    if (bad != values.end())
      return Error{Exit::input, error_number::not_finite, "an activation is not finite",
                   fmt::format("{}: {}: {} at [{}, {}]", path_, described(stored), *bad, first + at / cols, at % cols),
                   "leave the token out, or find what made it overflow"};
  }
  const std::uint64_t row_bytes = cols * dtype_bits(stored.dtype) / 8;
  forget_pages(stored.data.subspan(first * row_bytes, count * row_bytes));
  return x;
}

Expected<Steps> CalibrationFile::steps(const std::string& weight, Index group_size) const {
  const TensorInfo& stored = tensor(weight, ".scale");
  std::vector<float> scale(element_count(stored.shape));
  if (const Status read = read_binary32(stored, 0, scale); !read) return located(path_, read.error());
  for (std::size_t i = 0; i < scale.size(); ++i)
    if (scale[i] == 0 || !std::isfinite(scale[i]))
      return Error{Exit::input, error_number::calibration_scale, "a given scale is 0 or not finite",
                   fmt::format("{}: {}: {} at [{}]", path_, described(stored), scale[i], i),
                   "give every row a scale that is a number other than 0"};
  const auto rows = static_cast<Index>(stored.shape[0]);
  const Index groups = static_cast<Index>(scale.size()) / std::max<Index>(rows, 1);
  Steps steps{Eigen::Map<const Matrix<float>>(scale.data(), rows, groups), {}, group_size};
  if (entries_.at(weight).zero_point.empty()) return steps;
  const TensorInfo& zeros = tensor(weight, ".zero_point");
  steps.zeros.resize(rows, groups);
  for (Index k = 0; k < steps.zeros.size(); ++k) {
    const auto byte = std::to_integer<std::uint8_t>(zeros.data[static_cast<std::size_t>(k)]);
    steps.zeros.data()[k] = zeros.dtype == DType::I8 ? static_cast<std::int8_t>(byte) : std::int16_t{byte};
  }
  return steps;
}

Status write_grams(const std::string& path, bool overwrite, const std::vector<GramPlan>& plan,
                   const std::function<Expected<Matrix<double>>(std::size_t)>& gram_of) {
  std::vector<TensorPlan> tensors;
  nlohmann::json tokens = nlohmann::json::object();
  for (const GramPlan& gram : plan) {
    tensors.push_back({gram.weight + std::string(gram.suffix), DType::F64, {gram.cols, gram.cols}});
    if (gram.tokens) tokens[gram.weight] = *gram.tokens;
  }
  Expected<SafeTensorsWriter> writer = SafeTensorsWriter::create(
      path, overwrite, std::move(tensors),
      {{std::string(tokens_key),
        tokens.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)}});  // the names are checked by create
  if (!writer) return writer.error();
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const Expected<Matrix<double>> g = gram_of(i);
    if (!g) return g.error();
    const std::span<const double> values(g->data(), static_cast<std::size_t>(g->size()));
    if (Status written = writer->write(plan[i].weight + std::string(plan[i].suffix), values); !written) return written;
  }
  return writer->commit();
}

}  // namespace hallmark
