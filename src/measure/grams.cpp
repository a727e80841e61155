#include "measure/grams.hpp"

#include <fmt/format.h>

#include <bit>
#include <set>

#include "base/error_numbers.hpp"
#include "io/sha256.hpp"
#include "linalg/gram.hpp"
#include "replay/calibration.hpp"
#include "replay/capture.hpp"

namespace hallmark {
namespace {

void add_site(Grams& grams, const ActivationSite& site, const GramAccumulator& sum) {
  const auto gram = std::make_shared<const SiteGram>(SiteGram{site.name, sum.tokens(), sum.gram()});
  for (const auto& weight : site.weights) grams[weight] = gram;
}

}  // namespace

Expected<std::vector<Grams>> capture_grams(const Model& model, const TrainSplit& train,
                                           std::span<const std::uint64_t> offsets, std::span<const std::int64_t> after,
                                           const std::function<void()>& batch_done) {
  const auto sites = activation_sites(model.config());
  std::vector<GramAccumulator> sums;
  for (const auto& site : sites) sums.emplace_back(site.cols);
  std::vector<Grams> snapshots;
  // One batch at all sites is kept, so that the sites can be summed side by side: each sum has its own order either
  // way, and one parallel region per batch costs far less than one per site and chunk of tokens.
  std::vector<Matrix<float>> batch(sites.size());
  std::vector<Status> added(sites.size(), ok());
  std::int64_t batches = 0;
  std::size_t next = 0;  // site
  const auto windows = windows_at(train, offsets);
  auto captured = capture_activations(model, windows, [&](const ActivationSite& site, MatrixRef<float> X) -> Status {
    if (site.name != sites[next].name)
      return Error{Exit::internal, error_number::site_order, "activations came in another order", site.name,
                   "report this"};
    batch[next] = X;
    if (++next < sites.size()) return ok();
    next = 0;
#pragma omp parallel for schedule(dynamic)
    for (std::size_t i = 0; i < sites.size(); ++i) added[i] = sums[i].add(batch[i]);
    for (const Status& status : added)
      if (!status) return status;
    ++batches;
    if (snapshots.size() < after.size() && batches == after[snapshots.size()]) {
      Grams& grams = snapshots.emplace_back();
      for (std::size_t i = 0; i < sites.size(); ++i) add_site(grams, sites[i], sums[i]);
    }
    batch_done();
    return ok();
  });
  if (!captured) return captured.error();

  for (const ActivationSite& table : table_sites(model.config())) {
    GramAccumulator sum(table.cols);
    if (auto status = sum.add(table_activations(model, table)); !status) return status.error();
    for (Grams& grams : snapshots) add_site(grams, table, sum);
  }
  for (const Grams& grams : snapshots)
    for (const auto& name : model.matrix_names())
      if (!grams.contains(name))
        return Error{Exit::internal, error_number::site_order, "a weight has no activations", name, "report this"};
  if (snapshots.size() != after.size())
    return Error{Exit::internal, error_number::site_order, "too few batches", fmt::format("{}", batches),
                 "report this"};
  return snapshots;
}

std::string gram_digest(const Grams& grams) {
  static_assert(std::endian::native == std::endian::little);
  Sha256 digest;
  std::set<const SiteGram*> seen;
  for (const auto& [weight, gram] : grams) {
    if (!seen.insert(gram.get()).second) continue;
    const std::uint64_t sizes[] = {static_cast<std::uint64_t>(gram->G.cols()),
                                   static_cast<std::uint64_t>(gram->tokens)};
    digest.update(std::string_view(gram->site.c_str(), gram->site.size() + 1));
    digest.update(std::as_bytes(std::span(sizes)));
    digest.update(std::as_bytes(std::span(gram->G.data(), static_cast<std::size_t>(gram->G.size()))));
  }
  return digest.hex();
}

}  // namespace hallmark
