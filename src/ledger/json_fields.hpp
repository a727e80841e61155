// The fields of a ledger's line, between C++ and JSON.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace hallmark::detail {

template <class T>
nlohmann::ordered_json or_null(const std::optional<T>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

template <class T>
nlohmann::ordered_json object_of(const std::map<std::string, T>& values) {
  auto object = nlohmann::ordered_json::object();
  for (const auto& [name, value] : values) object[name] = value;
  return object;
}

/// Reads the keys of one object and remembers the first that is missing or of another type.
class FieldReader {
  using Json = nlohmann::ordered_json;

 public:
  explicit FieldReader(const Json& object) : object_(object) {}

  template <class T>
  void read(const char* key, T& out) {
    const auto found = object_.find(key);
    if (found == object_.end() || !fits(*found, out)) fail(key);
  }
  template <class T>
  void read(const char* key, std::optional<T>& out) {
    const auto found = object_.find(key);
    if (found == object_.end()) return fail(key);
    if (!found->is_null() && !fits(*found, out.emplace())) fail(key);
  }
  template <class T>
  void read(const char* key, std::map<std::string, T>& out) {
    const auto found = object_.find(key);
    if (found == object_.end() || !found->is_object()) return fail(key);
    for (auto item = found->begin(); item != found->end(); ++item)
      if (!fits(*item, out[item.key()])) fail(key);
  }
  void require(const char* key, bool holds) {
    if (!holds) fail(key);
  }
  const std::string& failed() const { return failed_; }

 private:
  void fail(const char* key) {
    if (failed_.empty()) failed_ = key;
  }
  static bool fits(const Json& value, std::string& out) {
    if (!value.is_string()) return false;
    out = value.get<std::string>();
    return true;
  }
  static bool fits(const Json& value, double& out) {
    if (!value.is_number()) return false;
    out = value.get<double>();
    return true;
  }
  static bool fits(const Json& value, std::int64_t& out) {
    if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<std::uint64_t>() >> 63 != 0))
      return false;
    out = value.get<std::int64_t>();
    return true;
  }
  static bool fits(const Json& value, std::uint64_t& out) {
    if (!value.is_number_unsigned()) return false;
    out = value.get<std::uint64_t>();
    return true;
  }

  const Json& object_;
  std::string failed_;
};

}  // namespace hallmark::detail
