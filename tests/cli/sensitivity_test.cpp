// hallmark sensitivity: what each matrix of some containers costs a checkpoint alone; and what pack --budget makes of
// it.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <re2/re2.h>

#include "../ablation/tiny_experiment.hpp"
#include "artifact/quantized_file.hpp"
#include "check_error.hpp"
#include "files.hpp"
#include "replay/divergence.hpp"
#include "replay/forward.hpp"

namespace sensitivity_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

using Json = nlohmann::json;

// Three containers of a tiny checkpoint, and their measured damages.
struct Made {
  TinyExperiment experiment;
  std::string model = experiment / checkpoint_name(47);
  Made() {
    ok(fmt::format("gram --model {} --text {} --batches 2 -o c", model, experiment.text()));
    write_file(experiment / "rules", R"({"rules": [{"match": "attn.c_q", "transposed": true}]})");  // square ones
    for (const int bits : {2, 4, 8}) {
      ok(fmt::format("quantize --weights {} --calibration c --config rules --grid int{} -o q{}", model, bits, bits));
      ok(fmt::format("dequantize q{} -o d{}", bits, bits));
    }
    ok(measure("q2 q4 q8") + " -o s");
  }
  std::string measure(const std::string& of) const {
    return fmt::format("sensitivity {} --model {} --text {} --batches 1", of, model, experiment.text());
  }
  Result run(const std::string& command) const {
    return shell(fmt::format("cd {}; {} {}", experiment.models(), HALLMARK_TOOL, command));
  }
  std::string ok(const std::string& command) const {
    const Result done = run(command);
    REQUIRE_MESSAGE(done.exit == 0, command << ": " << done.out);
    return done.out;
  }
  std::string payload(const std::string& name) const {
    return QuantizedFile::open(experiment / name).value().payload_sha256();
  }
  Json file() const { return Json::parse(read_file(experiment / "s")); }
  void edit(const std::function<void(Json&)>& change) const {
    Json all = file();
    change(all);
    write_file(experiment / "e", all.dump());
  }
};

// One for all cases: none writes what another reads.
const Made& made_once() {
  static const Made made;
  return made;
}

std::map<std::string, double> damages(const Json& file, const std::string& payload) {
  for (const Json& container : file.at("containers"))
    if (container.at("payload_sha256") == payload) return container.at("damage");
  FAIL("no such container");
  return {};
}

// The definition, in the long double of libm.
double divergence(const Model& p, const Model& q, std::span<const std::span<const std::byte>> windows) {
  long double total = 0, positions = 0;
  for (const auto& window : windows) {
    const Matrix<double> a = Forward(p, 256).logits(window), b = Forward(q, 256).logits(window);
    for (Index t = 0; t < a.rows(); ++t) {
      long double za = 0, zb = 0;
      for (Index k = 0; k < 256; ++k) za += std::exp(a(t, k)), zb += std::exp(b(t, k));
      for (Index k = 0; k < 256; ++k)
        total += std::exp(a(t, k)) / za * std::log2((std::exp(a(t, k)) / za) / (std::exp(b(t, k)) / zb));
      ++positions;
    }
  }
  return static_cast<double>(total / positions);
}

}  // namespace

TEST_CASE(
    "a damage is the divergence of the model with one matrix changed, on train text that no Gram matrix has seen") {
  const Made& made = made_once();
  const Model model = load_model(made.model).value();
  const Corpus corpus = load_corpus(made.experiment.text()).value();
  const auto plan = CalibrationPlan::draw(corpus.train, 47, 0).value();
  const auto offsets = plan.reconstruction().first(calibration_batch);
  const auto windows = windows_at(corpus.train, offsets);
  const Json file = made.file();
  CHECK(file.at("windows") == 16);
  CHECK(file.at("windows_sha256") == offsets_digest(offsets));
  CHECK(file.at("text_sha256") == corpus.digest);
  CHECK(file.at("weights_sha256") == sha256_file(made.model).value());
  REQUIRE(file.at("containers").size() == 3);
  const auto coarse = damages(file, made.payload("q2")), fine = damages(file, made.payload("q8"));
  const Model quantized = load_model(made.experiment / "d2").value();
  REQUIRE(coarse.size() == model.matrix_names().size());
  for (const std::string& name : model.matrix_names()) {
    CAPTURE(name);
    const Model changed = model.with_weights({{name, quantized[name]}}).value();
    const double expected = divergence(model, changed, windows);
    CHECK(coarse.at(name) == doctest::Approx(expected).epsilon(1e-9));
    CHECK(fine.at(name) < 0.05 * coarse.at(name));
    CHECK(fine.at(name) > 0);
  }
  // Windows of several lengths, any number of threads, and a model that did not change.
  std::vector<std::span<const std::byte>> some{windows[0].first(100), windows[1], windows[2].first(1)};
  CHECK(Divergence(model, some).of(model).value() == 0);
  const double once = Divergence(model, some).of(quantized).value();
  CHECK(once == doctest::Approx(divergence(model, quantized, some)).epsilon(1e-9));
  made.ok(made.measure("q8 q2 q4") + " -o again --overwrite");
  CHECK(read_file(made.experiment / "again") == read_file(made.experiment / "s"));
}

