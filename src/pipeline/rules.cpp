#include "pipeline/rules.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "base/error_numbers.hpp"
#include "base/spelling.hpp"
#include "io/file.hpp"
#include "io/strict_json.hpp"
#include "method/method.hpp"
#include "pipeline/presets.hpp"

namespace hallmark {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string> option_names() {
  std::vector<std::string> names;
  const Options any{Grid(GridSpec::golden("gf16", "gf16/1", 6, 9))};
  visit_options(any, [&](const OptionInfo& info, const auto&) { names.emplace_back(info.name); });
  return names;
}

Error malformed(std::string what, std::string where, std::string hint = "docs/cli.md, section on rules") {
  return {Exit::usage, error_number::config_malformed, std::move(what), std::move(where), std::move(hint)};
}

Expected<Pattern> compiled(const Rule& rule) { return Pattern::compile(rule.match, rule.place + ":"); }

// A word for the option, as the command line would give it.
std::optional<std::string> word_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  return std::nullopt;
}

// Whether the key is an option, a setting that stands for several, or one of the others.
Status check_key(const std::string& key, const std::vector<std::string>& others, const std::string& place) {
  std::vector<std::string> keys = option_names();
  keys.insert(keys.end(), {std::string(bits_setting), std::string(preset_setting)});
  if (std::ranges::find(keys, key) != keys.end()) return ok();
  keys.insert(keys.end(), others.begin(), others.end());
  const std::string guess = nearest_spelling(key, keys);
  return malformed(
      fmt::format("unknown key '{}'", key.substr(0, 60)), place,
      guess.empty() ? fmt::format("keys: {}", fmt::join(keys, ", ")) : fmt::format("did you mean '{}'?", guess));
}

Status read_key(const std::string& key, const Json& value, Rule& rule) {
  std::optional<bool>* const flag = key == "skip"         ? &rule.skip
                                    : key == "rtn"        ? &rule.rtn
                                    : key == "transposed" ? &rule.transposed
                                                          : nullptr;
  if (flag) {
    if (!value.is_boolean())
      return malformed(fmt::format("'{}' is true or false", key), rule.place + ": " + value.dump());
    *flag = value.get<bool>();
    return ok();
  }
  if (key == "match") {
    if (!value.is_string()) return malformed("'match' is a regular expression", rule.place + ": " + value.dump());
    rule.match = value.get<std::string>();
    const auto pattern = compiled(rule);
    return pattern ? ok() : Status(pattern.error());
  }
  if (const Status known = check_key(key, {"match", "skip", "rtn", "transposed"}, rule.place); !known) return known;
  const std::optional<std::string> word = word_of(value);
  if (!word)
    return malformed(fmt::format("'{}' is a word, a number, true or false", key), rule.place + ": " + value.dump());
  rule.settings[key] = *word;
  return ok();
}

// Presets give way to what they stand for.
Status expand(Rule& rule) {
  const std::map<std::string, std::string> said = rule.settings;
  if (const Status expanded = expand_presets(rule.settings, rule.place); !expanded) return expanded;
  for (const auto& [name, word] : rule.settings)
    if (!said.contains(name)) rule.implied.insert(name);
  return ok();
}

// Whether every word is one of its option's values, whatever the tensor.
Status check_words(const Rule& rule) {
  Options scratch{Grid(GridSpec::golden("gf16", "gf16/1", 6, 9))};
  Status status = ok();
  visit_options(scratch, [&](const OptionInfo& info, auto& value) {
    const auto found = rule.settings.find(std::string(info.name));
    if (status && found != rule.settings.end()) status = set_option(info, found->second, value);
  });
  if (status) return status;
  Error error = status.error();
  error.where = rule.place + ": " + error.where;
  return error;
}

// Why no tensor can have these options and their scale rule (what, hint); none where one can.
std::optional<Obstacle> scale_rule_refusal(const Options& options) {
  if (options.scale_rule == given_scales)
    return Obstacle{"scales are given by a calibration file alone",
                    "leave scale_rule out: scales are taken as they are where the file holds NAME.scale"};
  const Expected<const ScaleRule*> rule = find_scale_rule(options.scale_rule);
  if (rule && (*rule)->takes(options.grid.spec())) return std::nullopt;
  return Obstacle{fmt::format("scale rule {} is not for grid {}", options.scale_rule, options.grid.name()),
                  fmt::format("scale rule {}", default_scale_rule(options.grid))};
}

}  // namespace

