// hallmark verify: everything that a certificate says, judged on the files; or the run that made them, reproduced.

#include <charconv>
#include <limits>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "artifact/file_format.hpp"
#include "artifact/quantized_file.hpp"
#include "certify/slack_plot.hpp"
#include "cli/checker.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/ranges.hpp"
#include "pipeline/verify.hpp"
#include "base/error_numbers.hpp"
#include "base/threads.hpp"

namespace hallmark::cli {
namespace {

struct VerifyFlags {
  std::string quantized, weights, calibration, certificate, svg;
  std::string rows = "all";
  bool exact = false, checker = false, overwrite = false, reproduce = false, no_certificate = false;
  int threads = 0;
};

struct Line {
  std::string name, judged;
  double ratio = 0, slack = 0;
  std::uint64_t rows = 0, guard_rows = 0, contracts = 0;
  bool losses = false, of_a_run = false;  // slack and contracts were compared with those of a run
};

// What was found, for the table, the picture and the last line.
struct Findings {
  std::vector<Line> lines;
  std::vector<TensorSlack> slacks;
  std::vector<std::string> not_judged;  // by hallmark-check, with the reason
  bool unjudged_contracts = false, unjudged_bounds = false, unjudged_scales = false;  // only a run tells
  std::optional<Error> mismatch;                                                      // the first
  std::uint64_t rows = 0, exact_elements = 0, accepted = 0, worse_rows = 0;
  std::uint64_t held_out = 0;  // matrices whose certificate speaks of the first tokens only
  JudgedRows judged;
  double largest_ratio = 0;
};

Error header_differs(const std::string& path, const std::string& what) {
  return {Exit::mismatch, error_number::certificate_differs, "the files are not those of the certificate",
          fmt::format("{}: {}", path, what), "name the files that this output was made from"};
}

Expected<ExactRows> rows_of(const VerifyFlags& flags) {
  if (!flags.exact && !flags.checker && flags.rows != "all")
    return Error{Exit::usage, error_number::rows_malformed,
                 "--rows says how many rows exact arithmetic and hallmark-check judge",
                 fmt::format("--rows {} without --exact or --checker", flags.rows), "--exact --rows 16, or neither"};
  if (flags.rows == "all") return ExactRows{flags.exact ? std::numeric_limits<Index>::max() : 0};
  Index count = 0;
  const char* const end = flags.rows.data() + flags.rows.size();
  const auto [rest, fault] = std::from_chars(flags.rows.data(), end, count);
  if (fault == std::errc() && rest == end && count >= 1) return ExactRows{flags.exact ? count : 0};
  return Error{Exit::usage, error_number::rows_malformed, "not a number of rows", fmt::format("--rows {}", flags.rows),
               "--rows all, or a whole number from 1"};
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

Line line_of(const CertifiedTensor& tensor, const std::string& judged, bool reproduced) {
  Line line{.name = tensor.name,
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

void print_table(const Findings& found) {
  std::size_t width = 6;
  for (const Line& line : found.lines) width = std::max(width, line.name.size());
  print("{:{}}  {:>8}  {:>10}  {:>8}  {:>13}  {:>9}  {}\n", "tensor", width, "rows", "guard rows", "loss/RTN",
        "largest slack", "contracts", "judged");
  for (const Line& line : found.lines)
    print("{:{}}  {:>8}  {:>10}  {:>8}  {:>13}  {:>9}  {}\n", escaped(line.name), width, line.rows, line.guard_rows,
          line.losses ? fmt::format("{:.4f}", line.ratio) : "-",
          line.of_a_run && line.slack > 0 ? fmt::format("{:.4f}", line.slack) : "-",
          line.of_a_run ? std::to_string(line.contracts) : "-", line.judged);
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

// Q.safetensors -> Q.slack.svg: derived from Q and therefore replaced, unlike a file that the user names.
std::string default_picture(const std::string& quantized) {
  const std::string certificate = certificate_path(quantized);
  return certificate.substr(0, certificate.rfind(".certificate.json")) + ".slack.svg";
}

Status draw(const VerifyFlags& flags, const Findings& found, const std::vector<std::string>& inputs) {
  const std::string path = flags.svg.empty() ? default_picture(flags.quantized) : flags.svg;
  const bool overwrite = flags.overwrite || flags.svg.empty();
  if (const Status free = check_output(path, overwrite, inputs); !free) return free;
  Expected<AtomicFile> file = AtomicFile::create(path, overwrite);
  if (!file) return file.error();
  const std::string title = flags.quantized.substr(flags.quantized.rfind('/') + 1);
  if (const Status written = file->write(slack_svg(title, found.slacks)); !written) return written;
  return file->commit();
}

// What a run of verify reads.
struct Inputs {
  std::unique_ptr<QuantizedModel> model;
  SafeTensors weights;
  std::optional<CalibrationFile> calibration;
  std::optional<CertificateReader> certificate;
  std::string certificate_name;

  const CalibrationFile* known() const { return calibration ? &*calibration : nullptr; }
  std::vector<std::string> paths() const {
    std::vector<std::string> all = weights.paths();
    const std::vector<std::string> of_model = model->paths();
    all.insert(all.end(), of_model.begin(), of_model.end());
    if (certificate) all.push_back(certificate_name);
    if (calibration) all.insert(all.end(), calibration->file().paths().begin(), calibration->file().paths().end());
    return all;
  }
};

Expected<Inputs> open_inputs(const VerifyFlags& flags) {
  Expected<std::unique_ptr<QuantizedModel>> model = read_quantized(flags.quantized);
  if (!model) return model.error();
  const std::string name = flags.certificate.empty()
                               ? certificate_beside((*model)->paths().front(), (*model)->payload_sha256())
                               : flags.certificate;
  std::optional<CertificateReader> certificate;
  if (!flags.no_certificate) {
    Expected<CertificateReader> opened = CertificateReader::open(name);
    if (!opened) {
      Error error = opened.error();
      if (error.number == error_number::cannot_read)
        error.hint = "--certificate FILE, or --no-certificate: the codes alone";
      return error;
    }
    certificate = *std::move(opened);
  }
  Expected<SafeTensors> weights = SafeTensors::open(flags.weights);
  if (!weights) return weights.error();
  std::optional<CalibrationFile> calibration;
  if (!flags.calibration.empty()) {
    Expected<CalibrationFile> opened = CalibrationFile::open(flags.calibration);
    if (!opened) return opened.error();
    calibration = *std::move(opened);
  }
  return Inputs{*std::move(model), *std::move(weights), std::move(calibration), std::move(certificate), name};
}

// hallmark-check on the files, which it opens itself; what it cannot judge is noted.
Status check_files(const std::string& checker, const VerifyFlags& flags, const Inputs& in, Findings& found) {
  const bool container = dynamic_cast<const QuantizedFile*>(in.model.get()) != nullptr;
  if (!container || in.certificate->header().version == 1 || in.model->header().schema == 1) {
    found.not_judged.emplace_back(container ? "files of the first version, which it does not read"
                                            : "a file that is no container of Hallmark's");
    return ok();
  }
  for (const QuantizedMatrix& matrix : in.model->header().matrices)
    if (matrix.options.target != plain_target || matrix.options.grid.spec().windowed) {
      found.not_judged.emplace_back("a container with trellis codes or an asymmetric target, which it does not read");
      return ok();
    }
  const CheckerFiles files{flags.weights, flags.calibration, flags.quantized, in.certificate_name,
                           flags.rows == "all" ? "" : flags.rows};
  Expected<CheckerVerdict> verdict = run_checker(checker, files, found.lines.size());
  if (!verdict) return verdict.error();
  found.not_judged = std::move(verdict->not_judged);
  if (!verdict->accepted) return ok();
  found.accepted = found.lines.size();
  for (Line& line : found.lines) line.judged += ", hallmark-check";
  return ok();
}

// What the headers say of each other; the digests of the inputs are compared beside, so that the message can name a
// tensor.
Expected<CertificateHeader> check_headers(const Inputs& in, const InputDigests& digests, Findings& found) {
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

// Judges, or reproduces, every matrix; the first that differs ends it.
Expected<std::optional<Error>> verify_matrices(const VerifyFlags& flags, Inputs& in, const Plan& plan, ExactRows exact,
                                               const InputDigests& digests, Findings& found) {
  const bool old = in.certificate && in.certificate->header().version == 1, again = flags.reproduce || old;
  Progress progress("verify");
  double done = 0;
  for (const PlannedMatrix& planned : plan.matrices) {
    progress.update(done, plan.work(), planned.name());
    std::optional<CertifiedTensor> claim;
    if (in.certificate) {
      Expected<CertifiedTensor> next = next_certified(*in.certificate, planned.name(), in.certificate_name);
      if (!next) return next.error();
      claim = *std::move(next);
      // What the run held out, its losses do not speak of.
      if (in.calibration && claim->tokens > 0) in.calibration->use_first(planned.name(), claim->tokens);
      found.held_out += planned.calibration && planned.calibration->held_out > 0;
    }
    const bool bounds = claim && !claim->values.empty() && claim->values.front().bound;
    const bool optimality = claim && !claim->values.empty() && claim->values.front().optimality;
    const bool one_opt = claim && one_opt_rows(claim->values).rows > 0;
    Expected<Verified> verified =
        claim && again ? reproduce(planned, in.known(), *in.model, *claim,
                                   {*contracts::parse_policy(in.certificate->header().contracts), true, bounds, exact,
                                    optimality, one_opt},
                                   digests, found.mismatch.has_value())
                       : judge_stored(planned, in.known(), *in.model, claim ? &*claim : nullptr, exact, digests);
    if (!verified) return verified.error();
    found.lines.push_back(
        line_of(verified->tensor, judged_text(*verified, claim && again, flags.exact), claim && again));
    if (verified->differs) return std::optional(*verified->differs);
    if (again) add_slacks(verified->tensor, found);
    found.unjudged_bounds |= bounds && !again;
    found.unjudged_scales |= verified->unjudged_scales;
    found.unjudged_contracts |= claim && !claim->contracts.empty() && !again;
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

void print_verdict(const VerifyFlags& flags, const Inputs& in, const Findings& found) {
  const std::string name = escaped(flags.quantized);
  if (!in.certificate)
    print(
        "judged {} without a certificate: {} matrices, {} rows: codes and steps are sound; nothing is promised of "
        "losses; {} "
        "rows lose more than round-to-nearest\n",
        name, found.lines.size(), found.rows, found.worse_rows);
  else if (flags.reproduce || in.certificate->header().version == 1)
    print("verified {}: {} matrices, {} rows: codes, steps and certificate are what the sources give\n", name,
          found.lines.size(), found.rows);
  else
    print(
        "verified {}: {} matrices, {} rows: codes, steps, counts and losses are as the certificate says ({} rows "
        "decided "
        "in binary32, {} in binary64, {} exactly)\n",
        name, found.lines.size(), found.rows, found.judged.binary32, found.judged.binary64, found.judged.exact);
  std::vector<std::string_view> unjudged;
  if (found.unjudged_contracts) unjudged.push_back("the contracts of the run");
  if (found.unjudged_bounds) unjudged.push_back("whether a bound, which no loss is above, follows from the run");
  if (found.unjudged_scales) unjudged.push_back("whether scales that were searched are those that the search finds");
  if (!unjudged.empty()) cli::print("not judged, but compared by --reproduce: {}\n", fmt::join(unjudged, ", "));
  if (found.held_out > 0)
    print(
        "tokens were held out: of {} matrices the losses are on the first tokens of the calibration, as many as the "
        "certificate counts\n",
        found.held_out);
  if (found.exact_elements > 0)
    print("exact arithmetic: {} elements of the recurrence decided, largest |u' - u| / delta {:.4f}\n",
          found.exact_elements, found.largest_ratio);
  if (flags.checker) print("hallmark-check: accepted {} of {} matrices\n", found.accepted, found.lines.size());
  for (const std::string& reason : found.not_judged) print("NOT JUDGED by hallmark-check: {}\n", escaped(reason));
}

Expected<Exit> run(const VerifyFlags& flags) {
  const Expected<ExactRows> exact = rows_of(flags);
  if (!exact) return exact.error();
  if (flags.threads > 0)
    if (const auto used = use_threads(flags.threads); !used) return used.error();
  if (flags.no_certificate && (flags.reproduce || flags.checker || !flags.certificate.empty()))
    return Error{Exit::usage, error_number::command_line, "--no-certificate leaves nothing to compare with",
                 "hallmark verify --no-certificate", "leave out --reproduce, --checker and --certificate"};
  std::string checker;
  if (flags.checker) {
    Expected<std::string> program = find_checker();
    if (!program) return program.error();
    checker = *std::move(program);
  }
  Expected<Inputs> in = open_inputs(flags);
  if (!in) return in.error();
  if (!flags.svg.empty())
    if (const Status free = check_output(flags.svg, flags.overwrite, in->paths()); !free) return free.error();
  Findings found;
  const InputDigests digests(in->weights, in->known());
  if (in->certificate)
    if (const auto header = check_headers(*in, digests, found); !header) return header.error();
  if (const Status same = check_tensors(in->weights, *in->model, flags.quantized, in->certificate.has_value()); !same)
    return same.error();
  const Expected<Plan> plan = plan_of(*in->model, in->weights, in->known());
  if (!plan) return plan.error();
  const auto mismatch = verify_matrices(flags, *in, *plan, *exact, digests, found);
  if (!mismatch) return mismatch.error();
  if (flags.checker && !*mismatch && !found.mismatch)
    if (const Status judged = check_files(checker, flags, *in, found); !judged) return judged.error();
  print_table(found);
  if (*mismatch) return **mismatch;
  if (found.mismatch) return *found.mismatch;
  if (in->certificate) {
    const Expected<std::optional<CertifiedTensor>> more = in->certificate->next();
    if (!more) return more.error();
    if (*more)
      return header_differs(in->certificate_name,
                            fmt::format("tensor '{}' was not quantized", (*more)->name.substr(0, 200)));
  }
  if (const Status whole = in->model->check_whole(); !whole) return whole.error();
  for (const Status& same :
       {in->weights.unchanged(), in->model->files_unchanged(), in->known() ? in->known()->file().unchanged() : ok()})
    if (!same) return same.error();
  print_verdict(flags, *in, found);
  if (!found.slacks.empty())
    if (const Status drawn = draw(flags, found, in->paths()); !drawn) {
      if (!flags.svg.empty()) return drawn.error();
      warn("no picture: {}: {}", drawn.error().what, drawn.error().where);  // nobody asked for it: the verdict stands
    }
  if (found.slacks.empty() && !flags.svg.empty())
    warn("no picture: {}", found.unjudged_bounds ? "bounds are judged by --reproduce alone"
                                                 : "the certificate has no bounds, quantize --bounds certifies them");
  return found.not_judged.empty() ? Exit::ok : Exit::fallback;
}

}  // namespace

Command verify_command(CLI::App& root) {
  CLI::App* app = root.add_subcommand(
      "verify", "Judge the stored codes of a quantized file, and what its certificate says of them");
  auto f = std::make_shared<VerifyFlags>();
  app->add_option("quantized", f->quantized, "Q: the quantized file")->required();
  app->add_option("--weights", f->weights, "W, as it was given to quantize")->required();
  app->add_option("--calibration", f->calibration, "C, as it was given to quantize");
  app->add_option("--certificate", f->certificate, "The certificate [Q.certificate.json beside Q.safetensors]");
  app->add_flag("--no-certificate", f->no_certificate, "Judge codes without claims, and compute their losses");
  app->add_flag("--reproduce", f->reproduce, "Run the quantization again and compare every bit");
  app->add_flag("--exact", f->exact,
                "Decide losses by exact arithmetic too; with --reproduce every element of the recurrence");
  app->add_option("--rows", f->rows,
                  "With --exact: so many rows of each matrix, evenly spaced, or all; with --checker: as many that the "
                  "digests choose")
      ->capture_default_str();
  app->add_flag("--checker", f->checker, "Let hallmark-check, extracted from Coq, judge the files too");
  app->add_option("--svg", f->svg, "Picture of the slack of certified bounds [Q.slack.svg beside Q, replaced]");
  app->add_flag("--overwrite", f->overwrite, "Replace an existing picture");
  app->add_option("--threads", f->threads, "Threads; does not change the result [all cores]")
      ->check(whole_number(1, most_threads));
  return {app, [f] { return run(*f); }};
}

}  // namespace hallmark::cli
