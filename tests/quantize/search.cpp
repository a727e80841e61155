// The search over steps keeps, row by row, the candidate whose codes lose least, exactly; method best never ends above
// what it began with.
#include "method/search.hpp"

#include "layer.hpp"
#include "method/quantize.hpp"
#include "scale/ratios.hpp"

namespace search_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

Quantized quantized(const SmallLayer& s, const Options& options, const std::optional<Steps>& given = std::nullopt) {
  const Expected<Quantized> result = run(s, options, given);
  REQUIRE(result);
  return *result;
}

}  // namespace

TEST_CASE("ratios are numbers above 0 and at most 4, 1 first") {
  for (const char* bad :
       {"", ",", "1,", ",1", "0.9,1", "1,0", "1,-1", "1,4.1", "1,nan", "1,inf", "1;2", "1 ,2", "1,,2"}) {
    CAPTURE(bad);
    const auto ratios = parse_ratios(bad);
    REQUIRE(!ratios);
    CHECK(ratios.error().number == 227);
  }
  std::string many = "1";
  for (int k = 1; k < 1000; ++k) many += ",0.5";
  CHECK(parse_ratios(many)->size() == 1000);
  CHECK(!parse_ratios(many + ",0.5"));
  CHECK(*parse_ratios("1,4,0.25") == std::vector<double>{1, 4, 0.25});
  CHECK(parse_ratios(default_ratios)->size() == 14);
}

TEST_CASE("multiples are rounded up, of both signs where the grid takes them, and files hold them") {
  const SmallLayer s = random_layer(5, 12, "int4"), symmetric = random_layer(5, 12, "int4s");
  const double ratios[] = {1, 0.3};
  const std::vector<Steps> both = multiples(s.steps, ratios, s.grid, ScaleStorage::f32);
  REQUIRE(both.size() == 4);
  CHECK(both[0].scales == s.steps.scales);
  CHECK(both[2].scales == -s.steps.scales);
  for (Index i = 0; i < 5; ++i) {
    const double exact = 0.3 * static_cast<double>(s.steps.scales(i, 0));
    CHECK(std::fabs(both[1].scales(i, 0)) >= std::fabs(exact));
    CHECK(std::fabs(both[1].scales(i, 0) - exact) < std::ldexp(std::fabs(exact), -10));
    CHECK(s.grid.exact_in_binary32(both[1].scales(i, 0)));
  }
  CHECK(multiples(symmetric.steps, ratios, symmetric.grid, ScaleStorage::f32).size() == 2);
  Steps tiny = symmetric.steps;
  tiny.scales.setConstant(0x1p-14F);  // half of it is no normal f16
  const double half[] = {1, 0.5};
  CHECK(multiples(tiny, half, symmetric.grid, ScaleStorage::f16).size() == 1);
  CHECK(multiples(tiny, half, symmetric.grid, ScaleStorage::f32).size() == 2);
}

TEST_CASE("the ratio 1 alone gives the bytes of the default rule") {
  for (const char* grid : {"int3s", "nf4", "int4z"}) {
    CAPTURE(grid);
    const SmallLayer s = random_layer(40, 30, grid);
    Options options{s.grid};
    const Quantized plain = quantized(s, options);
    options.scale_rule = "search";
    options.ratios = "1";
    const Quantized searched = quantized(s, options);
    CHECK(searched.codes == plain.codes);
    CHECK(searched.steps.scales == plain.steps.scales);
    CHECK(searched.kept_rtn == plain.kept_rtn);
  }
}

