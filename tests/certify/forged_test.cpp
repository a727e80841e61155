// What may be wrong between quantize and verify: every changed bit and every forged number is found, and named.
#include <cmath>
#include <cstring>

#include <re2/re2.h>

#include "certify/certificate.hpp"
#include "quantized_pair.hpp"

namespace forged_test {

using namespace hallmark;
using namespace hallmark::test;

TEST_CASE("one flipped bit is found, and named") {
  const QuantizedPair made;
  SUBCASE("of a code") {
    made.flip(made.q, "a.weight.codes", 2 * 8 * 3 + 2 * 5);
    check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "its codes", "DIFFERS"});
    check_error(made.verify("--reproduce"), 7, "E0712", {"tensor 'a.weight'", "row 3, column 5", "DIFFERS"});
  }
  SUBCASE("of a code that becomes no number") {
    made.change(made.q, "a.weight.codes", 2 * 8 * 3 + 2 * 5 + 1, [](char) { return '\x7F'; });
    check_error(made.verify("--exact"), 3, "E0365", {"tensor 'a.weight': code 0x7f", "[3, 5]"});
    check_error(made.verify("--no-certificate"), 3, "E0365", {"tensor 'a.weight': code 0x7f", "[3, 5]"});
    check_error(made.verify("--reproduce --exact"), 7, "E0712", {"tensor 'a.weight'", "row 3, column 5"});
  }
  SUBCASE("of a scale") {
    made.flip(made.q, "b.weight.scale", 4 * 2 + 1);
    check_error(made.verify(), 7, "E0712", {"tensor 'b.weight'", "its scales"});
    check_error(made.verify("--reproduce"), 7, "E0712", {"tensor 'b.weight'", "row 2"});
  }
  SUBCASE("of a scale that becomes negative") {
    made.flip(made.q, "b.weight.scale", 4 * 2 + 3, 7);
    check_error(made.verify(), 3, "E0366", {"tensor 'b.weight': scale -", "index 2"});
  }
  SUBCASE("of a tensor that passes through") {
    made.flip(made.q, "bias", 9);
    check_error(made.verify(), 7, "E0712", {"tensor 'bias'"});
    check_error(made.verify("--no-certificate"), 7, "E0712", {"tensor 'bias'"});
  }
  SUBCASE("of a weight") {
    made.flip(made.w, "a.weight", 4 * 8 * 4 + 1);
    check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "its bytes in W"});
    check_error(made.verify("--reproduce"), 7, "E0712", {"tensor 'a.weight'", "row 4", "its bytes in W"});
  }
  SUBCASE("of a weight that becomes infinite") {
    made.flip(made.w, "a.weight", 4 * 8 * 4 + 3, 6);
    CHECK(made.verify("--reproduce").exit == 7);
    CHECK(made.verify().exit != 0);
  }
  SUBCASE("of the sign of a zero or the last bit of a weight") {
    made.flip(made.w, "b.weight", 0);
    check_error(made.verify(), 7, "E0712", {"tensor 'b.weight'"});
    check_error(made.verify("--reproduce"), 7, "E0712", {"tensor 'b.weight'"});
  }
  SUBCASE("of the calibration") {
    made.flip(made.c, "a.weight.activations", 17);
    check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "its Gram matrix"});
    check_error(made.verify("--reproduce"), 7, "E0712", {"tensor 'a.weight'", "its Gram matrix"});
  }
  SUBCASE("of a tensor that passes through in W") {
    made.flip(made.w, "bias", 9);
    check_error(made.verify(), 7, "E0712", {"tensor 'bias'"});
  }
  SUBCASE("of the payload digest, or of the digest of the metadata") {
    const std::string good = read_file(made.q);
    for (const std::string key : {"hallmark.payload.sha256\":\"", "hallmark.metadata.sha256\":\""}) {
      std::string text = good;
      char& digit = text[text.find(key) + key.size() + 63];
      digit = digit == '7' ? '8' : '7';
      write_file(made.q, text);
      for (const char* how : {"", "--reproduce", "--no-certificate"}) check_error(made.verify(how), 7, "E0710");
    }
  }
  SUBCASE("of an option in Q") {
    made.replace(made.q, "damp_fraction\\\":0.01", "damp_fraction\\\":0.03");
    check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "damp_fraction: 0.01 against 0.03"});
    CHECK(made.verify("--reproduce").exit == 7);
  }
}

