#include "study/bench.hpp"

#include <fmt/format.h>

#include "method/rtn.hpp"
#include "pipeline/quantize_matrix.hpp"
#include "pipeline/rules.hpp"
#include "replay/calibration.hpp"
#include "replay/forward.hpp"

namespace hallmark {

Expected<StudyBoard> study_board(std::uint64_t seed, Model model, const Corpus& corpus,
                                 std::span<const std::byte> evaluated) {
  const auto plan = CalibrationPlan::draw(corpus.train, seed, static_cast<std::size_t>(study_batches));
  if (!plan) return plan.error();
  const std::int64_t after[] = {study_batches};
  auto grams =
      capture_grams(model, corpus.train, plan->calibration(static_cast<std::size_t>(study_batches)), after, [] {});
  if (!grams) return grams.error();
  const auto bpb = bits_per_byte(model, evaluated);
  if (!bpb) return bpb.error();
  return StudyBoard{seed, std::move(model), corpus, evaluated, std::move(grams->front()), *bpb};
}

Expected<BenchModel> Bench::quantize(const Settings& settings, const Grams& grams,
                                     const std::map<std::string, Settings>& own) {
  const std::string place = fmt::format("arm '{}'", line_.arm);
  std::vector<Rule> all{{place, "", settings, {}, {}, {}}};
  for (const auto& [name, more] : own) all.push_back({place, pattern_of(name), more, {}, {}, {}});
  auto rules = RuleSet::make(std::move(all));
  if (!rules) return rules.error();
  BenchModel done;
  contracts::Report judged;
  Sha256 digest;
  for (const std::string& name : board_.model.matrix_names()) {
    const auto resolved = rules->resolve(name);
    if (!resolved) return resolved.error();
    const MatrixRef<float> W = weight(name);
    const SiteGram& gram = *grams.at(name);
    const MatrixRef<double> G = gram.G;
    auto one = quantize_matrix({name, W, &G, gram.tokens, gram.tokens}, resolved->options, std::nullopt,
                               {policy_, false, false, {}});
    if (!one) return one.error();
    judged.merge(one->contracts);
    add_to_digest(digest, name, one->result.codes, one->result.steps);
    done.emplace(name, BenchCodes{resolved->options, std::move(one->result)});
  }
  if (const Status held = judged.status(); !held) return held.error();
  for (const auto& [name, count] : judged.counts()) line_.contracts_held += count.passed;
  if (line_.codes_digest.empty()) line_.codes_digest = digest.hex();
  return done;
}

Decoded Bench::decode(const BenchModel& codes) {
  Decoded decoded;
  for (const auto& [name, of] : codes)
    decoded.emplace(name, dequantize(of.result.codes, of.result.steps, of.options.grid));
  return decoded;
}

Expected<double> Bench::damage(const Decoded& weights) const {
  const auto model = model_with(weights);
  if (!model) return model.error();
  const auto bpb = bits_per_byte(*model, board_.evaluated);
  if (!bpb) return bpb.error();
  return *bpb - board_.bpb_float;
}

}  // namespace hallmark