TEST_CASE("pack --budget makes the sum of the damages least") {
  const Made& made = made_once();
  const std::vector<std::string> names{"q2", "q4", "q8"};
  std::map<std::string, std::map<std::string, double>> measured;
  std::map<std::string, std::size_t> whole;
  for (const std::string& name : names) {
    measured[name] = damages(made.file(), made.payload(name));
    made.ok(fmt::format("pack {} --overwrite -o u", name));
    whole[name] = read_file(made.experiment / "u").size();
  }
  double before = std::numeric_limits<double>::infinity();
  for (std::size_t budget = whole["q2"]; budget < whole["q8"] + 400; budget += 371) {
    CAPTURE(budget);
    const std::string out = made.ok(fmt::format("pack q4 q2 q8 --budget {} --sensitivity s --overwrite -o p", budget));
    CHECK(read_file(made.experiment / "p").size() <= budget);
    double sum = 0;
    re2::StringPiece rest(out);
    for (std::string matrix, candidate; RE2::FindAndConsume(&rest, R"((\S+): (q[0-9])\n)", &matrix, &candidate);)
      sum += measured.at(candidate).at(matrix);
    double said = 0;
    REQUIRE(RE2::PartialMatch(out, "bits per byte: ([0-9.e+-]+)", &said));
    CHECK(sum == doctest::Approx(said).epsilon(1e-5));
    for (const std::string& name : names) {
      double all = 0;
      for (const auto& [matrix, damage] : measured[name]) all += damage;
      CHECK((whole[name] > budget || sum <= all));
    }
    CHECK(sum <= before);
    before = sum;
  }
  // What the file says counts, not the certificate: here one matrix is said to be best at 2 bits.
  made.edit([&](Json& all) {
    for (Json& container : all["containers"])
      container["damage"]["tok_emb.weight"] = container["payload_sha256"] == made.payload("q2") ? 0 : 1;
  });
  CHECK(made.ok("pack q4 q2 q8 --budget 1000000 --sensitivity e -o x").find("tok_emb.weight: q2") != std::string::npos);
  made.ok(
      fmt::format("unpack x -o back; {0} verify back --weights {1} --calibration c --certificate x.certificate.json",
                  HALLMARK_TOOL, made.model));
}

