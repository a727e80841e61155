#include "study/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "base/error_numbers.hpp"
#include "io/file.hpp"
#include "measure/provenance.hpp"
#include "pipeline/pattern.hpp"
#include "replay/calibration.hpp"

namespace hallmark {
namespace {

Error invalid_study(const char* what, const std::string& where) {
  return {Exit::usage, error_number::set_invalid, what, where, "see `hallmark study --help`"};
}

Expected<std::vector<std::string>> arms_of(const StudyOptions& options, const Study& study) {
  const auto pattern = Pattern::compile(options.pattern, "--arms:");
  if (!pattern) return pattern.error();
  std::vector<std::string> arms = study.arms();
  std::erase_if(arms, [&](const std::string& arm) { return !pattern->finds(arm); });
  if (arms.empty()) return invalid_study("nothing is measured", fmt::format("no arm is '{}'", options.pattern));
  return arms;
}

std::string names_of_studies() {
  std::string names;
  for (const Study* study : studies()) names += fmt::format("{}{}", names.empty() ? "" : ", ", study->name);
  return names;
}

Expected<const Study*> asked_study(const StudyOptions& options) {
  const Study* const study = find_study(options.study);
  if (study == nullptr)
    return invalid_study("there is no such study", fmt::format("'{}': {}", options.study, names_of_studies()));
  auto seeds = options.seeds;
  std::ranges::sort(seeds);
  if (seeds.empty() || std::ranges::adjacent_find(seeds) != seeds.end())
    return invalid_study("the seeds must be one or more different numbers", "no seeds, or one twice");
  if (options.eval_bytes != 0 && options.eval_bytes <= calibration_window)
    return invalid_study("too little text to evaluate",
                         fmt::format("{} bytes, at least {}", options.eval_bytes, calibration_window + 1));
  return study;
}

// The checkpoints of a run: one of each seed, which its lines speak of, and where arms have their own those of each
// arm.
class Checkpoints {
 public:
  static Expected<Checkpoints> load(const StudyOptions& options, const Study& study,
                                    const std::vector<std::string>& arms, const Corpus& corpus) {
    Checkpoints made;
    const auto folder = [&](const std::string& arm) {
      return study.folder == nullptr ? options.models : fmt::format("{}/{}", options.models, study.folder(arm));
    };
    for (const auto seed : options.seeds) {
      auto shared = load_checkpoint(folder(study.arms().front()), seed, corpus, options.text);
      if (!shared) return shared.error();
      made.shared_.push_back(*std::move(shared));
      for (const std::string& arm : arms) {
        if (study.folder == nullptr) break;
        auto own = load_checkpoint(folder(arm), seed, corpus, options.text);
        if (!own) return own.error();
        made.own_.emplace(std::pair(made.shared_.size() - 1, arm), *std::move(own));
      }
    }
    return made;
  }

  const std::vector<Checkpoint>& shared() const { return shared_; }
  const Checkpoint& of(std::size_t seed, const std::string& arm) const {
    const auto own = own_.find({seed, arm});
    return own == own_.end() ? shared_[seed] : own->second;
  }

 private:
  std::vector<Checkpoint> shared_;                                 // [seed]
  std::map<std::pair<std::size_t, std::string>, Checkpoint> own_;  // [seed, arm]
};

// A run as it is measured: what its lines share, and where they are kept.
struct Measuring {
  const StudyOptions& options;
  const Study& study;
  const Corpus& corpus;
  std::span<const std::byte> evaluated;
  const KeptLines& kept;
  StudyLine shared;

  StudyLine line_for(const std::string& arm, std::uint64_t seed, const std::string& checkpoint) const {
    StudyLine line = shared;
    line.arm = arm;
    line.seed = seed;
    line.checkpoint_digest = checkpoint;
    return line;
  }

  std::optional<StudyLine> taken(const StudyLine& wanted) const {
    auto line = kept.take(wanted.key(), [&](const std::string& text) -> std::optional<StudyLine> {
      auto read = parse_study_line(text, "the state");
      return read && read->key() == wanted.key() ? std::optional(*std::move(read)) : std::nullopt;
    });
    if (!line) return std::nullopt;
    line->run = shared.run;
    line->lines = shared.lines;
    return line;
  }

  Expected<StudyBoard> board_of(std::uint64_t seed, const Checkpoint& checkpoint) const {
    return study_board(seed, checkpoint.model, corpus, evaluated);
  }