TEST_CASE("the same tensors in another file are not the certified ones") {
  const QuantizedPair made;
  for (const auto& [path, what] :
       {std::pair(made.w, "the digest of the weights"), {made.c, "the digest of the calibration"}}) {
    const std::string good = read_file(path);
    std::string text = good;
    std::uint64_t length = 0;
    std::memcpy(&length, text.data(), 8);
    text.insert(8 + length, 8, ' ');  // a longer header that says the same
    length += 8;
    std::memcpy(text.data(), &length, 8);
    write_file(path, text);
    for (const char* how : {"", "--reproduce"}) check_error(made.verify(how), 7, "E0711", {what});
    CHECK(made.verify("--no-certificate").exit == 0);
    write_file(path, good);
  }
  CHECK(made.verify().exit == 0);
}

TEST_CASE("codes that were changed to others are refused by the certificate, and judged without it") {
  const QuantizedPair made;
  made.change_code("a.weight", 8 * 2 + 5, 0x38);
  REQUIRE(QuantizedFile::open(made.q));
  check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "its codes", "row 2: "});
  check_error(made.verify("--reproduce"), 7, "E0712", {"tensor 'a.weight'", "row 2, column 5"});
  const Result judged = made.verify("--no-certificate");
  CAPTURE(judged.out);
  CHECK(judged.exit == 0);
  CHECK(judged.out.find("2 matrices, 10 rows: codes and steps are sound; nothing is promised") != std::string::npos);

  // With a certificate that speaks of these codes, its losses are still those of the others.
  const std::string digest = made.codes_digest("a.weight");
  std::string text = read_file(made.certificate);
  const auto at = text.find("\"codes\":\"") + 9;
  write_file(made.certificate, text.replace(at, 64, digest));
  for (const char* how : {"", "--exact"})
    check_error(made.verify(how), 7, "E0713",
                {"tensor 'a.weight'", "row 2: the loss of the codes is not in its enclosure", "DIFFERS"});
}

TEST_CASE("an enclosure that the loss is not in is refused, in the lowest row") {
  const QuantizedPair made;
  const std::string far = "\"0x1p+10\",\"0x1p+11\"", wide = "\"-0x1p+10\",\"inf\"";
  SUBCASE("of the codes") {
    made.move_enclosure(4, "final", far);
    made.move_enclosure(2, "final", far);
    for (const char* how : {"", "--exact", "--exact --rows 1"})
      check_error(made.verify(how), 7, "E0713",
                  {"tensor 'a.weight'", "row 2: the loss of the codes is not in its enclosure"});
    check_error(made.verify("--reproduce"), 7, "E0712", {"row 2: the final loss, lower end"});
  }
  SUBCASE("of round-to-nearest") {
    made.move_enclosure(5, "rtn", "\"-inf\",\"-0x1p-1000\"");
    check_error(made.verify(), 7, "E0713", {"row 5: the loss of round-to-nearest is not in its enclosure"});
  }
  SUBCASE("below by one bit of what the judge can tell, exactly") {
    made.move_enclosure(0, "final", "\"0x0p+0\",\"0x1p-1000\"");
    check_error(made.verify(), 7, "E0713", {"row 0: "});
  }
  SUBCASE("a wider one is true and says nothing") {
    for (const char* of : {"final", "rtn"}) {
      const QuantizedPair other;
      for (const std::string& ends : {wide, std::string("\"-0x1.fffffffffffffp+1023\",\"0x1.fffffffffffffp+1023\"")}) {
        other.move_enclosure(1, of, ends);
        for (const char* how : {"", "--exact"})
          check_error(other.verify(how), 7, "E0713",
                      {"row 1: the enclosure of a loss is wider than a quarter of its upper end"});
      }
    }
    made.move_enclosure(1, "final", wide);
    check_error(made.verify("--reproduce"), 7, "E0712", {"row 1: the final loss, lower end"});
  }
  SUBCASE("a row that does not hold what it says it kept") {
    made.replace(made.certificate, "\"row\":2,\"kept\":\"codes\"", "\"row\":2,\"kept\":\"rtn\"");
    check_error(made.verify(), 7, "E0712", {"the number of rows in which the guard kept round-to-nearest"});
    const std::string text = read_file(made.certificate);
    const auto count = text.find("\"guard_rows\":") + 13;
    write_file(made.certificate, text.substr(0, count) + std::to_string(std::stoi(text.substr(count)) + 1) +
                                     text.substr(text.find(',', count)));
    check_error(made.verify(), 7, "E0713", {"row 2: its codes are not those of round-to-nearest"});
  }
}

