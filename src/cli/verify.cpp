// hallmark verify: everything that a certificate says, judged on the files; or the run that made them, reproduced.

#include <charconv>
#include <limits>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "artifact/quantized_file.hpp"
#include "certify/slack_plot.hpp"
#include "cli/build_info.hpp"
#include "cli/checker.hpp"
#include "cli/command.hpp"
#include "cli/last_words.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/ranges.hpp"
#include "cli/ranks.hpp"
#include "cli/resume.hpp"
#include "pipeline/verify_files.hpp"
#include "base/error_numbers.hpp"
#include "base/threads.hpp"

namespace hallmark::cli {
namespace {

struct VerifyFlags {
  std::string quantized, weights, calibration, certificate, svg;
  std::string rows = "all";
  bool exact = false, checker = false, overwrite = false, reproduce = false, no_certificate = false;
  int threads = 0;
  ResumeFlags resume;
};

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

void print_table(const Findings& found) {
  std::size_t width = 6;
  for (const VerifiedLine& line : found.lines) width = std::max(width, line.name.size());
  print("{:{}}  {:>8}  {:>10}  {:>8}  {:>13}  {:>9}  {}\n", "tensor", width, "rows", "guard rows", "loss/RTN",
        "largest slack", "contracts", "judged");
  for (const VerifiedLine& line : found.lines)
    print("{:{}}  {:>8}  {:>10}  {:>8}  {:>13}  {:>9}  {}\n", escaped(line.name), width, line.rows, line.guard_rows,
          line.losses ? fmt::format("{:.4f}", line.ratio) : "-",
          line.of_a_run && line.slack > 0 ? fmt::format("{:.4f}", line.slack) : "-",
          line.of_a_run ? std::to_string(line.contracts) : "-", line.judged);
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

// Whether the names still lead to files of these digests.
bool still_there(const VerifyRequest& request, const FileDigests& verified) {
  const Expected<VerifyInputs> now = VerifyInputs::open(request);
  if (!now) return false;
  const auto* container = dynamic_cast<const QuantizedFile*>(now->model.get());
  return container && verified == FileDigests{now->weights.digest(), now->known() ? now->known()->file().digest() : "",
                                              container->file().digest(), now->certificate->sha256()};
}

// hallmark-check on the files, which it opens itself, by their names; what it cannot judge is noted. The digests of W
// and C are those of the certificate, which were found to be theirs.
Status check_files(const std::string& checker, const VerifyFlags& flags, const VerifyRequest& request,
                   const VerifyInputs& in, Findings& found) {
  const auto* container = dynamic_cast<const QuantizedFile*>(in.model.get());
  if (!container || in.certificate->header().version == 1 || in.model->header().schema == 1) {
    found.not_judged.emplace_back(container ? "files of the first version, which it does not read"
                                            : "a file that is no container of Hallmark's");
    return ok();
  }
  for (const QuantizedMatrix& matrix : in.model->header().matrices)
    if (matrix.options.target != plain_target || matrix.options.low_rank > 0 || matrix.options.grid.spec().windowed) {
      found.not_judged.emplace_back(
          "a container with trellis codes, an asymmetric target or a correction of low rank, which it does not read");
      return ok();
    }
  const CertificateHeader& header = in.certificate->header();
  const FileDigests verified{header.weights_sha256, header.calibration_sha256, container->file().digest(),
                             in.certificate->sha256()};
  const CheckerFiles files{flags.weights,
                           flags.calibration,
                           flags.quantized,
                           flags.certificate,
                           flags.rows == "all" ? "" : flags.rows,
                           verified,
                           [&] { return still_there(request, verified); }};
  Expected<CheckerVerdict> verdict = run_checker(checker, files, found.lines.size());
  if (!verdict) return verdict.error();
  found.not_judged = std::move(verdict->not_judged);
  if (!verdict->accepted) return ok();
  found.accepted = found.lines.size();
  for (VerifiedLine& line : found.lines) line.judged += ", hallmark-check";
  return ok();
}

void print_verdict(const VerifyFlags& flags, const VerifyInputs& in, const Findings& found) {
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
  if (found.unjudged_counts)
    unjudged.push_back("counts of clipped codes and of rows that the guard kept, as far as the codes leave them open");
  if (!unjudged.empty()) cli::print("not judged, but compared by --reproduce: {}\n", fmt::join(unjudged, ", "));
  if (found.unjudged_exact_losses)
    print("not judged, but compared by --exact: exact losses, beyond that they lie in their enclosures\n");
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
  if (flags.checker && first_rank()) {
    Expected<std::string> program = find_checker();
    if (!program) return program.error();
    checker = *std::move(program);
  }
  VerifyRequest request{flags.quantized, flags.weights, flags.calibration, flags.certificate, !flags.no_certificate,
                        flags.reproduce, *exact};
  Expected<VerifyInputs> in = VerifyInputs::open(request);
  if (!in) return in.error();
  if (!flags.svg.empty() && first_rank())
    if (const Status free = check_output(flags.svg, flags.overwrite, in->paths()); !free) return free.error();
  Expected<Resumable> resumable =
      Resumable::open(flags.resume, "verify", fmt::format("hallmark {}", build_info::version));
  if (!resumable) return resumable.error();
  request.state = resumable->state();
  request.program = resumable->program();
  request.ranks = ranks.get();
  request.resumed = [&](const std::string& matrix, const std::string& why_not) { resumable->say(matrix, why_not); };
  Expected<Findings> verified = [&] {
    Progress progress("verify");
    std::optional<LastWords> words;
    if (request.state) words.emplace(last_words_of(*request.state));
    const auto show = [&](double done, double total, std::string_view item) { progress.update(done, total, item); };
    request.within_matrix = show;
    return verify_files(request, *in, show);
  }();
  if (!verified) return verified.error();
  if (!first_rank()) return Exit::ok;
  Findings& found = *verified;
  if (flags.checker && !found.mismatch)
    if (const Status judged = check_files(checker, flags, request, *in, found); !judged) return judged.error();
  resumable->print_summary(in->model->header().matrices.size());
  print_table(found);
  if (found.mismatch) return *found.mismatch;
  if (const Status rest = check_rest(*in); !rest) return rest.error();
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
  add_resume_flags(*app, f->resume, "judgement");
  app->add_option("--threads", f->threads, "Threads; does not change the result [all cores]")
      ->check(whole_number(1, most_threads));
  return {app, [f] { return run(*f); }, true};
}

}  // namespace hallmark::cli
