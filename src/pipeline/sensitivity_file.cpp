#include "pipeline/sensitivity_file.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error_numbers.hpp"
#include "io/file.hpp"
#include "io/strict_json.hpp"

namespace hallmark {
namespace {

constexpr std::string_view format = "hallmark-sensitivity/1";

Error unreadable(const std::string& path, std::string why) {
  return {Exit::input, error_number::sensitivity_malformed, "not a file of measured sensitivities",
          fmt::format("{}: {}", path, why), "make it with `hallmark sensitivity`"};
}

bool is_digest(const nlohmann::json& value) {
  return value.is_string() && value.get_ref<const std::string&>().size() == 64 &&
         value.get_ref<const std::string&>().find_first_not_of("0123456789abcdef") == std::string::npos;
}

// Whether the value is an object with just these keys.
bool has_keys(const nlohmann::json& value, const std::set<std::string>& keys) {
  if (!value.is_object() || value.size() != keys.size()) return false;
  for (const auto& [key, entry] : value.items())
    if (!keys.contains(key)) return false;
  return true;
}

Status read_container(const std::string& path, const nlohmann::json& container, Sensitivities::Damages& damages) {
  if (!has_keys(container, {"payload_sha256", "damage"}) || !is_digest(container.at("payload_sha256")) ||
      !container.at("damage").is_object())
    return unreadable(path, "a container is an object of 'payload_sha256' and 'damage', one number for each matrix");
  const auto [entry, fresh] = damages.try_emplace(container.at("payload_sha256").get<std::string>());
  if (!fresh) return unreadable(path, fmt::format("two containers of payload {}", entry->first));
  for (const auto& [matrix, value] : container.at("damage").items()) {
    const double damage = value.is_number() ? value.get<double>() : NAN;
    if (!std::isfinite(damage) || damage < 0)
      return unreadable(path, fmt::format("the damage of '{}' is {}", matrix, value.dump()));
    entry->second[matrix] = damage;
  }
  return ok();
}

}  // namespace

Status write_sensitivities(const std::string& path, bool overwrite, const Sensitivities& measured) {
  nlohmann::ordered_json containers = nlohmann::ordered_json::array();
  for (const auto& [payload, damage] : measured.damages)
    containers.push_back({{"payload_sha256", payload}, {"damage", damage}});
  const nlohmann::ordered_json all{{"format", format},
                                   {"weights_sha256", measured.weights_sha256},
                                   {"text_sha256", measured.text_sha256},
                                   {"windows_sha256", measured.windows_sha256},
                                   {"windows", measured.windows},
                                   {"containers", containers}};
  Expected<AtomicFile> file = AtomicFile::create(path, overwrite);
  if (!file) return file.error();
  if (const Status written = file->write(std::string_view(all.dump(1) + "\n")); !written) return written;
  return file->commit();
}

Expected<Sensitivities> read_sensitivities(const std::string& path) {
  const Expected<MappedFile> file = MappedFile::open(path);
  if (!file) return file.error();
  const std::string_view text(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  if (!is_strict_json(text, names_of_a_model)) return unreadable(path, "not JSON, or an object has a key twice");
  const nlohmann::json all = nlohmann::json::parse(text);
  if (!has_keys(all, {"format", "weights_sha256", "text_sha256", "windows_sha256", "windows", "containers"}))
    return unreadable(path, "other keys than format, weights_sha256, text_sha256, windows_sha256, windows, containers");
  if (all.at("format") != format) return unreadable(path, fmt::format("its format is not '{}'", format));
  for (const char* key : {"weights_sha256", "text_sha256", "windows_sha256"})
    if (!is_digest(all.at(key))) return unreadable(path, fmt::format("'{}' is no SHA-256", key));
  if (!all.at("windows").is_number_unsigned() || !all.at("containers").is_array())
    return unreadable(path, "'windows' is a number and 'containers' a list");
  Sensitivities read{all.at("weights_sha256"), all.at("text_sha256"), all.at("windows_sha256"), all.at("windows"), {}};
  for (const nlohmann::json& container : all.at("containers"))
    if (const Status added = read_container(path, container, read.damages); !added) return added.error();
  return read;
}

Expected<double> damage_of(const Sensitivities& measured, const std::string& payload_sha256, const std::string& matrix,
                           const std::string& file, const std::string& container) {
  const auto missing = [&](const std::string& why) {
    return Error{Exit::infeasible, error_number::sensitivity_missing, "a damage was not measured",
                 fmt::format("{}: {}: {}", file, container, why),
                 "run `hallmark sensitivity` on all candidates, as they are now"};
  };
  const auto found = measured.damages.find(payload_sha256);
  if (found == measured.damages.end()) return missing(fmt::format("no container of payload {}", payload_sha256));
  const auto damage = found->second.find(matrix);
  if (damage == found->second.end()) return missing(fmt::format("nothing of '{}'", matrix));
  return damage->second;
}

}  // namespace hallmark
