#include "made_sets.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>

#include "container.hpp"

namespace hallmark::test {

namespace {

struct Made {
  std::string name, dtype;
  std::vector<std::size_t> shape;
  double scale = 1;
};

// The same numbers of [-1, 1) for the same state.
double next(unsigned& state) {
  state = state * 1664525U + 1013904223U;
  return static_cast<double>(state >> 8) * 0x1p-23 - 1;
}

void append(std::string& bytes, const std::string& dtype, double x) {
  const auto add = [&](const auto value) { bytes.append(reinterpret_cast<const char*>(&value), sizeof value); };
  if (dtype == "F64") add(x);
  else if (dtype == "BF16") add(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(static_cast<float>(x)) >> 16));
  else add(static_cast<float>(x));
}

// F^T F of some numbers on a coarse grid: symmetric to the last bit.
std::string gram_bytes(std::size_t n, unsigned& state) {
  std::vector<double> F(2 * n * n), G(n * n, 0.0);
  for (double& x : F) x = std::round(64 * next(state)) / 64;
  for (std::size_t t = 0; t < 2 * n; ++t)
    for (std::size_t a = 0; a < n; ++a)
      for (std::size_t b = 0; b < n; ++b) G[a * n + b] += F[t * n + a] * F[t * n + b];
  return {reinterpret_cast<const char*>(G.data()), G.size() * sizeof(double)};
}

std::string safetensors(const std::vector<Made>& tensors, const Json& metadata, unsigned state) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::string data;
  for (const Made& t : tensors) {
    const std::size_t first = data.size();
    std::size_t count = 1;
    for (const std::size_t d : t.shape) count *= d;
    if (t.name.ends_with(".gram")) data += gram_bytes(t.shape[0], state);
    else
      for (std::size_t k = 0; k < count; ++k)
        append(data, t.dtype, t.name.ends_with(".scale") ? t.scale : t.scale * next(state));
    header[t.name] = {{"dtype", t.dtype}, {"shape", t.shape}, {"data_offsets", {first, data.size()}}};
  }
  const std::string text = header.dump();
  const std::uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + text + data;
}

// The last entries of a shipped ledger, ten of which are a run, as a chain of their own.
std::string ledger(std::size_t entries) {
  std::ifstream shipped("assertions/calibration_ablation.int8.jsonl");
  std::vector<std::string> lines;
  for (std::string line; std::getline(shipped, line);) lines.push_back(line);
  require(lines.size() >= entries, "run this from the root of the repository");
  std::string text, prev(64, '0');
  for (std::size_t k = lines.size() - entries; k < lines.size(); ++k) {
    std::string& line = lines[k];
    line.replace(std::string_view(R"({"prev":")").size(), 64, prev);
    prev = sha256_of(line);
    text += line + "\n";
  }
  return text;
}

}  // namespace

std::vector<MadeSet> sources() {
  std::vector<MadeSet> sets;
  sets.push_back(
      {"w.safetensors",
       true,
       {"--grid", "int4", "--group-size", "3", "--bounds", "--exact"},
       {{"w.safetensors", safetensors({{"a", "F32", {4, 6}}, {"b", "F32", {2, 3, 5}}, {"n", "F32", {3}}}, {}, 1)},
        {"c.safetensors",
         safetensors({{"a.activations", "F32", {16, 6}}, {"b[0].gram", "F64", {5, 5}}, {"b[1].gram", "F64", {5, 5}}},
                     {}, 2)},
        {"ledger.jsonl", ledger(10)}}});
  sets.push_back(
      {"w.index.json",
       true,
       {"--grid", "gf16", "--desc-act", "--damp-fraction", "0.1"},
       {{"w.index.json", R"({"metadata":{"total_size":1},"weight_map":{"t":"w-1.safetensors","u":"w-2.safetensors"}})"},
        {"w-1.safetensors", safetensors({{"t", "BF16", {3, 4}}}, {{"format", "pt"}, {"x", "1"}}, 3)},
        {"w-2.safetensors", safetensors({{"u", "BF16", {5, 3}}}, {{"format", "pt"}, {"x", "2"}}, 4)},
        {"c.safetensors", safetensors({{"t.gram", "F64", {4, 4}}, {"u.gram", "F64", {3, 3}}},
                                      {{"hallmark.calibration.tokens", R"({"t":8,"u":6})"}}, 5)},
        {"ledger.jsonl", ledger(2)}}});
  sets.push_back({"w.safetensors",
                  true,
                  {"--grid", "int4z", "--group-size", "4", "--no-guard", "--bounds", "--scale-storage", "bf16",
                   "--config", "rules.json"},
                  {{"w.safetensors", safetensors({{"a", "F32", {7, 4}}}, {}, 6)},
                   {"rules.json", R"({"rules":[{"match":"a","transposed":true}]})"},
                   {"c.safetensors", safetensors({{"a.activations", "F32", {20, 7}}}, {}, 7)},
                   {"ledger.jsonl", ledger(1)}}});
  sets.push_back({"w.safetensors",
                  false,
                  {"--grid", "nf4", "--method", "rtn", "--scale-storage", "f16"},
                  {{"w.safetensors", safetensors({{"a", "F32", {4, 6}}, {"b", "F32", {3, 5}}}, {{"format", "pt"}}, 8)},
                   {"ledger.jsonl", ""}}});
  sets.push_back(
      {"w.safetensors",
       true,
       {"--grid", "int3s", "--damp-fraction", "0"},
       {{"w.safetensors", safetensors({{"a", "F32", {4, 6}}}, {}, 9)},
        {"c.safetensors", safetensors({{"a.activations", "F32", {16, 6}}, {"a.scale", "F32", {4}, 0.3125}}, {}, 10)},
        {"ledger.jsonl", ledger(10)}}});
  return sets;
}

std::optional<VerifiedFiles> verified(const MadeSet& made, const FileSet& files, bool exact) {
  VerifiedFiles found{{files.at(made.weights)}, {}, files.at("q.safetensors"), files.at("q.certificate.json"), exact};
  if (made.calibrated) found.calibration = files.at("c.safetensors");
  if (!made.weights.ends_with(".json")) return found;
  const Json index = Json::parse(files.at(made.weights), nullptr, false);
  std::map<std::string, bool> shards;
  if (!index.is_object() || !index.contains("weight_map")) return std::nullopt;
  for (const Json& shard : index["weight_map"]) {
    if (!shard.is_string()) return std::nullopt;
    shards[shard] = true;
  }
  for (const auto& [name, there] : shards) {
    if (!files.contains(name)) return std::nullopt;
    found.weights.emplace_back(files.at(name));
  }
  return found;
}

void seal(const MadeSet& made, FileSet& files) {
  const auto now = verified(made, files, false);
  if (!now) return;
  std::string &q = files["q.safetensors"], &certificate = files["q.certificate.json"];
  const std::vector<std::pair<std::string, std::string>> digests = digests_of(*now);
  std::map<std::string, std::string> becomes;
  for (const auto& [name, digest] : made.digests)
    for (const auto& [other, changed] : digests)
      if (name == other) becomes[digest] = changed;
  for (std::string* const text : {&q, &certificate})
    for (std::size_t at = 0; at + 64 <= text->size(); ++at)
      if (const auto found = becomes.find(text->substr(at, 64)); found != becomes.end()) {
        text->replace(at, 64, found->second);
        at += 63;
      }
  q = sealed(q);
}

}  // namespace hallmark::test
