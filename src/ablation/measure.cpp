#include "ablation/measure.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <set>

#include "base/error_numbers.hpp"
#include "scale/scale_rule.hpp"
#include "io/sha256.hpp"
#include "linalg/gram.hpp"
#include "method/rtn.hpp"
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

  GramAccumulator table(model.config().bigram_dim);
  if (auto status = table.add(bigram_table_activations(model)); !status) return status.error();
  for (Grams& grams : snapshots) add_site(grams, bigram_table_site(model.config()), table);
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

DirectLoss direct_losses(const Matrix<float>& W, const Matrix<float>& What, const Matrix<double>& G) {
  const Index cols = W.cols();
  const auto n = static_cast<std::size_t>(cols);
  DirectLoss result{std::vector<double>(static_cast<std::size_t>(W.rows())),
                    std::vector<double>(static_cast<std::size_t>(W.rows()))};
#pragma omp parallel
  {
    std::vector<double> e(n), y(n), size(n);
#pragma omp for schedule(static)
    for (Index i = 0; i < W.rows(); ++i) {
      for (Index j = 0; j < cols; ++j) e[static_cast<std::size_t>(j)] = double{W(i, j)} - double{What(i, j)};
      std::fill(y.begin(), y.end(), 0.0);
      std::fill(size.begin(), size.end(), 0.0);
      for (std::size_t b = 0; b < n; ++b) {
        const double* row = G.data() + b * n;
        for (std::size_t a = 0; a < n; ++a) {
          const double term = e[b] * row[a];
          y[a] += term;
          size[a] += std::abs(term);
        }
      }
      double loss = 0, magnitude = 0;
      for (std::size_t a = 0; a < n; ++a) {
        loss += y[a] * e[a];
        magnitude += size[a] * std::abs(e[a]);
      }
      result.loss[static_cast<std::size_t>(i)] = loss;
      result.magnitude[static_cast<std::size_t>(i)] = magnitude;
    }
  }
  return result;
}

// slack: 1 / (1 - (2 * n + 8) * u) / (1 - 2 * u) <= 1 + 2^-20 for n <= 2^24, u = 2^-53
double loss_error(Index cols) { return (2 * static_cast<double>(cols) + 8) * 0x1p-53 * (1 + 0x1p-20); }

std::vector<ContractCount> Contracts::counts() const {
  std::vector<ContractCount> counts;
  for (const auto& [name, count] : counts_) counts.push_back(count);
  return counts;
}

Status Contracts::status() const {
  std::int64_t failed = 0;
  for (const auto& [name, count] : counts_) failed += count.failed;
  if (failed == 0) return ok();
  return Error{Exit::contract, error_number::cell_check_failed, "a check of the ablation failed",
               fmt::format("{}; {} checks failed in all", failure_, failed), "report this: it is a bug in Hallmark"};
}

std::vector<double> check_tensor(const std::string& name, const Matrix<float>& W, const Quantized& quantized,
                                 const Matrix<float>& What, const Options& options, const SiteGram* gram,
                                 Contracts& contracts) {
  const Grid& grid = options.grid;
  const auto at = [&](Index i, Index j) { return fmt::format("{} [{}, {}]", name, i, j); };
  const Steps& steps = quantized.steps;
  // Rules that read more than the diagonal of G need the run's factor: their scales are what that run made.
  if (const Statistic needed = statistic_of(options.scale_rule); needed <= Statistic::diagonal) {
    std::vector<double> diagonal;
    if (needed == Statistic::diagonal && gram) diagonal.assign(gram->G.diagonal().begin(), gram->G.diagonal().end());
    const auto again = steps_for(grid, options.scale_rule, options.scale_storage, W.data(), W.rows(), W.cols(),
                                 options.group_size, {diagonal});
    const Matrix<float>& s = steps.scales;
    const bool same_shape = again && again->scales.rows() == s.rows() && again->scales.cols() == s.cols();
    contracts.check("scales_from_weights", same_shape, [&] { return name; });
    if (same_shape)
      for (Index i = 0; i < s.rows(); ++i)
        for (Index g = 0; g < s.cols(); ++g)
          contracts.check("scales_from_weights", s(i, g) == again->scales(i, g), [&] { return at(i, g); });
  }

  Matrix<float> nearest(W.rows(), W.cols());  // RTN's points
  for (Index i = 0; i < W.rows(); ++i) {
    const bool is_rtn = quantized.method == "rtn" || quantized.kept_rtn[static_cast<std::size_t>(i)] != 0;
    for (Index j = 0; j < W.cols(); ++j) {
      const Code code = quantized.codes(i, j);
      const Step step = steps.at(i, j);
      const Code rtn = grid.nearest(double{W(i, j)} + 0.0, step);  // -0 is read as +0
      nearest(i, j) = static_cast<float>(step.scale * grid.value(rtn, step.zero));
      contracts.check("codes_on_grid", grid.contains(code), [&] { return at(i, j); });
      contracts.check("product_exact", double{What(i, j)} == step.scale * grid.value(code, step.zero),
                      [&] { return at(i, j); });
      if (is_rtn) contracts.check("rtn_codes", code == rtn, [&] { return at(i, j); });
    }
  }
  if (gram == nullptr) return {};

  auto kept = direct_losses(W, What, gram->G);
  const auto rtn = direct_losses(W, nearest, gram->G);
  const double error = loss_error(W.cols());
  for (std::size_t i = 0; i < kept.loss.size(); ++i) {
    const auto row = [&] { return fmt::format("{} row {}", name, i); };
    contracts.check("guard_row_loss", quantized.loss_final[i] <= quantized.loss_rtn[i], row);
    contracts.check("guard_row_loss_direct",
                    kept.loss[i] - error * kept.magnitude[i] <= rtn.loss[i] + error * rtn.magnitude[i], row);
  }
  return std::move(kept.loss);
}

}  // namespace hallmark
