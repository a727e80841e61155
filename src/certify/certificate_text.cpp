#include "certify/certificate_text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

namespace hallmark::detail {
namespace {

using Json = nlohmann::ordered_json;

// ---- numbers

std::string hex(double value) { return fmt::format("{:a}", value); }

std::optional<double> from_hex(std::string_view text) {
  double value = std::numeric_limits<double>::infinity();
  if (text == "inf") return value;
  if (text == "-inf") return -value;
  const bool negative = text.starts_with('-');
  const std::string_view digits = text.substr(negative);
  if (!digits.starts_with("0x")) return std::nullopt;
  const auto [end, fault] =
      std::from_chars(digits.data() + 2, digits.data() + digits.size(), value, std::chars_format::hex);
  if (fault != std::errc() || end != digits.data() + digits.size() || !std::isfinite(value)) return std::nullopt;
  return negative ? -value : value;
}

Json enclosure_json(const Enclosure& enclosure) { return Json::array({hex(enclosure.lo), hex(enclosure.hi)}); }

Json loss_json(const CertifiedLoss& loss) {
  Json json{{"enclosure", enclosure_json(loss.enclosure)}};
  if (loss.exact) {
    const std::string text = loss.exact->text();
    const auto p = text.find('p');
    json["exact"] = {{"mantissa", text.substr(0, p)}, {"exponent", text.substr(p + 1)}};
  }
  return json;
}

// ---- reading

// The JSON of a line, or what is wrong. A key that stands twice is found here: a document tree would swallow it.
Json parse_object(std::string_view line, std::string& fault) {
  std::vector<std::set<std::string>> keys;
  const auto watch = [&](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second && fault.empty())
      fault = fmt::format("the key '{}' stands twice", value.get<std::string>());
    return true;
  };
  Json json = Json::parse(line, watch, false);
  if (fault.empty() && !json.is_object()) fault = "not JSON";
  return json;
}

// Fields of an object, and the first thing that is wrong with one of them.
class Fields {
 public:
  Fields(const Json& object, std::string& fault) : object_(object), fault_(fault) {}

  std::string text(const char* key) { return get(key, &Json::is_string, "a string", std::string()); }
  std::uint64_t count(const char* key) {
    return get(key, &Json::is_number_unsigned, "a whole number below 2^64", std::uint64_t{0});
  }
  bool flag(const char* key) { return get(key, &Json::is_boolean, "true or false", false); }
  double number(const char* key) { return real(text(key), key); }
  const Json& object(const char* key) { return structure(key, &Json::is_object, "an object"); }
  const Json& array(const char* key) { return structure(key, &Json::is_array, "an array"); }

  std::string digest(const char* key) {
    std::string value = text(key);
    if (!value.empty() && (value.size() != 64 || value.find_first_not_of("0123456789abcdef") != value.npos))
      fail(fmt::format("'{}' is not a SHA-256", key));
    return value;
  }

  Enclosure enclosure(const char* key) {
    const Json& ends = array(key);
    if (ends.size() != 2 || !ends[0].is_string() || !ends[1].is_string())
      return fail(fmt::format("'{}' is not [lo, hi]", key)), Enclosure{};
    const Enclosure value{real(ends[0].get<std::string>(), key), real(ends[1].get<std::string>(), key)};
    if (!(value.lo <= value.hi)) fail(fmt::format("the ends of '{}' are in the wrong order", key));
    return value;
  }

  CertifiedLoss loss(const char* key) {
    Fields inner(object(key), fault_);
    CertifiedLoss value{inner.enclosure("enclosure"), std::nullopt};
    if (inner.object_.is_object() && inner.object_.contains("exact")) {
      Fields exact(inner.object("exact"), fault_);
      value.exact = oracle::Dyadic::parse(exact.text("mantissa") + "p" + exact.text("exponent"));
      if (!value.exact) fail(fmt::format("the exact value of '{}' is not a dyadic number in lowest terms", key));
    }
    return value;
  }

 private:
  template <class T>
  T get(const char* key, bool (Json::*is)() const, const char* kind, T fallback) {
    const auto found = object_.find(key);
    if (found != object_.end() && ((*found).*is)()) return found->get<T>();
    return fail(fmt::format("'{}' is {}{}", key, found == object_.end() ? "missing, it should be " : "not ", kind)),
           fallback;
  }

  const Json& structure(const char* key, bool (Json::*is)() const noexcept, const char* kind) {
    static const Json nothing;
    const auto found = object_.find(key);
    if (found != object_.end() && ((*found).*is)()) return *found;
    return fail(fmt::format("'{}' is not {}", key, kind)), nothing;
  }

  double real(const std::string& value, const char* key) {
    const std::optional<double> number = from_hex(value);
    if (!number) fail(fmt::format("'{}' holds '{}', not a hexadecimal binary64 number", key, value.substr(0, 40)));
    return number.value_or(0);
  }

  void fail(std::string what) {
    if (fault_.empty()) fault_ = std::move(what);
  }

  const Json& object_;
  std::string& fault_;
};

// The opening line of an array was written as text that ends in '['; closed, it is JSON.
std::optional<LineFault> result(std::string fault, std::string_view line, const std::string& rendered) {
  if (fault.empty() && line != rendered) {
    std::size_t at = 0;
    while (at < std::min(line.size(), rendered.size()) && line[at] == rendered[at]) ++at;
    fault = fmt::format("not the text that this content has, from byte {} of the line", at + 1);
  }
  if (fault.empty()) return std::nullopt;
  return LineFault{std::move(fault), false};
}

// `opening` without the "]}" that its last array still needs.
std::string open_ended(const Json& opening) {
  std::string text = opening.dump();
  return text.substr(0, text.size() - 2);
}

constexpr std::string_view kept_gptq = "codes", kept_rtn = "rtn";

}  // namespace

