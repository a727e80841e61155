#include "pipeline/kept_judgements.hpp"

#include <fmt/format.h>

#include "certify/certificate.hpp"
#include "io/sha256.hpp"
#include "method/options_json.hpp"
#include "pipeline/kept_matrices.hpp"
#include "state/archive.hpp"

namespace hallmark {

// The members of what is kept, for both directions, all of them by a structured binding (kept_matrices.cpp).

template <class Archive>
void fields(Archive& archive, VerifiedLine& value) {
  auto& [name, judged, ratio, slack, rows, guard_rows, contracts, losses, of_a_run] = value;
  archive(name, judged, ratio, slack, rows, guard_rows, contracts, losses, of_a_run);
}

template <class Archive>
void fields(Archive& archive, JudgedRows& value) {
  auto& [binary32, binary64, exact] = value;
  archive(binary32, binary64, exact);
}

template <class Archive>
void fields(Archive& archive, Judgement& value) {
  auto& [line, slacks, judged, contracts, bounds, scales, counts, exact_losses, worse_rows, elements, ratio] = value;
  archive(line, slacks, judged, contracts, bounds, scales, counts, exact_losses, worse_rows, elements, ratio);
}

template <class Archive>
void fields(Archive& archive, Judged& value) {
  auto& [judgement, differs, held_out, taken, on] = value;
  archive(judgement, differs, held_out, taken, on);
}

ItemBytes judged_bytes(const Judged& judged) {
  BytesOut out;
  out(judged);
  return out.bytes();
}

std::optional<Judged> judged_of_bytes(std::span<const std::byte> bytes) {
  std::optional<Judged> judged(std::in_place);
  BytesIn in(bytes);
  in(*judged);
  return in.whole() ? std::move(judged) : std::nullopt;
}

Expected<Dependencies> dependencies_of(const PlannedMatrix& planned, const VerifyRequest& request,
                                       const VerifyInputs& in, const CertifiedTensor* claim,
                                       const InputDigests& digests, bool sources_differ) {
  const Expected<Matrix<Code>> codes = in.model->codes(planned.matrix);
  if (!codes) return codes.error();
  const Expected<Steps> steps = in.model->steps(planned.matrix);
  if (!steps) return steps.error();
  const StoredDigests stored = stored_digests(planned.matrix, *codes, *steps);
  Dependencies on = input_dependencies(planned, in.known(), digests);
  on["program"] = request.program;
  on["stored codes"] = stored.codes;
  on["stored scales"] = stored.scales;
  on["stored zero points"] = stored.zeros;
  on["stored marks of rotated rows"] = stored.rotated;
  on["stored correction"] = stored.low_rank;
  on["judged by"] = request.reproduce ? "a run" : "the files";
  on["exact rows"] = fmt::format("{}", request.exact.count);
  on["sources"] = sources_differ ? "not those of the certificate" : "as far as is known those of the certificate";
  if (!claim) return on;
  const CertificateHeader& header = in.certificate->header();
  on["certificate"] = fmt::format("version {}, contracts {}", header.version, header.contracts);
  on["certificate's lines"] = sha256_hex(std::string_view(certificate_lines(*claim)));
  on["certificate's options"] = options_json(claim->options).dump();
  return on;
}

std::optional<Judgement> take_judgement(const std::string& matrix, const VerifyRequest& request,
                                        const Dependencies& on) {
  if (!request.state->has(matrix)) return std::nullopt;
  Found found = request.state->find(matrix, on);
  std::optional<Judgement> taken;
  if (found.kept) {
    BytesIn bytes(found.kept->bytes);
    bytes(taken.emplace());
    if (!bytes.whole() || taken->line.name != matrix) {
      taken.reset();
      found.why_not = "its record holds something else than this judgement";
    }
  }
  if (request.resumed) request.resumed(matrix, found.why_not);
  return taken;
}

Status keep_judgement(const std::string& matrix, Judgement judgement, const VerifyRequest& request,
                      const VerifyInputs& in, const Dependencies& on) {
  for (const Status& same :
       {in.weights.unchanged(), in.model->files_unchanged(), in.known() ? in.known()->file().unchanged() : ok()})
    if (!same) return same;
  BytesOut bytes;
  bytes(judgement);
  return request.state->keep(matrix, on, bytes.bytes());
}

}  // namespace hallmark