Expected<std::vector<Rule>> read_rules(const std::string& path) {
  const Expected<MappedFile> file = MappedFile::open(path);
  if (!file) return file.error();
  const std::string_view text(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  const auto parsed = strict_json(text);
  if (!parsed) return malformed("the configuration is not JSON, or an object has a key twice", path);
  const Json& json = *parsed;
  if (!json.is_object() || json.size() != 1 || !json.contains("rules") || !json.at("rules").is_array())
    return malformed("the configuration is not one object with a list of rules", path,
                     R"({"rules": [{"match": "mlp", "grid": "int4"}]})");
  if (json.at("rules").empty())
    return malformed("the configuration has no rule", path, "leave --config out, or add a rule");
  std::vector<Rule> rules;
  for (const Json& item : json.at("rules")) {
    Rule rule{fmt::format("{}: rule {}", path, rules.size() + 1), "", {}, {}, {}, {}};
    if (!item.is_object() || !item.contains("match"))
      return malformed("a rule is an object with a pattern", rule.place, R"({"match": "mlp", "grid": "int4"})");
    for (const auto& [key, value] : item.items())
      if (const Status read = read_key(key, value, rule); !read) return read.error();
    if (const Status expanded = expand(rule); !expanded) return expanded.error();
    if (const Status good = check_words(rule); !good) return good.error();
    const bool says_more = !rule.settings.empty() || rule.rtn || rule.transposed;
    if (rule.skip == true && says_more)
      return Error{Exit::usage, error_number::rule_conflict, "a rule contradicts itself",
                   rule.place + ": it skips its tensors and says how to quantize them",
                   "two rules, or leave one half out"};
    if (!rule.skip && !says_more)
      return malformed("a rule says nothing", rule.place, "an option, skip, rtn or transposed");
    rules.push_back(std::move(rule));
  }
  return rules;
}

Expected<RuleSet> rules_of_words(std::map<std::string, std::string> words, const std::string& place,
                                 const std::string& config) {
  for (const auto& [name, word] : words)
    if (const Status known = check_key(name, {}, place); !known) return known.error();
  std::vector<Rule> rules{{place, "", std::move(words), {}, {}, {}}};
  if (const Status expanded = expand(rules.front()); !expanded) return expanded.error();
  if (!config.empty()) {
    Expected<std::vector<Rule>> more = read_rules(config);
    if (!more) return more.error();
    rules.insert(rules.end(), more->begin(), more->end());
  }
  return RuleSet::make(std::move(rules));
}

Status check_words(RuleSet rules) {
  const Expected<Resolved> any = rules.resolve("");
  if (!any) return any.error();
  rules.enter_use(*any, "", any->options, {});
  return rules.check_used(0);
}

Expected<RuleSet> RuleSet::make(std::vector<Rule> rules) {
  std::vector<Pattern> patterns;
  for (const Rule& rule : rules) {
    Expected<Pattern> pattern = compiled(rule);
    if (!pattern) return pattern.error();
    patterns.push_back(*std::move(pattern));
  }
  return RuleSet(std::move(rules), std::move(patterns));
}

Expected<Resolved> RuleSet::resolve(const std::string& tensor) {
  Resolved out{Options{Grid(GridSpec::golden("gf16", "gf16/1", 6, 9))}, false, false, false, {}, {}, {}};
  auto& set_by = out.set_by;
  for (std::size_t k = 0; k < rules_.size(); ++k) {
    const Rule& rule = rules_[k];
    if (!rule.match.empty() && !patterns_[k].finds(tensor)) continue;
    use_[k].matched = true;
    out.rules.push_back(k);
    for (const auto& [name, word] : rule.settings) set_by[name] = k;
    const auto take = [&](const char* name, const std::optional<bool>& says, bool& flag) {
      if (says) flag = *says, set_by[name] = k;
    };
    take("skip", rule.skip, out.skip);
    take("rtn", rule.rtn, out.rtn);
    take("transposed", rule.transposed, out.transposed);
  }
  enter_effects(out);
  if (out.skip) return out;
  Status status = ok();
  visit_options(out.options, [&](const OptionInfo& info, auto& value) {
    const auto found = set_by.find(std::string(info.name));
    if (found != set_by.end() && status)
      status = set_option(info, rules_[found->second].settings.at(found->first), value);
    if (info.name == "grid") out.options.scale_rule = default_scale_rule(out.options.grid);  // grid comes first
  });
  if (!status) return status.error();
  if (const auto refused = scale_rule_refusal(out.options)) {
    const std::string by = set_by.contains("scale_rule") ? rules_[set_by.at("scale_rule")].place : "by default";
    const std::string where = tensor.empty() ? by : fmt::format("tensor '{}', {}", tensor, by);
    return Error{Exit::usage, error_number::scale_rule_refused, refused->where, where, refused->hint};
  }
  return out;
}

void RuleSet::enter_effects(Resolved& resolved) {
  if (!resolved.skip) {
    for (const std::size_t k : resolved.rules) use_[k].unskipped = true;
    for (const auto& [name, k] : resolved.set_by) use_[k].effective = true;
    return;
  }
  const std::size_t skips = resolved.set_by.at("skip");
  resolved.skipped_by = skips;
  for (const std::size_t k : resolved.rules)
    if (k == skips) use_[k].effective = true;
    else if (k < skips) use_[k].unskipped = true;
    else use_[k].skipped_by = skips;
}

std::map<std::string, std::string> RuleSet::lost(const Resolved& resolved, const Options& before,
                                                 const Options& now) const {
  std::map<std::string, std::string> were, gone;
  visit_options(before, [&](const OptionInfo& info, const auto& value) {
    if (missing_reader(before, info.name).empty()) were[std::string(info.name)] = option_text(value);
  });
  visit_options(now, [&](const OptionInfo& info, const auto& value) {
    const auto was = were.find(std::string(info.name));
    const auto set = resolved.set_by.find(std::string(info.name));
    if (was == were.end() || set == resolved.set_by.end()) return;
    if (option_text(value) != was->second || !missing_reader(now, info.name).empty())
      gone[set->first] = rules_[set->second].settings.at(set->first);
  });
  return gone;
}

void RuleSet::enter_use(const Resolved& resolved, const std::string& matrix, const Options& options,
                        const std::vector<Override>& overrides) {
  for (const auto& [name, k] : resolved.set_by) {
    const auto over =
        std::ranges::find_if(overrides, [&option = name](const Override& some) { return some.lost.contains(option); });
    if (over != overrides.end())
      use_[k].unread[name] = {fmt::format("has no effect on any tensor ('{}': {})", matrix, over->why),
                              fmt::format("leave {} out, or {}", name, over->remedy)};
    else if (const std::string reader = missing_reader(options, name); !reader.empty())
      use_[k].unread[name] = {fmt::format("is for {}, which no tensor gets", reader),
                              fmt::format("ask for {}, or leave {} out", reader, name)};
    else use_[k].read.insert(name);
  }
}

Error RuleSet::without_effect(std::size_t k) const {
  const Rule& rule = rules_[k];
  const auto refused = [&](const std::string& why, std::string hint) {
    return Error{Exit::usage, error_number::rule_conflict, "a rule has no effect",
                 fmt::format("{}: {}", rule.place, why), std::move(hint)};
  };
  if (!use_[k].skipped_by)
    return refused(fmt::format("later rules undo all that it says of '{}'", rule.match),
                   "order the rules from the general to the special, or leave it out");
  const std::string& skips = rules_[*use_[k].skipped_by].place;
  return refused(use_[k].unskipped
                     ? fmt::format("{} skips tensors that '{}' finds, and later rules undo what it says of the others",
                                   skips, rule.match)
                     : fmt::format("{} skips every tensor that '{}' finds", skips, rule.match),
                 "\"skip\": false in this rule, or leave it out");
}

Status RuleSet::check_used(std::size_t tensors) const {
  for (std::size_t k = 0; k < rules_.size(); ++k) {
    const Rule& rule = rules_[k];
    for (const auto& [name, unread] : use_[k].unread)
      if (!use_[k].read.contains(name) && !rule.implied.contains(name))
        return Error{Exit::usage, error_number::rule_conflict, "an option that nothing reads",
                     fmt::format("{}: {} {} {}", rule.place, name, rule.settings.at(name), unread.why), unread.hint};
    if (rule.match.empty()) continue;
    if (!use_[k].matched)
      return Error{Exit::infeasible, error_number::pattern_unmatched, "a rule matches no tensor",
                   fmt::format("{}: '{}' against {} tensors of 2 or 3 dimensions", rule.place, rule.match, tensors),
                   "hallmark inspect lists the names"};
    if (!use_[k].effective) return without_effect(k);
  }
  return ok();
}

}  // namespace hallmark