TEST_CASE("each number of a certificate that is forged alone is refused, or said not to be judged") {
  for (const std::string flags : {"", "--grid int4", "--grid int3z --group-size 3", "--no-guard", "--method rtn"}) {
    CAPTURE(flags);
    const QuantizedPair made("--bounds " + flags);
    const std::string good = read_file(made.certificate);
    const auto forge = [&](const char* expression, const std::string& to) {
      std::string forged = good;
      RE2::Replace(&forged, expression, to);
      REQUIRE(forged != good);
      write_file(made.certificate, forged);
    };
    const bool losses = good.find("\"row\":0") != good.npos;
    CHECK(made.verify().exit == 0);
    for (const char* value : {"6", "7"}) {
      forge("\"guard_rows\":\\d+", std::string("\"guard_rows\":") + value);
      check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "the number of rows in which the guard kept"});
    }
    forge("\"clipped\":\\d+", "\"clipped\":49");
    check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "the number of clipped codes is 49"});
    forge("\"dead_columns\":0", "\"dead_columns\":1");
    check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "the number of dead columns is 1"});
    forge("\"lambda\":\"[^\"]*\"", "\"lambda\":\"0x1p-3\"");
    check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "lambda is 0.125"});
    if (!losses) continue;
    forge("\"slack\":\\{\"upper\":\"[^\"]*\"", "\"slack\":{\"upper\":\"0x1p+0\"");
    check_error(made.verify(), 7, "E0713", {"row 0: the slack is not that of its loss and its bound"});
    std::string final_hi;
    REQUIRE(RE2::PartialMatch(good, R"re("final":\{"enclosure":\["[^"]*","([^"]*)")re", &final_hi));
    const double slack = std::nextafter(std::stod(final_hi) / 0x1p-100, 1e300);
    forge("\"bound\":\\{\"enclosure\":\\[[^\\]]*\\]\\},\"slack\":\\{\"upper\":\"[^\"]*\"",
          fmt::format("\"bound\":{{\"enclosure\":[\"0x1p-100\",\"0x1p-100\"]}},\"slack\":{{\"upper\":\"{:a}\"", slack));
    for (const char* how : {"", "--exact"})
      check_error(made.verify(how), 7, "E0713", {"row 0: the loss is above its bound"});
    forge("\"by_enclosure\":\\d+", "\"by_enclosure\":999");
    const Result unjudged = made.verify();
    CAPTURE(unjudged.out);
    CHECK(unjudged.exit == 0);
    CHECK(unjudged.out.find("not judged, but compared by --reproduce: the contracts of the run, whether a bound") !=
          std::string::npos);
    CHECK(unjudged.out.find("999") == std::string::npos);
    check_error(made.verify("--reproduce"), 7, "E0712", {"tensor 'a.weight'", "contract"});
  }
}

