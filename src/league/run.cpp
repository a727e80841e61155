#include "league/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error_numbers.hpp"
#include "io/file.hpp"
#include "io/sha256.hpp"
#include "pipeline/pattern.hpp"
#include "ranks/shared_work.hpp"
#include "replay/calibration.hpp"

namespace hallmark {
namespace {

constexpr std::size_t lines_ahead = 16;  // for each of several ranks, from the line that is appended next

// A line that the run is to have.
struct PlannedLine {
  const Fixture* fixture;
  std::size_t checkpoint;
  std::string key;
};

// What every rank knows of the run.
struct League {
  const LeagueOptions& options;
  const Corpus& corpus;
  std::span<const std::byte> evaluated;
  std::vector<PlannedLine> plan;  // in the order of the ledger
  LeagueLine shared;              // the fields that all lines have alike, but for the id of the run, which rank 0 knows
  std::vector<Checkpoint> checkpoints;
};

bool is_whole_league(const LeagueOptions& options) {
  return options.pattern.empty() && options.divisions.empty() && std::ranges::equal(options.seeds, canonical_seeds) &&
         options.eval_bytes == evaluation_bytes;
}

Error invalid(const char* what, const std::string& where) {
  return {Exit::usage, error_number::set_invalid, what, where, "see `hallmark league --help`"};
}

// What has to be the same in the lines that a run is gone on with: all of `shared`, and no line of another set.
Status check_begun(const std::vector<LeagueLine>& begun, const LeagueLine& shared, const std::set<std::string>& keys) {
  for (const LeagueLine& line : begun) {
    const bool same = line.lines == shared.lines && line.git_sha == shared.git_sha &&
                      line.text_digest == shared.text_digest && line.eval_bytes == shared.eval_bytes &&
                      line.contracts == shared.contracts && keys.contains(line.key());
    if (!same)
      return Error{Exit::input, error_number::cells_differ, "the run in the ledger is another one",
                   fmt::format("run {}, {}: its commit {}, entries, text, bytes or contracts are not those of now",
                               line.run, line.key(), line.git_sha),
                   "leave --resume out: a new run is appended"};
  }
  return ok();
}

// Checkpoints go round innermost, so that an unfinished run has entries that met all of them.
std::vector<PlannedLine> planned_lines(const std::vector<Fixture>& fixtures, const std::vector<std::uint64_t>& seeds) {
  std::vector<PlannedLine> plan;
  for (const Fixture& fixture : fixtures)
    for (std::size_t i = 0; i < seeds.size(); ++i) {
      LeagueLine line;
      line.entry = fixture.entry->name;
      line.division = fixture.division->name;
      line.seed = seeds[i];
      plan.push_back({&fixture, i, line.key()});
    }
  return plan;
}

// What the numbers of all lines depend on; what entries and divisions are is part of the program.
Dependencies common_dependencies(const LeagueLine& shared) {
  return {{"commit", shared.git_sha},
          {"text", shared.text_digest},
          {"evaluated bytes", std::to_string(shared.eval_bytes)},
          {"contracts", shared.contracts}};
}

std::map<std::string, Dependencies> dependencies_of(const League& league) {
  std::map<std::string, Dependencies> all;
  for (const PlannedLine& line : league.plan) {
    Dependencies& on = all[line.key] = common_dependencies(league.shared);
    on["checkpoint"] = league.checkpoints[line.checkpoint].digest;
  }
  return all;
}

// All that the lines depend on, and which they are.
Agreement agreement_of(const League& league, const std::string& program) {
  Sha256 keys;
  for (const PlannedLine& line : league.plan) keys.update(line.key + "\n");
  Agreement all{{"the program", program}, {"the plan (entries, divisions, seeds)", keys.hex()}};
  for (const auto& [name, value] : common_dependencies(league.shared)) all.emplace_back("the " + name, value);
  for (std::size_t i = 0; i < league.checkpoints.size(); ++i)
    all.emplace_back(checkpoint_name(league.options.seeds[i]), league.checkpoints[i].digest);
  return all;
}

// Makes lines on this rank; a checkpoint is set up with the first line on it.
class LineMaker {
 public:
  // `lines`: how many will be made, as far as this rank knows; for the progress.
  LineMaker(League& league, std::size_t lines, const Progress& progress)
      : league_(league),
        windows_(static_cast<double>(league.options.eval_bytes / calibration_window)),
        work_{progress, windows_ * static_cast<double>(lines) + set_ups()},
        boards_(league.checkpoints.size()) {}