  Expected<StudyLine> measure(const StudyBoard& shared_board, const Checkpoint& checkpoint, StudyLine line) const {
    const std::clock_t start = std::clock();
    line.bpb_float = shared_board.bpb_float;
    std::optional<StudyBoard> own;
    if (checkpoint.digest != line.checkpoint_digest) {
      auto made = board_of(line.seed, checkpoint);
      if (!made) return made.error();
      own.emplace(*std::move(made));
    }
    Bench bench(own ? *own : shared_board, options.contracts, line);
    auto figures = study.measure(bench, line.arm);
    if (!figures) return figures.error();
    line.figures = *std::move(figures);
    line.seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    line.timestamp = timestamp_now();
    const auto text = study_line(line);
    if (!text) return text.error();
    if (const Status durable = kept.keep(line.key(), *text); !durable) return durable.error();
    return line;
  }
};

// Every line, taken or measured. Only checkpoints that something is measured on are set up.
Status measure_all(const Measuring& work, const std::vector<std::string>& arms, const Checkpoints& checkpoints,
                   Work& progress, std::vector<StudyLine>& lines) {
  for (std::size_t i = 0; i < work.options.seeds.size(); ++i) {
    const std::uint64_t seed = work.options.seeds[i];
    const Checkpoint& shared = checkpoints.shared()[i];
    std::optional<StudyBoard> board;
    for (const std::string& arm : arms) {
      const StudyLine wanted = work.line_for(arm, seed, shared.digest);
      if (auto taken = work.taken(wanted)) {
        lines.push_back(*std::move(taken));
        progress.add(1, wanted.key());
        continue;
      }
      if (!board) {
        progress.add(0, fmt::format("seed {}: activations", seed));
        auto made = work.board_of(seed, shared);
        if (!made) return made.error();
        board.emplace(*std::move(made));
      }
      progress.add(0, wanted.key());
      auto line = work.measure(*board, checkpoints.of(i, arm), wanted);
      if (!line) return line.error();
      lines.push_back(*std::move(line));
      progress.add(1, wanted.key());
    }
  }
  return ok();
}

// All that the figures of a line depend on; what study and arms are is part of the program.
std::map<std::string, Dependencies> dependencies_of(const StudyOptions& options, StudyLine line,
                                                    const std::vector<std::string>& arms,
                                                    const Checkpoints& checkpoints) {
  std::map<std::string, Dependencies> all;
  for (std::size_t i = 0; i < options.seeds.size(); ++i)
    for (const std::string& arm : arms) {
      line.arm = arm;
      line.seed = options.seeds[i];
      all[line.key()] = {{"commit", line.git_sha},
                         {"text", line.text_digest},
                         {"evaluated bytes", std::to_string(line.eval_bytes)},
                         {"contracts", line.contracts},
                         {"checkpoint", checkpoints.shared()[i].digest},
                         {"checkpoint of the arm", checkpoints.of(i, arm).digest}};
    }
  return all;
}

}  // namespace

Expected<StudyRun> run_study(const StudyOptions& options, const Progress& progress, const LineState& state) {
  const auto study = asked_study(options);
  if (!study) return study.error();
  const auto arms = arms_of(options, **study);
  if (!arms) return arms.error();
  const auto corpus = load_corpus(options.text);
  if (!corpus) return corpus.error();
  const std::size_t bytes = options.eval_bytes != 0 ? options.eval_bytes : (*study)->bytes;
  const auto evaluated = evaluated_text(*corpus, options.text, bytes);
  if (!evaluated) return evaluated.error();
  StudyRun done;
  const auto checkpoints = Checkpoints::load(options, **study, *arms, *corpus);
  if (!checkpoints) return checkpoints.error();
  for (const Checkpoint& checkpoint : checkpoints->shared())
    if (checkpoint.note) done.notes.push_back(*checkpoint.note);

  StudyLine shared;
  shared.lines = static_cast<std::int64_t>(arms->size() * options.seeds.size());
  shared.study = options.study;
  shared.git_sha = options.git_sha;
  shared.text_digest = corpus->digest;
  shared.eval_bytes = static_cast<std::int64_t>(bytes);
  shared.contracts = contracts::to_string(options.contracts);
  const auto kept = KeptLines::open(state, dependencies_of(options, shared, *arms, *checkpoints));
  if (!kept) return kept.error();
  shared.run = done.run = kept->run();
  const Measuring work{options, **study, *corpus, *evaluated, *kept, shared};
  Work bar{progress, static_cast<double>(shared.lines)};
  if (const Status all = measure_all(work, *arms, *checkpoints, bar, done.lines); !all) return all.error();
  for (const StudyLine& line : done.lines) {
    auto text = study_line(line);
    if (!text) return text.error();
    done.texts.push_back(*std::move(text));
  }
  return done;
}

Expected<std::string> study_ledger(const StudyOptions& options, const std::optional<std::string>& output,
                                   const std::string& canonical) {
  const auto study = asked_study(options);
  if (!study) return study.error();
  const std::string path = output.value_or(canonical);
  const bool whole = options.pattern.empty() && std::ranges::equal(options.seeds, canonical_seeds) &&
                     (options.eval_bytes == 0 || options.eval_bytes == (*study)->bytes);
  if (!whole && (!output || same_file(path, canonical) || path == canonical))
    return Error{Exit::usage, error_number::set_not_canonical, "a part of a study never goes into the studies' ledger",
                 output ? path : "arms, seeds or evaluated bytes are not all, and there is no --output",
                 fmt::format("give --output FILE, another than {}", canonical)};
  const auto present = read_ledger(path, LedgerForm::json_lines);
  if (!present) return present.error();
  if (const auto lines = study_lines(*present, path); !lines) return lines.error();
  return path;
}

}  // namespace hallmark
