// Where the damage of quantization comes from: one tensor at a time and all but one, scales against codes, the tied
// embedding; and what a coherent shift of the codes does, and by which test it is found.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "artifact/matrix_bits.hpp"
#include "measure/judged_codes.hpp"
#include "method/descent.hpp"
#include "method/rtn.hpp"
#include "study/dots.hpp"
#include "study/study.hpp"

namespace hallmark {
namespace {

enum class Fault {
  none,
  floored,    // after the method every odd code one down: floor(q / 2) * 2, as published (parameter-golf #1818)
  truncated,  // floor(w / s) where round-to-nearest belongs
};

struct DamageArm {
  std::string name;
  Settings settings;
  Fault fault = Fault::none;
  /// Whether every tensor is quantized alone and left out, and the factors repaired: of plain GPTQ.
  bool dissected() const { return fault == Fault::none && settings.at("method") == "gptq"; }
};

const std::vector<DamageArm>& damage_arms() {
  static const std::vector<DamageArm> all = [] {
    std::vector<DamageArm> made;
    for (const char* bits : {"6", "4", "3"}) {
      const std::string grid = fmt::format("int{}", bits);
      const auto arm = [&](const std::string& what, const std::string& of, const char* method, Fault fault) {
        made.push_back({grid + " " + what, {{"grid", of}, {"method", method}, {"scale_storage", "f16"}}, fault});
      };
      arm("gptq", grid + "s", "gptq", Fault::none);
      arm("best", grid, "best", Fault::none);
      arm("gptq, floored", grid + "s", "gptq", Fault::floored);
      arm("rtn, truncated", grid + "s", "rtn", Fault::truncated);
    }
    return made;
  }();
  return all;
}

// Codes of integer grids are their numbers, in words of 16 bits.
int number_of(Code code) { return static_cast<std::int16_t>(code); }

void plant(Fault fault, const Matrix<float>& W, BenchCodes& of) {
  const GridSpec& grid = of.options.grid.spec();
  for (Index i = 0; i < W.rows(); ++i)
    for (Index j = 0; j < W.cols(); ++j) {
      Code& code = of.result.codes(i, j);
      int number = number_of(code);
      if (fault == Fault::floored) number -= number & 1;
      if (fault == Fault::truncated)
        number = static_cast<int>(std::floor(static_cast<double>(W(i, j)) / of.result.steps.scale(i, j)));
      code = static_cast<Code>(static_cast<std::int16_t>(std::clamp(number, grid.first, grid.last)));
    }
}

// With e_ij = (What_ij - W_ij) / s_i and n columns: the mean over rows of b_i = sum_j e_ij / n, and the share of rows
// in which |b_i| is above 6 of its deviations under rounding to nearest, 1 / sqrt(12 n).
struct RowBias {
  double mean = 0, biased = 0;
};
RowBias row_bias(const Matrix<float>& W, const Matrix<float>& What, const Steps& steps) {
  constexpr double most_deviations = 6;
  const auto rows = static_cast<double>(W.rows()), cols = static_cast<double>(W.cols());
  RowBias bias;
  for (Index i = 0; i < W.rows(); ++i) {
    double sum = 0;
    for (Index j = 0; j < W.cols(); ++j)
      sum += (static_cast<double>(What(i, j)) - static_cast<double>(W(i, j))) / steps.scale(i, j);
    bias.mean += sum / cols / rows;
    if (std::abs(sum / cols) > most_deviations / std::sqrt(12 * cols)) bias.biased += 1 / rows;
  }
  return bias;
}

double share_of(const Matrix<Code>& codes, int number) {
  double count = 0;
  for (Index k = 0; k < codes.size(); ++k) count += number_of(codes.data()[k]) == number;
  return count / static_cast<double>(codes.size());
}

Status enter_tensors(const Bench& bench, const BenchModel& codes, const BenchModel& nearest, const Decoded& decoded,
                     Figures& figures) {
  for (const auto& [name, of] : codes) {
    const SiteGram& gram = *bench.board().grams.at(name);
    const auto loss = certified_loss(bench.weight(name), gram, of.options, of.result, name);
    if (!loss) return loss.error();
    const BenchCodes& rtn = nearest.at(name);
    const auto yardstick = certified_loss(bench.weight(name), gram, rtn.options, rtn.result, name);
    if (!yardstick) return yardstick.error();
    if (*yardstick > 0) figures["loss/" + name] = *loss / *yardstick;
    const RowBias bias = row_bias(bench.weight(name), decoded.at(name), of.result.steps);
    figures["bias/" + name] = bias.mean;
    figures["biased/" + name] = bias.biased;
    figures["zeros/" + name] = share_of(of.result.codes, 0);
    figures["entropy/" + name] = entropy_of(of.result.codes);
  }
  return ok();
}

// (w G q) / (q G q) of row i: the factor of its scale that loses least. 0 / 0 where q G q is 0.
double best_factor(const Matrix<float>& W, const Matrix<double>& Q, const Matrix<double>& G, Index i) {
  double above = 0, below = 0;
  for (Index j = 0; j < W.cols(); ++j) {
    double Gq = 0;
    for (Index k = 0; k < W.cols(); ++k) Gq += G(j, k) * Q(i, k);
    above += static_cast<double>(W(i, j)) * Gq;
    below += Q(i, j) * Gq;
  }
  return above / below;
}

// One factor repaired at a time: of each row the scale that loses least for its codes (T20), or the codes at which a
// descent under its scale ends (T19), or both in turn.
enum class Repair { scales, codes, both };

Decoded repaired(const Bench& bench, const BenchModel& codes, Repair repair) {
  constexpr Index sweeps = 8;
  Decoded decoded;
  for (const auto& [name, of] : codes) {
    const Matrix<float>& W = bench.weight(name);
    const Matrix<double>& G = bench.board().grams.at(name)->G;
    if (repair != Repair::scales) {
      const Descended done = descend(W, of.options.grid, of.options.scale_storage, ScaledGram(G), of.result.codes,
                                     of.result.steps, sweeps, repair == Repair::both);
      decoded.emplace(name, dequantize(done.rounded.codes, done.steps, of.options.grid));
      continue;
    }
    Steps steps = of.result.steps;
    const Matrix<double> Q = dequantize_f64(of.result.codes, steps, of.options.grid);
    for (Index i = 0; i < W.rows(); ++i) {
      const float s = steps.scales(i, 0);
      const auto fitted = fitted_scale(best_factor(W, Q, G, i) * s, s, of.options.grid, of.options.scale_storage);
      if (fitted) steps.scales(i, 0) = *fitted;
    }
    decoded.emplace(name, dequantize(of.result.codes, steps, of.options.grid));
  }
  return decoded;
}

Expected<Figures> measure_damage(Bench& bench, const std::string& name) {
  const DamageArm& arm = *std::ranges::find(damage_arms(), name, &DamageArm::name);
  auto codes = bench.quantize(arm.settings);
  if (!codes) return codes.error();
  Settings nearest = arm.settings;
  nearest["method"] = "rtn";
  nearest["grid"] = arm.name.substr(0, 4) + "s";
  const auto rtn = bench.quantize(nearest);
  if (!rtn) return rtn.error();
  if (arm.fault != Fault::none)
    for (auto& [tensor, of] : *codes) plant(arm.fault, bench.weight(tensor), of);
  const Decoded decoded = Bench::decode(*codes);

  Figures figures;
  Status failed = ok();
  const auto enter = [&](const std::string& figure, const Decoded& weights) {
    const auto damage = bench.damage(weights);
    if (damage) figures[figure] = *damage;
    else failed = damage.error();
  };
  enter("damage", decoded);
  for (const auto& [tensor, values] : decoded) {
    Decoded rest = decoded;
    rest.erase(tensor);
    if (!arm.dissected() && tensor != embedding_tensor) continue;
    enter("alone/" + tensor, {{tensor, values}});
    enter("without/" + tensor, rest);
  }
  if (arm.dissected()) {
    enter("scales repaired", repaired(bench, *codes, Repair::scales));
    enter("codes repaired", repaired(bench, *codes, Repair::codes));
    enter("both repaired", repaired(bench, *codes, Repair::both));
  }
  if (!failed) return failed.error();
  if (const Status entered = enter_tensors(bench, *codes, *rtn, decoded, figures); !entered) return entered.error();
  // 0: the checkpoint itself; 1: no better than a uniform guess among 256 bytes.
  figures["chance"] = figures["damage"] / (8 - bench.board().bpb_float);
  return figures;
}

// The name without its block: c_q of all blocks is one kind.
std::string kind_of(const std::string& tensor) {
  if (!tensor.starts_with("blocks.")) return tensor;
  return tensor.substr(tensor.find('.', 7) + 1);
}

// The tensors of the arm that the row-bias test names: those most of whose rows are biased, in every checkpoint.
std::size_t named_tensors(const StudyResults& results, const std::string& arm) {
  return static_cast<std::size_t>(std::ranges::count_if(results.tensors(arm, "biased"), [&](const std::string& tensor) {
    return std::ranges::min(*results.of(arm, "biased/" + tensor)) > 0.5;
  }));
}

double mean_bias(const StudyResults& results, const std::string& arm) {
  const auto tensors = results.tensors(arm, "bias");
  return mean_of(results.sum(arm, "bias")) / static_cast<double>(tensors.size());
}

// The tensor of the largest mean damage alone, and the next.
std::vector<std::string> worst_tensors(const StudyResults& results, const std::string& arm) {
  std::vector<std::string> tensors = results.tensors(arm, "alone");
  std::ranges::sort(tensors, std::greater<>(),
                    [&](const std::string& tensor) { return mean_of(*results.of(arm, "alone/" + tensor)); });
  return tensors;
}

Status find_tensors(const StudyResults& results, std::vector<Finding>& findings) {
  for (const char* bits : {"4", "3"}) {
    const std::string arm = fmt::format("int{} gptq", bits);
    const auto worst = worst_tensors(results, arm);
    if (worst.size() < 2 || !results.of(arm, "damage")) continue;
    const BySeed first = *results.of(arm, "alone/" + worst[0]), second = *results.of(arm, "alone/" + worst[1]),
                 joint = *results.of(arm, "damage"), sum = results.sum(arm, "alone");
    auto confidence = confidence_of(first, second);
    if (!confidence) return confidence.error();
    findings.push_back({fmt::format("Which tensor makes the damage of plain GPTQ at {} bits?", bits),
                        fmt::format("`{}`: alone it costs {} of what all together cost", worst[0],
                                    percent(mean_of(first) / mean_of(joint))),
                        fmt::format("{} of {} bits per byte; the next, `{}`, {}", three_digits(mean_of(first)),
                                    three_digits(mean_of(joint)), worst[1], three_digits(mean_of(second))),
                        *confidence, ""});
    confidence = confidence_of(joint, sum);
    if (!confidence) return confidence.error();
    findings.push_back({fmt::format("Do the damages of single tensors add up at {} bits?", bits),
                        mean_of(sum) < mean_of(joint) ? "the sum is less than the damage of all together"
                                                      : "the sum is more than the damage of all together",
                        fmt::format("{} against {}", three_digits(mean_of(sum)), three_digits(mean_of(joint))),
                        *confidence, ""});
  }
  return ok();
}

Status find_factors(const StudyResults& results, std::vector<Finding>& findings) {
  for (const char* bits : {"4", "3"}) {
    const std::string arm = fmt::format("int{} gptq", bits);
    const auto joint = results.of(arm, "damage"), scales = results.of(arm, "scales repaired"),
               codes = results.of(arm, "codes repaired"), both = results.of(arm, "both repaired");
    if (!joint || !scales || !codes || !both) continue;
    const auto confidence = confidence_of(*scales, *codes);
    if (!confidence) return confidence.error();
    findings.push_back(
        {fmt::format("Scales or codes: which leave more damage in plain GPTQ at {} bits?", bits),
         fmt::format(
             "repaired scales give back {} of the damage, repaired codes {}, both in turn {} (below 0: the loss "
             "falls and the damage rises)",
             percent(1 - mean_of(*scales) / mean_of(*joint)), percent(1 - mean_of(*codes) / mean_of(*joint)),
             percent(1 - mean_of(*both) / mean_of(*joint))),
         fmt::format("{}; scales repaired {}, codes {}, both in turn {}", three_digits(mean_of(*joint)),
                     three_digits(mean_of(*scales)), three_digits(mean_of(*codes)), three_digits(mean_of(*both))),
         *confidence, ""});
  }
  return ok();
}

Status find_faults(const StudyResults& results, std::vector<Finding>& findings) {
  for (const char* bits : {"6", "4"}) {
    const std::string plain = fmt::format("int{} gptq", bits), floored = plain + ", floored";
    const auto before = results.of(plain, "damage"), after = results.of(floored, "damage"),
               chance = results.of(floored, "chance");
    if (!before || !after || !chance) continue;
    const auto confidence = confidence_of(*before, *after);
    if (!confidence) return confidence.error();
    findings.push_back(
        {fmt::format("What does flooring every code to an even one do at {} bits?", bits),
         fmt::format("it takes the model {} of the way to a uniform guess (above 100 %: beyond it), and the row-bias "
                     "test names it in {} of {} "
                     "tensors (without it in {})",
                     percent(mean_of(*chance)), named_tensors(results, floored),
                     results.tensors(floored, "biased").size(), named_tensors(results, plain)),
         fmt::format("{} against {} bits per byte; mean bias {:.2f} steps against {:.2f}",
                     three_digits(mean_of(*after)), three_digits(mean_of(*before)), mean_bias(results, floored),
                     mean_bias(results, plain)),
         *confidence,
         "parameter-golf #1818 reads a model at chance as a sharp minimum, and says that its flooring did not move the "
         "gap"});
  }
  return ok();
}

std::string arms_table(const StudyResults& results) {
  std::string text =
      "| arm | damage | of the way to chance | scales repaired | codes repaired | both | embedding alone | all but the "
      "embedding | biased tensors | mean bias, steps |\n|---|---|---|---|---|---|---|---|---|---|\n";
  for (const DamageArm& arm : damage_arms()) {
    if (!results.has(arm.name)) continue;
    const auto cell = [&](const std::string& figure) { return mean_text(results.of(arm.name, figure)); };
    text += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} of {} | {:.3f} |\n", arm.name, cell("damage"),
                        percent(mean_of(results.of(arm.name, "chance").value_or(BySeed()))), cell("scales repaired"),
                        cell("codes repaired"), cell("both repaired"), cell(fmt::format("alone/{}", embedding_tensor)),
                        cell(fmt::format("without/{}", embedding_tensor)), named_tensors(results, arm.name),
                        results.tensors(arm.name, "biased").size(), mean_bias(results, arm.name));
  }
  return text + "\n";
}