  // The text of the line, as records have it: it names no run.
  Expected<ItemBytes> made(const PlannedLine& planned) {
    std::optional<LeagueBoard>& board = boards_[planned.checkpoint];
    if (!board) {
      const auto seed = league_.options.seeds[planned.checkpoint];
      auto set_up = set_up_board(seed, league_.checkpoints[planned.checkpoint], league_.shared, league_.corpus,
                                 league_.evaluated, work_);
      if (!set_up) return set_up.error();
      board.emplace(*std::move(set_up));
      work_.add(windows_, fmt::format("seed {}: before quantization", seed));
    }
    const auto line = play(*board, *planned.fixture, league_.options.contracts);
    if (!line) return line.error();
    const auto text = league_line(*line);
    if (!text) return text.error();
    const auto bytes = std::as_bytes(std::span(*text));
    return ItemBytes(bytes.begin(), bytes.end());
  }

  void finished(const std::string& key) { work_.add(windows_, key); }

 private:
  double set_ups() const {
    const double windows = static_cast<double>(league_batches) * calibration_batch + windows_;
    return static_cast<double>(league_.checkpoints.size()) * windows;
  }

  League& league_;
  double windows_;  // of an evaluation
  Work work_;
  std::vector<std::optional<LeagueBoard>> boards_;
};

// The text of a record or of a rank, as a line of this run.
std::optional<LeagueLine> line_of(const std::string& text, const std::string& key, const std::string& run,
                                  std::size_t lines) {
  auto line = parse_league_line(text, "a finished line");
  if (!line || line->key() != key) return std::nullopt;
  line->run = run;
  line->lines = static_cast<std::int64_t>(lines);
  return *std::move(line);
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// On rank 0: every line that the run of this id lacks, in order, taken from the state or made by whoever is free.
Status play_all(League& league, const std::set<std::string>& missing, const std::string& run, const KeptLines& kept,
                const LeagueListener& listener, Ranks& ranks) {
  const std::vector<PlannedLine>& plan = league.plan;
  std::vector<std::optional<LeagueLine>> taken;
  std::vector<bool> there;
  std::vector<double> costs;
  for (const PlannedLine& planned : plan) {
    const ModelConfig& config = league.checkpoints[planned.checkpoint].model.config();
    const auto cost = league_cost(*planned.fixture, config, league.options.eval_bytes);
    if (!cost) return cost.error();
    costs.push_back(*cost);
    const auto read = [&](const std::string& text) { return line_of(text, planned.key, run, plan.size()); };
    taken.push_back(missing.contains(planned.key) ? kept.take(planned.key, read) : std::nullopt);
    there.push_back(!missing.contains(planned.key) || taken.back());
  }
  LineMaker maker(league, static_cast<std::size_t>(std::ranges::count(there, false)), listener.progress);
  // A rank alone makes the line that comes next, so that each is heard of as soon as it is finished.
  const auto size = static_cast<std::size_t>(ranks.size());
  SharedItems items(
      ranks, std::move(costs), Window{size == 1 ? 1 : lines_ahead * size}, there,
      [&](std::size_t item) { return maker.made(plan[item]); },
      [&](std::size_t item, std::span<const std::byte> bytes) { return kept.keep(plan[item].key, text_of(bytes)); });
  for (std::size_t item = 0; item < plan.size(); ++item) {
    const std::string& key = plan[item].key;
    if (!missing.contains(key)) continue;
    std::optional<LeagueLine> line = std::move(taken[item]);
    if (!line) {
      const Expected<ItemBytes> bytes = items.take(item);
      if (!bytes) return bytes.error();
      line = line_of(text_of(*bytes), key, run, plan.size());
      if (!line)
        return Error{Exit::internal, error_number::unexpected_exception, "a rank sent something else than a line", key,
                     "report this as a bug"};
    }
    if (auto heard = listener.finished(*line); !heard) return heard;
    if (!there[item]) maker.finished(key);
  }
  return ok();
}

LeagueLine shared_line(const LeagueOptions& options, const Corpus& corpus, std::size_t lines) {
  LeagueLine shared;
  shared.lines = static_cast<std::int64_t>(lines);
  shared.git_sha = options.git_sha;
  shared.text_digest = corpus.digest;
  shared.eval_bytes = static_cast<std::int64_t>(options.eval_bytes);
  shared.batches = league_batches;
  shared.contracts = contracts::to_string(options.contracts);
  return shared;
}

}  // namespace

Expected<std::vector<Fixture>> fixtures_of(const LeagueOptions& options) {
  auto seeds = options.seeds;
  std::ranges::sort(seeds);
  if (seeds.empty() || std::ranges::adjacent_find(seeds) != seeds.end())
    return invalid("the seeds must be one or more different numbers", "no seeds, or one twice");
  if (options.eval_bytes <= calibration_window)
    return invalid("too little text to evaluate",
                   fmt::format("{} bytes, at least {}", options.eval_bytes, calibration_window + 1));
  for (const std::string& name : options.divisions)
    if (std::ranges::find(divisions(), name, &Division::name) == divisions().end())
      return invalid("the league has no such division", fmt::format("'{}': 2, 3, 4, 6 or gf16", name));
  const auto pattern = Pattern::compile(options.pattern, "--entries:");
  if (!pattern) return pattern.error();
  std::vector<Fixture> fixtures;
  for (const Division& division : divisions()) {
    if (!options.divisions.empty() && std::ranges::find(options.divisions, division.name) == options.divisions.end())
      continue;
    for (const LeagueEntry& entry : league_entries())
      if (std::ranges::find(entry.plays_in, division.name) != entry.plays_in.end() &&
          pattern->finds(std::string(entry.name)))
        fixtures.push_back({&entry, &division});
  }
  if (fixtures.empty())
    return invalid("nothing plays", fmt::format("no entry of these divisions is '{}'", options.pattern));
  return fixtures;
}

Expected<std::string> league_ledger(const LeagueOptions& options, const std::optional<std::string>& output,
                                    const std::string& canonical) {
  const std::string path = output.value_or(canonical);
  if (!is_whole_league(options) && (!output || same_file(path, canonical) || path == canonical))
    return Error{Exit::usage, error_number::set_not_canonical, "a part of the league never goes into its ledger",
                 output ? path : "entries, divisions, seeds or evaluated bytes are not all, and there is no --output",
                 fmt::format("give --output FILE, another than {}", canonical)};
  const auto present = read_ledger(path, LedgerForm::json_lines);
  if (!present) return present.error();
  if (const auto lines = league_lines(*present, path); !lines) return lines.error();
  return path;
}

Status run_league(const LeagueOptions& options, const std::vector<LeagueLine>& begun, const LeagueListener& listener,
                  const LineState& state, Ranks* several) {
  OneRank alone;
  Ranks& ranks = several ? *several : alone;
  const auto fixtures = fixtures_of(options);
  if (!fixtures) return fixtures.error();
  const auto corpus = load_corpus(options.text);
  if (!corpus) return corpus.error();
  const auto evaluated = evaluated_text(*corpus, options.text, options.eval_bytes);
  if (!evaluated) return evaluated.error();

  League league{options, *corpus, *evaluated, planned_lines(*fixtures, options.seeds), {}, {}};
  league.shared = shared_line(options, *corpus, league.plan.size());
  std::set<std::string> missing;
  for (const PlannedLine& planned : league.plan) missing.insert(planned.key);
  if (auto same = check_begun(begun, league.shared, missing); !same) return same;
  for (const LeagueLine& line : begun) missing.erase(line.key());

  for (const auto seed : options.seeds) {
    auto checkpoint = load_checkpoint(options.models, seed, *corpus, options.text);
    if (!checkpoint) return checkpoint.error();
    if (checkpoint->note && listener.note) listener.note(*checkpoint->note);
    league.checkpoints.push_back(*std::move(checkpoint));
  }
  if (const Status same = agree(ranks, agreement_of(league, state.program)); !same) return same;
  if (ranks.rank() > 0) {
    LineMaker maker(league, 0, listener.progress);
    make_shared_items(ranks, [&](std::size_t item) { return maker.made(league.plan[item]); });
    return ok();
  }
  const auto kept = KeptLines::open(state, dependencies_of(league));
  if (!kept) return kept.error();
  return play_all(league, missing, begun.empty() ? kept->run() : begun.front().run, *kept, listener, ranks);
}

}  // namespace hallmark
