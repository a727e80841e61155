#include "league/entries.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "league/run.hpp"

namespace entries_test {

using namespace hallmark;

TEST_CASE("names are unique, and every entry resolves in every division that it plays in") {
  std::set<std::string_view> names, known;
  for (const Division& division : divisions()) CHECK(known.insert(division.name).second);
  for (const LeagueEntry& entry : league_entries()) {
    CAPTURE(entry.name);
    CHECK(names.insert(entry.name).second);
    CHECK_FALSE(entry.plays_in.empty());
    CHECK(std::ranges::count(entry.options, "grid", &std::pair<std::string_view, std::string_view>::first) == 1);
    for (const std::string_view name : entry.plays_in) {
      CAPTURE(name);
      const auto division = std::ranges::find(divisions(), name, &Division::name);
      REQUIRE(division != divisions().end());
      auto rules = rules_of(entry, *division);
      REQUIRE(rules);
      for (const std::string tensor : {"blocks.0.mlp.fc.weight", "tok_emb.weight"}) {
        CAPTURE(tensor);
        const auto resolved = rules->resolve(tensor);
        REQUIRE(resolved);
        // Every word is an option, and says what it says; a name that no option has would be ignored.
        std::set<std::string_view> options;
        visit_options(resolved->options, [&](const OptionInfo& info, const auto& value) {
          options.insert(info.name);
          for (const auto& [option, word] : entry.options)
            if (option == info.name && option != "grid") CHECK(option_text(value) == word);
        });
        for (const auto& [option, word] : entry.options) CHECK(options.contains(option));
        const bool apart = tensor == embedding_weight && !entry.embedding.empty();
        const GridSpec& grid = resolved->options.grid.spec();
        if (apart) CHECK(grid.name == entry.embedding);
        else CHECK(std::to_string(grid.bits) == (name == "gf16" ? "16" : name));
      }
    }
  }
  CHECK(names.size() > 10);
}

TEST_CASE("the yardsticks are what the page says: absmax, 2^B - 1 levels, one scale for each row") {
  for (const Division& division : divisions())
    for (const std::string_view name : {division.baseline, division.plain}) {
      CAPTURE(name);
      const LeagueEntry& entry = entry_named(name);
      CHECK(std::ranges::find(entry.plays_in, division.name) != entry.plays_in.end());
      const Options options = rules_of(entry, division).value().resolve("w").value().options;
      CHECK(options.method == (name == division.baseline ? "rtn" : "gptq"));
      CHECK(options.group_size == 0);
      CHECK_FALSE(options.desc_act);
      CHECK(options.guard);
      if (division.name == "gf16") continue;
      CHECK(options.scale_rule == "absmax");
      const GridSpec& grid = options.grid.spec();
      CHECK(grid.kind == GridSpec::Kind::integer);
      CHECK(grid.first == -grid.last);
      CHECK(grid.last - grid.first + 1 == (1 << std::stoi(std::string(division.name))) - 1);
    }
}

TEST_CASE("a pattern, divisions and seeds choose what plays") {
  LeagueOptions options;
  const std::size_t all = fixtures_of(options).value().size();
  std::size_t expected = 0;
  for (const LeagueEntry& entry : league_entries()) expected += entry.plays_in.size();
  CHECK(all == expected);
  options.pattern = "^gptq$";
  options.divisions = {"3", "4"};
  const auto two = fixtures_of(options).value();
  REQUIRE(two.size() == 2);
  CHECK(two[0].division->name == "4");
  CHECK(two[1].entry->name == "gptq");

  const auto number = [](auto change) {
    LeagueOptions changed;
    change(changed);
    const auto fixtures = fixtures_of(changed);
    return fixtures ? 0 : fixtures.error().number;
  };
  CHECK(number([](LeagueOptions& o) { o.pattern = "no such entry"; }) == 226);
  CHECK(number([](LeagueOptions& o) { o.pattern = "("; }) == 210);
  CHECK(number([](LeagueOptions& o) { o.divisions = {"5"}; }) == 226);
  CHECK(number([](LeagueOptions& o) { o.seeds = {}; }) == 226);
  CHECK(number([](LeagueOptions& o) { o.seeds = {47, 47}; }) == 226);
  CHECK(number([](LeagueOptions& o) { o.eval_bytes = 256; }) == 226);
}

}  // namespace entries_test
