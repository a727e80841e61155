// The league by several ranks, here threads: the lines of one process in its order, whoever made them.
#include <doctest/doctest.h>

#include <functional>
#include <set>

#include "../ranks/threads_as_ranks.hpp"
#include "base/error_numbers.hpp"
#include "tiny_league.hpp"

namespace league_ranks_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

// A rank 0 whose items are listed as it hands them out.
class Watched final : public Ranks {
 public:
  Watched(Ranks& of, std::vector<std::uint64_t>& handed) : of_(of), handed_(handed) {}
  int rank() const override { return of_.rank(); }
  int size() const override { return of_.size(); }
  void send(int to, RankWord word, std::uint64_t item, std::span<const std::byte> bytes) override {
    if (word == RankWord::make) handed_.push_back(item);
    of_.send(to, word, item, bytes);
  }
  std::optional<RankMessage> receive(std::chrono::milliseconds wait) override { return of_.receive(wait); }
  void abort(int code) override { of_.abort(code); }

 private:
  Ranks& of_;
  std::vector<std::uint64_t>& handed_;
};

struct Played {
  std::vector<LeagueLine> lines;
  std::vector<std::uint64_t> handed;  // to other ranks than 0
  int taken = 0;
};

Played played_by(std::size_t size, const LeagueOptions& options, const std::vector<LeagueLine>& begun = {},
                 const State* state = nullptr) {
  Played out;
  together(
      size,
      [&](Ranks& ranks) {
        Watched watched(ranks, out.handed);
        const LeagueListener listener{{}, [&](const LeagueLine& line) { return out.lines.push_back(line), ok(); }, {}};
        const LineState kept{state, "p", [&](auto&, const std::string& why_not) { out.taken += why_not.empty(); }};
        CHECK(run_league(options, begun, listener, kept, &watched));
      },
      [&](Ranks& ranks) {
        CHECK(run_league(options, {}, {}, {nullptr, "p"}, &ranks));
      });
  for (const LeagueLine& line : out.lines) CHECK(line.run == out.lines[0].run);
  return out;
}

std::vector<std::string> texts(const std::vector<LeagueLine>& lines) {
  std::vector<std::string> texts;
  for (const LeagueLine& line : lines) texts.push_back(comparable(line));
  return texts;
}

}  // namespace

TEST_CASE("any number of ranks gives the lines of one process in its order, and goes on where others ended") {
  const TinyExperiment experiment;
  LeagueOptions options = options_of(experiment);
  options.pattern = "^(rtn|gptq)$";
  options.seeds = {89, 47};
  const std::vector<LeagueLine> lines = played_by(1, options).lines;
  REQUIRE(lines.size() == 4);
  CHECK(lines[1].key() == "rtn, division 3, seed 47");
  const Played all = played_by(3, options);
  CHECK(texts(all.lines) == texts(lines));
  CHECK_FALSE(all.handed.empty());
  const Played rest = played_by(2, options, {lines[0], lines[2]});
  CHECK(texts(rest.lines) == texts({lines[1], lines[3]}));
  CHECK(rest.lines[0].run == lines[0].run);
  CHECK(played_by(2, options, lines).lines.empty());
}

TEST_CASE("two ranks take what three have kept") {
  const TinyExperiment experiment;
  LeagueOptions options = options_of(experiment), part = options;
  part.pattern = "^gptq($| lloyd, emb)";
  const std::vector<LeagueLine> lines = played_by(1, options).lines;
  std::string run;
  {
    const State state = State::open(experiment / "s", "league", false).value();
    run = played_by(3, part, {}, &state).lines[0].run;
  }
  const State state = State::open(experiment / "s", "league", true).value();
  const Played again = played_by(2, part, {}, &state);
  CHECK(again.taken == 2);
  CHECK(again.handed.empty());
  CHECK(again.lines[0].run == run);
  const Played more = played_by(2, options, {}, &state);
  CHECK(more.taken == 2);
  CHECK(texts(more.lines) == texts(lines));
  CHECK(more.lines[0].run != run);  // a run of other lines
}

