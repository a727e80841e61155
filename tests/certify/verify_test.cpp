// quantize -> verify: what is written is verified, and only that is counted as passed.
#include <algorithm>

#include "quantized_pair.hpp"

namespace verify_test {

using namespace hallmark;
using namespace hallmark::test;

TEST_CASE("what quantize wrote is verified, on every path through the options") {
  for (const std::string flags : {"",
                                  "--exact",
                                  "--bounds",
                                  "--grid int4 --group-size 3",
                                  "--grid int3 --group-size 3 --optimality --bounds",
                                  "--grid int2z --optimality --exact",
                                  "--method rtn --optimality",
                                  "--grid int4s --bounds",
                                  "--grid int4z --group-size 3",
                                  "--grid nf4 --scale-storage f16",
                                  "--grid lloyd:3 --scale-storage bf16",
                                  "--grid bf16 --exact --bounds",
                                  "--grid gf:3,2 --desc-act --no-guard",
                                  "--method rtn",
                                  "--method rtn --grid int2z --scale-storage f16",
                                  "--damp-percent 0.1 --block-size 3 --threads 1",
                                  "--damp-fraction 0.1",
                                  "--method descent --grid int4 --exact",
                                  "--method descent --grid gf:3,2 --no-guard --sweeps 2",
                                  "--method greedy --grid int4 --one-opt --exact",
                                  "--method greedy --grid gf:3,2 --no-guard --sweeps 2 --one-opt",
                                  "--method best --grid int3 --effort 2",
                                  "--method best --effort 4 --grid int2z --scale-storage bf16",
                                  "--method rate-distortion --grid int4 --rate 0.2",
                                  "--method rate-distortion --grid int3z --group-size 3 --exact",
                                  "--method rate-distortion --grid int4 --beam 8",
                                  "--method prune --grid int4 --prune 0.5 --exact",
                                  "--method prune --grid int3s --group-size 3 --no-guard --prune 0.3 --prune-by scale",
                                  "--method sparse24 --no-guard --grid int4 --exact",
                                  "--method sparse24 --no-guard --grid int4z",
                                  "--scale-rule search --grid int4s --ratios 1,0.8"}) {
    CAPTURE(flags);
    const QuantizedPair made(flags);
    for (const std::string how :
         {"", "--exact", "--exact --rows 2 --threads 3", "--reproduce", "--reproduce --exact"}) {
      const Result result = made.verify(how);
      CAPTURE(how);
      CAPTURE(result.out);
      CHECK(result.exit == 0);
      CHECK(result.out.find("verified ") != std::string::npos);
      CHECK((result.out.find("certificate are what the sources give") != std::string::npos) ==
            how.starts_with("--reproduce"));
    }
    const bool bounds = flags.find("--bounds") != flags.npos;
    CHECK(made.folder.count() == (bounds ? 5 : 4));  // W, C, Q, certificate, and a picture where there are bounds
    if (bounds) CHECK(read_file(made.folder / "q.slack.svg").starts_with("<svg "));
    const std::string certificate = read_file(made.certificate);
    CHECK((certificate.find("\"exact\":{") != std::string::npos) == (flags.find("--exact") != flags.npos));
    CHECK((certificate.find("\"bound\":{") != std::string::npos) == bounds);
    const Result alone = made.verify("--no-certificate");
    CAPTURE(alone.out);
    CHECK(alone.exit == 0);
    CHECK(alone.out.find("without a certificate") != std::string::npos);
  }
}

TEST_CASE("the bits of a certificate do not depend on what else it says") {
  const QuantizedPair plain, bounds("--bounds");
  CHECK(read_file(plain.q) == read_file(bounds.q));
  CHECK(read_file(plain.certificate) != read_file(bounds.certificate));
}

TEST_CASE("steps that a run searched are said not to be judged, but by --reproduce") {
  constexpr const char* line = "whether scales that were searched are those that the search finds";
  for (const std::string flags :
       {"--method best --grid int3", "--method descent --grid int3", "--scale-rule search --grid int3"}) {
    CAPTURE(flags);
    const QuantizedPair made(flags);
    CHECK(made.verify("").out.find(line) != std::string::npos);
    CHECK(made.verify("--reproduce").out.find(line) == std::string::npos);
  }
  CHECK(QuantizedPair("--grid int3").verify("").out.find(line) == std::string::npos);
}

TEST_CASE("bounds and contracts are shown only where a run was compared") {
  const QuantizedPair made("--bounds");
  const Result judged = made.verify("--svg " + made.folder / "s.svg");
  CAPTURE(judged.out);
  CHECK(judged.exit == 0);
  CHECK(judged.out.find("no picture: bounds are judged by --reproduce alone") != std::string::npos);
  CHECK(made.folder.count() == 4);
  CHECK(made.verify("--reproduce").out.find("not judged") == std::string::npos);
  CHECK(made.folder.count() == 5);
}

TEST_CASE("codes of sparse24 of which more than two of four stand for a number are refused by the contract's name") {
  const QuantizedPair made("--method sparse24 --no-guard");
  CHECK(read_file(made.certificate).find("\"name\":\"two_of_four\",\"theorem\":\"two_of_four_met\"") !=
        std::string::npos);
  std::size_t zero = 0;
  {
    const auto q = QuantizedFile::open(made.q);
    REQUIRE(q);
    const Matrix<Code> stored = *q->codes(q->header().matrices.front());
    while (stored(0, static_cast<Index>(zero)) != 0) ++zero;
  }
  REQUIRE(zero < 4);
  made.change_code("a.weight", zero, 1);  // the smallest number there is
  check_error(made.verify(), 7, "E0712", {"'a.weight'", "row 0", "two_of_four"});
}

TEST_CASE("codes that another program made are judged") {
  QuantizedPair made;
  QuantizedHeader header;
  header.tool = "another program";
  header.tensors = {{"a.weight", DType::F32, {6, 8}}, {"b.weight", DType::F32, {4, 5}}, {"bias", DType::F32, {6}}};
  Options four{Grid::parse("int4z").value()}, table{Grid::parse("nf4").value()};
  four.scale_rule = table.scale_rule = "given";
  four.group_size = 4;
  table.method = "rtn";
  header.matrices = {{"a.weight", "a.weight", std::nullopt, false, 6, 8, four},
                     {"b.weight", "b.weight", std::nullopt, false, 4, 5, table}};
  std::vector<Code> a(48), b(20);
  for (std::size_t i = 0; i < 48; ++i) a[i] = static_cast<Code>(i * 7 % 16);
  for (std::size_t i = 0; i < 20; ++i) b[i] = static_cast<Code>(i % 16);
  auto writer = QuantizedFileWriter::create(made.q, true, header);
  REQUIRE(writer);
  REQUIRE(writer->write_quantized(
      "a.weight", a, {Matrix<float>::Constant(6, 2, 0.1F), Matrix<std::int16_t>::Constant(6, 2, std::int16_t{7}), 4}));
  REQUIRE(writer->write_quantized("b.weight", b, {Matrix<float>::Constant(4, 1, 0.3F), {}, 0}));
  {
    const auto w = SafeTensors::open(made.w);
    REQUIRE(w);
    REQUIRE(writer->write_unchanged(*w->find("bias")));
  }
  REQUIRE(writer->commit());
  const Result judged = made.verify("--no-certificate");
  CAPTURE(judged.out);
  CHECK(judged.exit == 0);
  CHECK(judged.out.find("6 rows lose more than round-to-nearest") != std::string::npos);
  check_error(made.verify(), 7, "E0711");  // the certificate is of another file
  check_error(shell(fmt::format("{} verify {} --weights {} --no-certificate", HALLMARK_TOOL, made.q, made.w)), 2,
              "E0201", {"'a.weight'", "--calibration FILE"});
  check_error(made.verify("--no-certificate --reproduce"), 2, "E0201");
  check_error(made.verify("--no-certificate --certificate " + made.certificate), 2, "E0201");
}

TEST_CASE("the outputs keep the rules of outputs") {
  const QuantizedPair made("--bounds");
  const std::string again =
      fmt::format("{} quantize --bounds --weights {} --calibration {} -o ", HALLMARK_TOOL, made.w, made.c);
  const std::string before = read_file(made.certificate);
  check_error(shell(again + made.q), 4, "E0410");
  CHECK(shell(again + made.q + " --overwrite").exit == 0);
  CHECK(read_file(made.certificate) == before);  // nothing in it depends on when
  write_file(made.folder / "r.certificate.json", "kept");
  check_error(shell(again + made.folder / "r.safetensors"), 4, "E0410");
  CHECK(read_file(made.folder / "r.certificate.json") == "kept");
  check_error(shell(again + made.folder / "s.safetensors --report " + made.folder / "s.certificate.json"), 4, "E0416");
  check_error(made.verify("--svg " + made.w), 4, "E0411");
  check_error(made.verify("--svg " + made.certificate + " --overwrite"), 4, "E0411");
  CHECK(made.verify("--reproduce --svg " + made.folder / "s.svg").exit == 0);
  check_error(made.verify("--reproduce --svg " + made.folder / "s.svg"), 4, "E0410");
  const QuantizedPair plain;
  const Result without = plain.verify("--svg " + plain.folder / "s.svg");
  CHECK(without.exit == 0);
  CHECK(without.out.find("no picture: ") != std::string::npos);
  CHECK(plain.folder.count() == 4);
  check_error(made.verify("--rows 3"), 2, "E0215");
  check_error(made.verify("--exact --rows -1"), 2, "E0215");
  check_error(made.verify("--exact --rows 1x"), 2, "E0215");
}

TEST_CASE("hallmark-check is never counted as passed unless it accepted") {
  const QuantizedPair made;
  const auto program = [&](const std::string& body) {
    write_file(made.folder / "check", "#!/bin/sh\n" + body + "\n");
    REQUIRE(shell("chmod +x " + made.folder / "check").exit == 0);
    return "HALLMARK_CHECK=" + made.folder / "check";
  };
  check_error(made.verify("--checker", "HALLMARK_CHECK=" + made.folder / "none"), 13, "E1304");
  check_error(made.verify("--checker", "HALLMARK_CHECK="), 13, "E1304");
  check_error(made.verify("--checker", program("exit 0")), 1, "E0113");
  check_error(made.verify("--checker", program("echo 'q: accepted: 1 of 2 matrices'")), 1, "E0113");
  check_error(made.verify("--checker", program("kill -9 $$")), 1, "E0113", {"137"});
  check_error(made.verify("--checker", program("echo rejected by check guard, row 2; exit 7")), 7, "E0714", {"row 2"});
  const std::string accepts =
      "sum() { sha256sum < $1 | cut -c 1-64; }; echo \"files: weights $(sum $2), calibration $(sum $6), quantized "
      "$(sum "
      "$4), certificate $(sum ${4%.safetensors}.certificate.json)\"; echo 'q: accepted: 2 of 2 matrices'";
  // It is handed the files, and the number of rows; a certificate where the user names one.
  const std::string asked =
      fmt::format("[ \"$*\" = \"--weights {} --quantized {} --calibration {}", made.w, made.q, made.c);
  const std::string named = "--certificate " + made.certificate;
  check_error(made.verify("--checker " + named, program("[ \"$5 $6\" = \"" + named + "\" ] && exit 7; exit 3")), 7,
              "E0714");
  const Result good = made.verify("--checker", program(asked + "\" ] || exit 7; " + accepts));
  CAPTURE(good.out);
  CHECK(good.exit == 0);
  CHECK(good.out.find("hallmark-check: accepted 2 of 2 matrices") != std::string::npos);
  CHECK(made.verify("--checker --rows 3", program(asked + " --rows 3\" ] || exit 7; " + accepts)).exit == 0);
  const Result unknown = made.verify("--checker", program("echo 'error[E0362]: a grid of the future'; exit 3"));
  CHECK(unknown.exit == 8);
  CHECK(unknown.out.find("hallmark-check: accepted 0 of 2 matrices") != std::string::npos);
  CHECK(unknown.out.find("NOT JUDGED by hallmark-check: error[E0362]: a grid of the future") != std::string::npos);
  const Result left = made.verify("--checker", program("echo 'a: scales NOT JUDGED: rule'; " + accepts + "; exit 8"));
  CHECK(left.exit == 8);
  CHECK(left.out.find("NOT JUDGED by hallmark-check: a: scales NOT JUDGED: rule") != std::string::npos);
  for (const char* flags : {"--grid int4", "--grid int4z --group-size 3", "--grid nf4", "--no-guard", "--method rtn"}) {
    CAPTURE(flags);
    const QuantizedPair other(flags);
    const Result judged = other.verify("--checker", program(accepts));
    CHECK(judged.exit == 0);
    CHECK(judged.out.find("hallmark-check: accepted 2 of 2 matrices") != std::string::npos);
  }
}

}  // namespace verify_test
