// Every value of a certificate, changed alone: verify refuses it, or says that it does not judge this kind. And what
// is told meanwhile.
#include <omp.h>

#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <nlohmann/json.hpp>
#include <re2/re2.h>

#include "pipeline/verify_files.hpp"
#include "quantized_pair.hpp"

namespace every_field_test {

using namespace hallmark;
using namespace hallmark::test;
using Json = nlohmann::ordered_json;
using Files = hallmark::test::QuantizedPair;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// Other values of the kind: names, digests, digits of exact numbers, real numbers, counts.
std::vector<Json> others(const Json& value) {
  if (value.is_boolean()) return {!value.get<bool>()};
  if (value.is_number_integer()) {
    const auto count = value.get<std::uint64_t>();
    return count == 0 ? std::vector<Json>{1} : std::vector<Json>{count + 1, count - 1};
  }
  if (!value.is_string()) return {};
  std::string text = value;
  if (text.starts_with("0x") && text.find('p') != text.npos) {
    const double x = std::stod(text);
    return {fmt::format("{:a}", 2 * x), fmt::format("{:a}", x / 2), "inf", "0x1p-1000"};
  }
  if (text == "rtn" || text == "codes") return {text == "rtn" ? "codes" : "rtn"};
  if (text == "on") return {"off", "exact"};
  if (text.empty()) return {"x", std::string(64, '0')};
  char& last = text.back();
  last = last == '3' ? '5' : '3';  // odd, as the one text of an exact number is
  return {text};
}

struct Shown {
  bool accepted = false;
  std::set<std::string> unjudged;
};

Shown verify(const Files& made, ExactRows exact) {
  const VerifyRequest request{made.q, made.w, made.c, "", true, false, exact};
  Expected<VerifyInputs> in = VerifyInputs::open(request);
  if (!in) return {};
  const Expected<Findings> found = verify_files(request, *in);
  if (!found || found->mismatch || !check_rest(*in)) return {};
  Shown out{true, {}};
  for (const auto& [is, name] : {std::pair(found->unjudged_contracts, "contracts"),
                                 {found->unjudged_bounds, "bound"},
                                 {found->unjudged_counts, "counts"},
                                 {found->unjudged_exact_losses, "exact"}})
    if (is) out.unjudged.insert(name);
  return out;
}

// The kind that a value belongs to where no file tells it from another; "" where one does.
std::string kind_of(const std::string& path, bool exact) {
  if (path.starts_with("/contracts")) return "contracts";
  if (path == "/clipped" || path == "/guard_rows") return "counts";
  if (path.starts_with("/bound")) return "bound";
  if (path.find("/exact/") != path.npos && !exact) return "exact";
  return "";
}

}  // namespace

TEST_CASE("each value of a certificate that is changed alone is refused, or its kind said not to be judged") {
  const Files made("--bounds --optimality --one-opt --exact --grid int2");
  const std::string good = read_file(made.certificate);
  const std::vector<std::string> lines = lines_of(good);
  for (const bool exact : {false, true}) {
    CAPTURE(exact);
    const ExactRows rows{exact ? 1000 : 0};
    const Shown whole = verify(made, rows);
    REQUIRE(whole.accepted);
    CHECK(whole.unjudged.contains("exact") == !exact);
    std::set<std::string> accepted;
    int changed = 0;
    for (std::size_t n = 0; n < lines.size(); ++n) {
      const bool open = lines[n].ends_with(":["), comma = lines[n].ends_with(',');
      if (lines[n].starts_with("]")) continue;
      const Json object = Json::parse(open ? lines[n] + "]}" : lines[n].substr(0, lines[n].size() - comma));
      const Json flat = object.flatten();
      for (const auto& [path, value] : flat.items())
        for (const Json& other : others(value)) {
          Json forged = object;
          forged[Json::json_pointer(path)] = other;
          std::string line = forged.dump();
          if (open) line.resize(line.size() - 2);
          std::vector<std::string> all = lines;
          all[n] = line + (comma ? "," : "");
          write_file(made.certificate, fmt::format("{}\n", fmt::join(all, "\n")));
          const Shown found = verify(made, rows);
          ++changed;
          if (!found.accepted) continue;
          const std::string kind = kind_of(path, exact);
          const std::string forgery = fmt::format("line {}: {} as {}", n + 1, path, other.dump());
          CHECK_MESSAGE(found.unjudged.contains(kind), forgery);
          accepted.insert(kind);
        }
    }
    CHECK(changed > 300);
    CHECK(accepted == (exact ? std::set<std::string>{"bound", "contracts", "counts"}
                             : std::set<std::string>{"bound", "contracts", "counts", "exact"}));
    write_file(made.certificate, good);
  }
}

