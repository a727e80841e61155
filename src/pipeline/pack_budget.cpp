#include "pipeline/pack_budget.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "artifact/container_head.hpp"
#include "artifact/pack/allocation.hpp"
#include "artifact/quantized_metadata.hpp"
#include "base/error_numbers.hpp"
#include "certify/certificate.hpp"
#include "io/sha256.hpp"
#include "pipeline/sensitivity_file.hpp"

namespace hallmark {
namespace {

// A container, what its certificate claims of each matrix, and its tensors packed.
struct Source {
  QuantizedFile file;
  std::string certificate_name;
  CertificateHeader certificate;
  std::vector<CertifiedTensor> claims;         // without their rows
  std::vector<double> losses, rtn;             // upper ends, summed over the rows of each matrix
  std::map<std::string, std::string> digests;  // of every tensor's bytes
  std::map<std::string, pack::PackedTensor> packed;
};

Error no_candidate(const std::string& path, std::string why) {
  return {
      Exit::infeasible, error_number::candidates_differ, "a container between which and the others nothing can choose",
      fmt::format("{}: {}", path, why),
      "candidates are runs of `quantize` on the same weights, calibration and matrices, by one version of the tool"};
}

Error not_of_container(const std::string& certificate, std::string why) {
  return {Exit::mismatch, error_number::certificate_differs, "the certificate is not that of the container beside it",
          fmt::format("{}: {}", certificate, why), "quantize the weights again"};
}

// Where the certificate speaks of other codes or steps than the container has.
std::optional<std::string> difference(const Source& source, const QuantizedMatrix& matrix,
                                      const std::optional<CertifiedTensor>& claim) {
  if (!claim || claim->name != matrix.name || claim->rows != matrix.rows || claim->cols != matrix.cols)
    return fmt::format("it has {} where the container has '{}'", claim ? "'" + claim->name + "'" : "no matrix",
                       matrix.name);
  if (const std::string text = first_difference(claim->options, matrix.options); !text.empty())
    return fmt::format("'{}': {}", matrix.name, text);
  const Expected<Matrix<Code>> codes = source.file.codes(matrix);
  const Expected<Steps> steps = source.file.steps(matrix);
  if (!codes || !steps) return (codes ? steps.error() : codes.error()).where;
  const StoredDigests stored = stored_digests(matrix, *codes, *steps);
  if (stored.codes == claim->codes_sha256 && stored.scales == claim->scales_sha256 &&
      stored.zeros == claim->zeros_sha256 && stored.rotated == claim->rotated_sha256 &&
      stored.low_rank == claim->low_rank_sha256)
    return std::nullopt;
  return fmt::format("'{}' has other codes or steps", matrix.name);
}

// Reads the certificate: its claims and losses.
Status read_claims(Source& source) {
  const std::string path = source.file.paths().front();
  Expected<CertificateReader> reader = CertificateReader::open(source.certificate_name);
  if (!reader) return reader.error();
  source.certificate = reader->header();
  const QuantizedHeader& header = source.file.header();
  if (source.certificate.version == 1 || header.schema < detail::schema_to_write(header))
    return no_candidate(path, "written by an earlier version of the tool");
  if (source.certificate.tool != header.tool || source.certificate.weights_sha256 != header.source_sha256 ||
      source.certificate.calibration_sha256 != header.calibration_sha256)
    return not_of_container(source.certificate_name, "another program, other weights or another calibration");
  for (const QuantizedMatrix& matrix : header.matrices) {
    Expected<std::optional<CertifiedTensor>> claim = reader->next();
    if (!claim) return claim.error();
    if (const auto text = difference(source, matrix, *claim)) return not_of_container(source.certificate_name, *text);
    double loss = 0, rtn = 0;
    for (const CertifiedRow& row : (*claim)->values) {
      loss += row.final.enclosure.hi;
      rtn += row.rtn.enclosure.hi;
    }
    if ((*claim)->values.empty() || !std::isfinite(loss + rtn))
      return no_candidate(path, fmt::format("no loss of '{}' is certified", matrix.name));
    source.losses.push_back(loss);
    source.rtn.push_back(rtn);
    (*claim)->values.clear();
    source.claims.push_back(**std::move(claim));
  }
  const Expected<std::optional<CertifiedTensor>> more = reader->next();
  if (!more) return more.error();
  return *more ? Status(not_of_container(source.certificate_name, "more matrices")) : ok();
}

Expected<Source> open_source(const std::string& path) {
  Expected<QuantizedFile> file = QuantizedFile::open(path);
  if (!file) return file.error();
  const std::string certificate = certificate_beside(file->paths().front(), file->content_sha256());
  Source source{*std::move(file), certificate, {}, {}, {}, {}, {}, {}};
  if (const Status read = read_claims(source); !read) return read.error();
  for (const TensorInfo& tensor : source.file.file().tensors()) source.digests[tensor.name] = sha256_hex(tensor.data);
  return source;
}

// What a choice between two containers supposes: equal sources, equal matrices, losses of one meaning.
std::optional<std::string> between(const Source& a, const Source& b) {
  const QuantizedHeader &x = a.file.header(), &y = b.file.header();
  if (x.source_sha256 != y.source_sha256) return "other weights";
  if (x.calibration_sha256 != y.calibration_sha256) return "another calibration";
  if (x.tool != y.tool) return fmt::format("written by {}, not {}", y.tool, x.tool);
  if (a.certificate.contracts != b.certificate.contracts) return "another policy of contracts";
  if (x.matrices.size() != y.matrices.size())
    return fmt::format("{} quantized matrices, not {}", y.matrices.size(), x.matrices.size());
  for (std::size_t m = 0; m < x.matrices.size(); ++m) {
    const QuantizedMatrix &p = x.matrices[m], &q = y.matrices[m];
    if (p.name != q.name || p.tensor != q.tensor || p.index != q.index || p.transposed != q.transposed ||
        p.rows != q.rows || p.cols != q.cols)
      return fmt::format("'{}' where another has '{}', or another shape", q.name, p.name);
    const CertifiedTensor &c = a.claims[m], &d = b.claims[m];
    if (c.gram_sha256 != d.gram_sha256 || c.cross_sha256 != d.cross_sha256 || c.float_sha256 != d.float_sha256 ||
        c.tokens != d.tokens || p.options.target != q.options.target)
      return fmt::format("the losses of '{}' are on other inputs", q.name);
  }
  return std::nullopt;
}

// Names of the tensors of a matrix.
std::vector<std::string> parts_of(const QuantizedMatrix& matrix) {
  std::vector<std::string> names;
  for (const TensorPlan& tensor : detail::matrix_plan(matrix, true)) names.push_back(tensor.name);
  return names;
}

// Packs what may be chosen: of the first candidate all, of others what stands for matrices.
Status pack_sources(std::vector<Source>& sources, const pack::Progress& progress) {
  for (std::size_t i = 0; i < sources.size(); ++i) {
    std::vector<std::string> parts;
    for (const QuantizedMatrix& matrix : sources[i].file.header().matrices)
      std::ranges::move(parts_of(matrix), std::back_inserter(parts));
    std::ranges::sort(parts);
    const auto wanted = [&](const std::string& name) { return i == 0 || std::ranges::binary_search(parts, name); };
    const auto ahead = [&](double done, double total, const std::string& tensor) {
      if (progress)
        progress(done + static_cast<double>(i) * total, total * static_cast<double>(sources.size()), tensor);
    };
    Expected<std::vector<pack::PackedTensor>> packed = pack::pack_tensors(sources[i].file, wanted, ahead);
    if (!packed) return packed.error();
    const std::vector<TensorInfo>& tensors = sources[i].file.file().tensors();
    for (std::size_t k = 0; k < tensors.size(); ++k)
      if (wanted(tensors[k].name)) sources[i].packed[tensors[k].name] = std::move((*packed)[k]);
  }
  return ok();
}

using Choice = std::vector<std::size_t>;
using Candidates = std::vector<std::vector<pack::Candidate>>;

// What each candidate of each matrix counts for, [matrix][source]. A matrix whose outputs are a thousand times as large
// loses a million times as much, and what reads them, behind a norm or a product with other weights, does not see it.
// So losses are counted over that of round-to-nearest on the coarsest grid: one scale for all candidates of a matrix.
Expected<std::vector<std::vector<double>>> scaled_losses(const std::vector<Source>& sources) {
  std::vector<std::vector<double>> counted(sources.front().losses.size());
  for (std::size_t m = 0; m < counted.size(); ++m) {
    double scale = 0;
    for (const Source& source : sources) scale = std::max(scale, source.rtn[m]);
    for (const Source& source : sources) counted[m].push_back(scale > 0 ? source.losses[m] / scale : source.losses[m]);
  }
  return counted;
}

// The same from a file of measured damages, which need no scale: their sum is what the model pays, up to what errors
// of several matrices do together.
Expected<std::vector<std::vector<double>>> measured_damages(const std::vector<Source>& sources,
                                                            const std::string& path) {
  const Expected<Sensitivities> measured = read_sensitivities(path);
  if (!measured) return measured.error();
  const QuantizedHeader& header = sources.front().file.header();
  if (measured->weights_sha256 != header.source_sha256)
    return Error{
        Exit::infeasible, error_number::sensitivity_missing, "the damages are those of other weights",
        fmt::format("{}: SHA-256 {}, the candidates quantize {}", path, measured->weights_sha256, header.source_sha256),
        "run `hallmark sensitivity` on all candidates"};
  std::vector<std::vector<double>> counted(header.matrices.size());
  for (std::size_t m = 0; m < counted.size(); ++m)
    for (const Source& source : sources) {
      const Expected<double> damage = damage_of(*measured, source.file.payload_sha256(), header.matrices[m].name, path,
                                                source.file.paths().front());
      if (!damage) return damage.error();
      counted[m].push_back(*damage);
    }
  return counted;
}

Candidates candidates_of(const std::vector<Source>& sources, const std::vector<std::vector<double>>& counted) {
  Candidates candidates(counted.size());
  for (std::size_t m = 0; m < candidates.size(); ++m)
    for (std::size_t i = 0; i < sources.size(); ++i) {
      std::uint64_t bytes = 0;
      for (const std::string& part : parts_of(sources[i].file.header().matrices[m]))
        bytes += sources[i].packed.at(part).data.size();
      candidates[m].push_back({bytes, counted[m][i]});
    }
  return candidates;
}

// The container of a choice, packed.
struct Mixed {
  ContainerHead head;
  std::map<std::string, std::string> digests;
  pack::Bytes artifact;
};

Expected<Mixed> mixed(const std::vector<Source>& sources, const Choice& choice) {
  QuantizedHeader header = sources.front().file.header();
  Mixed mix{{}, sources.front().digests, {}};
  std::map<std::string, const pack::PackedTensor*> packed;
  for (const auto& [name, tensor] : sources.front().packed) packed[name] = &tensor;
  for (std::size_t m = 0; m < choice.size(); ++m) {
    const Source& source = sources[choice[m]];
    header.matrices[m] = source.file.header().matrices[m];
    for (const std::string& part : parts_of(header.matrices[m])) {
      packed[part] = &source.packed.at(part);
      mix.digests[part] = source.digests.at(part);
    }
  }
  Expected<ContainerHead> head = container_head(std::move(header), mix.digests);
  if (!head) return head.error();
  mix.head = *std::move(head);
  const auto text = std::as_bytes(std::span(mix.head.bytes));
  pack::Contents contents{{text.begin(), text.end()}, {}};
  for (const TensorPlan& tensor : mix.head.plan) contents.tensors.push_back(*packed.at(tensor.name));
  Expected<pack::Bytes> artifact = pack::artifact_bytes(contents);
  if (!artifact) return artifact.error();
  mix.artifact = *std::move(artifact);
  return mix;
}

struct Fitting {
  Choice choice;
  Mixed mix;
};

// What tensors take is known before; the directory's bytes only when it was written. So the limit of the tensors goes
// down by what the artifact has too much, until it fits.
Expected<Fitting> fitting(const std::vector<Source>& sources, const Candidates& candidates, std::uint64_t budget) {
  const pack::Allocation allocation(candidates, budget);
  Choice choice = *pack::Allocation(candidates, 0).within(allocation.least_bytes());
  Expected<Mixed> mix = mixed(sources, choice);
  if (!mix) return mix.error();
  if (mix->artifact.size() > budget)
    return Error{Exit::infeasible, error_number::budget_too_small,
                 "the smallest artifact has more bytes than the budget",
                 fmt::format("{} bytes, the budget leaves {}", mix->artifact.size(), budget),
                 "candidates of fewer bits, or a larger --budget"};
  std::uint64_t beside = mix->artifact.size() - bytes_of(candidates, choice);
  for (;;) {
    const std::optional<Choice> next = beside <= budget ? allocation.within(budget - beside) : std::nullopt;
    if (!next || *next == choice) return Fitting{std::move(choice), *std::move(mix)};  // the smallest, which fits
    Expected<Mixed> tried = mixed(sources, *next);
    if (!tried) return tried.error();
    if (tried->artifact.size() <= budget) return Fitting{*next, *std::move(tried)};
    beside += tried->artifact.size() - budget;
  }
}

// Whether the artifact is read as just the container: every tensor has its digest.
Status check_artifact(const Mixed& mix, const std::string& path) {
  const Expected<pack::Parsed> parsed = pack::parse_artifact(mix.artifact, path);
  if (!parsed) return parsed.error();
  bool same = std::ranges::equal(parsed->head, std::as_bytes(std::span(mix.head.bytes)));
  for (std::size_t i = 0; same && i < mix.head.plan.size(); ++i) {
    const Expected<pack::Bytes> bytes = pack::tensor_of(*parsed, i, path);
    if (!bytes) return bytes.error();
    same = sha256_hex(*bytes) == mix.digests.at(mix.head.plan[i].name);
  }
  if (same) return ok();
  return Error{Exit::internal, error_number::compressor_failed, "an artifact is not read as it was written", path,
               "report this"};
}

// The lines of what was chosen, from the certificates again.
Status write_certificate(const std::vector<Source>& sources, const Choice& choice, CertificateWriter& writer) {
  std::vector<CertificateReader> readers;
  for (const Source& source : sources) {
    Expected<CertificateReader> reader = CertificateReader::open(source.certificate_name);
    if (!reader) return reader.error();
    readers.push_back(*std::move(reader));
  }
  for (const std::size_t chosen : choice)
    for (std::size_t i = 0; i < readers.size(); ++i) {
      const Expected<std::optional<CertifiedTensor>> tensor = readers[i].next();
      if (!tensor) return tensor.error();
      if (i != chosen) continue;
      if (const Status added = writer.add(tensor->value()); !added) return added;
    }
  return writer.seal();
}

Status write_pair(const std::vector<Source>& sources, const Fitting& fit, const BudgetRequest& request) {
  Expected<AtomicFile> file = AtomicFile::create(request.output, request.overwrite);
  if (!file) return file.error();
  if (const Status written = file->write(fit.mix.artifact); !written) return written;
  Expected<CertificateWriter> certificate =
      CertificateWriter::create(certificate_path(request.output), request.overwrite, sources.front().certificate);
  if (!certificate) return certificate.error();
  if (const Status written = write_certificate(sources, fit.choice, *certificate); !written) return written;
  for (const Source& source : sources)
    if (const Status same = source.file.files_unchanged(); !same) return same;
  AtomicFile& beside = certificate->file();
  if (const Status done = commit_pair(*file, beside, waiting_certificate(beside.path(), fit.mix.head.payload_sha256));
      !done)
    return done;
  const Expected<MappedFile> back = MappedFile::open(request.output);
  if (!back) return back.error();
  if (std::ranges::equal(back->bytes(), fit.mix.artifact)) return ok();
  return Error{Exit::io, error_number::file_changed, "the artifact has other bytes than were written", request.output,
               "check the disk, and pack again"};
}

BudgetPoint point_of(const Candidates& candidates, const Choice& choice, std::uint64_t beside) {
  BudgetPoint point{beside + bytes_of(candidates, choice), 0};
  for (std::size_t m = 0; m < choice.size(); ++m) point.loss += candidates[m][choice[m]].loss;
  return point;
}

// The choices of 256 budgets at equal distances.
std::vector<BudgetPoint> frontier_of(const Candidates& candidates, std::uint64_t beside) {
  constexpr std::uint64_t steps = 255;
  std::uint64_t largest = 0;
  for (const auto& of_matrix : candidates) largest += std::ranges::max(of_matrix, {}, &pack::Candidate::bytes).bytes;
  const pack::Allocation all(candidates, largest);
  std::vector<BudgetPoint> points;
  for (std::uint64_t k = 0; k <= steps; ++k) {
    const std::uint64_t limit = all.least_bytes() + (largest - all.least_bytes()) * k / steps;
    points.push_back(point_of(candidates, *all.within(limit), beside));
  }
  return points;
}

}  // namespace

Expected<Budgeted> pack_within(const BudgetRequest& request, const pack::Progress& progress) {
  std::vector<Source> sources;
  std::vector<std::string> inputs;
  for (const std::string& path : request.candidates) {
    Expected<Source> source = open_source(path);
    if (!source) return source.error();
    if (!sources.empty())
      if (const auto why = between(sources.front(), *source)) return no_candidate(path, *why);
    sources.push_back(*std::move(source));
    std::ranges::copy(sources.back().file.paths(), std::back_inserter(inputs));
    inputs.push_back(sources.back().certificate_name);
  }
  if (!request.sensitivity.empty()) inputs.push_back(request.sensitivity);
  const std::vector<std::string> outputs{request.output, certificate_path(request.output), request.plot};
  for (const std::string& output : outputs)
    if (const Status free = output.empty() ? ok() : check_output(output, request.overwrite, inputs); !free)
      return free.error();
  if (const Status distinct = check_distinct(outputs); !distinct) return distinct.error();
  const Expected<std::vector<std::vector<double>>> counted =
      request.sensitivity.empty() ? scaled_losses(sources) : measured_damages(sources, request.sensitivity);
  if (!counted) return counted.error();
  if (const Status packed = pack_sources(sources, progress); !packed) return packed.error();
  const Candidates candidates = candidates_of(sources, *counted);
  const Expected<Fitting> fit = fitting(sources, candidates, request.budget);
  if (!fit) return fit.error();
  if (const Status sound = check_artifact(fit->mix, request.output); !sound) return sound.error();
  if (const Status written = write_pair(sources, *fit, request); !written) return written.error();
  const std::uint64_t bytes = fit->mix.artifact.size(), beside = bytes - bytes_of(candidates, fit->choice);
  Budgeted done{bytes, point_of(candidates, fit->choice, beside).loss, {}, fit->choice, {}, {}};
  for (const QuantizedMatrix& matrix : sources.front().file.header().matrices) done.names.push_back(matrix.name);
  if (request.plot.empty()) return done;
  for (std::size_t i = 0; i < sources.size(); ++i)
    done.whole.push_back(point_of(candidates, Choice(candidates.size(), i), beside));
  done.frontier = frontier_of(candidates, beside);
  return done;
}

}  // namespace hallmark