TEST_CASE("a certificate that was edited is found, and named") {
  const QuantizedPair made("--exact");
  SUBCASE("a digit of a loss") {
    const std::string text = read_file(made.certificate);
    const auto row = text.find("{\"row\":2,");
    const auto digit = text.find("p-", row) - 1;
    std::string edited = text;
    edited[digit] = edited[digit] == '3' ? '2' : '3';
    write_file(made.certificate, edited);
    check_error(made.verify("--reproduce"), 7, "E0712", {"tensor 'a.weight'", "row 2: the final loss, lower end"});
  }
  SUBCASE("an exact loss, seen by --exact and, far from the loss, without") {
    made.replace(made.certificate, "\"mantissa\":\"0x", "\"mantissa\":\"0x1");
    check_error(made.verify("--exact"), 7, "E0713", {"row 0: the exact loss of the codes is another"});
    check_error(made.verify(), 7, "E0713", {"row 0: the exact loss of the codes is another"});
    check_error(made.verify("--reproduce --exact"), 7, "E0712", {"row 0: the final loss, exact"});
    check_error(made.verify("--reproduce"), 7, "E0712", {"row 0: the final loss: the exact value"});
  }
  SUBCASE("an exact loss by its last bits, seen by --exact alone") {
    std::string text = read_file(made.certificate);
    const auto begin = text.find("\"mantissa\":\"0x") + 14;
    char& last = text[text.find('"', begin) - 1];
    last = last == '3' ? '5' : '3';  // odd, as the one text of a number is
    write_file(made.certificate, text);
    const Result unjudged = made.verify();
    CHECK(unjudged.exit == 0);
    CHECK(unjudged.out.find("not judged, but compared by --exact: exact losses") != std::string::npos);
    check_error(made.verify("--exact"), 7, "E0713", {"row 0: the exact loss of the codes is another"});
  }
  SUBCASE("an option") {
    made.replace(made.certificate, "\"block_size\":128", "\"block_size\":64");
    check_error(made.verify(), 7, "E0712", {"block_size: 64 against 128"});
    check_error(made.verify("--reproduce"), 7, "E0712", {"block_size"});
  }
  SUBCASE("the digest of the weights") {
    made.replace(made.certificate, "\"weights_sha256\":\"", "\"weights_sha256\":\"\",\"x\":\"");
    check_error(made.verify(), 3, "E0367");
  }
  SUBCASE("NaN") {
    made.replace(made.certificate, "\"final\":{\"enclosure\":[\"0x", "\"final\":{\"enclosure\":[\"nan0x");
    check_error(made.verify(), 3, "E0367", {"line 3"});
  }
  SUBCASE("another version") {
    made.replace(made.certificate, "hallmark-certificate/2", "hallmark-certificate/9");
    check_error(made.verify(), 3, "E0368");
  }
  SUBCASE("truncated") {
    const std::string text = read_file(made.certificate);
    write_file(made.certificate, text.substr(0, text.size() / 2));
    check_error(made.verify(), 3, "E0367");
  }
  SUBCASE("rows left out") {
    std::string text = read_file(made.certificate);
    const auto comma = text.find(",\n{\"row\":5,");
    REQUIRE(comma != text.npos);
    write_file(made.certificate, text.erase(comma, text.find('\n', comma + 2) - comma));
    check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "the number of rows with values"});
  }
  SUBCASE("a certificate that ends before the last matrix, and one that goes on") {
    const QuantizedPair one("--exact --include a.weight");
    const std::string longer = read_file(made.certificate), shorter = read_file(one.certificate);
    write_file(made.certificate, shorter);
    check_error(made.verify(), 7, "E0711", {"no tensor"});
    write_file(one.certificate, longer);
    check_error(one.verify(), 7, "E0711", {"'b.weight' was not quantized"});
  }
  SUBCASE("tensors in another order") {
    std::string text = read_file(made.certificate);
    for (std::string_view name : {"\"name\":\"a.weight\"", "\"name\":\"b.weight\""}) {
      const auto at = text.find(name);
      REQUIRE(at != text.npos);
      text[at + 8] = static_cast<char>(name[8] == 'a' ? 'B' : 'A');
    }
    std::ranges::replace(text, 'B', 'b');
    std::ranges::replace(text, 'A', 'a');
    write_file(made.certificate, text);
    CHECK(made.verify().exit == 7);
  }
  SUBCASE("of another file") {
    const QuantizedPair other("--grid int4");
    write_file(made.certificate, read_file(other.certificate));
    check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "grid: int4/2 against gf16/1"});
  }
  SUBCASE("missing") {
    check_error(made.verify("--certificate " + made.folder / "none"), 9, "E0901", {"--no-certificate"});
  }
}

TEST_CASE("an enclosure that begins where the loss ends is refused") {
  const QuantizedPair made, known("--exact");
  auto certificate = CertificateReader::open(known.certificate);
  REQUIRE(certificate);
  const auto tensor = *certificate->next();
  const oracle::Dyadic& loss = *tensor->values.at(0).final.exact;
  const double above = std::nextafter(loss.round_up(), 1e300), below = std::nextafter(loss.round_down(), 0);
  // The judge's own enclosure of the loss overlaps both; only exact arithmetic tells.
  for (const auto& [lo, hi] : {std::pair(above, 1.1 * above), std::pair(0.9 * below, below)}) {
    made.move_enclosure(0, "final", fmt::format("\"{:a}\",\"{:a}\"", lo, hi));
    for (const char* how : {"", "--exact"})
      check_error(made.verify(how), 7, "E0713", {"row 0: the exact loss of the codes is not in its enclosure"});
  }
  made.move_enclosure(0, "final", fmt::format("\"{:a}\",\"{:a}\"", loss.round_down(), loss.round_up()));
  const Result tight = made.verify();
  CAPTURE(tight.out);
  CHECK(tight.exit == 0);
  CHECK(tight.out.find("1 exactly") != std::string::npos);
}

TEST_CASE("codes that lose more than round-to-nearest are refused where the guard is claimed") {
  const QuantizedPair made("--no-guard --grid int2");
  const Result unguarded = made.verify();
  CHECK(unguarded.exit == 0);
  CHECK(unguarded.out.find(", counts of clipped codes and of rows that the guard kept") != std::string::npos);
  const auto claim_guard = [](std::string& text) { RE2::GlobalReplace(&text, "\"guard\":false", "\"guard\":true"); };
  test::rewrite(made.q, [&](auto& metadata, auto&, auto&) { claim_guard(metadata["hallmark.matrices"]); });
  std::string text = read_file(made.certificate);
  claim_guard(text);
  write_file(made.certificate, text);
  for (const char* how : {"", "--exact"})
    check_error(made.verify(how), 7, "E0713", {"the codes lose more than round-to-nearest"});
}

