// What a training trick does to the quantized model: to the checkpoint itself, to the damage, and to the bytes that its
// codes take.
#include <fmt/format.h>

#include <optional>
#include <span>

#include "measure/judged_codes.hpp"
#include "study/dots.hpp"
#include "study/study.hpp"

namespace hallmark {
namespace {

// Of trainer/recipe-study.json, the one that all others are compared with first.
constexpr const char* training_arms[] = {"plain",      "running-mean",  "snapshots",    "orthogonal",
                                         "curriculum", "growing-depth", "hard-batches", "late-rounding",
                                         "kombucha",   "weight-decay"};

struct TrainingSetting {
  const char *name, *grid, *rule;
};
constexpr TrainingSetting training_settings[] = {{"int4 gptq", "int4s", "absmax"}, {"int6 sdclip", "int6s", "sdclip"}};

std::string training_figure(const char* figure, const TrainingSetting& setting) {
  return fmt::format("{}/{}", figure, setting.name);
}

Expected<Figures> measure_training(Bench& bench, const std::string&) {
  Figures figures{{"checkpoint", bench.board().bpb_float}};
  for (const TrainingSetting& setting : training_settings) {
    const auto codes = bench.quantize(
        {{"grid", setting.grid}, {"method", "gptq"}, {"scale_rule", setting.rule}, {"scale_storage", "f16"}});
    if (!codes) return codes.error();
    const auto damage = bench.damage(Bench::decode(*codes));
    if (!damage) return damage.error();
    CodeBits bits;
    for (const auto& [name, of] : *codes) bits.add(name, bench.weight(name), of.options, of.result.codes);
    figures[training_figure("bits", setting)] = bench.board().bpb_float + *damage;
    figures[training_figure("damage", setting)] = *damage;
    figures[training_figure("bytes", setting)] = bits.entropy / 8;
  }
  return figures;
}

Expected<std::optional<Finding>> find_trick(const StudyResults& results, const char* arm,
                                            const TrainingSetting& setting) {
  using Maybe = std::optional<Finding>;
  const auto change = [&](const std::string& figure) -> std::optional<double> {
    const auto plain = results.of("plain", figure), other = results.of(arm, figure);
    return plain && other ? std::optional(mean_of(*other) - mean_of(*plain)) : std::nullopt;
  };
  const std::string bits = training_figure("bits", setting), bytes = training_figure("bytes", setting);
  const auto all = change(bits), checkpoint = change("checkpoint"), damage = change(training_figure("damage", setting));
  const auto before = results.of("plain", bytes), after = results.of(arm, bytes);
  if (!all || !checkpoint || !damage || !before || !after) return Maybe();
  const auto confidence = confidence_of(*results.of("plain", bits), *results.of(arm, bits));
  if (!confidence) return confidence.error();
  return Maybe(
      Finding{fmt::format("What does \"{}\" do for the model at {}?", arm, setting.name),
              fmt::format("{:+.4f} bits per byte, {:+.4f} of the checkpoint and {:+.4f} of the damage", *all,
                          *checkpoint, *damage),
              fmt::format("codes at their entropy {:.0f} bytes, plain {:.0f}", mean_of(*after), mean_of(*before)),
              *confidence, ""});
}

std::string training_table(const StudyResults& results) {
  std::string text = "| arm | checkpoint |", rule = "|---|---|";
  for (const TrainingSetting& setting : training_settings) {
    text += fmt::format(" {0}: bits per byte | {0}: damage | {0}: bytes |", setting.name);
    rule += "---|---|---|";
  }
  text += "\n" + rule + "\n";
  for (const char* arm : training_arms) {
    if (!results.has(arm)) continue;
    const auto number = [&](const std::string& figure, int digits) {
      const auto values = results.of(arm, figure);
      return values ? fmt::format("{:.{}f}", mean_of(*values), digits) : "";
    };
    text += fmt::format("| {} | {} |", arm, number("checkpoint", 4));
    for (const TrainingSetting& setting : training_settings)
      text += fmt::format(" {} | {} | {} |", number(training_figure("bits", setting), 4),
                          mean_text(results.of(arm, training_figure("damage", setting))),
                          number(training_figure("bytes", setting), 0));
    text += "\n";
  }
  return text + "\n";
}

Expected<StudyPage> training_page(const StudyResults& results) {
  StudyPage page;
  for (const TrainingSetting& setting : training_settings)
    for (const char* arm : std::span(training_arms).subspan(1)) {
      auto found = find_trick(results, arm, setting);
      if (!found) return found.error();
      if (*found) page.findings.push_back(**std::move(found));
    }
  page.text =
      "## The arms\n\nEach arm is the recipe of the shipped checkpoints, cut to 1,000 steps, with one entry more "
      "(`trainer/recipe-study.json`,\n`docs/replay.md`), trained from the same three seeds. *Plain* keeps the weights "
      "of the last step. *int4 gptq* has absmax scales\nand 15 levels; *int6 sdclip* has scales of 12.85 deviations, "
      "so that codes are small where a row is. Bytes are those of all codes\nat their order-0 entropy, with the "
      "steps.\n\n" +
      training_table(results);
  std::vector<DotRow> rows;
  for (const char* arm : training_arms) {
    if (!results.has(arm)) continue;
    DotRow row{arm, {}};
    for (std::size_t k = 0; k < std::size(training_settings); ++k)
      row.series[k] = results.of(arm, training_figure("damage", training_settings[k])).value_or(BySeed());
    rows.push_back(std::move(row));
  }
  page.picture =
      dots_svg("Damage by the training: mean and range of the checkpoints", "damage, bits per byte (logarithmic)",
               {training_settings[0].name, training_settings[1].name}, rows);
  return page;
}

std::vector<std::string> training_arm_names() { return {std::begin(training_arms), std::end(training_arms)}; }

std::string training_folder(const std::string& arm) { return arm; }

}  // namespace

namespace study {
extern const Study training;
const Study training{
    .name = "training",
    .title = "What a training does to the damage",
    .bytes = 32768,
    .question =
        "Do means of the weights, orders of the text, growing depth, rounding in the training and weight decay make "
        "the "
        "checkpoint better, its damage less, or its codes shorter?",
    .arms = training_arm_names,
    .measure = measure_training,
    .page = training_page,
    .folder = training_folder,
};
}  // namespace study

}  // namespace hallmark
