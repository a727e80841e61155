#include "league/line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error_numbers.hpp"
#include "ledger/json_fields.hpp"
#include "ledger/json_text.hpp"
#include "measure/run_lines.hpp"

namespace hallmark {
namespace {

using Json = nlohmann::ordered_json;
using detail::object_of, detail::or_null;

// exp and log are libm's, so a mean that another machine wrote may differ in its last bits.
constexpr double recorded_agreement = 1e-12;

bool close(double a, double b) { return std::abs(a - b) <= recorded_agreement * std::abs(b); }

// What all lines of a run have in common, and what all of one checkpoint.
auto of_run(const LeagueLine& line) {
  return std::tuple(line.lines, line.git_sha, line.text_digest, line.eval_bytes, line.batches, line.contracts);
}
auto of_checkpoint(const LeagueLine& line) {
  return std::tuple(line.checkpoint_digest, line.calibration_offsets_digest, line.gram_digest, line.bpb_float);
}

// The first key that is not what it must be, or "".
std::string read(const Json& json, LeagueLine& line) {
  detail::FieldReader fields(json);
  fields.read("run", line.run);
  fields.read("lines", line.lines);
  fields.read("entry", line.entry);
  fields.read("division", line.division);
  fields.read("seed", line.seed);
  fields.read("options", line.options);
  fields.read("embedding", line.embedding);
  fields.read("git_sha", line.git_sha);
  fields.read("timestamp", line.timestamp);
  fields.read("seconds", line.seconds);
  fields.read("loss", line.loss);
  fields.read("relative_loss", line.relative_loss);
  fields.read("mean_relative_loss", line.mean_relative_loss);
  fields.read("stored_bits", line.stored_bits);
  fields.read("container_bits", line.container_bits);
  fields.read("entropy_bits", line.entropy_bits);
  fields.read("bpb_float", line.bpb_float);
  fields.read("bpb_quantized", line.bpb_quantized);
  fields.read("damage", line.damage);
  fields.read("eval_bytes", line.eval_bytes);
  fields.read("batches", line.batches);
  fields.read("guard_rows", line.guard_rows);
  fields.read("contracts", line.contracts);
  fields.read("contracts_held", line.contracts_held);
  fields.require("lines", line.lines > 0);
  fields.require("damage", line.damage == line.bpb_quantized - line.bpb_float);
  fields.require("mean_relative_loss", close(line.mean_relative_loss, geometric_mean(line.relative_loss)));
  for (const auto& [name, loss] : line.loss) fields.require("loss", loss >= 0);
  for (const auto& [name, ratio] : line.relative_loss)
    fields.require("relative_loss", ratio >= 0 && line.loss.contains(name));
  fields.require("stored_bits", line.stored_bits > 0 && line.entropy_bits > 0 && line.seconds >= 0);
  const auto digests = json.find("digests");
  fields.require("digests", digests != json.end() && digests->is_object());
  if (!fields.failed().empty()) return fields.failed();
  detail::FieldReader of(*digests);
  of.read("checkpoint", line.checkpoint_digest);
  of.read("text", line.text_digest);
  of.read("calibration_offsets", line.calibration_offsets_digest);
  of.read("gram", line.gram_digest);
  of.read("codes", line.codes_digest);
  return of.failed();
}

}  // namespace

std::string LeagueLine::key() const { return fmt::format("{}, division {}, seed {}", entry, division, seed); }

double geometric_mean(const std::map<std::string, double>& values) {
  double sum = 0;
  for (const auto& [name, value] : values) sum += std::log(value);
  return values.empty() ? 1 : std::exp(sum / static_cast<double>(values.size()));
}

Expected<std::string> league_line(const LeagueLine& line) {
  return detail::json_text(Json{{"run", line.run},
                                {"lines", line.lines},
                                {"entry", line.entry},
                                {"division", line.division},
                                {"seed", line.seed},
                                {"options", object_of(line.options)},
                                {"embedding", or_null(line.embedding)},
                                {"git_sha", line.git_sha},
                                {"timestamp", line.timestamp},
                                {"seconds", line.seconds},
                                {"mean_relative_loss", line.mean_relative_loss},
                                {"stored_bits", line.stored_bits},
                                {"container_bits", line.container_bits},
                                {"entropy_bits", line.entropy_bits},
                                {"bpb_float", line.bpb_float},
                                {"bpb_quantized", line.bpb_quantized},
                                {"damage", line.damage},
                                {"eval_bytes", line.eval_bytes},
                                {"batches", line.batches},
                                {"guard_rows", line.guard_rows},
                                {"loss", object_of(line.loss)},
                                {"relative_loss", object_of(line.relative_loss)},
                                {"digests",
                                 {{"checkpoint", line.checkpoint_digest},
                                  {"text", line.text_digest},
                                  {"calibration_offsets", line.calibration_offsets_digest},
                                  {"gram", line.gram_digest},
                                  {"codes", line.codes_digest}}},
                                {"contracts", line.contracts},
                                {"contracts_held", object_of(line.contracts_held)}});
}

Expected<LeagueLine> parse_league_line(std::string_view text, const std::string& place) {
  const auto malformed = [&](const std::string& what) {
    return Error{Exit::input, error_number::ledger_entry, "this line is none of the league", place + ": " + what,
                 "see docs/league-ledger.md for the fields"};
  };
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return malformed("not a JSON object");
  LeagueLine line;
  if (const std::string failed = read(json, line); !failed.empty())
    return malformed("\"" + failed + "\" is missing or not what it must be");
  return line;
}

Expected<std::vector<LeagueLine>> league_lines(std::span<const LedgerEntry> entries, const std::string& place) {
  return lines_of_runs(entries, place, parse_league_line, of_run, of_checkpoint);
}

std::vector<LeagueLine> last_run(std::span<const LeagueLine> lines) { return last_run_of(lines); }

Expected<std::vector<LeagueLine>> run_to_report(std::span<const LeagueLine> lines, const std::string& place) {
  if (auto whole = last_whole_run_of(lines); !whole.empty()) return whole;
  std::vector<LeagueLine> run = last_run(lines);
  std::set<std::uint64_t> seeds;
  std::map<std::pair<std::string, std::string>, std::size_t> met;
  for (const LeagueLine& line : run) seeds.insert(line.seed), ++met[{line.division, line.entry}];
  std::erase_if(run, [&](const LeagueLine& line) { return met[{line.division, line.entry}] < seeds.size(); });
  if (!run.empty()) return run;
  return Error{Exit::input, error_number::no_complete_run, "the league has no run to report", place,
               "run `hallmark league`"};
}

}  // namespace hallmark
