// hallmark learn-tables: a configuration in which every matrix has a table of points of its own.
#include <fmt/format.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "artifact/rotation_signs.hpp"
#include "base/error_numbers.hpp"
#include "base/threads.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/ranges.hpp"
#include "io/file.hpp"
#include "method/learned_table.hpp"
#include "pipeline/quantize_planned.hpp"
#include "pipeline/rules.hpp"

namespace hallmark::cli {
namespace {

struct LearnTablesFlags {
  std::string weights, calibration, config, output;
  Index rounds = 3;
  int threads = 0;
  bool overwrite = false;
};

// Why this matrix keeps its grid; none where it learns a table.
std::optional<std::string> obstacle_of(const PlannedMatrix& planned) {
  if (!planned.uses_gram() || !planned.calibration) return "no calibration";
  if (planned.matrix.index) return "one of a stack, whose matrices share their rules";
  return learning_obstacle(planned.matrix.options);
}

Expected<LearnedTable> learned_for(const PlannedMatrix& planned, const CalibrationFile& calibration, Index rounds) {
  const Expected<LoadedMatrix> loaded = load_matrix(planned, &calibration, contracts::Policy::off);
  if (!loaded) return loaded.error();
  const MatrixRef<float> W = loaded->W.view();
  const MatrixRef<double> G = loaded->G->view();
  Layer layer{planned.name(), W, &G, static_cast<Index>(planned.calibration->tokens)};
  const std::vector<float> signs = rotation_signs(planned.matrix.options, planned.name(), W.cols());
  layer.signs = signs;
  return learn_table(layer, planned.matrix.options, rounds);
}

// The rules as they were, without grids that no matrix has any more, and behind them one for each table.
nlohmann::ordered_json rules_with(const RuleSet& rules, const std::set<std::size_t>& grids_in_use,
                                  const std::map<std::string, std::vector<float>>& tables) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (std::size_t k = 0; k < rules.rules().size(); ++k) {
    const Rule& rule = rules.rules()[k];
    nlohmann::ordered_json item{{"match", rule.match}};
    for (const auto& [name, word] : rule.settings)
      if (name != "grid" || grids_in_use.contains(k)) item[name] = word;
    const auto flag = [&](const char* name, const std::optional<bool>& says) {
      if (says) item[name] = *says;
    };
    flag("skip", rule.skip), flag("rtn", rule.rtn), flag("transposed", rule.transposed);
    if (item.size() > 1) list.push_back(std::move(item));
  }
  for (const auto& [tensor, points] : tables)
    list.push_back({{"match", pattern_of(tensor)}, {"grid", table_name(points)}});
  return {{"rules", std::move(list)}};
}

Expected<Exit> run(const LearnTablesFlags& flags) {
  if (const Status free = check_output(flags.output, flags.overwrite, {flags.weights, flags.calibration, flags.config});
      !free)
    return free.error();
  Expected<std::vector<Rule>> read = read_rules(flags.config);
  if (!read) return read.error();
  Expected<RuleSet> rules = RuleSet::make(*std::move(read));
  if (!rules) return rules.error();
  const Expected<SafeTensors> weights = SafeTensors::open(flags.weights);
  if (!weights) return weights.error();
  const Expected<CalibrationFile> calibration = CalibrationFile::open(flags.calibration);
  if (!calibration) return calibration.error();
  const Expected<Plan> plan = make_plan(*weights, &*calibration, *rules, {});
  if (!plan) return plan.error();
  if (const Status fine = check_values(*plan, &*calibration); !fine) return fine.error();
  if (flags.threads > 0)
    if (const auto used = use_threads(flags.threads); !used) return used.error();

  std::map<std::string, std::vector<float>> tables;
  std::set<std::size_t> grids_in_use;
  std::vector<std::string> kept;
  double done = 0;
  {
    Progress progress("learn-tables");
    for (const PlannedMatrix& planned : plan->matrices) {
      progress.update(done, plan->work(), planned.name());
      done += planned.work();
      std::string why = obstacle_of(planned).value_or("");
      if (why.empty()) {
        const Expected<LearnedTable> learned = learned_for(planned, *calibration, flags.rounds);
        if (!learned) return located(fmt::format("{}: tensor '{}'", planned.file, planned.name()), learned.error());
        forget(planned, &*calibration);
        if (learned->rounds > 0) {
          print("{}: {} of {} rounds, loss {:.3g} of that of {}\n", planned.name(), learned->rounds, flags.rounds,
                learned->after / learned->before, planned.matrix.options.grid.name());
          tables.emplace(planned.tensor->name, learned->points);
          continue;
        }
        why = "no fitted points lose less";
      }
      kept.push_back(fmt::format("{}: {}", planned.name(), why));
      const Expected<Resolved> resolved = rules->resolve(planned.tensor->name);
      if (!resolved) return resolved.error();
      if (const auto set = resolved->set_by.find("grid"); set != resolved->set_by.end())
        grids_in_use.insert(set->second);
    }
  }
  for (const std::string& line : kept) note("keeps its grid: {}", line);
  if (tables.empty())
    return Error{Exit::infeasible, error_number::no_table_learned, "no matrix has learned a table",
                 fmt::format("{}: {} matrices keep their grids", flags.weights, kept.size()),
                 "start with a table in --config, lloyd:2 .. lloyd:4 or nf4, and calibration for every matrix"};
  Expected<AtomicFile> file = AtomicFile::create(flags.output, flags.overwrite);
  if (!file) return file.error();
  const std::string text = rules_with(*rules, grids_in_use, tables).dump(1) + "\n";
  if (const Status written = file->write(std::string_view(text)); !written) return written.error();
  if (const Status committed = file->commit(); !committed) return committed.error();
  note("wrote {}: tables of {} matrices, for quantize --config", flags.output, tables.size());
  return Exit::ok;
}

}  // namespace

Command learn_tables_command(CLI::App& root) {
  CLI::App* app = root.add_subcommand(
      "learn-tables", "Learn a table of points for every matrix, and write the configuration that quantizes by them");
  auto f = std::make_shared<LearnTablesFlags>();
  app->add_option("--weights", f->weights, "W: a .safetensors file or model.safetensors.index.json")->required();
  app->add_option("--calibration", f->calibration, "C: NAME.activations or NAME.gram for each weight NAME")->required();
  app->add_option("--config", f->config, "Rules for tensors by name, in JSON, with the table that each begins with")
      ->required();
  app->add_option("--rounds", f->rounds, "Points for the codes and codes for the points, at most so many times")
      ->check(whole_number(1, 100))
      ->capture_default_str();
  app->add_option("--threads", f->threads, "Threads; does not change the result [all cores]")
      ->check(whole_number(1, most_threads));
  app->add_option("-o,--output", f->output, "Configuration to write")->required();
  app->add_flag("--overwrite", f->overwrite, "Replace an existing output");
  return {app, [f] { return run(*f); }};
}

}  // namespace hallmark::cli