std::vector<std::string> dissected(const StudyResults& results) {
  std::vector<std::string> arms;
  for (const DamageArm& arm : damage_arms())
    if (results.has(arm.name) && arm.dissected()) arms.push_back(arm.name);
  return arms;
}

std::string kinds_table(const StudyResults& results) {
  const std::vector<std::string> arms = dissected(results);
  if (arms.empty()) return "";
  std::vector<std::string> kinds;
  for (const std::string& tensor : results.tensors(arms.front(), "alone"))
    if (std::ranges::find(kinds, kind_of(tensor)) == kinds.end()) kinds.push_back(kind_of(tensor));
  std::string text = "| kind of tensor |", rule = "|---|";
  for (const std::string& arm : arms) text += " " + arm + " |", rule += "---|";
  text += "\n" + rule + "\n";
  const auto row = [&](const std::string& title, const auto& value_of) {
    text += "| " + title + " |";
    for (const std::string& arm : arms) text += fmt::format(" {} |", three_digits(mean_of(value_of(arm))));
    text += "\n";
  };
  for (const std::string& kind : kinds)
    row("`" + kind + "`", [&](const std::string& arm) {
      return results.sum(arm, "alone", [&](const std::string& tensor) { return kind_of(tensor) == kind; });
    });
  row("sum", [&](const std::string& arm) { return results.sum(arm, "alone"); });
  row("all together", [&](const std::string& arm) { return results.of(arm, "damage").value_or(BySeed()); });
  return text + "\n";
}