TEST_CASE("scales that their rule does not give are refused, whatever the certificate says of them") {
  const QuantizedPair made;
  const auto digest = [&] {
    const auto file = SafeTensors::open(made.q);
    REQUIRE(file);
    return sha256_hex(file->find("b.weight.scale")->data);
  };
  const std::string before = digest();
  test::rewrite(made.q, [](auto&, auto&, auto& data) { data["b.weight.scale"][4 * 2 + 2] ^= 1; });
  made.replace(made.certificate, before, digest());
  check_error(made.verify(), 7, "E0712", {"tensor 'b.weight': row 2: the scale of group 0 is"});
}

TEST_CASE("clipped codes are counted where they can be told") {
  const QuantizedPair made;
  write_noise(made.c, {{"a.weight.activations", DType::F32, {40, 8}},
                       {"a.weight.scale", DType::F32, {6}},
                       {"b.weight.activations", DType::F32, {40, 5}}});  // scales below 1/2: most codes are clipped
  const Result again =
      shell(fmt::format("{} quantize --method rtn --grid int2 --weights {} --calibration {} -o {} --overwrite",
                        HALLMARK_TOOL, made.w, made.c, made.q));
  REQUIRE_MESSAGE(again.exit == 0, again.out);
  CHECK(made.verify().exit == 0);
  const std::string good = read_file(made.certificate);
  int count = 0;
  REQUIRE(RE2::PartialMatch(good, R"("clipped":(\d+))", &count));
  REQUIRE(count > 0);
  for (const int other : {0, count - 1, count + 1}) {
    std::string forged = good;
    RE2::Replace(&forged, R"("clipped":\d+)", fmt::format("\"clipped\":{}", other));
    write_file(made.certificate, forged);
    check_error(made.verify(), 7, "E0712",
                {fmt::format("the number of clipped codes is {} by the certificate", other)});
  }
}

TEST_CASE("searched steps that are as good as nothing are refused, though no number of the certificate is false") {
  for (const std::string flags : {"--method best --grid int4s", "--method descent --grid int4s --scale-rule mse",
                                  "--scale-rule search --grid int4s"}) {
    CAPTURE(flags);
    const QuantizedPair made(flags);
    CHECK(made.verify().exit == 0);
    // The codes of row 2 become 0 at scale 2^40, which is round-to-nearest with that scale: they lose what it loses.
    test::rewrite(made.q, [](auto&, auto&, auto& data) {
      const float huge = 0x1p40F;
      std::memcpy(data["a.weight.scale"].data() + 4 * 2, &huge, 4);
      std::fill_n(data["a.weight.codes"].begin() + 4 * 2, 4, '\0');
    });
    const auto q = QuantizedFile::open(made.q);
    const auto w = SafeTensors::open(made.w), c = SafeTensors::open(made.c);
    REQUIRE((q && w && c));
    std::vector<float> weights(6 * 8), x(40 * 8);
    std::memcpy(weights.data(), w->find("a.weight")->data.data(), 4 * weights.size());
    std::memcpy(x.data(), c->find("a.weight.activations")->data.data(), 4 * x.size());
    double loss = 0;
    for (std::size_t t = 0; t < 40; ++t) {
      double sum = 0;
      for (std::size_t j = 0; j < 8; ++j) sum += double{weights[8 * 2 + j]} * double{x[8 * t + j]};
      loss += sum * sum;
    }
    for (const char* of : {"final", "rtn"})
      made.move_enclosure(2, of, fmt::format("\"{:a}\",\"{:a}\"", loss * 0.95, loss * 1.05));
    std::string text = read_file(made.certificate);
    const QuantizedMatrix& first = q->header().matrices[0];
    const StoredDigests digests = stored_digests(first, *q->codes(first), *q->steps(first));
    for (const std::string key : {"codes", "scales"}) {
      const std::size_t at = text.find("\"" + key + "\":\"") + key.size() + 4;
      text.replace(at, 64, key == "codes" ? digests.codes : digests.scales);
    }
    write_file(made.certificate, text);
    check_error(made.verify(), 7, "E0713",
                {"tensor 'a.weight'", "row 2: the codes lose more than round-to-nearest with the scales of rule"});
  }
}

}  // namespace forged_test