std::string header_line(const CertificateHeader& header) {
  return open_ended(Json{{"format", certificate_format},
                         {"tool", header.tool},
                         {"weights_sha256", header.weights_sha256},
                         {"calibration_sha256", header.calibration_sha256},
                         {"options",
                          {{"grid", header.grid},
                           {"method", header.method},
                           {"scale_rule", header.scale_rule},
                           {"group_size", header.group_size},
                           {"block_size", header.block_size},
                           {"damp_percent", hex(header.damp_percent)},
                           {"desc_act", header.desc_act},
                           {"guard", header.guard},
                           {"contracts", header.contracts}}},
                         {"assumptions", certificate_assumptions()},
                         {"tensors", Json::array()}});
}

std::string tensor_line(const CertifiedTensor& tensor) {
  Json contracts = Json::array();
  for (const CertifiedContract& contract : tensor.contracts)
    contracts.push_back({{"name", contract.name},
                         {"theorem", contract.theorem},
                         {"by_enclosure", contract.by_enclosure},
                         {"by_oracle", contract.by_oracle}});
  return open_ended(Json{{"name", tensor.name},
                         {"rows", tensor.rows},
                         {"cols", tensor.cols},
                         {"sha256",
                          {{"weights", tensor.weights_sha256},
                           {"gram", tensor.gram_sha256},
                           {"codes", tensor.codes_sha256},
                           {"scales", tensor.scales_sha256}}},
                         {"scale_rule", tensor.scale_rule},
                         {"calibration", tensor.calibration},
                         {"tokens", tensor.tokens},
                         {"lambda", hex(tensor.lambda)},
                         {"dead_columns", tensor.dead_columns},
                         {"clipped", tensor.clipped},
                         {"guard_rows", tensor.guard_rows},
                         {"contracts", std::move(contracts)},
                         {"values", Json::array()}});
}

std::string row_line(std::size_t index, const CertifiedRow& row) {
  return Json{{"row", index},
              {"kept", row.kept_rtn ? kept_rtn : kept_gptq},
              {"final", loss_json(row.final)},
              {"rtn", loss_json(row.rtn)},
              {"bound", {{"enclosure", enclosure_json(row.bound)}}},
              {"slack", {{"upper", hex(row.slack)}}}}
      .dump();
}

std::optional<LineFault> parse_header_line(std::string_view line, CertificateHeader& header) {
  std::string fault;
  const Json json = parse_object(std::string(line) + "]}", fault);
  if (!fault.empty()) return LineFault{fault, false};
  Fields fields(json, fault);
  if (const std::string format = fields.text("format"); fault.empty() && format != certificate_format)
    return LineFault{fmt::format("the format is '{}', this build reads '{}'", format.substr(0, 60), certificate_format),
                     true};
  header.tool = fields.text("tool");
  header.weights_sha256 = fields.digest("weights_sha256");
  header.calibration_sha256 = fields.digest("calibration_sha256");
  Fields options(fields.object("options"), fault);
  header.grid = options.text("grid");
  header.method = options.text("method");
  header.scale_rule = options.text("scale_rule");
  header.group_size = options.count("group_size");
  header.block_size = options.count("block_size");
  header.damp_percent = options.number("damp_percent");
  header.desc_act = options.flag("desc_act");
  header.guard = options.flag("guard");
  header.contracts = options.text("contracts");
  return result(fault, line, fault.empty() ? header_line(header) : "");
}

std::optional<LineFault> parse_tensor_line(std::string_view line, CertifiedTensor& tensor) {
  std::string fault;
  const Json json = parse_object(std::string(line) + "]}", fault);
  if (!fault.empty()) return LineFault{fault, false};
  Fields fields(json, fault);
  tensor.name = fields.text("name");
  tensor.rows = fields.count("rows");
  tensor.cols = fields.count("cols");
  Fields digests(fields.object("sha256"), fault);
  tensor.weights_sha256 = digests.digest("weights");
  tensor.gram_sha256 = digests.digest("gram");
  tensor.codes_sha256 = digests.digest("codes");
  tensor.scales_sha256 = digests.digest("scales");
  tensor.scale_rule = fields.text("scale_rule");
  tensor.calibration = fields.text("calibration");
  tensor.tokens = fields.count("tokens");
  tensor.lambda = fields.number("lambda");
  tensor.dead_columns = fields.count("dead_columns");
  tensor.clipped = fields.count("clipped");
  tensor.guard_rows = fields.count("guard_rows");
  for (const Json& item : fields.array("contracts")) {
    Fields contract(item, fault);
    tensor.contracts.push_back(
        {contract.text("name"), contract.text("theorem"), contract.count("by_enclosure"), contract.count("by_oracle")});
  }
  return result(fault, line, fault.empty() ? tensor_line(tensor) : "");
}

std::optional<LineFault> parse_row_line(std::string_view line, std::size_t index, CertifiedRow& row) {
  std::string fault;
  const Json json = parse_object(line, fault);
  if (!fault.empty()) return LineFault{fault, false};
  Fields fields(json, fault);
  const std::string kept = fields.text("kept");
  row.kept_rtn = kept == kept_rtn;
  row.final = fields.loss("final");
  row.rtn = fields.loss("rtn");
  Fields bound(fields.object("bound"), fault);
  row.bound = bound.enclosure("enclosure");
  Fields slack(fields.object("slack"), fault);
  row.slack = slack.number("upper");
  return result(fault, line, fault.empty() ? row_line(index, row) : "");
}

}  // namespace hallmark::detail
