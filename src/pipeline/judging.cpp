#include "pipeline/judging.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error_numbers.hpp"
#include "io/file.hpp"
#include "io/sha256.hpp"
#include "pipeline/hashing.hpp"

namespace hallmark {
namespace {

VerifiedLine line_of(const CertifiedTensor& tensor, const std::string& judged, bool reproduced) {
  VerifiedLine line{.name = tensor.name,
                    .judged = judged,
                    .rows = tensor.rows,
                    .guard_rows = tensor.guard_rows,
                    .losses = !tensor.values.empty(),
                    .of_a_run = reproduced};
  double loss = 0, rtn = 0;
  for (const CertifiedRow& row : tensor.values) {
    loss += (row.final.enclosure.lo + row.final.enclosure.hi) / 2;
    rtn += (row.rtn.enclosure.lo + row.rtn.enclosure.hi) / 2;
    if (row.bound) line.slack = std::max(line.slack, row.bound->slack);
  }
  line.ratio = rtn > 0 ? loss / rtn : 1;
  for (const CertifiedContract& contract : tensor.contracts)
    line.contracts += contract.by_enclosure + contract.by_exact;
  return line;
}

// The next tensor of the certificate, which has to be the one that W has here.
Expected<CertifiedTensor> next_certified(CertificateReader& certificate, const std::string& name,
                                         const std::string& path) {
  Expected<std::optional<CertifiedTensor>> next = certificate.next();
  if (!next) return next.error();
  if (!*next || (*next)->name != name)
    return files_differ(
        path, fmt::format("the certificate has {} where tensor '{}' was quantized",
                          *next ? fmt::format("tensor '{}'", (*next)->name.substr(0, 200)) : "no tensor", name));
  return **std::move(next);
}

std::string judged_text(const Verified& verified, bool reproduced, bool exact) {
  if (verified.differs) return "DIFFERS";
  return std::string(reproduced ? "reproduced" : "judged") + (exact ? ", exact" : "");
}

// Whether the claim has an exact loss of a row that exact arithmetic does not judge.
bool says_more_than(const CertifiedTensor& claim, ExactRows judged) {
  const auto rows = static_cast<Index>(claim.values.size());
  for (Index i = 0; i < rows; ++i) {
    const CertifiedRow& row = claim.values[static_cast<std::size_t>(i)];
    if ((row.final.exact || row.rtn.exact) && !judged.contains(i, rows)) return true;
  }
  return false;
}

bool has_bounds(const CertifiedTensor* claim) {
  return claim && std::ranges::any_of(claim->values, [](const auto& row) { return row.bound.has_value(); });
}
bool of_first_tokens(const PlannedMatrix& planned, const CertifiedTensor* claim) {
  return claim && planned.calibration && planned.calibration->held_out > 0;
}

}  // namespace

Error files_differ(const std::string& path, const std::string& what) {
  return {Exit::mismatch, error_number::certificate_differs, "the files are not those of the certificate",
          fmt::format("{}: {}", path, what), "name the files that this output was made from"};
}

// The next claim of a certificate, which has to be of this matrix.
Expected<std::optional<CertifiedTensor>> Judging::claim_of(const PlannedMatrix& planned,
                                                           std::optional<CertificateReader>& certificate) {
  if (!certificate) return std::optional<CertifiedTensor>();
  Expected<CertifiedTensor> next = next_certified(*certificate, planned.name(), in_.certificate_name);
  if (!next) return next.error();
  // What the run held out, its losses do not speak of.
  if (in_.calibration && next->tokens > 0) in_.calibration->use_first(planned.name(), next->tokens);
  return std::optional(*std::move(next));
}

Expected<Judged> Judging::judged(std::size_t item, const TellRows& tell) {
  std::optional<CertifiedTensor> claim;
  for (; next_ <= item; ++next_) {
    Expected<std::optional<CertifiedTensor>> read = claim_of(plan_.matrices[next_], in_.certificate);
    if (!read) return read.error();
    claim = *std::move(read);
  }
  Expected<Judged> found = judged(plan_.matrices[item], claim ? &*claim : nullptr, tell);
  forget(plan_.matrices[item], in_.known());
  return found;
}

Expected<Judged> Judging::judged(const PlannedMatrix& planned, const CertifiedTensor* claim, const TellRows& tell) {
  Judged out{.judgement = {}, .differs = {}, .held_out = of_first_tokens(planned, claim)};
  if (request_.state || !alone()) {
    Expected<Dependencies> on = dependencies_on(planned, claim);
    if (!on) return on.error();
    out.on = *std::move(on);
  }
  if (request_.state && alone())
    if (auto taken = take_judgement(planned.name(), request_, out.on)) {
      out.judgement = *std::move(taken);
      out.taken = true;
      return out;
    }
  const Expected<Verified> verified = judge(planned, claim, tell);
  if (!verified) return verified.error();
  out.judgement = judgement_of(*verified, claim);
  out.differs = verified->differs;
  return out;
}

Expected<Verified> Judging::judge(const PlannedMatrix& planned, const CertifiedTensor* claim,
                                  const TellRows& tell) const {
  if (!claim || !again()) return judge_stored(planned, in_.known(), *in_.model, claim, request_.exact, digests_, tell);
  const bool optimality = !claim->values.empty() && claim->values.front().optimality;
  const bool one_opt = one_opt_rows(claim->values).rows > 0;
  return reproduce(planned, in_.known(), *in_.model, *claim,
                   {*contracts::parse_policy(in_.certificate->header().contracts), true, has_bounds(claim),
                    request_.exact, optimality, one_opt, tell},
                   digests_, sources_differ_);
}

Judgement Judging::judgement_of(const Verified& verified, const CertifiedTensor* claim) const {
  const bool reproduced = claim && again();
  Judgement judgement{
      .line = line_of(verified.tensor, judged_text(verified, reproduced, request_.exact.count > 0), reproduced),
      .slacks = {},
      .judged = verified.judged,
      .unjudged_contracts =
          claim && !again() && (!claim->contracts.empty() || in_.certificate->header().contracts != "off"),
      .unjudged_bounds = has_bounds(claim) && !again(),
      .unjudged_scales = verified.unjudged_scales,
      .unjudged_counts = verified.unjudged_counts,
      .unjudged_exact_losses = claim && says_more_than(*claim, request_.exact),
      .worse_rows = verified.worse_rows,
      .exact_elements = verified.exact_elements,
      .largest_ratio = verified.largest_ratio};
  if (again())
    for (const CertifiedRow& row : verified.tensor.values)
      if (row.bound) judgement.slacks.push_back(row.bound->slack);
  return judgement;
}

Expected<std::vector<std::optional<Judged>>> Judging::taken() {
  std::vector<std::optional<Judged>> all(plan_.matrices.size());
  if (!request_.state) return all;
  std::optional<CertificateReader> beside;
  if (in_.certificate) {
    Expected<CertificateReader> opened = CertificateReader::open(in_.certificate_name);
    if (!opened) return opened.error();
    beside = *std::move(opened);
  }
  for (std::size_t item = 0; item < all.size(); ++item) {
    const PlannedMatrix& planned = plan_.matrices[item];
    const Expected<std::optional<CertifiedTensor>> read = claim_of(planned, beside);
    if (!read) return read.error();
    if (!request_.state->has(planned.name())) continue;
    const CertifiedTensor* const claim = *read ? &**read : nullptr;
    const Expected<Dependencies> on = dependencies_on(planned, claim);
    if (!on) return on.error();
    if (auto kept = take_judgement(planned.name(), request_, *on))
      all[item] = Judged{*std::move(kept), {}, of_first_tokens(planned, claim), true};
  }
  return all;
}

Status Judging::keep(const Judged& judged) const {
  if (!request_.state || judged.taken || judged.differs) return ok();
  return keep_judgement(judged.judgement.line.name, judged.judgement, request_, in_, judged.on);
}

Status Judging::read_on() {
  for (; next_ < plan_.matrices.size(); ++next_)
    if (const auto read = claim_of(plan_.matrices[next_], in_.certificate); !read) return read.error();
  return ok();
}

namespace {

// Of whole files, each hashed once on each machine.
Expected<std::vector<std::string>> shared_file_digests(Ranks& ranks, const std::string& program,
                                                       const std::vector<std::string>& files) {
  std::string seen = program;
  std::vector<HashJob> jobs;
  for (const std::string& path : files) {
    seen += fmt::format("\n{}", identity_of(path));
    std::error_code missing;  // which is told by whoever hashes it
    jobs.push_back({fmt::format("file {}", jobs.size()), std::filesystem::file_size(path, missing)});
  }
  const auto hashed = share_hashing(ranks, seen, jobs, [&](const std::vector<std::size_t>& mine) {
    return hash_by_threads(mine, [&](std::size_t job) -> Expected<HashResult> {
      const Expected<std::string> digest = sha256_file(files[job]);
      return digest ? Expected<HashResult>(HashResult{*digest}) : digest.error();
    });
  });
  if (!hashed) return hashed.error();
  std::vector<std::string> digests;
  for (const HashResult& result : *hashed) digests.push_back(result.front());
  return digests;
}

}  // namespace

Status agree_on(const VerifyRequest& request, const VerifyInputs& in, const InputDigests& digests) {
  CertificateHeader inputs;
  digests.enter(inputs);
  Agreement all{{"the program", request.program},
                {"the weights' SHA-256", inputs.weights_sha256},
                {"the calibration's SHA-256", inputs.calibration_sha256},
                {"how it is judged", fmt::format("certified {}, reproduced {}, exact rows {}", request.certified,
                                                 request.reproduce, request.exact.count)}};
  std::vector<std::string> files = in.model->paths();
  if (in.certificate) files.push_back(in.certificate_name);
  const auto digests_of_files = shared_file_digests(*request.ranks, request.program, files);
  if (!digests_of_files) return digests_of_files.error();
  for (std::size_t i = 0; i < files.size(); ++i)
    all.emplace_back(i < in.model->paths().size() ? fmt::format("the SHA-256 of the model's file {}", i + 1)
                                                  : "the certificate's SHA-256",
                     (*digests_of_files)[i]);
  return agree(*request.ranks, all);
}

namespace {

Expected<ItemBytes> bytes_of(const Expected<Judged>& judged) {
  if (!judged) return judged.error();
  return judged_bytes(*judged);
}

}  // namespace

void help_judging(Ranks& ranks, Judging& judging) {
  make_shared_items(ranks, [&](std::size_t item) { return bytes_of(judging.judged(item)); });
}

Expected<std::unique_ptr<SharedJudging>> SharedJudging::begin(Ranks& ranks, Judging& judging) {
  Expected<std::vector<std::optional<Judged>>> taken = judging.taken();
  if (!taken) return taken.error();
  return std::unique_ptr<SharedJudging>(new SharedJudging(ranks, judging, *std::move(taken)));
}

SharedJudging::SharedJudging(Ranks& ranks, Judging& judging, std::vector<std::optional<Judged>> taken)
    : taken_(std::move(taken)) {
  std::vector<bool> there;
  for (const auto& judged : taken_) there.push_back(judged.has_value());
  const std::vector<double> equal(taken_.size());
  items_.emplace(
      ranks, equal, Window{taken_.size()}, there,
      [&judging](std::size_t item) { return bytes_of(judging.judged(item)); },
      [&judging](std::size_t, std::span<const std::byte> bytes) {
        const auto judged = judged_of_bytes(bytes);
        return judged ? judging.keep(*judged) : ok();  // which take() refuses
      });
}

Expected<Judged> SharedJudging::take(std::size_t item) {
  if (taken_[item]) return *taken_[item];
  const Expected<ItemBytes> bytes = items_->take(item);
  if (!bytes) return bytes.error();
  if (auto judged = judged_of_bytes(*bytes)) return *std::move(judged);
  return Error{Exit::internal, error_number::unexpected_exception, "a rank sent something else than a judgement",
               fmt::format("matrix {} of the plan", item), "report this as a bug"};
}

}  // namespace hallmark
