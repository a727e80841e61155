// verify makes the scales of rules that read calibration again, from W and G; round-to-nearest is then judged by G too.
#include "certify/certificate.hpp"
#include "quantized_pair.hpp"

namespace scale_rules_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

// Q and its certificate say that another rule made the steps.
void rename_rule(const QuantizedPair& made, const std::string& from, const std::string& to) {
  const auto renamed = [&](std::string text) {
    const std::string old = "\"scale_rule\":\"" + from + '"';
    for (auto at = text.find(old); at != text.npos; at = text.find(old, at + 1))
      text.replace(at, old.size(), "\"scale_rule\":\"" + to + '"');
    return text;
  };
  rewrite(made.q, [&](auto& metadata, auto&, auto&) {
    metadata["hallmark.matrices"] = renamed(metadata["hallmark.matrices"]);
  });
  const std::string text = read_file(made.certificate);
  write_file(made.certificate, renamed(text));
  REQUIRE(read_file(made.certificate) != text);
}

}  // namespace

TEST_CASE("scales of diag and pivot are judged from the files, whatever the method") {
  for (const char* method : {"gptq", "rtn"})
    for (const char* more : {"", "--desc-act --group-size 3", "--damp-fraction 0 --no-guard --bounds"})
      for (const char* rule : {"diag", "pivot"}) {
        const QuantizedPair made(fmt::format("--grid int3 --method {} --scale-rule {} {}", method, rule, more));
        CAPTURE(method);
        CAPTURE(rule);
        CAPTURE(more);
        const std::string certificate = read_file(made.certificate);
        CHECK(certificate.find("\"calibration\":\"activations\"") != certificate.npos);
        CHECK(certificate.find("\"row\":0") != certificate.npos);
        for (const char* how : {"", "--exact", "--reproduce", "--no-certificate"}) {
          const Result result = made.verify(how);
          CHECK_MESSAGE(result.exit == 0, result.out);
          CHECK(result.out.find("searched") == result.out.npos);
        }
        rename_rule(made, rule, rule == std::string("diag") ? "pivot" : "diag");
        check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "the scale of group"});
        check_error(made.verify("--reproduce"), 7, "E0712", {"tensor 'a.weight'"});
      }
}

TEST_CASE("the certificate of round-to-nearest under a rule that reads G says what it loses") {
  const QuantizedPair diag("--grid int2 --method rtn --scale-rule diag"), absmax("--grid int2 --method rtn");
  CHECK(read_file(absmax.certificate).find("\"row\":0") == std::string::npos);
  const auto loss = [](const std::string& path) {
    auto reader = CertificateReader::open(path);
    REQUIRE(reader);
    const auto tensor = reader->next();
    REQUIRE((tensor && *tensor));
    CHECK((*tensor)->guard_rows == 0);
    double sum = 0;
    for (const CertifiedRow& row : (*tensor)->values) {
      CHECK(row.final.enclosure.lo == row.rtn.enclosure.lo);
      CHECK(row.final.enclosure.hi == row.rtn.enclosure.hi);
      sum += row.final.enclosure.hi;
    }
    return sum;
  };
  CHECK(loss(diag.certificate) > 0);
}

}  // namespace scale_rules_test