TEST_CASE("every row has the candidate of least exact loss, and never more than GPTQ or round-to-nearest before") {
  for (const char* grid : {"int2", "int3s", "int4", "lloyd:2", "int4z"})
    for (const Index group : {Index{0}, Index{8}}) {
      CAPTURE(grid);
      const SmallLayer s = random_layer(60, 24, grid, group);
      Options options{s.grid};
      options.group_size = group;
      const std::vector<double> ratios{1, 0.9, 0.75, 0.6, 1.2};
      std::vector<Quantized> each;
      for (const Steps& steps : multiples(s.steps, ratios, s.grid, ScaleStorage::f32)) {
        Options given = options;
        given.scale_rule = std::string(given_scales);
        given.guard = false;
        each.push_back(quantized(s, given, steps));
      }
      options.scale_rule = "search";
      options.ratios = "1,0.9,0.75,0.6,1.2";
      const Quantized found = quantized(s, options);
      Index moved = 0;
      for (Index i = 0; i < s.W.rows(); ++i) {
        std::size_t least = 0;
        for (std::size_t k = 1; k < each.size(); ++k)
          if (exact(s, each[k].codes, each[k].steps, i) < exact(s, each[least].codes, each[least].steps, i)) least = k;
        const mpq_class nearest = exact(s, s.rtn.codes, s.steps, i);
        const mpq_class loss = exact(s, found.codes, found.steps, i);
        CHECK(loss <= nearest);
        CHECK(loss <= exact(s, each[least].codes, each[least].steps, i));
        if (exact(s, each[least].codes, each[least].steps, i) <= nearest)
          CHECK((found.steps.scales.row(i).array() == each[least].steps.scales.row(i).array()).all());
        moved += least > 0;
      }
      CHECK(moved > 10);
    }
}

TEST_CASE("more rows than are searched together: the last as if they were alone") {
  const SmallLayer s = random_layer(390, 96, "int2");
  Options options{s.grid};
  options.scale_rule = "search";
  options.ratios = "1";
  for (int k = 1; k < 1000; ++k) options.ratios += "," + std::to_string(0.2 + 0.001 * k);  // codes of 150 MB
  const Quantized whole = quantized(s, options);
  const SmallLayer part = make_layer(s.W.middleRows(380, 10), s.G, "int2");
  const Quantized last = quantized(part, options);
  CHECK(last.codes == whole.codes.bottomRows(10));
  CHECK(last.steps.scales == whole.steps.scales.bottomRows(10));
}

TEST_CASE("best loses no more than descent from the same start, and more effort never loses more than none") {
  for (const char* grid : {"int2", "int3", "int4s"}) {
    CAPTURE(grid);
    const SmallLayer s = random_layer(50, 32, grid);
    Options options{s.grid};
    const Quantized plain = quantized(s, options);
    options.method = "best";
    for (const Index effort : {1, 3, 4, 5}) {
      options.effort = effort;
      const Quantized found = quantized(s, options);
      Index better = 0;
      for (Index i = 0; i < s.W.rows(); ++i) {
        const mpq_class loss = exact(s, found.codes, found.steps, i);
        CHECK(loss <= exact(s, plain.codes, plain.steps, i));
        CHECK(loss <= exact(s, s.rtn.codes, s.steps, i));
        better += loss < exact(s, plain.codes, plain.steps, i);
      }
      CHECK(better > 25);
      const auto same = [&] {
        const Quantized again = quantized(s, options);
        CHECK(again.codes == found.codes);
        CHECK(again.steps.scales == found.steps.scales);
      };
      if (effort == 4) for_each_thread_count(same);
    }
  }
}

TEST_CASE("zero rows and dead columns pass through every search") {
  SmallLayer s = random_layer(9, 20, "int3");
  s.W.row(4).setZero();
  s.G.row(7).setZero();
  s.G.col(7).setZero();
  s = make_layer(s.W, s.G, "int3");
  for (const char* method : {"gptq", "descent", "best"})
    for (const double damping : {0.0, 0.01}) {
      Options options{s.grid};
      options.method = method;
      options.scale_rule = "search";
      options.damp_fraction = damping;
      const Quantized found = quantized(s, options);
      CHECK(found.dead_columns == 1);
      for (Index j = 0; j < 20; ++j) CHECK(found.codes(4, j) == 0);
      for (Index i = 0; i < 9; ++i) CHECK(found.codes(i, 7) == s.grid.nearest(s.W(i, 7), found.steps.at(i, 7)));
    }
}

}  // namespace search_test
