// Whether tables of points that are learned from each matrix lose less, and damage less, than one that is fixed.
#include <fmt/format.h>

#include "artifact/rotation_signs.hpp"
#include "measure/judged_codes.hpp"
#include "method/learned_table.hpp"
#include "pipeline/rules.hpp"
#include "study/dots.hpp"
#include "study/study.hpp"

namespace hallmark {
namespace {

constexpr const char* table_bits[] = {"4", "3", "2"};
constexpr Index table_rounds = 3;

std::string table_arm(const char* bits) { return fmt::format("{} bits", bits); }
std::vector<std::string> table_arms() {
  std::vector<std::string> names;
  for (const char* bits : table_bits) names.push_back(table_arm(bits));
  return names;
}

Expected<double> enter_model(Bench& bench, const BenchModel& codes, const std::string& of, Figures& figures) {
  double sum = 0;
  for (const auto& [name, one] : codes) {
    const auto loss = certified_loss(bench.weight(name), *bench.board().grams.at(name), one.options, one.result, name);
    if (!loss) return loss.error();
    figures[fmt::format("{} loss/{}", of, name)] = *loss;
    sum += *loss;
  }
  const auto damage = bench.damage(Bench::decode(codes));
  if (!damage) return damage.error();
  figures[of + " damage"] = *damage;
  return sum;
}

Expected<Figures> measure_tables(Bench& bench, const std::string& arm) {
  const Settings settings{{"grid", "lloyd:" + arm.substr(0, 1)},
                          {"rotation", std::string(hadamard_16)},
                          {"method", "best"},
                          {"scale_storage", "f16"}};
  const auto fixed = bench.quantize(settings);
  if (!fixed) return fixed.error();
  std::map<std::string, Settings> own;
  for (const auto& [name, codes] : *fixed) {
    const MatrixRef<float> W = bench.weight(name);
    const SiteGram& gram = *bench.board().grams.at(name);
    const MatrixRef<double> G = gram.G;
    const std::vector<float> signs = rotation_signs(codes.options, name, W.cols());
    Layer layer{name, W, &G, gram.tokens};
    layer.signs = signs;
    const auto learned = learn_table(layer, codes.options, table_rounds);
    if (!learned) return learned.error();
    if (learned->rounds > 0) own[name] = {{"grid", table_name(learned->points)}};
  }
  const auto learned = bench.quantize(settings, bench.board().grams, own);
  if (!learned) return learned.error();
  Figures figures;
  const auto before = enter_model(bench, *fixed, "fixed", figures);
  if (!before) return before.error();
  const auto after = enter_model(bench, *learned, "learned", figures);
  if (!after) return after.error();
  figures["loss"] = *after / *before;
  figures["tables"] = static_cast<double>(own.size());
  return figures;
}

Expected<StudyPage> tables_page(const StudyResults& results) {
  StudyPage page;
  std::string table =
      "| arm | fixed: damage | learned: damage | learned: loss, of fixed | matrices that learned |\n"
      "|---|---|---|---|---|\n";
  std::vector<DotRow> rows;
  for (const char* bits : table_bits) {
    const std::string arm = table_arm(bits);
    const auto fixed = results.of(arm, "fixed damage"), learned = results.of(arm, "learned damage"),
               loss = results.of(arm, "loss"), tables = results.of(arm, "tables");
    if (!fixed || !learned || !loss || !tables) continue;
    const auto confidence = confidence_of(*fixed, *learned);
    if (!confidence) return confidence.error();
    page.findings.push_back(
        {fmt::format("Do tables learned for each matrix damage less than lloyd:{0}, at {0} bits?", bits),
         fmt::format("they damage {} times as much, and lose {} times as much",
                     three_digits(mean_of(*learned) / mean_of(*fixed)), three_digits(mean_of(*loss))),
         fmt::format("{} against {} bits per byte", three_digits(mean_of(*learned)), three_digits(mean_of(*fixed))),
         *confidence, ""});
    table += fmt::format("| {} | {} | {} | {} | {:.1f} |\n", arm, mean_text(fixed), mean_text(learned), mean_text(loss),
                         mean_of(*tables));
    rows.push_back({arm, {*fixed, *learned}});
  }
  page.text = fmt::format(
      "## The arms\n\nCodes are those of `--method best --rotation hadamard:16` with one scale of 16 bits a row. "
      "*Fixed* "
      "is the table `lloyd:B`, *learned*\none for each matrix by `hallmark learn-tables` in {} rounds at most, begun "
      "with it; a matrix that cannot gain keeps it. Damage is to the\ncheckpoint, loss the sum over all "
      "matrices.\n\n{}\n",
      table_rounds, table);
  page.picture = dots_svg("Damage under fixed and learned tables: mean and range of the checkpoints",
                          "damage, bits per byte (logarithmic)", {"fixed", "learned"}, rows);
  return page;
}

}  // namespace

namespace study {
extern const Study learned_tables;
const Study learned_tables{
    .name = "learned-tables",
    .title = "Tables that are learned",
    .bytes = 32768,
    .question = "Does a table of points that is fitted to each matrix damage a model less than a fixed one?",
    .arms = table_arms,
    .measure = measure_tables,
    .page = tables_page,
};
}  // namespace study

}  // namespace hallmark
