#include "ablation/cell.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error_numbers.hpp"
#include "ledger/json_fields.hpp"
#include "ledger/json_text.hpp"

namespace hallmark {
namespace {

using Json = nlohmann::ordered_json;
using detail::or_null, detail::object_of;

// Each reads one part of a cell and says the first key that is not what it must be, or "".

std::string read_fields(const Json& json, Cell& cell) {
  detail::FieldReader fields(json);
  fields.read("run", cell.run);
  fields.read("seed", cell.seed);
  fields.read("n", cell.n);
  fields.read("grid", cell.grid);
  fields.read("git_sha", cell.git_sha);
  fields.read("timestamp", cell.timestamp);
  fields.read("wallclock_ms", cell.wallclock_ms);
  fields.read("reconstruction_mse", cell.reconstruction_mse);
  fields.read("calibration_mse", cell.calibration_mse);
  fields.read("bpb_pre_quant", cell.bpb_pre_quant);
  fields.read("bpb_post_quant", cell.bpb_post_quant);
  fields.read("eval_bytes", cell.eval_bytes);
  fields.read("guard_rows", cell.guard_rows);
  fields.read("guard_rows_by_tensor", cell.guard_rows_by_tensor);
  fields.read("unguarded_loss_ratio", cell.unguarded_loss_ratio);
  fields.read("unguarded_loss_ratio_by_tensor", cell.unguarded_loss_ratio_by_tensor);
  fields.read("count_model_bpb", cell.count_model_bpb);
  fields.require("n", cell.n >= 0);
  fields.require("calibration_mse", cell.calibration_mse.has_value() == (cell.n > 0));
  fields.require("bpb_pre_quant", cell.bpb_pre_quant > 0);
  fields.require("bpb_post_quant", cell.bpb_post_quant > 0);
  fields.require("reconstruction_mse", cell.reconstruction_mse >= 0);
  fields.require("digests", json.contains("digests") && json["digests"].is_object());
  fields.require("contracts", json.contains("contracts") && json["contracts"].is_array());
  fields.require("checks", !json.contains("checks") || json["checks"].is_array());
  return fields.failed();
}

std::string read_digests(const Json& json, Cell& cell) {
  detail::FieldReader digests(json);
  digests.read("checkpoint", cell.checkpoint_digest);
  digests.read("text", cell.text_digest);
  digests.read("calibration_offsets", cell.calibration_offsets_digest);
  digests.read("gram", cell.gram_digest);
  digests.read("reconstruction_offsets", cell.reconstruction_offsets_digest);
  digests.read("reconstruction_gram", cell.reconstruction_gram_digest);
  digests.read("codes", cell.codes_digest);
  digests.require("gram", cell.gram_digest.has_value() == (cell.n > 0));
  digests.require("calibration_offsets", cell.calibration_offsets_digest.has_value() == (cell.n > 0));
  return digests.failed();
}

std::string read_counts(const Json& list, std::vector<ContractCount>& counts) {
  for (const auto& item : list) {
    if (!item.is_object()) return "an object";
    detail::FieldReader fields(item);
    ContractCount& count = counts.emplace_back();
    fields.read("name", count.name);
    fields.read("passed", count.passed);
    fields.read("failed", count.failed);
    if (!fields.failed().empty()) return "\"" + fields.failed() + "\"";
  }
  return "";
}

}  // namespace

Expected<std::string> cell_line(const Cell& cell) {
  const auto counts = [](const std::vector<ContractCount>& list) {
    Json array = Json::array();
    for (const auto& count : list)
      array.push_back({{"name", count.name}, {"passed", count.passed}, {"failed", count.failed}});
    return array;
  };
  return detail::json_text(Json{{"run", cell.run},
                                {"seed", cell.seed},
                                {"n", cell.n},
                                {"grid", cell.grid},
                                {"git_sha", cell.git_sha},
                                {"timestamp", cell.timestamp},
                                {"wallclock_ms", cell.wallclock_ms},
                                {"reconstruction_mse", cell.reconstruction_mse},
                                {"calibration_mse", or_null(cell.calibration_mse)},
                                {"bpb_pre_quant", cell.bpb_pre_quant},
                                {"bpb_post_quant", cell.bpb_post_quant},
                                {"eval_bytes", cell.eval_bytes},
                                {"guard_rows", cell.guard_rows},
                                {"guard_rows_by_tensor", object_of(cell.guard_rows_by_tensor)},
                                {"unguarded_loss_ratio", or_null(cell.unguarded_loss_ratio)},
                                {"unguarded_loss_ratio_by_tensor", object_of(cell.unguarded_loss_ratio_by_tensor)},
                                {"digests",
                                 {{"checkpoint", cell.checkpoint_digest},
                                  {"text", cell.text_digest},
                                  {"calibration_offsets", or_null(cell.calibration_offsets_digest)},
                                  {"gram", or_null(cell.gram_digest)},
                                  {"reconstruction_offsets", cell.reconstruction_offsets_digest},
                                  {"reconstruction_gram", cell.reconstruction_gram_digest},
                                  {"codes", cell.codes_digest}}},
                                {"count_model_bpb", object_of(cell.count_model_bpb)},
                                {"contracts", counts(cell.contracts)},
                                {"checks", counts(cell.checks)}});
}

Expected<Cell> parse_cell(std::string_view line, const std::string& place) {
  const auto malformed = [&](const std::string& what) {
    return Error{Exit::input, error_number::ledger_entry, "this line is no cell of an ablation", place + ": " + what,
                 "see docs/ablation-ledger.md for the fields"};
  };
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object()) return malformed("not a JSON object");
  Cell cell;
  if (const std::string failed = read_fields(json, cell); !failed.empty())
    return malformed("\"" + failed + "\" is missing or not what it must be");
  if (const std::string failed = read_digests(json["digests"], cell); !failed.empty())
    return malformed("digest \"" + failed + "\" is missing or not what it must be");
  for (const auto& [key, counts] : {std::pair{"contracts", &cell.contracts}, {"checks", &cell.checks}})
    if (json.contains(key))
      if (const std::string failed = read_counts(json[key], *counts); !failed.empty())
        return malformed(fmt::format("\"{}\": {} is missing or not what it must be", key, failed));
  return cell;
}

bool is_verdict_line(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  return json.is_object() && json.contains("verdict");
}

}  // namespace hallmark
