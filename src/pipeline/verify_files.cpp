#include "pipeline/verify_files.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "artifact/quantized_file.hpp"
#include "base/error_numbers.hpp"
#include "pipeline/judging.hpp"

namespace hallmark {
namespace {

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
  const auto differs = [&](const std::string& what) { return files_differ(path, what); };
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
  if (const auto text = first_difference(certified, header)) return files_differ(in.certificate_name, *text);
  digests.enter(header);
  if (const auto text = first_difference(certified, header)) found.mismatch = files_differ(in.certificate_name, *text);
  return header;
}

void enter(const Judged& judged, Findings& found) {
  const Judgement& of = judged.judgement;
  found.held_out += judged.held_out;
  found.lines.push_back(of.line);
  if (judged.differs) return;
  if (!of.slacks.empty()) found.slacks.push_back({of.line.name, of.slacks});
  found.unjudged_bounds |= of.unjudged_bounds;
  found.unjudged_scales |= of.unjudged_scales;
  found.unjudged_counts |= of.unjudged_counts;
  found.unjudged_contracts |= of.unjudged_contracts;
  found.unjudged_exact_losses |= of.unjudged_exact_losses;
  found.rows += of.line.rows;
  found.worse_rows += of.worse_rows;
  found.judged.binary32 += of.judged.binary32;
  found.judged.binary64 += of.judged.binary64;
  found.judged.exact += of.judged.exact;
  found.exact_elements += of.exact_elements;
  found.largest_ratio = std::max(found.largest_ratio, of.largest_ratio);
}

// Every matrix; the first that differs ends it. On a rank that is not 0 those that it is handed.
Expected<std::optional<Error>> verify_matrices(const VerifyRequest& request, VerifyInputs& in, const Plan& plan,
                                               const InputDigests& digests, const WorkProgress& progress,
                                               Findings& found) {
  Judging judging(request, in, plan, digests, found.mismatch.has_value());
  std::unique_ptr<SharedJudging> shared;
  if (request.ranks && request.ranks->size() > 1) {
    if (const Status same = agree_on(request, in, digests); !same) return same.error();
    if (request.ranks->rank() > 0) return help_judging(*request.ranks, judging), std::optional<Error>();
    auto begun = SharedJudging::begin(*request.ranks, judging);
    if (!begun) return begun.error();
    shared = *std::move(begun);
  }
  double done = 0;
  for (std::size_t item = 0; item < plan.matrices.size(); ++item) {
    const PlannedMatrix& matrix = plan.matrices[item];
    if (progress) progress(done, plan.work(), matrix.name());
    const TellRows tell = judgements_of(matrix, done, plan.work(), request.within_matrix);
    const Expected<Judged> judged = shared ? shared->take(item) : judging.judged(item, tell);
    if (!judged) return judged.error();
    enter(*judged, found);
    if (judged->differs) return judged->differs;
    if (!shared)
      if (const Status kept = judging.keep(*judged); !kept) return kept.error();
    done += matrix.work();
  }
  if (const Status read = judging.read_on(); !read) return read.error();
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
  const auto* container = dynamic_cast<const QuantizedFile*>(&model);
  return beside ? certificate_beside(path, container ? container->content_sha256() : "") : request.certificate;
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

Expected<Findings> verify_files(const VerifyRequest& request, VerifyInputs& in, const WorkProgress& progress) {
  Findings found;
  auto known = shared_digests(request.ranks, request.program, in.weights, in.known());
  if (!known) return known.error();
  const InputDigests digests(in.weights, in.known(), *std::move(known));
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
      return files_differ(in.certificate_name,
                          fmt::format("tensor '{}' was not quantized", (*more)->name.substr(0, 200)));
  }
  if (const Status whole = in.model->check_whole(); !whole) return whole.error();
  for (const Status& same :
       {in.weights.unchanged(), in.model->files_unchanged(), in.known() ? in.known()->file().unchanged() : ok(),
        in.certificate ? in.certificate->unchanged() : ok()})
    if (!same) return same.error();
  return ok();
}

}  // namespace hallmark