TEST_CASE("the plot has the curve, every candidate and what was written, and stands on no other file") {
  const Made& made = made_once();
  std::filesystem::copy_file(made.experiment / "q8", made.experiment / "a&b");
  std::filesystem::copy_file(made.experiment / "q8.certificate.json", made.experiment / "a&b.certificate.json");
  const auto count = [](const std::string& text, const std::string& word) {
    std::size_t found = 0;
    for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
    return found;
  };
  for (const std::string with : {"", "--sensitivity s "}) {
    made.ok("pack q2 q4 'a&b' --budget 6000 --plot v " + with + "--overwrite -o p");
    const std::string plot = read_file(made.experiment / "v");
    CHECK(plot.starts_with("<svg "));
    CHECK(plot.ends_with("</svg>\n"));
    CHECK(plot.find(with.empty() ? "sum of certified losses" : "sum of damages") != std::string::npos);
    for (const std::string label : {">q2<", ">q4<", ">a&amp;b<"}) CHECK(count(plot, label) == 1);
    CHECK(count(plot, "<path ") == 2);                    // the legend's, and what was written
    CHECK(count(plot, "height=\"8\"") == 4);              // the legend's, and three candidates
    CHECK(count(plot, "stroke-width=\"2\"") == 1 + 255);  // the legend's, and the curve
  }
  check_error(made.run("pack q2 q4 --budget 100000 --plot n -o n"), 4, "E0416");
  check_error(made.run("pack q2 q4 --budget 100000 --plot n.certificate.json -o n"), 4, "E0416");
  check_error(made.run("pack q2 q4 --budget 100000 --plot v -o n"), 4, "E0410");
  check_error(made.run("pack q2 q4 --budget 100000 --plot q4.certificate.json --overwrite -o n"), 4, "E0411");
  check_error(made.run("pack q2 --plot n -o m"), 2, "E0201", {"--budget"});
  for (const std::string name : {"n", "m"}) CHECK_FALSE(std::filesystem::exists(made.experiment / name));
}

TEST_CASE("what was not measured, is of other weights or is no such file is refused, and no output is lost") {
  const Made& made = made_once();
  const auto refused = [&](const std::string& candidates, int exit, const std::string& number,
                           const std::string& word) {
    CAPTURE(word);
    check_error(made.run(fmt::format("pack {} --budget 1000000 --sensitivity e -o n", candidates)), exit, number,
                {word});
    CHECK_FALSE(std::filesystem::exists(made.experiment / "n"));
  };
  const auto changed = [&](const std::string& key, const Json& value, const std::string& word) {
    made.edit([&](Json& all) { all[key] = value; });
    refused("q2 q4", 3, "E0348", word);
  };
  changed("format", "hallmark-sensitivity/2", "hallmark-sensitivity/1");
  changed("weights_sha256", "12", "weights_sha256");
  changed("windows", -1, "windows");
  changed("containers", 1, "a list");
  changed("more", 1, "other keys");
  const auto damaged = [&](const Json& value, const std::string& word) {
    made.edit([&](Json& all) { all["containers"][0]["damage"]["tok_emb.weight"] = value; });
    refused("q2 q4", 3, "E0348", word);
  };
  damaged(-0.5, "'tok_emb.weight' is -0.5");
  damaged("much", "'tok_emb.weight' is \"much\"");
  made.edit([](Json& all) { all["containers"].push_back(all["containers"][0]); });
  refused("q2 q4", 3, "E0348", "two containers");
  made.edit([](Json& all) { all["containers"][0].erase("damage"); });
  refused("q2 q4", 3, "E0348", "payload_sha256");
  write_file(made.experiment / "e", "{");
  refused("q2 q4", 3, "E0348", "not JSON");
  made.edit([](Json& all) { all["weights_sha256"] = std::string(64, '0'); });
  refused("q2 q4", 4, "E0447", "other weights");
  made.edit([](Json& all) {
    for (Json& container : all["containers"]) container["damage"].erase("tok_emb.weight");
  });
  refused("q2 q4", 4, "E0447", "nothing of 'tok_emb.weight'");
  made.ok(made.measure("q2") + " --overwrite -o e");
  refused("q2 q4", 4, "E0447", "q4: no container");
  check_error(made.run("pack q2 --sensitivity s -o n"), 2, "E0201", {"--budget"});
  check_error(made.run("pack q2 q4 --budget 1000000 --sensitivity s --overwrite -o s"), 4, "E0411");

  check_error(made.run(made.measure("q2") + " -o s"), 4, "E0410");
  check_error(made.run(made.measure("q2") + " --overwrite -o q2"), 4, "E0411");
  check_error(made.run(made.measure("d2") + " -o n"), 3, "E0360");
  check_error(made.run(fmt::format("sensitivity q2 --model {} --text {} -o n", made.experiment / checkpoint_name(89),
                                   made.experiment.text())),
              4, "E0447", {"q2", "another checkpoint"});
  check_error(made.run(made.measure("q2") + "9 -o n"), 2, "E0201");  // --batches 19
  CHECK_FALSE(std::filesystem::exists(made.experiment / "n"));
}

}  // namespace sensitivity_test
