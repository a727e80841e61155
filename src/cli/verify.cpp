// hallmark verify: everything that a certificate says, computed again from the files.
#include <omp.h>

#include <charconv>
#include <limits>
#include <memory>

#include <fmt/format.h>

#include "certify/slack_plot.hpp"
#include "cli/checker.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/ranges.hpp"
#include "pipeline/verify_tensor.hpp"
#include "io/error_numbers.hpp"

namespace hallmark::cli {
namespace {

struct VerifyFlags {
  std::string quantized, weights, calibration, certificate, svg;
  std::string rows = "all";
  bool exact = false, checker = false, overwrite = false;
  int threads = 0;
};

struct Line {
  std::string name, judged;
  double ratio = 0, slack = 0;
  std::uint64_t rows = 0, guard_rows = 0, contracts = 0;
  bool losses = false;
};

// What was found, for the table, the picture and the last line.
struct Findings {
  std::vector<Line> lines;
  std::vector<TensorSlack> slacks;
  std::vector<std::string> not_judged;  // by hallmark-check, with the reason
  std::optional<Error> mismatch;        // the first
  std::uint64_t rows = 0, exact_rows = 0, exact_elements = 0, accepted = 0;
  double largest_ratio = 0;
};

Error header_differs(const std::string& path, const std::string& what) {
  return {Exit::mismatch, error_number::certificate_differs, "the files are not those of the certificate",
          fmt::format("{}: {}", path, what), "name the files that this output was made from"};
}

Expected<ExactRows> rows_of(const VerifyFlags& flags) {
  if (!flags.exact) {
    if (flags.rows == "all") return ExactRows{};
    return Error{Exit::usage, 215, "--rows says how many rows exact arithmetic judges",
                 fmt::format("--rows {} without --exact", flags.rows), "--exact --rows 16, or neither"};
  }
  if (flags.rows == "all") return ExactRows{std::numeric_limits<Index>::max()};
  Index count = 0;
  const char* const end = flags.rows.data() + flags.rows.size();
  const auto [rest, fault] = std::from_chars(flags.rows.data(), end, count);
  if (fault == std::errc() && rest == end && count >= 1) return ExactRows{count};
  return Error{Exit::usage, 215, "not a number of rows", fmt::format("--rows {}", flags.rows),
               "--rows all, or a whole number from 1"};
}

// Whether Q's tensors are those of W, as far as they were not quantized.
std::optional<Error> first_foreign_tensor(const SafeTensors& weights, const QuantizedFile& file,
                                          const std::string& path) {
  const std::vector<OriginalTensor>& originals = file.header().tensors;
  const auto differs = [&](const std::string& what) { return header_differs(path, what); };
  if (weights.metadata() != file.header().source_metadata) return differs("the metadata of the weights are others");
  if (weights.tensors().size() != originals.size())
    return differs(fmt::format("{} tensors, the weights have {}", originals.size(), weights.tensors().size()));
  for (std::size_t i = 0; i < originals.size(); ++i) {
    const TensorInfo& tensor = weights.tensors()[i];
    if (tensor.name != originals[i].name || tensor.dtype != originals[i].dtype || tensor.shape != originals[i].shape)
      return differs(fmt::format("tensor {} is '{}' {} {}, in the weights '{}' {} {}", i, originals[i].name,
                                 dtype_name(originals[i].dtype), shape_text(originals[i].shape), tensor.name,
                                 dtype_name(tensor.dtype), shape_text(tensor.shape)));
    if (!originals[i].quantized && !std::ranges::equal(tensor.data, file.unchanged(tensor.name).data))
      return Error{Exit::mismatch, error_number::tensor_differs,
                   "a tensor that passes through has other bytes than its source",
                   fmt::format("{}: tensor '{}'", path, tensor.name), "quantize the weights again"};
  }
  return std::nullopt;
}

Line line_of(const CertifiedTensor& tensor, bool exact) {
  Line line{.name = tensor.name,
            .judged = exact ? "exact" : "enclosed",
            .rows = tensor.rows,
            .guard_rows = tensor.guard_rows,
            .losses = !tensor.values.empty()};
  double loss = 0, rtn = 0;
  for (const CertifiedRow& row : tensor.values) {
    loss += (row.final.enclosure.lo + row.final.enclosure.hi) / 2;
    rtn += (row.rtn.enclosure.lo + row.rtn.enclosure.hi) / 2;
    line.slack = std::max(line.slack, row.slack);
  }
  line.ratio = rtn > 0 ? loss / rtn : 1;
  for (const CertifiedContract& contract : tensor.contracts)
    line.contracts += contract.by_enclosure + contract.by_oracle;
  return line;
}

void print_table(const Findings& found) {
  std::size_t width = 6;
  for (const Line& line : found.lines) width = std::max(width, line.name.size());
  print("{:{}}  {:>8}  {:>10}  {:>8}  {:>13}  {:>9}  {}\n", "tensor", width, "rows", "guard rows", "loss/RTN",
        "largest slack", "contracts", "judged");
  for (const Line& line : found.lines)
    print("{:{}}  {:>8}  {:>10}  {:>8}  {:>13}  {:>9}  {}\n", escaped(line.name), width, line.rows, line.guard_rows,
          line.losses ? fmt::format("{:.4f}", line.ratio) : "-", line.losses ? fmt::format("{:.4f}", line.slack) : "-",
          line.contracts, line.judged);
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

// hallmark-check on one tensor; a tensor that it cannot judge is noted.
Status check_tensor(const std::string& checker, const CertificateHeader& header, const QuantizedFile& file,
                    const VerifiedTensor& tensor, Findings& found) {
  const std::string& name = tensor.computed.name;
  if (const auto obstacle = bundle_obstacle(header, tensor.computed)) {
    found.not_judged.push_back(fmt::format("'{}': {}", name, *obstacle));
    return ok();
  }
  const std::vector<Code> codes = file.codes(name);
  const std::vector<float> scales = file.scales(name);
  const Status accepted = run_checker(checker, name,
                                      {.W = tensor.quantized.W,
                                       .G = &*tensor.quantized.G,
                                       .grid = {.exponent_bits = 6, .fraction_bits = 9},
                                       .codes = codes,
                                       .scales = scales,
                                       .values = tensor.computed.values,
                                       .codes_rtn = &tensor.quantized.seen->codes_rtn});
  if (!accepted) return accepted;
  ++found.accepted;
  found.lines.back().judged += ", hallmark-check";
  return ok();
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

Expected<Exit> run(const VerifyFlags& flags) {
  const Expected<ExactRows> exact = rows_of(flags);
  if (!exact) return exact.error();
  if (flags.threads > 0) omp_set_num_threads(flags.threads);
  std::string checker;
  if (flags.checker) {
    Expected<std::string> program = find_checker();
    if (!program) return program.error();
    checker = *std::move(program);
  }
  const std::string certificate_name =
      flags.certificate.empty() ? certificate_path(flags.quantized) : flags.certificate;
  const Expected<QuantizedFile> file = QuantizedFile::open_unjudged(flags.quantized);
  if (!file) return file.error();
  Expected<CertificateReader> certificate = CertificateReader::open(certificate_name);
  if (!certificate) return certificate.error();
  const Expected<SafeTensors> weights = SafeTensors::open(flags.weights);
  if (!weights) return weights.error();
  std::optional<CalibrationFile> calibration;
  std::vector<std::string> inputs = weights->paths();
  inputs.insert(inputs.end(), {flags.quantized, certificate_name});
  if (!flags.calibration.empty()) {
    Expected<CalibrationFile> opened = CalibrationFile::open(flags.calibration);
    if (!opened) return opened.error();
    inputs.insert(inputs.end(), opened->file().paths().begin(), opened->file().paths().end());
    calibration = *std::move(opened);
  }
  if (!flags.svg.empty())
    if (const Status free = check_output(flags.svg, flags.overwrite, inputs); !free) return free.error();
  const CalibrationFile* known = calibration ? &*calibration : nullptr;
  const Expected<Options> options = options_of(file->header(), file->grid(), flags.quantized);
  if (!options) return options.error();

  Findings found;
  const Expected<contracts::Policy> policy = contracts::parse_policy(certificate->header().contracts);
  if (!policy)
    return Error{
        Exit::input, error_number::certificate_malformed, "the certificate is malformed",
        fmt::format("{}: line 1: contracts are '{}'", certificate_name, certificate->header().contracts.substr(0, 40)),
        "get the certificate again, or quantize again"};
  CertificateHeader header = certificate_header(file->header(), *policy);
  if (const auto text = first_difference(certificate->header(), header)) return header_differs(certificate_name, *text);
  const InputDigests digests(*weights, known);
  digests.enter(header);
  if (const auto text = first_difference(certificate->header(), header))
    found.mismatch = header_differs(certificate_name, *text);
  if (const auto foreign = first_foreign_tensor(*weights, *file, flags.quantized)) return *foreign;

  // A difference in the sources is looked for in the tensors too, so that the message names one; the first that differs
  // ends it.
  Progress progress("verify");
  double done = 0, total = 0;
  std::vector<PlannedTensor> plan;
  for (std::size_t i = 0; i < weights->tensors().size(); ++i) {
    const TensorInfo& tensor = weights->tensors()[i];
    if (!file->header().tensors[i].quantized) continue;
    const CalibrationEntry* entry = known ? known->find(tensor.name) : nullptr;
    if (options->method == Method::gptq && !entry)
      return header_differs(
          flags.calibration.empty() ? certificate_name : flags.calibration,
          fmt::format("no calibration for tensor '{}'{}", tensor.name, known ? "" : ": --calibration is missing"));
    if (entry)
      if (const Status fits = known->check_weight(tensor.name, tensor.shape[0], tensor.shape[1]); !fits)
        return header_differs(flags.calibration, fits.error().where);
    plan.push_back(
        {&tensor, entry, static_cast<Index>(tensor.shape[0]), static_cast<Index>(tensor.shape[1]), flags.weights});
    total += plan.back().work();
  }
  std::optional<Error> tensor_mismatch;
  for (const PlannedTensor& planned : plan) {
    progress.update(done, total, planned.weight->name);
    const Expected<CertifiedTensor> certified = next_certified(*certificate, planned.weight->name, certificate_name);
    if (!certified) return certified.error();
    Expected<VerifiedTensor> tensor = verify_tensor(planned, known, *file, *options, *certified, *exact, *policy,
                                                    digests, found.mismatch.has_value());
    if (!tensor) return tensor.error();
    found.lines.push_back(line_of(tensor->computed, flags.exact));
    if (tensor->differs) {
      found.lines.back().judged = "DIFFERS";
      tensor_mismatch = std::move(tensor->differs);
      break;
    }
    if (flags.checker)
      if (const Status accepted = check_tensor(checker, header, *file, *tensor, found); !accepted)
        return accepted.error();
    TensorSlack slack{planned.weight->name, {}};
    for (const CertifiedRow& row : tensor->computed.values) {
      slack.slack.push_back(row.slack);
      found.exact_rows += row.final.exact.has_value();
    }
    found.slacks.push_back(std::move(slack));
    found.rows += tensor->computed.rows;
    found.exact_elements += tensor->quantized.seen->exact_elements;
    found.largest_ratio = std::max(found.largest_ratio, tensor->quantized.seen->largest_ratio);
    done += planned.work();
    forget_pages(planned.weight->data);
  }
  print_table(found);
  if (tensor_mismatch) return *tensor_mismatch;
  if (found.mismatch) return *found.mismatch;
  const Expected<std::optional<CertifiedTensor>> more = certificate->next();
  if (!more) return more.error();
  if (*more)
    return header_differs(certificate_name, fmt::format("tensor '{}' was not quantized", (*more)->name.substr(0, 200)));
  if (const Status whole = file->check_payload(); !whole) return whole.error();
  for (const SafeTensors* opened : {&*weights, &file->file(), known ? &known->file() : &*weights})
    if (const Status whole = opened->unchanged(); !whole) return whole.error();

  print("verified {}: {} tensors, {} rows: codes, scales and certificate are what the sources give\n",
        escaped(flags.quantized), found.lines.size(), found.rows);
  if (flags.exact)
    print("exact arithmetic: the losses of {} rows, {} elements decided, largest |u' - u| / delta {:.4f}\n",
          found.exact_rows, found.exact_elements, found.largest_ratio);
  if (flags.checker) print("hallmark-check: accepted {} of {} tensors\n", found.accepted, found.lines.size());
  for (const std::string& name : found.not_judged) print("NOT JUDGED by hallmark-check: {}\n", escaped(name));
  if (const Status drawn = draw(flags, found, inputs); !drawn) {
    if (!flags.svg.empty()) return drawn.error();
    note("no picture: {}: {}", drawn.error().what,
         drawn.error().where);  // nobody asked for it by name: the verdict stands
  }
  return found.not_judged.empty() ? Exit::ok : Exit::fallback;
}

}  // namespace

Command verify_command(CLI::App& root) {
  CLI::App* app =
      root.add_subcommand("verify", "Compute a quantized file and its certificate again from the sources, and compare");
  auto f = std::make_shared<VerifyFlags>();
  app->add_option("quantized", f->quantized, "Q: the quantized file")->required();
  app->add_option("--weights", f->weights, "W, as it was given to quantize")->required();
  app->add_option("--calibration", f->calibration, "C, as it was given to quantize");
  app->add_option("--certificate", f->certificate, "The certificate [Q.certificate.json beside Q.safetensors]");
  app->add_flag("--exact", f->exact, "Decide losses and every element of the recurrence by exact arithmetic too");
  app->add_option("--rows", f->rows, "With --exact: so many rows of each tensor, evenly spaced, or all")
      ->capture_default_str();
  app->add_flag("--checker", f->checker, "Let hallmark-check, extracted from Coq, judge every tensor that it can");
  app->add_option("--svg", f->svg, "Picture of the slack of every tensor [Q.slack.svg beside Q, replaced]");
  app->add_flag("--overwrite", f->overwrite, "Replace an existing picture");
  app->add_option("--threads", f->threads, "Threads; does not change the result [all cores]")
      ->check(whole_number(1, most_threads));
  return {app, [f] { return run(*f); }};
}

}  // namespace hallmark::cli