TEST_CASE("several ranks begin with the lines that take longest, one with the line that comes next") {
  const TinyExperiment experiment;
  LeagueOptions options = options_of(experiment);
  options.pattern = "^(gptq|gptq lloyd|rate-distortion all codes, beam 8|best lloyd, rotated, effort 5)$";
  const Played played = played_by(2, options);
  REQUIRE(played.lines.size() == 4);
  CHECK(played.lines[2].entry == "rate-distortion all codes, beam 8");
  REQUIRE_FALSE(played.handed.empty());
  CHECK(played.handed[0] >= 2);
  const State state = State::open(experiment / "s", "league", false).value();
  std::vector<bool> kept;  // the third, when each is heard of
  const LeagueListener listener{
      {}, [&](const LeagueLine&) { return kept.push_back(state.has(played.lines[2].key())), ok(); }, {}};
  CHECK(run_league(options, {}, listener, {&state, "p"}));
  CHECK(kept == std::vector{false, false, true, true});
  const auto cost = [](std::string_view entry) {
    return league_cost({&entry_named(entry), &divisions()[0]}, tiny_config(), 10 * calibration_window).value();
  };
  CHECK(cost("best lloyd, rotated, asymmetric, effort 5") > cost("best lloyd, rotated, asymmetric"));
  CHECK(cost("best lloyd, rotated, asymmetric") > 10 + 9 * 512);  // windows, of ten sites
  CHECK(cost("best lloyd, rotated, effort 5") > cost("best lloyd, rotated"));
  CHECK(cost("rate-distortion all codes, beam 8") > cost("rate-distortion all codes"));
  CHECK(cost("rate-distortion all codes, beam 8") < 10 + 512);
}

TEST_CASE("a rank that sees another text, checkpoint, set of lines, policy, commit or program is named") {
  const TinyExperiment experiment, other;
  LeagueOptions options = options_of(experiment);
  options.pattern = "^rtn$";
  write_file(other.text() + "/5.txt", "another text");
  REQUIRE(write_model(other / checkpoint_name(47), true, tiny_config(), zero_weights(tiny_config()),
                      {{"hallmark.seed", "47"}}));
  const auto told = [&](const std::function<void(LeagueOptions&)>& change, const std::string& program = "p") {
    LeagueOptions changed = options;
    change(changed);
    std::string where;
    together(
        3,
        [&](Ranks& ranks) {
          const LeagueListener listener{{}, [](const LeagueLine&) { return ok(); }, {}};
          const Status status = run_league(options, {}, listener, {nullptr, "p"}, &ranks);
          CHECK_FALSE(status);
          if (!status) CHECK(status.error().number == error_number::ranks_differ);
          if (!status) where = status.error().where;
          for (int rank = 1; rank < ranks.size(); ++rank) {
            ranks.send(rank, RankWord::agreed, 0, {});
            ranks.send(rank, RankWord::none, 0, {});
          }
        },
        [&](Ranks& ranks) {
          const bool differs = ranks.rank() == 2;
          CHECK(run_league(differs ? changed : options, {}, {}, {nullptr, differs ? program : "p"}, &ranks));
        });
    return where;
  };
  CHECK(told([](auto&) {}, "q") == "rank 2: the program is q, on rank 0 p");
  CHECK(told([](auto& o) { o.contracts = contracts::Policy::off; }) == "rank 2: the contracts is off, on rank 0 on");
  CHECK(told([](auto& o) { o.git_sha = "def"; }) == "rank 2: the commit is def, on rank 0 abc");
  CHECK(told([](auto& o) { o.eval_bytes = 1281; }) == "rank 2: the evaluated bytes is 1281, on rank 0 1025");
  CHECK(told([](auto& o) { o.pattern = "^gptq$"; }).starts_with("rank 2: the plan (entries, divisions, seeds) is "));
  CHECK(told([](auto& o) { o.seeds = {89}; }).starts_with("rank 2: the plan (entries, divisions, seeds) is "));
  CHECK(told([&](auto& o) { o.text = other.text(); }).starts_with("rank 2: the text is "));
  CHECK(told([&](auto& o) { o.models = other.models(); }).starts_with("rank 2: seed-47.safetensors is "));
}

}  // namespace league_ranks_test
