#include "pipeline/verify_files.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "base/error_numbers.hpp"
#include "pipeline/kept_judgements.hpp"

namespace hallmark {
namespace {

using VerifyProgress = std::function<void(double done, double total, std::string_view item)>;

Error header_differs(const std::string& path, const std::string& what) {
  return {Exit::mismatch, error_number::certificate_differs, "the files are not those of the certificate",
          fmt::format("{}: {}", path, what), "name the files that this output was made from"};
}

// Whether a tensor that passes through has the bytes of W.
Expected<bool> same_bytes(const QuantizedModel& model, const TensorInfo& tensor) {
  bool same = true;
  std::size_t first = 0;
  const Status read = model.pass_through(tensor.name, [&](std::span<const std::byte> piece) {
    same = same && first + piece.size() <= tensor.data.size() &&
           std::ranges::equal(piece, tensor.data.subspan(first, piece.size()));
    first += piece.size();
    return ok();
  });
  if (!read) return read.error();
  return same && first == tensor.data.size();
}

// Whether Q's tensors are those of W, as far as they were not quantized; another program need not have kept W's
// metadata.
Status check_tensors(const SafeTensors& weights, const QuantizedModel& model, const std::string& path, bool certified) {
  const std::vector<OriginalTensor>& originals = model.header().tensors;
  const auto differs = [&](const std::string& what) { return header_differs(path, what); };
  if (certified && weights.metadata() != model.header().source_metadata)
    return differs("the metadata of the weights are others");
  if (weights.tensors().size() != originals.size())
    return differs(fmt::format("{} tensors, the weights have {}", originals.size(), weights.tensors().size()));
  if (certified && !model.header().source_shards.empty() && weights.shards() != model.header().source_shards)
    return differs("the weights are cut into other shards");
  const auto matrices = matrices_by_tensor(model.header());
  for (std::size_t i = 0; i < originals.size(); ++i) {
    const TensorInfo& tensor = weights.tensors()[i];
    if (tensor.name != originals[i].name || tensor.dtype != originals[i].dtype || tensor.shape != originals[i].shape)
      return differs(fmt::format("tensor {} is '{}' {} {}, in the weights '{}' {} {}", i, originals[i].name,
                                 dtype_name(originals[i].dtype), shape_text(originals[i].shape), tensor.name,
                                 dtype_name(tensor.dtype), shape_text(tensor.shape)));
    if (!matrices[i].empty()) continue;
    const Expected<bool> same = same_bytes(model, tensor);
    if (!same) return same.error();
    if (!*same)
      return Error{Exit::mismatch, error_number::tensor_differs,
                   "a tensor that passes through has other bytes than its source",
                   fmt::format("{}: tensor '{}'", path, tensor.name), "quantize the weights again"};
  }
  return ok();
}

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
    return header_differs(
        path, fmt::format("the certificate has {} where tensor '{}' was quantized",
                          *next ? fmt::format("tensor '{}'", (*next)->name.substr(0, 200)) : "no tensor", name));
  return **std::move(next);
}

// What the headers say of each other; the digests of the inputs are compared beside, so that the message can name a
// tensor.
Expected<CertificateHeader> check_headers(const VerifyInputs& in, const InputDigests& digests, Findings& found) {
  const CertificateHeader& certified = in.certificate->header();
  const Expected<contracts::Policy> policy = contracts::parse_policy(certified.contracts);
  if (!policy)
    return Error{Exit::input, error_number::certificate_malformed, "the certificate is malformed",
                 fmt::format("{}: line 1: contracts are '{}'", in.certificate_name, certified.contracts.substr(0, 40)),
                 "get the certificate again, or quantize again"};
  const QuantizedHeader& stored = in.model->header();
  CertificateHeader header = certified;
  header.tool = stored.tool;
  header.weights_sha256 = stored.source_sha256;
  header.calibration_sha256 = stored.calibration_sha256;
  if (const auto text = first_difference(certified, header)) return header_differs(in.certificate_name, *text);
  digests.enter(header);
  if (const auto text = first_difference(certified, header))
    found.mismatch = header_differs(in.certificate_name, *text);
  return header;
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

// Judges, or reproduces, matrices one after the other.
class Judging {
 public:
  Judging(const VerifyRequest& request, VerifyInputs& in, const InputDigests& digests, Findings& found)
      : request_(request), in_(in), digests_(digests), found_(found) {}

  // Enters what is found of the matrix; gives the difference that ends the verification.
  Expected<std::optional<Error>> matrix(const PlannedMatrix& planned) {
    std::optional<CertifiedTensor> claim;
    if (in_.certificate) {
      Expected<CertifiedTensor> next = next_certified(*in_.certificate, planned.name(), in_.certificate_name);
      if (!next) return next.error();
      claim = *std::move(next);
      // What the run held out, its losses do not speak of.
      if (in_.calibration && claim->tokens > 0) in_.calibration->use_first(planned.name(), claim->tokens);
      found_.held_out += planned.calibration && planned.calibration->held_out > 0;
    }
    const CertifiedTensor* const claimed = claim ? &*claim : nullptr;
    Dependencies on;
    if (request_.state) {
      Expected<Dependencies> known =
          dependencies_of(planned, request_, in_, claimed, digests_, found_.mismatch.has_value());
      if (!known) return known.error();
      on = *std::move(known);
      if (const auto taken = take_judgement(planned.name(), request_, on)) {
        enter(*taken);
        return std::optional<Error>();
      }
    }
    const Expected<Verified> verified = judge(planned, claimed);
    if (!verified) return verified.error();
    const Judgement judgement = judgement_of(*verified, claimed);
    if (verified->differs) {
      found_.lines.push_back(judgement.line);
      return verified->differs;
    }
    enter(judgement);
    if (request_.state)
      if (const Status kept = keep_judgement(planned.name(), judgement, request_, in_, on); !kept) return kept.error();
    return std::optional<Error>();
  }

 private:
  static bool has_bounds(const CertifiedTensor* claim) {
    return claim && std::ranges::any_of(claim->values, [](const auto& row) { return row.bound.has_value(); });
  }
  bool again() const { return request_.reproduce || (in_.certificate && in_.certificate->header().version == 1); }

  Expected<Verified> judge(const PlannedMatrix& planned, const CertifiedTensor* claim) const {
    if (!claim || !again()) return judge_stored(planned, in_.known(), *in_.model, claim, request_.exact, digests_);
    const bool optimality = !claim->values.empty() && claim->values.front().optimality;
    const bool one_opt = one_opt_rows(claim->values).rows > 0;
    return reproduce(planned, in_.known(), *in_.model, *claim,
                     {*contracts::parse_policy(in_.certificate->header().contracts), true, has_bounds(claim),
                      request_.exact, optimality, one_opt},
                     digests_, found_.mismatch.has_value());
  }

  Judgement judgement_of(const Verified& verified, const CertifiedTensor* claim) const {
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

  void enter(const Judgement& of) {
    found_.lines.push_back(of.line);
    if (!of.slacks.empty()) found_.slacks.push_back({of.line.name, of.slacks});
    found_.unjudged_bounds |= of.unjudged_bounds;
    found_.unjudged_scales |= of.unjudged_scales;
    found_.unjudged_counts |= of.unjudged_counts;
    found_.unjudged_contracts |= of.unjudged_contracts;
    found_.unjudged_exact_losses |= of.unjudged_exact_losses;
    found_.rows += of.line.rows;
    found_.worse_rows += of.worse_rows;
    found_.judged.binary32 += of.judged.binary32;
    found_.judged.binary64 += of.judged.binary64;
    found_.judged.exact += of.judged.exact;
    found_.exact_elements += of.exact_elements;
    found_.largest_ratio = std::max(found_.largest_ratio, of.largest_ratio);
  }

  const VerifyRequest& request_;
  VerifyInputs& in_;
  const InputDigests& digests_;
  Findings& found_;
};

// Every matrix; the first that differs ends it.
Expected<std::optional<Error>> verify_matrices(const VerifyRequest& request, VerifyInputs& in, const Plan& plan,
                                               const InputDigests& digests, const VerifyProgress& progress,
                                               Findings& found) {
  Judging judging(request, in, digests, found);
  double done = 0;
  for (const PlannedMatrix& planned : plan.matrices) {
    if (progress) progress(done, plan.work(), planned.name());
    const Expected<std::optional<Error>> differs = judging.matrix(planned);
    if (!differs || *differs) return differs;
    done += planned.work();
    forget(planned, in.known());
  }
  return std::optional<Error>();
}

// Which file stands under a name: another after it was replaced.
std::array<std::int64_t, 4> version_of(const std::string& path) {
  struct stat now {};
  if (::stat(path.c_str(), &now) != 0) return {};
  return {static_cast<std::int64_t>(now.st_dev), static_cast<std::int64_t>(now.st_ino), now.st_mtim.tv_sec,
          now.st_mtim.tv_nsec};
}

// The certificate that stands there now for this model.
std::string certificate_name_of(const VerifyRequest& request, const QuantizedModel& model) {
  const std::string path = model.paths().front();
  const bool beside = request.certificate.empty() || request.certificate == certificate_path(path);
  return beside ? certificate_beside(path, model.payload_sha256()) : request.certificate;
}

struct Pair {
  std::unique_ptr<QuantizedModel> model;
  std::optional<CertificateReader> certificate;
  std::string certificate_name;
};

// Model and certificate of one writer: where another replaced the model, or renamed its certificate, between the two
// they are opened again. A writer renames the model before its certificate gets the name that the old one had, so that
// whoever saw one model before and after has its certificate.
Expected<Pair> open_pair(const VerifyRequest& request) {
  constexpr int most = 100;  // times, beside somebody who writes without end
  for (int attempt = 1; attempt <= most; ++attempt) {
    const auto before = version_of(request.quantized);
    Expected<std::unique_ptr<QuantizedModel>> model = read_quantized(request.quantized);
    std::string name;
    std::optional<Expected<CertificateReader>> certificate;
    if (model) {
      name = certificate_name_of(request, **model);
      if (request.certified) certificate.emplace(CertificateReader::open(name));
    }
    if (version_of(request.quantized) != before || (model && certificate_name_of(request, **model) != name)) continue;
    if (!model) return model.error();
    Pair pair{*std::move(model), {}, name};
    if (!certificate) return pair;
    if (*certificate) return pair.certificate = **std::move(certificate), std::move(pair);
    Error error = certificate->error();
    if (error.number == error_number::cannot_read)
      error.hint = "--certificate FILE, or --no-certificate: the codes alone";
    return error;
  }
  return Error{Exit::io, error_number::file_changed, "an input file changed while it was being read",
               fmt::format("{}: replaced {} times", request.quantized, most),
               "run again when nothing writes to the file"};
}

}  // namespace

Expected<VerifyInputs> VerifyInputs::open(const VerifyRequest& request) {
  Expected<Pair> pair = open_pair(request);
  if (!pair) return pair.error();
  Expected<SafeTensors> weights = SafeTensors::open(request.weights);
  if (!weights) return weights.error();
  std::optional<CalibrationFile> calibration;
  if (!request.calibration.empty()) {
    Expected<CalibrationFile> opened = CalibrationFile::open(request.calibration);
    if (!opened) return opened.error();
    calibration = *std::move(opened);
  }
  return VerifyInputs{std::move(pair->model), *std::move(weights), std::move(calibration), std::move(pair->certificate),
                      std::move(pair->certificate_name)};
}

std::vector<std::string> VerifyInputs::paths() const {
  std::vector<std::string> all = weights.paths();
  const std::vector<std::string> of_model = model->paths();
  all.insert(all.end(), of_model.begin(), of_model.end());
  if (certificate) all.push_back(certificate_name);
  if (calibration) all.insert(all.end(), calibration->file().paths().begin(), calibration->file().paths().end());
  return all;
}

Expected<Findings> verify_files(const VerifyRequest& request, VerifyInputs& in, const VerifyProgress& progress) {
  Findings found;
  const InputDigests digests(in.weights, in.known());
  if (in.certificate)
    if (const auto header = check_headers(in, digests, found); !header) return header.error();
  if (const Status same = check_tensors(in.weights, *in.model, request.quantized, in.certificate.has_value()); !same)
    return same.error();
  const Expected<Plan> plan = plan_of(*in.model, in.weights, in.known());
  if (!plan) return plan.error();
  const auto mismatch = verify_matrices(request, in, *plan, digests, progress, found);
  if (!mismatch) return mismatch.error();
  if (*mismatch) found.mismatch = **mismatch;  // it names a tensor
  return found;
}

Status check_rest(VerifyInputs& in) {
  if (in.certificate) {
    const Expected<std::optional<CertifiedTensor>> more = in.certificate->next();
    if (!more) return more.error();
    if (*more)
      return header_differs(in.certificate_name,
                            fmt::format("tensor '{}' was not quantized", (*more)->name.substr(0, 200)));
  }
  if (const Status whole = in.model->check_whole(); !whole) return whole.error();
  for (const Status& same :
       {in.weights.unchanged(), in.model->files_unchanged(), in.known() ? in.known()->file().unchanged() : ok()})
    if (!same) return same.error();
  return ok();
}

}  // namespace hallmark
