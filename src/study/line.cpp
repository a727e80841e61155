#include "study/line.hpp"

#include <fmt/format.h>

#include "base/error_numbers.hpp"
#include "ledger/json_fields.hpp"
#include "ledger/json_text.hpp"
#include "measure/run_lines.hpp"

namespace hallmark {
namespace {

using StudyJson = nlohmann::ordered_json;

auto shared_by_run(const StudyLine& line) {
  return std::tuple(line.study, line.lines, line.git_sha, line.text_digest, line.eval_bytes, line.contracts);
}
auto shared_by_checkpoint(const StudyLine& line) { return std::tuple(line.checkpoint_digest, line.bpb_float); }

// The first key that is not what it must be, or "".
std::string read_study(const StudyJson& json, StudyLine& line) {
  detail::FieldReader fields(json);
  fields.read("run", line.run);
  fields.read("lines", line.lines);
  fields.read("study", line.study);
  fields.read("arm", line.arm);
  fields.read("seed", line.seed);
  fields.read("git_sha", line.git_sha);
  fields.read("timestamp", line.timestamp);
  fields.read("seconds", line.seconds);
  fields.read("bpb_float", line.bpb_float);
  fields.read("eval_bytes", line.eval_bytes);
  fields.read("figures", line.figures);
  fields.read("contracts", line.contracts);
  fields.read("contracts_held", line.contracts_held);
  fields.require("lines", line.lines > 0);
  fields.require("seconds", line.seconds >= 0);
  const auto digests = json.find("digests");
  fields.require("digests", digests != json.end() && digests->is_object());
  if (!fields.failed().empty()) return fields.failed();
  detail::FieldReader of(*digests);
  of.read("checkpoint", line.checkpoint_digest);
  of.read("text", line.text_digest);
  of.read("codes", line.codes_digest);
  return of.failed();
}

}  // namespace

std::string StudyLine::key() const { return fmt::format("{}: {}, seed {}", study, arm, seed); }

Expected<std::string> study_line(const StudyLine& line) {
  return detail::json_text(StudyJson{
      {"run", line.run},
      {"lines", line.lines},
      {"study", line.study},
      {"arm", line.arm},
      {"seed", line.seed},
      {"git_sha", line.git_sha},
      {"timestamp", line.timestamp},
      {"seconds", line.seconds},
      {"bpb_float", line.bpb_float},
      {"eval_bytes", line.eval_bytes},
      {"figures", detail::object_of(line.figures)},
      {"digests", {{"checkpoint", line.checkpoint_digest}, {"text", line.text_digest}, {"codes", line.codes_digest}}},
      {"contracts", line.contracts},
      {"contracts_held", line.contracts_held}});
}

Expected<StudyLine> parse_study_line(std::string_view text, const std::string& place) {
  const auto malformed = [&](const std::string& what) {
    return Error{Exit::input, error_number::ledger_entry, "this line is none of a study", place + ": " + what,
                 "see docs/studies-ledger.md for the fields"};
  };
  const StudyJson json = StudyJson::parse(text, nullptr, false);
  if (!json.is_object()) return malformed("not a JSON object");
  StudyLine line;
  if (const std::string failed = read_study(json, line); !failed.empty())
    return malformed("\"" + failed + "\" is missing or not what it must be");
  return line;
}

Expected<std::vector<StudyLine>> study_lines(std::span<const LedgerEntry> entries, const std::string& place) {
  return lines_of_runs(entries, place, parse_study_line, shared_by_run, shared_by_checkpoint);
}

}  // namespace hallmark
