// The table of options says what each takes, and words, files and the library hold to it.
#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "format/grid_family.hpp"
#include "method/method.hpp"
#include "method/options_json.hpp"

namespace options_test {

using namespace hallmark;

namespace {

// Calls visit with every option and its value by itself.
template <class Visit>
void for_each_option(const Visit& visit) {
  Options options{*Grid::parse("int4")};
  visit_options(options, visit);
}

std::string help_of(std::string_view name) {
  std::string help;
  for_each_option([&](const OptionInfo& info, const auto&) {
    if (info.name == name) help = option_help(info);
  });
  return help;
}

bool mentions(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the ends of a number's range are the same for words, files and the library") {
  int numbers = 0;
  Options options{*Grid::parse("int4")};
  visit_options(options, [&]<class T>(const OptionInfo& info, T& value) {
    if constexpr (std::is_same_v<T, Index> || std::is_same_v<T, double>) {
      ++numbers;
      const T usual = value;
      const auto takes = [&](double number, bool taken) {
        CAPTURE(info.name);
        CAPTURE(number);
        value = static_cast<T>(number);
        const Status by_library = check_ranges(options);
        T read = usual;
        const Status by_word = set_option(info, option_text(value), read);
        CHECK(bool(by_library) == taken);
        CHECK(bool(by_word) == taken);
        CHECK(read == (taken ? value : usual));
        if (!taken) {
          CHECK(!options_of_json(options_json(options)));
          REQUIRE(!by_library);
          REQUIRE(!by_word);
          CHECK(by_word.error().number == 227);
          CHECK(by_word.error().where.starts_with(std::string(info.name) + " is '"));
          CHECK(to_string(by_library.error()) == to_string(by_word.error()));
        }
        value = usual;
      };
      const bool whole = std::is_same_v<T, Index>;
      const OptionRange& range = info.range;
      const double step = whole ? 1 : 0x1p-20;
      takes(range.least, true);
      takes(range.least - step, false);
      takes(range.last, !range.open);
      takes(range.open ? range.last - step : range.last + step, range.open);
      if (!whole)
        for (const double none : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
          takes(none, false);
      REQUIRE(options_of_json(options_json(options)));
    }
  });
  CHECK(numbers > 8);
}

TEST_CASE("an option takes the words of its line and no other, and its help and the refusal list them") {
  int lists = 0;
  for_each_option([&]<class T>(const OptionInfo& info, T& value) {
    if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, ScaleStorage>) {
      CAPTURE(info.name);
      const Status other = set_option(info, "another", value);
      REQUIRE(!other);
      lists += !info.words.empty();
      for (const std::string_view word : info.words) {
        CAPTURE(word);
        CHECK(set_option(info, word, value));
        CHECK(option_text(value) == word);
        CHECK(mentions(option_help(info), word));
        CHECK(mentions(to_string(other.error()), word));
      }
    }
  });
  CHECK(lists > 6);
}

TEST_CASE("every default is a value of its option") {
  for_each_option([](const OptionInfo& info, auto& value) {
    CAPTURE(info.name);
    const std::string text = option_text(value);
    CHECK(set_option(info, text, value));
    CHECK(option_text(value) == text);
  });
}

TEST_CASE("an option by its name is that of the table") {
  Options options{*Grid::parse("int4")};
  CHECK(set_option(options, "group_size", "32"));
  CHECK(options.group_size == 32);
  CHECK(set_option(options, "guard", "false"));
  CHECK(!options.guard);
  for (const char* name : {"", "group-size", "gird"}) {
    const Status status = set_option(options, name, "32");
    REQUIRE(!status);
    CHECK(status.error().number == 227);
  }
}

TEST_CASE("help names every grid, method and scale rule that is registered") {
  for (const GridFamily* family : grid_families()) CHECK(mentions(help_of("grid"), family->names));
  for (const Method* method : methods()) CHECK(mentions(help_of("method"), method->name));
  for (const ScaleRule* rule : scale_rules()) CHECK(mentions(help_of("scale_rule"), rule->name));
  CHECK(mentions(help_of("effort"), "1 to 5"));
  CHECK(mentions(help_of("rate"), "at least 0, below 1"));
  CHECK(help_of("sweeps").ends_with("at most"));
}

TEST_CASE("what methods read alone is in the table, and nothing else reads it") {
  for (const Method* method : methods())
    for (const std::string_view option : method->options) {
      if (option.empty()) continue;
      CAPTURE(option);
      CHECK(!help_of(option).empty());
      Options options{*Grid::parse("int4"), "rtn"};
      CHECK(mentions(missing_reader(options, option), method->name));
      options.method = method->name;
      CHECK(missing_reader(options, option).empty());
    }
}

}  // namespace options_test
