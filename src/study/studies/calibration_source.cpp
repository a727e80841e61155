// Which text is good enough to calibrate on, and how much of it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "measure/judged_codes.hpp"
#include "replay/calibration.hpp"
#include "replay/resampled_text.hpp"
#include "replay/sampled_text.hpp"
#include "study/dots.hpp"
#include "study/study.hpp"

namespace hallmark {
namespace {

enum class Source { train, self, random, in_place, gibbs, licences, validation };

struct SourceArm {
  std::string name;
  Source source;
  std::int64_t batches;
  double temperature = 1;
};

constexpr int published_rounds = 3;  // of re-sampling in place

// Text of another kind that every Debian has: licences.
constexpr const char* licences_folder = "/usr/share/common-licenses";

const std::vector<SourceArm>& source_arms() {
  static const std::vector<SourceArm> all = [] {
    std::vector<SourceArm> made;
    const auto arms = [&](const char* name, Source source, std::initializer_list<std::int64_t> batches,
                          double temperature = 1) {
      for (const std::int64_t count : batches)
        made.push_back({fmt::format("{}, {} batches", name, count), source, count, temperature});
    };
    arms("train text", Source::train, {4, 16, 32, 64, 128});
    arms("self-generated", Source::self, {4, 32, 128});
    arms("self-generated, temperature 0.8", Source::self, {32}, 0.8);
    arms("self-generated, temperature 1.25", Source::self, {32}, 1.25);
    arms("licences", Source::licences, {32});
    arms("random bytes", Source::random, {4, 32, 128});
    arms("resampled in place", Source::in_place, {4, 32});
    arms("Gibbs", Source::gibbs, {4});
    arms("validation text (a reference)", Source::validation, {32});
    return made;
  }();
  return all;
}

struct SourceSetting {
  const char *name, *grid, *method;
};
constexpr SourceSetting source_settings[] = {{"int4 gptq", "int4s", "gptq"},
                                             {"int3 gptq", "int3s", "gptq"},
                                             {"int4 best", "int4", "best"},
                                             {"int3 best", "int3", "best"}};

std::vector<std::byte> copy_of(std::span<const std::byte> bytes) { return {bytes.begin(), bytes.end()}; }

Expected<Grams> grams_of(const Model& model, const TrainSplit& text, std::span<const std::uint64_t> offsets,
                         std::int64_t batches) {
  const std::int64_t after[] = {batches};
  auto grams = capture_grams(model, text, offsets, after, [] {});
  if (!grams) return grams.error();
  return std::move(grams->front());
}

// Windows of text that is there, as the calibration of every experiment draws them.
Expected<Grams> grams_of_text(const StudyBoard& board, const TrainSplit& text, std::int64_t batches) {
  const auto plan = CalibrationPlan::draw(text, board.seed, static_cast<std::size_t>(batches));
  if (!plan) return plan.error();
  return grams_of(board.model, text, plan->calibration(static_cast<std::size_t>(batches)), batches);
}

// Windows that were made for the purpose: all of them.
Expected<Grams> grams_of_made(const StudyBoard& board, std::vector<std::byte> bytes, std::int64_t batches) {
  std::vector<std::uint64_t> offsets;
  for (std::size_t at = 0; at < bytes.size(); at += calibration_window) offsets.push_back(at);
  return grams_of(board.model, TrainSplit(std::move(bytes)), offsets, batches);
}

Expected<Grams> grams_of_arm(const StudyBoard& board, const SourceArm& arm) {
  const std::size_t windows = static_cast<std::size_t>(arm.batches) * calibration_batch;
  switch (arm.source) {
    case Source::train: return grams_of_text(board, board.corpus.train, arm.batches);
    case Source::self: {
      auto text = sampled_text(board.model, windows, calibration_window, arm.temperature, board.seed);
      if (!text) return text.error();
      return grams_of_made(board, *std::move(text), arm.batches);
    }
    case Source::random:
      return grams_of_made(board, random_bytes(windows * calibration_window, board.seed), arm.batches);
    case Source::in_place:
    case Source::gibbs: {
      std::vector<std::byte> text = random_bytes(windows * calibration_window, board.seed);
      std::vector<std::size_t> positions(calibration_window);
      std::iota(positions.begin(), positions.end(), std::size_t{0});
      const Status made = arm.source == Source::gibbs
                              ? resample_by_gibbs(board.model, text, calibration_window, positions, board.seed)
                              : resample_in_place(board.model, text, calibration_window, published_rounds, board.seed);
      if (!made) return made.error();
      return grams_of_made(board, std::move(text), arm.batches);
    }
    case Source::licences: {
      const auto other = load_corpus(licences_folder);
      if (!other) return other.error();
      return grams_of_text(board, other->train, arm.batches);
    }
    case Source::validation: break;
  }
  // The one place where validation text calibrates: a reference that no claim may use.
  return grams_of_text(board, TrainSplit(copy_of(board.corpus.validation.bytes())), arm.batches);
}

// Training text that no arm calibrates on: what all codes are judged by.
Expected<Grams> held_out_grams(const StudyBoard& board) {
  const auto plan = CalibrationPlan::draw(board.corpus.train, board.seed, 0);
  if (!plan) return plan.error();
  return grams_of(board.model, board.corpus.train, plan->reconstruction(),
                  static_cast<std::int64_t>(reconstruction_batches));
}

// The geometric mean over the tensors of the loss over that of round-to-nearest, both on the held-out text.
Expected<double> relative_loss(const Bench& bench, const BenchModel& codes, const BenchModel& nearest,
                               const Grams& grams) {
  double sum = 0, count = 0;
  for (const auto& [name, of] : codes) {
    const BenchCodes& rtn = nearest.at(name);
    const SiteGram& gram = *grams.at(name);
    const auto loss = certified_loss(bench.weight(name), gram, of.options, of.result, name);
    if (!loss) return loss.error();
    const auto yardstick = certified_loss(bench.weight(name), gram, rtn.options, rtn.result, name);
    if (!yardstick) return yardstick.error();
    if (!(*loss > 0 && *yardstick > 0)) continue;
    sum += std::log(*loss / *yardstick), count += 1;
  }
  return count > 0 ? std::exp(sum / count) : 1;
}

Expected<Figures> measure_source(Bench& bench, const std::string& name) {
  const SourceArm& arm = *std::ranges::find(source_arms(), name, &SourceArm::name);
  const auto grams = grams_of_arm(bench.board(), arm);
  if (!grams) return grams.error();
  const auto held_out = held_out_grams(bench.board());
  if (!held_out) return held_out.error();
  Figures figures;
  for (const SourceSetting& setting : source_settings) {
    const auto codes =
        bench.quantize({{"grid", setting.grid}, {"method", setting.method}, {"scale_storage", "f16"}}, *grams);
    if (!codes) return codes.error();
    const std::string yardstick = std::string(setting.name).substr(0, 4) + "s";
    const auto nearest = bench.quantize({{"grid", yardstick}, {"method", "rtn"}, {"scale_storage", "f16"}}, *grams);
    if (!nearest) return nearest.error();
    const auto loss = relative_loss(bench, *codes, *nearest, *held_out);
    if (!loss) return loss.error();
    const auto damage = bench.damage(Bench::decode(*codes));
    if (!damage) return damage.error();
    figures[fmt::format("loss/{}", setting.name)] = *loss;
    figures[fmt::format("damage/{}", setting.name)] = *damage;
  }
  return figures;
}

// The damage of an arm under a setting; empty where it was not measured.
BySeed damages(const StudyResults& results, const std::string& arm, const char* setting) {
  return results.of(arm, fmt::format("damage/{}", setting)).value_or(BySeed());
}

Status find_self(const StudyResults& results, std::vector<Finding>& findings) {
  for (const SourceSetting& setting : source_settings) {
    const BySeed train = damages(results, "train text, 32 batches", setting.name),
                 self = damages(results, "self-generated, 32 batches", setting.name),
                 random = damages(results, "random bytes, 32 batches", setting.name);
    if (train.empty() || self.empty() || random.empty()) continue;
    const auto to_random = confidence_of(self, random), to_train = confidence_of(self, train);
    if (!to_random) return to_random.error();
    if (!to_train) return to_train.error();
    const double gap = mean_of(random) - mean_of(train), closed = mean_of(random) - mean_of(self);
    findings.push_back(
        {fmt::format("How much of the gap between random bytes and training text does self-generated text close, {}?",
                     setting.name),
         gap > 0 ? percent(closed / gap) : "there is no gap: random bytes are as good",
         fmt::format("training text {}, self-generated {}, random bytes {} bits per byte", three_digits(mean_of(train)),
                     three_digits(mean_of(self)), three_digits(mean_of(random))),
         fmt::format("to random bytes: {}; to training text: {}", *to_random, *to_train),
         "parameter-golf #756: 84 % of the gap to validation text, at int6, one checkpoint"});
  }
  return ok();
}

Status find_amount(const StudyResults& results, std::vector<Finding>& findings) {
  for (const SourceSetting& setting : source_settings) {
    std::string series;
    for (const SourceArm& arm : source_arms())
      if (const BySeed damage = damages(results, arm.name, setting.name);
          arm.source == Source::train && !damage.empty())
        series += fmt::format("{}{} batches {:.4g}", series.empty() ? "" : ", ", arm.batches, mean_of(damage));
    const BySeed sixteen = damages(results, "train text, 16 batches", setting.name),
                 more = damages(results, "train text, 32 batches", setting.name),
                 most = damages(results, "train text, 128 batches", setting.name);
    if (sixteen.empty() || more.empty() || most.empty()) continue;
    const auto doubled = confidence_of(sixteen, more), whole = confidence_of(sixteen, most);
    if (!doubled) return doubled.error();
    if (!whole) return whole.error();
    findings.push_back(
        {fmt::format("Does more training text than 16 batches help, {}?", setting.name),
         fmt::format("32 batches: {:+.4f}, 128 batches: {:+.4f} bits per byte", mean_of(more) - mean_of(sixteen),
                     mean_of(most) - mean_of(sixteen)),
         series, fmt::format("32: {}; 128: {}", *doubled, *whole),
         "parameter-golf #2135 against #2130: 16 to 32 batches give 0.0002 at int6, from two trainings"});
  }
  return ok();
}

Status find_others(const StudyResults& results, std::vector<Finding>& findings) {
  constexpr const char* setting = "int4 gptq";
  struct Other {
    const char *arm, *question, *published = "", *than = "self-generated, 32 batches";
  };
  constexpr Other others[] = {
      {"self-generated, temperature 0.8, 32 batches", "Is temperature 0.8 better than 1 for self-generated text"},
      {"self-generated, temperature 1.25, 32 batches", "Is temperature 1.25 better than 1 for self-generated text"},
      {"licences, 32 batches", "Is text of another kind (licences) as good as what the model writes itself"},
      {"resampled in place, 32 batches",
       "Is text that was re-sampled in place, as published, as good as what the model writes itself",
       "parameter-golf #756 calls it Gibbs and finds it worse than random tokens, one checkpoint"},
      {"Gibbs, 4 batches", "Is text by Gibbs sampling as good as what the model writes itself", "",
       "self-generated, 4 batches"}};
  for (const auto& [arm, question, published, than] : others) {
    const BySeed self = damages(results, than, setting), other = damages(results, arm, setting);
    if (self.empty() || other.empty()) continue;
    const auto confidence = confidence_of(self, other);
    if (!confidence) return confidence.error();
    findings.push_back({fmt::format("{}, {}?", question, setting),
                        fmt::format("it costs {:+.4f} bits per byte", mean_of(other) - mean_of(self)),
                        fmt::format("{} against {}", three_digits(mean_of(other)), three_digits(mean_of(self))),
                        *confidence, published});
  }
  return ok();
}

std::string sources_table(const StudyResults& results) {
  std::string text = "| text |", rule = "|---|";
  for (const SourceSetting& setting : source_settings) {
    text += fmt::format(" {}: damage | loss |", setting.name);
    rule += "---|---|";
  }
  text += "\n" + rule + "\n";
  for (const SourceArm& arm : source_arms()) {
    if (!results.has(arm.name)) continue;
    text += "| " + arm.name + " |";
    for (const SourceSetting& setting : source_settings)
      text += fmt::format(" {} | {} |", mean_text(results.of(arm.name, fmt::format("damage/{}", setting.name))),
                          mean_text(results.of(arm.name, fmt::format("loss/{}", setting.name))));
    text += "\n";
  }
  return text + "\n";
}

Expected<StudyPage> source_page(const StudyResults& results) {
  StudyPage page;
  for (const auto find : {find_self, find_amount, find_others})
    if (const Status found = find(results, page.findings); !found) return found.error();
  page.text =
      "## The arms\n\n"
      "A batch is 16 windows of 256 bytes. *Train text* is drawn as in every experiment here; *self-generated* windows "
      "begin with a\nuniform byte, and the checkpoint itself writes the rest at temperature 1 or the one that is "
      "named; *random bytes* are "
      "uniform; *resampled in place* are\nrandom bytes of which three times every one was drawn again from the "
      "prediction of the byte behind it, all at once, as\npublished; *Gibbs* are random bytes of which one after the "
      "other was drawn from the model's prediction and kept as the rest of\nthe window decides, which leaves the "
      "model's distribution as it is and reads 128 times as much text as writing it;\n*licences* are those in "
      "/usr/share/common-licenses, English of another kind; *validation text* is "
      "what "
      "models are judged by, a\nreference that enters no answer above. *gptq* has absmax scales and 2^B - 1 levels, "
      "*best* is "
      "`--method best` on all 2^B codes.\n\n*Loss* is on training text that no arm calibrates on, relative to "
      "round-to-nearest with absmax scales: the geometric mean over\ntensors.\n\n" +
      sources_table(results);
  std::vector<std::string> series = {"int4 gptq", "int3 gptq", "int3 best"};
  std::vector<DotRow> rows;
  for (const SourceArm& arm : source_arms()) {
    if (!results.has(arm.name)) continue;
    DotRow row{arm.name, {}};
    for (std::size_t k = 0; k < series.size(); ++k) row.series[k] = damages(results, arm.name, series[k].c_str());
    rows.push_back(std::move(row));
  }
  page.picture = dots_svg("Damage by the text that calibrates: mean and range of the checkpoints",
                          "damage, bits per byte (logarithmic)", series, rows);
  return page;
}

std::vector<std::string> source_arm_names() {
  std::vector<std::string> names;
  for (const SourceArm& arm : source_arms()) names.push_back(arm.name);
  return names;
}

}  // namespace

namespace study {
extern const Study calibration_source;
const Study calibration_source{
    .name = "calibration-source",
    .title = "Which text to calibrate on",
    .bytes = 32768,
    .question =
        "Is text that the model writes itself good enough to calibrate its quantization, is text needed at all, and "
        "does more of it help?",
    .arms = source_arm_names,
    .measure = measure_source,
    .page = source_page,
};
}  // namespace study

}  // namespace hallmark