std::string tensors_table(const StudyResults& results, const std::string& arm) {
  std::string text = fmt::format(
      "| tensor, `{}` | alone | all but this | loss, of round-to-nearest's | bias, steps | biased rows | codes 0 | "
      "entropy, bits |\n|---|---|---|---|---|---|---|---|\n",
      arm);
  for (const std::string& tensor : worst_tensors(results, arm)) {
    text += "| `" + tensor + "` |";
    for (const char* figure : {"alone", "without", "loss", "bias", "biased", "zeros", "entropy"})
      text += fmt::format(" {} |", mean_text(results.of(arm, fmt::format("{}/{}", figure, tensor))));
    text += "\n";
  }
  return text + "\n";
}

std::string damage_picture(const StudyResults& results) {
  const std::vector<std::string> arms = {"int6 gptq", "int4 gptq", "int3 gptq"};
  std::vector<DotRow> rows;
  const auto row = [&](const std::string& label, const auto& values_of) {
    DotRow made{label, {}};
    for (std::size_t k = 0; k < arms.size(); ++k)
      if (results.has(arms[k])) made.series[k] = values_of(arms[k]);
    rows.push_back(std::move(made));
  };
  const auto figure = [&](const std::string& name) {
    return [&results, name](const std::string& arm) { return results.of(arm, name).value_or(BySeed()); };
  };
  row("all tensors", figure("damage"));
  row("sum of single tensors", [&](const std::string& arm) { return results.sum(arm, "alone"); });
  row("all but the embedding", figure(fmt::format("without/{}", embedding_tensor)));
  const std::vector<std::string> measured = dissected(results);
  const auto middle = std::ranges::find(measured, arms[1]);  // the worst first, at 4 bits where they are there
  if (!measured.empty())
    for (const std::string& tensor : worst_tensors(results, middle == measured.end() ? measured.front() : *middle))
      row(tensor, figure("alone/" + tensor));
  return dots_svg("Damage of plain GPTQ, one tensor at a time: mean and range of the checkpoints",
                  "damage, bits per byte (logarithmic; an open circle: the mean is not above 0)", arms, rows);
}

