#include "sources.hpp"

#include <cmath>
#include <set>

namespace hallmark::test {

Sources::Sources(const VerifiedFiles& files) {
  const bool sharded = files.weights.size() > 1;
  std::string text(files.weights.front());  // with the shards' digests behind an index
  for (std::size_t k = sharded ? 1 : 0; k < files.weights.size(); ++k) {
    weights.emplace_back(files.weights[k]);
    if (sharded) text += sha256_of(files.weights[k]);
  }
  weights_digest = sha256_of(text);
  if (!files.calibration) return;
  calibration.emplace(*files.calibration);
  calibration_digest = sha256_of(*files.calibration);
}

std::optional<std::pair<CheckedTensor, std::string_view>> Sources::tensor(const std::string& name) const {
  for (const File& file : weights)
    if (const CheckedTensor* const found = file.find(name)) return std::pair{*found, file.bytes(*found)};
  return std::nullopt;
}

std::map<std::string, std::string> Sources::metadata() const {
  std::map<std::string, std::string> agreed;
  std::set<std::string> disputed;
  for (const File& file : weights)
    for (const auto& [key, value] : file.header.metadata)
      if (const auto [at, first] = agreed.emplace(key, value); !first && at->second != value) disputed.insert(key);
  for (const std::string& key : disputed) agreed.erase(key);
  return agreed;
}

std::pair<std::string, std::string_view> weight_bytes(const Sources& sources, const StoredMatrix& m) {
  const auto tensor = sources.tensor(m.tensor);
  require(tensor.has_value(), "W has no tensor " + m.tensor);
  const std::size_t size = m.index ? tensor->second.size() / tensor->first.shape[0] : tensor->second.size();
  return {tensor->first.dtype, tensor->second.substr(m.index.value_or(0) * size, size)};
}

std::vector<float> weights_of(const Sources& sources, const StoredMatrix& m) {
  const auto [dtype, bytes] = weight_bytes(sources, m);
  std::vector<float> w;
  for (std::size_t i = 0; i < m.rows; ++i)
    for (std::size_t j = 0; j < m.cols; ++j) w.push_back(static_cast<float>(number_at(dtype, bytes, m.place(i, j))));
  for (const float x : w) require(std::isfinite(x), "a weight is not finite");
  return w;
}

Calibration calibration_of(const Sources& sources, const std::string& name, std::size_t n,
                           std::optional<std::uint64_t> used) {
  Calibration found;
  if (!sources.calibration) return found;
  const File& file = *sources.calibration;
  if (const CheckedTensor* const gram = file.find(name + ".gram")) {
    found.kind = "gram";
    for (std::size_t k = 0; k < n * n; ++k) found.G.push_back(number_at(gram->dtype, file.bytes(*gram), k));
    if (file.header.metadata.contains("hallmark.calibration.tokens"))
      found.tokens = Json::parse(file.metadata("hallmark.calibration.tokens")).value(name, std::uint64_t{0});
  } else if (const CheckedTensor* const acts = file.find(name + ".activations")) {
    found.kind = "activations";
    found.tokens = used.value_or(acts->shape[0]);
    require(found.tokens <= acts->shape[0], "more tokens than C has");
    found.G.assign(n * n, 0.0);
    for (std::size_t t = 0; t < found.tokens; ++t)
      for (std::size_t a = 0; a < n; ++a)
        for (std::size_t b = 0; b < n; ++b)
          found.G[a * n + b] = std::fma(number_at(acts->dtype, file.bytes(*acts), t * n + a),
                                        number_at(acts->dtype, file.bytes(*acts), t * n + b), found.G[a * n + b]);
  }
  for (const double g : found.G) require(std::isfinite(g), "an entry of G is not finite");
  return found;
}

}  // namespace hallmark::test