TEST_CASE("within a matrix each row that exact arithmetic has judged is told, on the thread that asked") {
  const Files made("--exact --include a.weight");
  VerifyRequest request{made.q, made.w, made.c, "", true, false, {3}};
  struct Told {
    double done, total;
    std::string item;
  };
  const auto told_with = [&](int threads) {
    std::vector<Told> told;
    const auto caller = std::this_thread::get_id();
    request.within_matrix = [&](double done, double total, std::string_view item) {
      CHECK(std::this_thread::get_id() == caller);
      told.push_back({done, total, std::string(item)});
    };
    const int before = omp_get_max_threads();
    omp_set_num_threads(threads);
    Expected<VerifyInputs> in = VerifyInputs::open(request);
    REQUIRE(in);
    const Expected<Findings> found = verify_files(request, *in);
    omp_set_num_threads(before);
    REQUIRE(found);
    CHECK(!found->mismatch);
    CHECK(found->judged.exact == 3);
    return told;
  };
  const std::vector<Told> alone = told_with(1);
  REQUIRE(alone.size() == 3);
  for (std::size_t k = 0; k < alone.size(); ++k) {
    CHECK(alone[k].item == fmt::format("a.weight, {} of 3 exact judgements", k + 1));
    CHECK(alone[k].done == doctest::Approx(alone[k].total * static_cast<double>(k + 1) / 3));
  }
  CHECK(told_with(4).size() <= 3);
  request.exact = {};
  request.within_matrix = [](double, double, std::string_view) { FAIL("no row is judged exactly"); };
  Expected<VerifyInputs> in = VerifyInputs::open(request);
  REQUIRE(in);
  CHECK(verify_files(request, *in));
}

TEST_CASE("of the threads of a loop only the one that began it tells") {
  std::vector<std::uint64_t> told;
  const auto caller = std::this_thread::get_id();
  const TellRows tell = [&](std::uint64_t done, std::uint64_t rows) {
    CHECK(std::this_thread::get_id() == caller);
    CHECK(rows == 4);
    told.push_back(done);
  };
  RowProgress progress(tell, 4);
#pragma omp parallel num_threads(4)
  progress.add();
  CHECK(told.size() == 1);
  CHECK(!progress.over());
  progress.finish();
}

TEST_CASE("what is thrown by who hears of a row ends the verification") {
  const Files made("--include a.weight");
  VerifyRequest request{made.q, made.w, made.c, "", true, false, {1000}};
  int heard = 0;
  request.within_matrix = [&](double, double, std::string_view) {
    ++heard;
    throw std::runtime_error("enough");
  };
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  Expected<VerifyInputs> in = VerifyInputs::open(request);
  REQUIRE(in);
  CHECK_THROWS_WITH(static_cast<void>(verify_files(request, *in)), "enough");
  omp_set_num_threads(before);
  CHECK(heard == 1);
}

TEST_CASE("a kind that only some rows have, or only the first line speaks of, is named too") {
  const auto changed = [](const Files& made, std::initializer_list<std::pair<std::string, std::string>> changes) {
    std::string text = read_file(made.certificate);
    for (const auto& [from, to] : changes) RE2::Replace(&text, from, to);
    REQUIRE(text != read_file(made.certificate));
    write_file(made.certificate, text);
    return verify(made, {});
  };
  const Files bounds("--bounds --include a.weight");
  const Shown one_less = changed(bounds, {{",\"bound\":\\{[^}]*\\},\"slack\":\\{[^}]*\\}", ""}});
  CHECK(one_less.accepted);
  CHECK(one_less.unjudged.contains("bound"));

  const Files off("--contracts off");
  CHECK_FALSE(verify(off, {}).unjudged.contains("contracts"));
  CHECK(changed(off, {{"\"contracts\":\"off\"", "\"contracts\":\"on\""}}).unjudged.contains("contracts"));

  // Where round-to-nearest is the method, the guard has nothing to keep.
  const Files nearest("--method rtn --scale-rule diag --grid int4");
  REQUIRE(verify(nearest, {}).accepted);
  const auto kept = {std::pair<std::string, std::string>("\"guard_rows\":0", "\"guard_rows\":1"),
                     {"\"kept\":\"codes\"", "\"kept\":\"rtn\""}};
  CHECK_FALSE(changed(nearest, kept).accepted);

  // A row that the guard kept says that its codes came so from the method. No code is at an end of this grid.
  const Files guarded("--grid gf16");
  const std::string text = read_file(guarded.certificate);
  int rows = 0;
  REQUIRE(RE2::PartialMatch(text, R"("guard_rows":([1-9]\d*)[\s\S]*?"kept":"rtn")", &rows));
  const Shown fewer =
      changed(guarded, {{"\"kept\":\"rtn\"", "\"kept\":\"codes\""},
                        {fmt::format("\"guard_rows\":{}", rows), fmt::format("\"guard_rows\":{}", rows - 1)}});
  CHECK(fewer.accepted);
  CHECK(fewer.unjudged.contains("counts"));
}

}  // namespace every_field_test
