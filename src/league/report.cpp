#include "league/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "league/plot.hpp"
#include "ledger/ledger.hpp"
#include "measure/page.hpp"

namespace hallmark {
namespace {

// A table and what its entries have in common.
using Table = std::span<const Standing>;

std::string head_of(std::string_view first, const Standing& any, std::string_view last) {
  std::string text = fmt::format("| | {} |", first), rule = "|---|---|---|---|---|---|";
  text += " bits stored | entropy | loss |";
  for (const auto seed : any.seeds) text += fmt::format(" damage, seed {} |", seed), rule += "---|";
  return text + fmt::format(" mean | {} |\n", last) + rule;
}

std::string numbers_of(const Standing& one) {
  std::string text = fmt::format(" {:.3f} | {:.3f} | {:.4f} |", one.stored_bits, one.entropy_bits, one.relative_loss);
  for (const double damage : one.damage) text += fmt::format(" {:.3g} |", damage);
  return text + fmt::format(" {:.3g} |", one.mean_damage);
}

std::string duel_words(const std::optional<Duel>& duel, std::string_view none) {
  if (!duel) return fmt::format(" {} |", none);
  return fmt::format(" {}, {} |", duel->better ? "better" : "worse", verdict_of(*duel));
}

std::string main_table(Table table, std::span<const std::string> places, bool claims) {
  const std::string none = claims ? "" : "no claim";
  std::string text = head_of("entry", table.front(), "of plain GPTQ's | against plain GPTQ | against the one before") +
                     "---|---|---|\n";
  for (std::size_t k = 0; k < table.size(); ++k) {
    const Standing& one = table[k];
    text += fmt::format("| {} | {} |{} {} |", places[k], one.entry, numbers_of(one),
                        one.of_plain ? fmt::format("{:.3f}", *one.of_plain) : "");
    text += duel_words(one.against_plain, none) + duel_words(one.against_next, none) + "\n";
  }
  return text + "\n";
}

std::string embedding_table(Table table, std::span<const std::string> places, bool claims) {
  std::string text =
      head_of("entry", table.front(), "loss of the embedding alone | against the same without") + "---|---|\n";
  for (std::size_t k = 0; k < table.size(); ++k) {
    const Standing& one = table[k];
    text += fmt::format("| {} | {} |{} {:.4f} |", places[k], one.entry, numbers_of(one), one.embedding_loss);
    text += duel_words(one.against_next, claims ? "no such entry" : "no claim") + "\n";
  }
  return text + "\n";
}

std::string claims_words(std::size_t seeds) {
  if (seeds < seeds_of_a_claim)
    return fmt::format(
        "**No claim is made.** This run has {} checkpoint{}, and fewer than {} show nothing about which entry is "
        "better.\n\n",
        seeds, seeds == 1 ? "" : "s", seeds_of_a_claim);
  return fmt::format(
      "A difference is called *shown* when the paired one-tailed t test over the {} checkpoints (2 degrees of freedom, "
      "T14) has p\nbelow {}, in the direction of the means. That is a low bar: the direction comes from the same "
      "numbers, "
      "so where two entries\nare equally good the test says *shown* once in two times. *Not shown* means that these "
      "checkpoints cannot tell the two\napart, not that they are equal. p is printed so that a reader can ask for "
      "less.\n\n",
      seeds, significance_level);
}

std::string shown_words(std::span<const Standing> all) {
  std::size_t plain = 0, plain_shown = 0, next = 0, next_shown = 0;
  for (const Standing& one : all) {
    if (one.against_plain) ++plain, plain_shown += one.against_plain->test.significant;
    if (one.against_next) ++next, next_shown += one.against_next->test.significant;
  }
  if (plain + next == 0) return "";
  return fmt::format(
      "Of the {} differences to plain GPTQ {} are shown; of the {} to the entry before (or, in the tables of the "
      "embedding, to the\nsame entry without) {} are.\n\n",
      plain, plain_shown, next, next_shown);
}

std::string provenance(std::span<const LeagueLine> run, const std::string& ledger) {
  const LeagueLine& first = run.front();
  double seconds = 0;
  std::int64_t guard_rows = 0;
  std::map<std::string, std::int64_t> held;
  std::map<std::uint64_t, const LeagueLine*> checkpoints;
  for (const LeagueLine& line : run) {
    seconds += line.seconds;
    guard_rows += line.guard_rows;
    checkpoints[line.seed] = &line;
    for (const auto& [name, count] : line.contracts_held) held[name] += count;
  }
  std::string text = fmt::format(
      "The run is from {}, described in [league-ledger.md](league-ledger.md): `{}`, commit `{}`, {} lines\nfrom "
      "{} "
      "to {}, {:.1f} processor seconds of quantization. The guard kept round-to-nearest in {} rows.\nText (SHA-256) "
      "`{}`; {} bytes were evaluated, {} batches calibrate.\n\n| seed | checkpoint | Gram matrices | bits per byte, "
      "float |\n|---|---|---|---|\n",
      ledger, first.run, first.git_sha.substr(0, 12), run.size(), first.timestamp, run.back().timestamp, seconds,
      guard_rows, first.text_digest, first.eval_bytes, first.batches);
  for (const auto& [seed, line] : checkpoints)
    text += fmt::format("| {} | `{}` | `{}` | {:.8f} |\n", seed, line->checkpoint_digest.substr(0, 16),
                        line->gram_digest.substr(0, 16), line->bpb_float);
  if (held.empty()) return text + fmt::format("\nRun-time contracts were `{}`: none was evaluated.\n", first.contracts);
  text += fmt::format(
      "\nRun-time contracts were `{}`; each held as often as it was evaluated:\n\n| contract | held "
      "|\n|---|---|\n",
      first.contracts);
  for (const auto& [name, count] : held) text += fmt::format("| {} | {} |\n", name, count);
  return text;
}

std::string page_text(std::span<const LeagueLine> run, std::span<const Standing> all, const std::string& ledger,
                      const std::string& picture) {
  const bool claims = all.front().seeds.size() >= seeds_of_a_claim;
  const std::vector<std::string> places = places_of(all);
  std::string text = fmt::format(
      "<!-- Generated by `hallmark league` from {}; do not edit. -->\n"
      "# The league\n\n"
      "Which way of quantizing costs a model least, at which size? Every entry quantizes all matrices of the same "
      "checkpoints, with\nGram matrices of the same {} batches of training text, and is evaluated on the same {} bytes "
      "of validation text.\n\n"
      "- *Bits stored* are those of codes at the width of their grid, and of steps as files store them, for each "
      "weight; "
      "*entropy*\n  counts each code with its order-0 entropy in its tensor instead.\n"
      "- *Loss* is the certified loss on the calibration text (the upper ends of the rows' enclosures, summed), "
      "relative "
      "to that of\n  round-to-nearest with absmax scales and 2^B - 1 levels (of gf16: with its own scales): geometric "
      "mean over tensors and\n  checkpoints.\n"
      "- *Damage* is in bits per byte: of the quantized model minus of the float model.\n"
      "- *Plain GPTQ* is GPTQ with absmax scales and 2^B - 1 levels, one scale for each row.\n\n",
      ledger, run.front().batches, run.front().eval_bytes);
  if (std::ssize(run) < run.front().lines)
    text +=
        fmt::format("**This run is unfinished**: {} of its {} lines are reported.\n\n", run.size(), run.front().lines);
  text += claims_words(all.front().seeds.size()) + shown_words(all);
  text += fmt::format("![Damage against size, and loss against time]({})\n\n", picture);
  const auto same_table = [&](std::size_t a, std::size_t b) {
    return all[a].division == all[b].division && all[a].embedding.has_value() == all[b].embedding.has_value();
  };
  std::string embeddings;
  for (std::size_t first = 0, end = 0; first < all.size(); first = end) {
    for (end = first; end < all.size() && same_table(first, end);) ++end;
    const Table table = all.subspan(first, end - first);
    const auto named = std::span(places).subspan(first, end - first);
    const std::string title = table.front().division == "gf16" ? "gf16" : table.front().division + " bits";
    if (table.front().embedding) embeddings += fmt::format("### {}\n\n", title) + embedding_table(table, named, claims);
    else text += fmt::format("## {}\n\n", title) + main_table(table, named, claims);
  }
  if (!embeddings.empty())
    text +=
        "## The embedding\n\nThe tied embedding is input table and output layer in one. These entries keep it on "
        "another grid; the last column compares\neach with the entry that has the same options everywhere.\n\n" +
        embeddings;
  return text + "## Where these numbers come from\n\n" + provenance(run, ledger);
}

}  // namespace

Status write_league_report(const std::string& ledger, const std::string& page) {
  const auto entries = read_ledger(ledger, LedgerForm::json_lines);
  if (!entries) return entries.error();
  const auto lines = league_lines(*entries, ledger);
  if (!lines) return lines.error();
  const auto run = run_to_report(*lines, ledger);
  if (!run) return run.error();
  const auto all = standings(*run);
  if (!all) return all.error();
  const auto picture = std::filesystem::path(page).replace_extension(".svg");
  if (auto written = write_page(picture.string(), league_svg(*all)); !written) return written;
  return write_page(page, page_text(*run, *all, ledger, picture.filename().string()));
}

}  // namespace hallmark