Expected<StudyPage> damage_page(const StudyResults& results) {
  StudyPage page;
  for (const auto find : {find_tensors, find_factors, find_faults})
    if (const Status found = find(results, page.findings); !found) return found.error();
  page.text =
      "## The arms\n\n"
      "*gptq* has absmax scales and 2^B - 1 levels, *best* is `--method best` on all 2^B codes; both have one scale a "
      "row. *Floored*: after\nGPTQ every odd code goes one down, floor(q / 2) * 2, as a published program does. "
      "*Truncated*: floor(w / s) where\nround-to-nearest belongs. *Repaired* scales lose least for the codes as they "
      "are (T20); repaired codes are where a descent under the\nscales as they are ends (T19); both in turn.\n\n"
      "The row-bias test looks at b = mean of (What - W) / s in every row of n columns. Under rounding to nearest it "
      "has deviation\n1 / sqrt(12 n), so a row with |b| above 6 of these is *biased*, and a tensor is named when most "
      "of its "
      "rows are, in every\ncheckpoint. The chance test asks how far the model is on its way to a uniform guess, 8 bits "
      "per byte.\n\n" +
      arms_table(results) +
      "## One tensor at a time\n\nDamage with these tensors quantized and no others, summed over the blocks.\n\n" +
      kinds_table(results);
  for (const std::string& arm : dissected(results)) page.text += tensors_table(results, arm);
  page.picture = damage_picture(results);
  return page;
}

std::vector<std::string> damage_arm_names() {
  std::vector<std::string> names;
  for (const DamageArm& arm : damage_arms()) names.push_back(arm.name);
  return names;
}

}  // namespace

namespace study {
extern const Study damage;
const Study damage{
    .name = "damage",
    .title = "Where the damage comes from",
    .bytes = 8192,
    .question =
        "Which tensors, and which of scales and codes, make the bits per byte that quantization costs? And is a "
        "model at chance a matter of its minimum, or of a fault in the codes that a test can name?",
    .arms = damage_arm_names,
    .measure = measure_damage,
    .page = damage_page,
};
}  // namespace study

}  // namespace hallmark
