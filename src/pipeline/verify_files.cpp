#include "pipeline/verify_files.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "base/error_numbers.hpp"

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

void add_slacks(const CertifiedTensor& tensor, Findings& found) {
  TensorSlack slack{tensor.name, {}};
  for (const CertifiedRow& row : tensor.values)
    if (row.bound) slack.slack.push_back(row.bound->slack);
  if (!slack.slack.empty()) found.slacks.push_back(std::move(slack));
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

// Judges, or reproduces, every matrix; the first that differs ends it.
Expected<std::optional<Error>> verify_matrices(const VerifyRequest& request, VerifyInputs& in, const Plan& plan,
                                               const InputDigests& digests, const VerifyProgress& progress,
                                               Findings& found) {
  const bool old = in.certificate && in.certificate->header().version == 1, again = request.reproduce || old;
  double done = 0;
  for (const PlannedMatrix& planned : plan.matrices) {
    if (progress) progress(done, plan.work(), planned.name());
    std::optional<CertifiedTensor> claim;
    if (in.certificate) {
      Expected<CertifiedTensor> next = next_certified(*in.certificate, planned.name(), in.certificate_name);
      if (!next) return next.error();
      claim = *std::move(next);
      // What the run held out, its losses do not speak of.
      if (in.calibration && claim->tokens > 0) in.calibration->use_first(planned.name(), claim->tokens);
      found.held_out += planned.calibration && planned.calibration->held_out > 0;
    }
    const bool bounds =
        claim && std::ranges::any_of(claim->values, [](const auto& row) { return row.bound.has_value(); });
    const bool optimality = claim && !claim->values.empty() && claim->values.front().optimality;
    const bool one_opt = claim && one_opt_rows(claim->values).rows > 0;
    Expected<Verified> verified =
        claim && again
            ? reproduce(planned, in.known(), *in.model, *claim,
                        {*contracts::parse_policy(in.certificate->header().contracts), true, bounds, request.exact,
                         optimality, one_opt},
                        digests, found.mismatch.has_value())
            : judge_stored(planned, in.known(), *in.model, claim ? &*claim : nullptr, request.exact, digests);
    if (!verified) return verified.error();
    found.lines.push_back(
        line_of(verified->tensor, judged_text(*verified, claim && again, request.exact.count > 0), claim && again));
    if (verified->differs) return std::optional(*verified->differs);
    if (again) add_slacks(verified->tensor, found);
    found.unjudged_bounds |= bounds && !again;
    found.unjudged_scales |= verified->unjudged_scales;
    found.unjudged_counts |= verified->unjudged_counts;
    found.unjudged_contracts |=
        claim && !again && (!claim->contracts.empty() || in.certificate->header().contracts != "off");
    found.unjudged_exact_losses |= claim && says_more_than(*claim, request.exact);
    found.rows += verified->tensor.rows;
    found.worse_rows += verified->worse_rows;
    found.judged.binary32 += verified->judged.binary32;
    found.judged.binary64 += verified->judged.binary64;
    found.judged.exact += verified->judged.exact;
    found.exact_elements += verified->exact_elements;
    found.largest_ratio = std::max(found.largest_ratio, verified->largest_ratio);
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
