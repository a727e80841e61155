#include "io/strict_json.hpp"

#include <string>
#include <unordered_set>
#include <vector>

namespace hallmark {
namespace {

using Json = nlohmann::ordered_json;

// A reader of events: the parser with a callback looks through all members of an array at the end of each of them.
class StrictReader : public nlohmann::json_sax<Json> {
 public:
  StrictReader(const JsonLimits& limits, std::string* repeated) : limits_(limits), repeated_(repeated) {}

  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t) override { return value(); }
  bool number_unsigned(number_unsigned_t) override { return value(); }
  bool number_float(number_float_t, const string_t&) override { return value(); }
  bool string(string_t&) override { return value(); }
  bool binary(binary_t&) override { return value(); }
  bool start_object(std::size_t) override { return open(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    auto& keys = open_.back();
    if (keys.size() == limits_.keys) return false;
    if (keys.insert(name).second) return true;
    if (repeated_) *repeated_ = name;
    return false;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override { return false; }

 private:
  bool value() { return ++values_ <= limits_.values; }
  bool open() {
    if (open_.size() == limits_.depth) return false;
    open_.emplace_back();
    return value();
  }
  bool close() { return open_.pop_back(), true; }

  const JsonLimits& limits_;
  std::string* const repeated_;
  std::size_t values_ = 0;
  std::vector<std::unordered_set<std::string>> open_;  // the keys of each; of an array none
};

}  // namespace

bool is_strict_json(std::string_view text, const JsonLimits& limits, std::string* repeated) {
  if (text.find('\0') != text.npos) return false;  // the parser takes it for the end
  StrictReader reader(limits, repeated);
  return Json::sax_parse(text, &reader);
}

std::optional<Json> strict_json(std::string_view text, std::string* repeated) {
  if (!is_strict_json(text, {}, repeated)) return std::nullopt;
  return Json::parse(text);
}

}  // namespace hallmark
