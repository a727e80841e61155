#include "certify/certificate_text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "io/strict_json.hpp"
#include "method/options_json.hpp"

namespace hallmark::detail {
namespace {

using Json = nlohmann::ordered_json;

// ---- numbers

// A zero has no sign here: -0 and 0 are one content.
std::string hex(double value) { return fmt::format("{:a}", value + 0.0); }

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

Json optimality_json(const Optimality& row) {
  if (!row.lower) return {{"none", row.by}};
  return {{"lower", hex(*row.lower)}, {"theorem", row.by}};
}

// ---- reading

// The JSON of a line, or what is wrong.
Json parse_object(std::string_view line, std::string& fault) {
  std::string repeated;
  std::optional<Json> json = strict_json(line, &repeated);
  if (json && json->is_object()) return *std::move(json);
  fault = repeated.empty() ? "not JSON" : fmt::format("the key '{}' stands twice", repeated);
  return {};
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

  Optimality optimality(const char* key) {
    Fields inner(object(key), fault_);
    if (inner.object_.is_object() && inner.object_.contains("none")) return {std::nullopt, inner.text("none")};
    const Optimality value{inner.number("lower"), inner.text("theorem")};
    if (!std::isfinite(*value.lower)) fail(fmt::format("the lower bound of '{}' is not finite", key));
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

constexpr std::string_view kept_codes = "codes", kept_rtn = "rtn";

// Options as version 1 wrote them, once for all tensors.
Json options_v1(const Options& options, const std::string& contracts) {
  return {{"grid", options.grid.id()},
          {"method", options.method},
          {"scale_rule", options.scale_rule},
          {"group_size", options.group_size},
          {"block_size", options.block_size},
          {"damp_percent", hex(options.damp_fraction)},
          {"desc_act", options.desc_act},
          {"guard", options.guard},
          {"contracts", contracts}};
}

Options read_options_v1(const Json& object, std::string& contracts, std::string& fault) {
  Fields fields(object, fault);
  Options options{Grid(GridSpec::golden("gf16", "gf16/1", 6, 9))};
  const auto read = [&](const char* name, const std::string& word) {
    if (!set_option(options, name, word) && fault.empty())
      fault = fmt::format("'{}' is '{}'", name, word.substr(0, 40));
  };
  const std::string id = fields.text("grid");
  if (const auto grid = Grid::of_id(id)) options.grid = *grid;
  else if (fault.empty()) fault = fmt::format("'grid' is '{}'", id.substr(0, 40));
  read("method", fields.text("method"));
  read("scale_rule", fields.text("scale_rule"));
  read("group_size", std::to_string(fields.count("group_size")));
  read("block_size", std::to_string(fields.count("block_size")));
  options.damp_fraction = fields.number("damp_percent");
  options.desc_act = fields.flag("desc_act");
  options.guard = fields.flag("guard");
  contracts = fields.text("contracts");
  return options;
}

}  // namespace

std::string header_line(const CertificateHeader& header) {
  Json json{{"format", fmt::format("{}{}", certificate_format, header.version)},
            {"tool", header.tool},
            {"weights_sha256", header.weights_sha256},
            {"calibration_sha256", header.calibration_sha256}};
  if (header.version == 1) json["options"] = options_v1(*header.options, header.contracts);
  else json["contracts"] = header.contracts;
  json["assumptions"] = certificate_assumptions(header.asymmetric);
  json["tensors"] = Json::array();
  return open_ended(json);
}

std::string tensor_line(int version, const CertifiedTensor& tensor) {
  Json contracts = Json::array();
  for (const CertifiedContract& contract : tensor.contracts)
    contracts.push_back({{"name", contract.name},
                         {"theorem", contract.theorem},
                         {"by_enclosure", contract.by_enclosure},
                         {version == 1 ? "by_oracle" : "by_exact", contract.by_exact}});
  Json json{{"name", tensor.name}, {"rows", tensor.rows}, {"cols", tensor.cols}};
  if (version > 1) json["options"] = options_json(tensor.options);
  json["sha256"] = {{"weights", tensor.weights_sha256},
                    {"gram", tensor.gram_sha256},
                    {"codes", tensor.codes_sha256},
                    {"scales", tensor.scales_sha256}};
  if (version == 1) json["scale_rule"] = tensor.options.scale_rule;
  else json["sha256"]["zero_points"] = tensor.zeros_sha256;
  if (tensor.options.rotation != no_rotation) json["sha256"]["rotated"] = tensor.rotated_sha256;
  if (tensor.options.low_rank > 0) json["sha256"]["low_rank"] = tensor.low_rank_sha256;
  if (tensor.options.target != plain_target) {
    json["sha256"]["cross_gram"] = tensor.cross_sha256;
    json["sha256"]["float_gram"] = tensor.float_sha256;
  }
  json["calibration"] = tensor.calibration;
  json["tokens"] = tensor.tokens;
  json["lambda"] = hex(tensor.lambda);
  json["dead_columns"] = tensor.dead_columns;
  json["clipped"] = tensor.clipped;
  json["guard_rows"] = tensor.guard_rows;
  json["contracts"] = std::move(contracts);
  json["values"] = Json::array();
  return open_ended(json);
}

std::string row_line(int version, std::size_t index, const CertifiedRow& row) {
  Json json{{"row", index},
            {"kept", row.kept_rtn ? kept_rtn : kept_codes},
            {"final", loss_json(row.final)},
            {"rtn", loss_json(row.rtn)}};
  if (version == 1 || row.bound) {
    const CertifiedBound bound = row.bound.value_or(CertifiedBound{});
    json["bound"] = {{"enclosure", enclosure_json(bound.enclosure)}};
    json["slack"] = {{"upper", hex(bound.slack)}};
  }
  if (row.optimality) json["optimality"] = optimality_json(*row.optimality);
  if (row.one_opt) json["one_opt"] = *row.one_opt;
  return json.dump();
}

std::optional<LineFault> parse_header_line(std::string_view line, CertificateHeader& header) {
  std::string fault;
  const Json json = parse_object(std::string(line) + "]}", fault);
  if (!fault.empty()) return LineFault{fault, false};
  Fields fields(json, fault);
  const std::string format = fields.text("format");
  header.version = format == std::string(certificate_format) + "1" ? 1 : 2;
  if (fault.empty() && format != fmt::format("{}{}", certificate_format, header.version))
    return LineFault{fmt::format("the format is '{}', this build reads '{}1' and '{}2'", format.substr(0, 60),
                                 certificate_format, certificate_format),
                     true};
  header.tool = fields.text("tool");
  header.weights_sha256 = fields.digest("weights_sha256");
  header.calibration_sha256 = fields.digest("calibration_sha256");
  if (header.version == 1) header.options = read_options_v1(fields.object("options"), header.contracts, fault);
  else header.contracts = fields.text("contracts");
  header.asymmetric = fields.array("assumptions") == Json(certificate_assumptions(true));
  return result(fault, line, fault.empty() ? header_line(header) : "");
}

std::optional<LineFault> parse_tensor_line(const CertificateHeader& header, std::string_view line,
                                           CertifiedTensor& tensor) {
  std::string fault;
  const Json json = parse_object(std::string(line) + "]}", fault);
  if (!fault.empty()) return LineFault{fault, false};
  Fields fields(json, fault);
  tensor.name = fields.text("name");
  tensor.rows = fields.count("rows");
  tensor.cols = fields.count("cols");
  if (header.version == 1) {
    tensor.options = *header.options;
    tensor.options.scale_rule = fields.text("scale_rule");
    if (tensor.options.scale_rule == given_scales) tensor.options.group_size = 0;
  } else if (const auto options = options_of_json(fields.object("options"))) {
    tensor.options = *options;
  } else if (fault.empty()) {
    fault = "'options' are none that a quantization has";
  }
  if (fault.empty() && tensor.options.target != plain_target && !header.asymmetric)
    fault = "an asymmetric target, of whose losses the first line says nothing";
  Fields digests(fields.object("sha256"), fault);
  tensor.weights_sha256 = digests.digest("weights");
  tensor.gram_sha256 = digests.digest("gram");
  tensor.codes_sha256 = digests.digest("codes");
  tensor.scales_sha256 = digests.digest("scales");
  if (header.version > 1) tensor.zeros_sha256 = digests.digest("zero_points");
  if (tensor.options.rotation != no_rotation) tensor.rotated_sha256 = digests.digest("rotated");
  if (tensor.options.low_rank > 0) tensor.low_rank_sha256 = digests.digest("low_rank");
  if (tensor.options.target != plain_target) {
    tensor.cross_sha256 = digests.digest("cross_gram");
    tensor.float_sha256 = digests.digest("float_gram");
  }
  tensor.calibration = fields.text("calibration");
  tensor.tokens = fields.count("tokens");
  tensor.lambda = fields.number("lambda");
  tensor.dead_columns = fields.count("dead_columns");
  tensor.clipped = fields.count("clipped");
  tensor.guard_rows = fields.count("guard_rows");
  for (const Json& item : fields.array("contracts")) {
    Fields contract(item, fault);
    tensor.contracts.push_back({contract.text("name"), contract.text("theorem"), contract.count("by_enclosure"),
                                contract.count(header.version == 1 ? "by_oracle" : "by_exact")});
  }
  return result(fault, line, fault.empty() ? tensor_line(header.version, tensor) : "");
}

std::optional<LineFault> parse_row_line(int version, std::string_view line, std::size_t index, CertifiedRow& row) {
  std::string fault;
  const Json json = parse_object(line, fault);
  if (!fault.empty()) return LineFault{fault, false};
  Fields fields(json, fault);
  const std::string kept = fields.text("kept");
  row.kept_rtn = kept == kept_rtn;
  row.final = fields.loss("final");
  row.rtn = fields.loss("rtn");
  if (version == 1 || (json.is_object() && json.contains("bound"))) {
    Fields bound(fields.object("bound"), fault), slack(fields.object("slack"), fault);
    row.bound = CertifiedBound{bound.enclosure("enclosure"), slack.number("upper")};
  }
  if (version > 1 && json.is_object() && json.contains("optimality")) row.optimality = fields.optimality("optimality");
  if (version > 1 && json.is_object() && json.contains("one_opt")) row.one_opt = fields.flag("one_opt");
  return result(fault, line, fault.empty() ? row_line(version, index, row) : "");
}

}  // namespace hallmark::detail
