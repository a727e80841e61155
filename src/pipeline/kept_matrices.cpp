#include "pipeline/kept_matrices.hpp"

#include <fmt/format.h>

#include <cstring>
#include <map>
#include <mutex>
#include <set>

#include "artifact/stored_bytes.hpp"
#include "io/sha256.hpp"
#include "method/options_json.hpp"
#include "state/archive.hpp"

namespace hallmark {

// The members of what is kept, for both directions. A structured binding names all of them, so that a type that gets
// one more does not compile until it is kept too. In the types' namespace, where an archive finds them.

template <class Archive>
void fields(Archive& archive, Rotation& value) {
  auto& [signs, rows] = value;
  archive(signs, rows);
}

template <class Archive>
void fields(Archive& archive, LowRank& value) {
  auto& [A, B] = value;
  archive(A, B);
}

template <class Archive>
void fields(Archive& archive, Steps& value) {
  auto& [scales, zeros, group_size, rotation, low_rank] = value;
  archive(scales, zeros, group_size, rotation, low_rank);
}

template <class Archive>
void fields(Archive& archive, Loss& loss) {
  auto& [value, lo, hi] = loss;
  archive(value, lo, hi);
}

// Without the codes, which are kept as the container stores them.
template <class Archive>
void fields(Archive& archive, Quantized& value) {
  auto& [codes, steps, rtn_steps, method, lambda, dead_columns, effective_rank, clipped, guard_rows, exact_rows,
         loss_rtn, loss_proposal, loss_final, enclosed_rtn, enclosed_proposal, kept_rtn] = value;
  archive(steps, rtn_steps, method, lambda, dead_columns, effective_rank, clipped, guard_rows, exact_rows, loss_rtn,
          loss_proposal, loss_final, enclosed_rtn, enclosed_proposal, kept_rtn);
}

template <class Archive>
void fields(Archive& archive, Enclosure& value) {
  auto& [lo, hi] = value;
  archive(lo, hi);
}

template <class Archive>
void fields(Archive& archive, oracle::Dyadic& value) {
  std::string text;
  if constexpr (!Archive::reads) text = value.text();
  archive(text);
  if constexpr (Archive::reads) {
    if (auto read = oracle::Dyadic::parse(text)) value = *std::move(read);
    else archive.refuse();
  }
}

template <class Archive>
void fields(Archive& archive, CertifiedLoss& value) {
  auto& [enclosure, exact] = value;
  archive(enclosure, exact);
}

template <class Archive>
void fields(Archive& archive, CertifiedBound& value) {
  auto& [enclosure, slack] = value;
  archive(enclosure, slack);
}

template <class Archive>
void fields(Archive& archive, Optimality& value) {
  auto& [lower, by] = value;
  archive(lower, by);
}

template <class Archive>
void fields(Archive& archive, CertifiedRow& value) {
  auto& [kept_rtn, final, rtn, bound, optimality, one_opt] = value;
  archive(kept_rtn, final, rtn, bound, optimality, one_opt);
}

template <class Archive>
void fields(Archive& archive, HeldOut& value) {
  auto& [tokens, loss_rtn, loss] = value;
  archive(tokens, loss_rtn, loss);
}

namespace {

// Counts name theorems in static memory.
std::string_view lasting(const std::string& name) {
  static std::mutex mutex;
  static std::set<std::string> names;
  const std::scoped_lock lock(mutex);
  return *names.insert(name).first;
}

}  // namespace

template <class Archive>
void fields(Archive& archive, contracts::Count& value) {
  auto& [passed, failed, by_binary64, by_twice_binary64, by_exact, theorem] = value;
  std::string name(theorem);
  archive(passed, failed, by_binary64, by_twice_binary64, by_exact, name);
  if constexpr (Archive::reads) theorem = lasting(name);
}

namespace {

// What the report of a matrix holds: no violation, or it would not have been kept.
struct Contracts {
  std::map<std::string, contracts::Count> counts;
  std::int64_t rows = 0, exact_rows = 0;
};

Contracts contracts_of(const contracts::Report& report) {
  return {{report.counts().begin(), report.counts().end()}, report.rows(), report.exact_rows()};
}

contracts::Report report_of(const Contracts& kept) {
  contracts::Report report;
  for (const auto& [name, count] : kept.counts) report.add(name, count);
  report.add_rows(kept.rows, kept.exact_rows);
  return report;
}

template <class Archive>
void fields_of(Archive& archive, QuantizedTensor& tensor, std::vector<CertifiedRow>& rows, Contracts& held) {
  auto& [loaded, judged, held_out, weights, gram, cross, of_float] = tensor;
  archive(judged.result, rows, held.counts, held.rows, held.exact_rows, held_out, weights, gram, cross, of_float);
}

std::string_view yes_or_no(bool value) { return value ? "yes" : "no"; }

// The codes of the matrix from the bytes that its container stores; none where they are not as many.
std::optional<Matrix<Code>> codes_of(const PlannedMatrix& planned, std::span<const std::byte> bytes) {
  const GridSpec& grid = planned.matrix.options.grid.spec();
  const detail::StoredShape stored = detail::stored_shape(grid, planned.matrix.rows, planned.matrix.cols, true);
  const TensorInfo tensor{"", stored.dtype, stored.shape, bytes};
  const Expected<std::uint64_t> size = tensor_bytes({"", stored.dtype, stored.shape});
  if (!size || *size != bytes.size()) return std::nullopt;
  return detail::read_rows(tensor, planned.rows(), planned.cols(), grid, true);
}

}  // namespace

std::optional<QuantizedTensor> matrix_of_bytes(const PlannedMatrix& planned, std::span<const std::byte> bytes) {
  QuantizedTensor out{{HeldMatrix<float>(Matrix<float>()), {}, {}, {}, {}}, {}, std::nullopt, "", ""};
  BytesIn in(bytes);
  std::vector<unsigned char> packed;
  std::vector<CertifiedRow> rows;
  Contracts held;
  in(packed);
  fields_of(in, out, rows, held);
  std::optional<Matrix<Code>> codes = codes_of(planned, std::as_bytes(std::span(packed)));
  if (!in.whole() || !codes) return std::nullopt;
  out.judged.result.codes = *std::move(codes);
  out.judged.contracts = report_of(held);
  out.judged.seen = std::make_unique<CertificateObserver>(nullptr, planned.matrix.options, ExactRows{}, false);
  out.judged.seen->values = std::move(rows);
  return out;
}

std::vector<std::byte> matrix_bytes(const PlannedMatrix& planned, QuantizedTensor& finished) {
  const Matrix<Code>& codes = finished.judged.result.codes;
  std::vector<std::byte> room;
  const auto bytes =
      detail::packed_rows(detail::all(codes), planned.matrix.cols, planned.matrix.options.grid.spec(), room);
  std::vector<unsigned char> packed(bytes.size());
  std::memcpy(packed.data(), bytes.data(), bytes.size());
  Contracts held = contracts_of(finished.judged.contracts);
  BytesOut out;
  out(packed);
  fields_of(out, finished, finished.judged.seen->values, held);
  return out.bytes();
}

Dependencies input_dependencies(const PlannedMatrix& planned, const CalibrationFile* calibration,
                                const InputDigests& digests) {
  const QuantizedMatrix& matrix = planned.matrix;
  Dependencies on{{"matrix", fmt::format("{} x {}, transposed {}", matrix.rows, matrix.cols, matrix.transposed)},
                  {"weights", described(*planned.tensor, digests.of_weights(planned))}};
  const nlohmann::ordered_json options = options_json(matrix.options);
  for (const auto& [name, value] : options.items()) on["option " + name] = value.dump();
  const std::vector<float>& points = matrix.options.grid.spec().points;
  on["points of the grid"] = sha256_hex(std::as_bytes(std::span(points)));
  if (!planned.calibration) return on;
  on["tokens"] = fmt::format("{}, held out {}", planned.calibration->tokens, planned.calibration->held_out);
  for (const std::string_view suffix :
       {".activations", ".gram", ".cross_gram", ".float_gram", ".scale", ".zero_point"}) {
    const std::string name = planned.name() + std::string(suffix);
    if (const TensorInfo* const tensor = calibration->file().find(name))
      on["calibration " + std::string(suffix.substr(1))] = described(*tensor, digests.of_calibration(name));
  }
  return on;
}

Dependencies dependencies_of(const PlannedMatrix& planned, const RunRequest& request, const InputDigests& digests) {
  const Demands& demands = request.demands;
  Dependencies on = input_dependencies(planned, request.calibration, digests);
  on["program"] = request.program;
  on["contracts"] = contracts::to_string(demands.contracts);
  on["bounds"] = yes_or_no(demands.bounds);
  on["optimality"] = yes_or_no(demands.optimality);
  on["one-opt"] = yes_or_no(demands.one_opt);
  on["exact rows"] = fmt::format("{}", demands.exact.count);
  return on;
}

std::optional<QuantizedTensor> take_kept(const PlannedMatrix& planned, const RunRequest& request,
                                         const RunEvents& events, const InputDigests& digests) {
  if (!request.state->has(planned.name())) return std::nullopt;  // digests are waited for
  Found found = request.state->find(planned.name(), dependencies_of(planned, request, digests));
  std::optional<QuantizedTensor> taken;
  if (found.kept) {
    taken = matrix_of_bytes(planned, found.kept->bytes);
    if (!taken) found.why_not = "its record holds something else than this matrix";
  }
  if (events.resumed) events.resumed(planned, found.why_not);
  return taken;
}

Status inputs_unchanged(const RunRequest& request) {
  if (const Status same = request.weights.unchanged(); !same) return same;
  return request.calibration ? request.calibration->file().unchanged() : ok();
}

Status keep(const PlannedMatrix& planned, std::span<const std::byte> bytes, const RunRequest& request,
            const InputDigests& digests) {
  const Dependencies on = dependencies_of(planned, request, digests);
  if (const Status same = inputs_unchanged(request); !same) return same;
  return request.state->keep(planned.name(), on, bytes);
}

}  // namespace hallmark
