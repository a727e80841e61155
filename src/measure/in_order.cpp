#include "measure/in_order.hpp"

#include <map>
#include <vector>

#include "replay/calibration.hpp"
#include "replay/capture.hpp"

namespace hallmark {

Expected<TargetGrams> capture_target(const Model& model, const Model& quantized, const TrainSplit& train,
                                     std::span<const std::uint64_t> offsets, std::size_t site) {
  TargetAccumulator sum(activation_sites(model.config())[site].cols);
  const Status captured =
      capture_side_by_side(model, quantized, windows_at(train, offsets), site,
                           [&](MatrixRef<float> X, MatrixRef<float> behind) { return sum.add(X, behind); });
  if (!captured) return captured.error();
  return sum.grams();
}

Expected<Model> quantize_in_order(const Model& model, const Grams& grams, const TrainSplit& train,
                                  std::span<const std::uint64_t> offsets, const QuantizeFor& quantize) {
  Expected<Model> current = model;
  const auto put = [&](const std::vector<std::string>& names, const TargetGrams& target) -> Status {
    std::map<std::string, Matrix<float>> decoded;
    for (const std::string& name : names) {
      Expected<Matrix<float>> values = quantize(name, target);
      if (!values) return values.error();
      decoded.emplace(name, *std::move(values));
    }
    current = current->with_weights(decoded);
    return current ? ok() : Status(current.error());
  };
  std::vector<ActivationSite> sites = activation_sites(model.config());
  std::vector<ActivationSite> lookups = table_sites(model.config());
  if (!model.config().untied_head) {
    lookups.push_back(sites.back());
    sites.pop_back();
  }
  for (const ActivationSite& site : lookups) {
    const SiteGram& gram = *grams.at(site.name);
    if (const Status done = put(site.weights, {gram.tokens, gram.G, gram.G, gram.G}); !done) return done.error();
  }
  for (std::size_t i = 0; i < sites.size(); ++i) {
    const auto target = capture_target(model, *current, train, offsets, i);
    if (!target) return target.error();
    if (const Status done = put(sites[i].weights, *target); !done) return done.error();
  }
  return current;
}

}  // namespace hallmark
