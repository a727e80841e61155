#include "league/entries.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hallmark {
namespace {

const std::vector<std::string_view> integers = {"2", "3", "4", "6"}, narrow = {"2", "3", "4"};

}  // namespace

const std::vector<Division>& divisions() {
  static const std::vector<Division> all = {{"4", "rtn", "gptq"},
                                            {"3", "rtn", "gptq"},
                                            {"2", "rtn", "gptq"},
                                            {"6", "rtn", "gptq"},
                                            {"gf16", "gf16 rtn", "gf16 gptq"}};
  return all;
}

// Long because it is a table, one line an entry.
const std::vector<LeagueEntry>& league_entries() {
  static const std::vector<LeagueEntry> all = {
      {"rtn", integers, {{"grid", "intBs"}, {"method", "rtn"}}},
      {"gptq", integers, {{"grid", "intBs"}}},
      {"gptq act-order", integers, {{"grid", "intBs"}, {"desc_act", "true"}}},
      {"gptq all codes", integers, {{"grid", "intB"}}},
      {"gptq groups of 64", integers, {{"grid", "intBs"}, {"group_size", "64"}}},
      {"gptq groups of 32", integers, {{"grid", "intBs"}, {"group_size", "32"}}},
      {"gptq nf4", {"4"}, {{"grid", "nf4"}}},
      {"gptq lloyd", narrow, {{"grid", "lloyd:B"}}},
      {"gptq all codes, mse", narrow, {{"grid", "intB"}, {"scale_rule", "mse"}}},
      {"gptq all codes, diag", narrow, {{"grid", "intB"}, {"scale_rule", "diag"}}},
      {"gptq all codes, pivot", narrow, {{"grid", "intB"}, {"scale_rule", "pivot"}}},
      {"gptq all codes, percentile", narrow, {{"grid", "intB"}, {"scale_rule", "percentile"}}},
      {"gptq all codes, sdclip", narrow, {{"grid", "intB"}, {"scale_rule", "sdclip"}}},
      {"gptq all codes, sdclip-hessian", narrow, {{"grid", "intB"}, {"scale_rule", "sdclip-hessian"}}},
      {"gptq all codes, sdclip-adaptive", narrow, {{"grid", "intB"}, {"scale_rule", "sdclip-adaptive"}}},
      {"gptq all codes, search", narrow, {{"grid", "intB"}, {"scale_rule", "search"}}},
      {"rate-distortion all codes", integers, {{"grid", "intB"}, {"method", "rate-distortion"}, {"guard", "false"}}},
      {"rate-distortion all codes, beam 8",
       narrow,
       {{"grid", "intB"}, {"method", "rate-distortion"}, {"beam", "8"}, {"guard", "false"}}},
      {"prune all codes", integers, {{"grid", "intB"}, {"method", "prune"}, {"prune", "0.3"}, {"guard", "false"}}},
      {"prune all codes, by scale",
       integers,
       {{"grid", "intB"}, {"method", "prune"}, {"prune", "0.3"}, {"prune_by", "scale"}, {"guard", "false"}}},
      {"sparse24 all codes", integers, {{"grid", "intB"}, {"method", "sparse24"}, {"guard", "false"}}},
      {"descent all codes", narrow, {{"grid", "intB"}, {"method", "descent"}}},
      {"greedy all codes", narrow, {{"grid", "intB"}, {"method", "greedy"}}},
      {"best all codes", narrow, {{"grid", "intB"}, {"method", "best"}}},
      {"best nf4", {"4"}, {{"grid", "nf4"}, {"method", "best"}}},
      {"best lloyd", narrow, {{"grid", "lloyd:B"}, {"method", "best"}}},
      {"gptq all codes, rotated", narrow, {{"grid", "intB"}, {"rotation", "hadamard:16"}}},
      {"gptq lloyd, rotated", narrow, {{"grid", "lloyd:B"}, {"rotation", "hadamard:16"}}},
      {"best all codes, rotated", narrow, {{"grid", "intB"}, {"rotation", "hadamard:16"}, {"method", "best"}}},
      {"best lloyd, rotated", narrow, {{"grid", "lloyd:B"}, {"rotation", "hadamard:16"}, {"method", "best"}}},
      {"best lloyd, rotated, effort 5",
       narrow,
       {{"grid", "lloyd:B"}, {"rotation", "hadamard:16"}, {"method", "best"}, {"effort", "5"}}},
      {"trellis", {"2", "3"}, {{"grid", "trellis:B"}, {"rotation", "hadamard:16"}, {"method", "trellis"}}},
      {"gptq all codes, rank 4", narrow, {{"grid", "intB"}, {"low_rank", "4"}}},
      {"best lloyd, rotated, rank 4",
       narrow,
       {{"grid", "lloyd:B"}, {"rotation", "hadamard:16"}, {"method", "best"}, {"low_rank", "4"}}},
      {"gptq all codes, asymmetric", narrow, {{"grid", "intB"}, {"target", "asymmetric"}}},
      {"qronos all codes", narrow, {{"grid", "intB"}, {"method", "qronos"}, {"target", "asymmetric"}}},
      {"best lloyd, rotated, asymmetric",
       narrow,
       {{"grid", "lloyd:B"}, {"rotation", "hadamard:16"}, {"method", "best"}, {"target", "asymmetric"}}},
      {"best lloyd, rotated, asymmetric, effort 5",
       narrow,
       {{"grid", "lloyd:B"},
        {"rotation", "hadamard:16"},
        {"method", "best"},
        {"target", "asymmetric"},
        {"effort", "5"}}},
      {"gptq nf4, embedding int8", {"4"}, {{"grid", "nf4"}}, "int8"},
      {"gptq lloyd, embedding int8", narrow, {{"grid", "lloyd:B"}}, "int8"},
      {"best lloyd, embedding int8", narrow, {{"grid", "lloyd:B"}, {"method", "best"}}, "int8"},
      {"best lloyd, rotated, embedding int8",
       narrow,
       {{"grid", "lloyd:B"}, {"rotation", "hadamard:16"}, {"method", "best"}},
       "int8"},
      {"gf16 rtn", {"gf16"}, {{"grid", "gf16"}, {"method", "rtn"}}},
      {"gf16 gptq", {"gf16"}, {{"grid", "gf16"}}},
  };
  return all;
}

const LeagueEntry& entry_named(std::string_view name) {
  return *std::ranges::find(league_entries(), name, &LeagueEntry::name);
}

Expected<RuleSet> rules_of(const LeagueEntry& entry, const Division& division) {
  const std::string place = fmt::format("entry '{}' of the league, division {}", entry.name, division.name);
  std::vector<Rule> rules = {{place, "", {{"scale_storage", "f16"}}, {}, {}, {}}};
  for (const auto& [option, word] : entry.options) {
    std::string& setting = rules.front().settings[std::string(option)] = word;
    const auto bits = setting.find('B');
    if (option == "grid" && bits != setting.npos) setting.replace(bits, 1, division.name);
  }
  if (!entry.embedding.empty())
    rules.push_back(
        {place, fmt::format("^{}$", embedding_weight), {{"grid", std::string(entry.embedding)}}, {}, {}, {}});
  return RuleSet::make(std::move(rules));
}

}  // namespace hallmark
