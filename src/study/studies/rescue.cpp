// What gives back of the damage, and for how many bytes: better codes, corrections, a wider embedding, and what an
// evaluation can learn from the text itself.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "measure/judged_codes.hpp"
#include "replay/evaluate.hpp"
#include "replay/ngram_cache.hpp"
#include "replay/test_time_training.hpp"
#include "study/dots.hpp"
#include "study/study.hpp"

namespace hallmark {
namespace {

struct RescueArm {
  std::string name;
  Settings more = {};                    ///< beside the setting's own
  bool all_codes = false;                ///< 2^B codes in place of 2^B - 1
  Settings embedding = {};               ///< its own
  bool trained = false, cached = false;  ///< helps of the evaluation
};

const std::vector<RescueArm>& rescue_arms() {
  static const std::vector<RescueArm> all = {
      {"nothing"},
      {"scale and codes by best", {{"method", "best"}}, true},
      {"low rank 2", {{"low_rank", "2"}}},
      {"low rank 8", {{"low_rank", "8"}}},
      {"embedding int8", {}, false, {{"grid", "int8s"}}},
      {"n-gram cache", {}, false, {}, false, true},
      {"test-time training", {}, false, {}, true, false},
      {"training and cache", {}, false, {}, true, true},
  };
  return all;
}

struct RescueSetting {
  const char *name, *grid;
};
constexpr RescueSetting rescue_settings[] = {{"int4", "int4s"}, {"int3", "int3s"}};

// What codes and steps take, as they are stored.
double bytes_of(const Bench& bench, const BenchModel& codes) {
  CodeBits bits;
  for (const auto& [name, of] : codes) bits.add(name, bench.weight(name), of.options, of.result.codes);
  return bits.stored / 8;
}

// Bits per byte of the evaluated text, with the helps of the arm.
Expected<double> helped_bits(const Bench& bench, const Model& model, const RescueArm& arm) {
  const Windows windows{model.config().window, model.config().window};
  const auto text = bench.board().evaluated;
  const auto scores =
      arm.trained ? trained_scores(model, text, windows, TestTimeTraining()) : byte_scores(model, text, windows);
  if (!scores) return scores.error();
  return mean_bits(arm.cached ? blended_scores(text, *scores) : *scores, windows);
}

Expected<Figures> measure_rescue(Bench& bench, const std::string& name) {
  const RescueArm& arm = *std::ranges::find(rescue_arms(), name, &RescueArm::name);
  Figures figures;
  const auto helped = helped_bits(bench, bench.board().model, arm);
  if (!helped) return helped.error();
  figures["checkpoint"] = *helped;
  for (const RescueSetting& setting : rescue_settings) {
    const Settings plain = {{"grid", setting.grid}, {"method", "gptq"}, {"scale_storage", "f16"}};
    Settings settings = plain;
    for (const auto& [option, word] : arm.more) settings[option] = word;
    if (arm.all_codes) settings["grid"] = setting.name;
    const auto codes = bench.quantize(settings, bench.board().grams, {{embedding_tensor, arm.embedding}});
    if (!codes) return codes.error();
    const auto model = bench.model_with(Bench::decode(*codes));
    if (!model) return model.error();
    const auto bits = helped_bits(bench, *model, arm);
    if (!bits) return bits.error();
    figures[fmt::format("bits/{}", setting.name)] = *bits;
    figures[fmt::format("damage/{}", setting.name)] = *bits - *helped;
    figures[fmt::format("stored/{}", setting.name)] = bytes_of(bench, *codes);
  }
  return figures;
}

std::optional<BySeed> rescued(const StudyResults& results, const std::string& arm, const char* figure,
                              const char* setting) {
  return results.of(arm, fmt::format("{}/{}", figure, setting));
}

// Bits per byte for a thousand more bytes of the model; none where it takes no more.
std::optional<double> per_thousand(const StudyResults& results, const std::string& arm, const char* setting) {
  const auto before = rescued(results, "nothing", "bits", setting), after = rescued(results, arm, "bits", setting),
             less = rescued(results, "nothing", "stored", setting), more = rescued(results, arm, "stored", setting);
  if (!before || !after || !less || !more || !(mean_of(*more) > mean_of(*less))) return std::nullopt;
  return 1000 * (mean_of(*before) - mean_of(*after)) / (mean_of(*more) - mean_of(*less));
}

Status find_rescues(const StudyResults& results, const RescueSetting& setting, std::vector<Finding>& findings) {
  const auto before = rescued(results, "nothing", "damage", setting.name),
             without = rescued(results, "nothing", "bits", setting.name);
  for (const RescueArm& arm : rescue_arms()) {
    const auto after = rescued(results, arm.name, "damage", setting.name),
               bits = rescued(results, arm.name, "bits", setting.name);
    if (arm.name == "nothing" || !before || !without || !after || !bits) continue;
    const auto confidence = confidence_of(*before, *after);
    if (!confidence) return confidence.error();
    std::string cost = ", for no byte";
    if (const auto rate = per_thousand(results, arm.name, setting.name))
      cost = fmt::format(", {} bits per byte for 1,000 bytes", three_digits(*rate));
    if (arm.trained || arm.cached) cost = ", the checkpoint helped alike";
    findings.push_back({fmt::format("What does \"{}\" give back at {}?", arm.name, setting.name),
                        percent(1 - mean_of(*after) / mean_of(*before)) + " of the damage" + cost,
                        fmt::format("damage {} to {}; bits per byte {:.4f} to {:.4f}", three_digits(mean_of(*before)),
                                    three_digits(mean_of(*after)), mean_of(*without), mean_of(*bits)),
                        *confidence,
                        arm.trained && !arm.cached
                            ? "parameter-golf #1818 counts all that training gives a broken model as a repair: "
                              "3.46 to 2.77 bits per byte"
                            : ""});
  }
  return ok();
}

std::string rescues_table(const StudyResults& results) {
  std::string text = "| arm | checkpoint |", rule = "|---|---|";
  for (const RescueSetting& setting : rescue_settings) {
    text += fmt::format(" {0}: bits per byte | {0}: damage | {0}: bytes stored |", setting.name);
    rule += "---|---|---|";
  }
  text += "\n" + rule + "\n";
  for (const RescueArm& arm : rescue_arms()) {
    if (!results.has(arm.name)) continue;
    const auto number = [&](const std::string& figure, int digits) {
      const auto values = results.of(arm.name, figure);
      return values ? fmt::format("{:.{}f}", mean_of(*values), digits) : "";
    };
    text += fmt::format("| {} | {} |", arm.name, number("checkpoint", 4));
    for (const RescueSetting& setting : rescue_settings)
      text += fmt::format(" {} | {} | {} |", number(fmt::format("bits/{}", setting.name), 4),
                          mean_text(rescued(results, arm.name, "damage", setting.name)),
                          number(fmt::format("stored/{}", setting.name), 0));
    text += "\n";
  }
  return text + "\n";
}

Expected<StudyPage> rescue_page(const StudyResults& results) {
  StudyPage page;
  for (const RescueSetting& setting : rescue_settings)
    if (const Status found = find_rescues(results, setting, page.findings); !found) return found.error();
  page.text =
      "## The arms\n\nEvery arm is plain GPTQ (absmax scales, 2^B - 1 levels) with one thing more. *Low rank* is A B "
      "of that rank "
      "beside the codes, in\nbf16. *Test-time training* and the *n-gram cache* are those of `hallmark eval`: they "
      "score each "
      "byte before they learn from it,\ntake no byte of the model, and help the checkpoint too, so the damage is to "
      "the "
      "checkpoint helped alike. A correction of the bias\nis not among them: the model has no biases.\n\n" +
      rescues_table(results);
  std::vector<DotRow> rows;
  for (const RescueArm& arm : rescue_arms()) {
    if (!results.has(arm.name)) continue;
    DotRow row{arm.name, {}};
    for (std::size_t k = 0; k < std::size(rescue_settings); ++k)
      row.series[k] = rescued(results, arm.name, "damage", rescue_settings[k].name).value_or(BySeed());
    rows.push_back(std::move(row));
  }
  page.picture = dots_svg("Damage that is left: mean and range of the checkpoints",
                          "damage, bits per byte (logarithmic)", {"int4", "int3"}, rows);
  return page;
}

std::vector<std::string> rescue_arm_names() {
  std::vector<std::string> names;
  for (const RescueArm& arm : rescue_arms()) names.push_back(arm.name);
  return names;
}

}  // namespace

namespace study {
extern const Study rescue;
const Study rescue{
    .name = "rescue",
    .title = "What gives back of the damage",
    .bytes = 32768,
    .question =
        "Of what quantization costs, how much do better codes, corrections, a wider embedding and learning during the "
        "evaluation give back, and for how many bytes?",
    .arms = rescue_arm_names,
    .measure = measure_rescue,
    .page = rescue_page,
};
}  // namespace study

}  // namespace hallmark
