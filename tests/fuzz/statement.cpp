#include "statement.hpp"

#include <fmt/format.h>
#include <gmpxx.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <set>

#include "sources.hpp"

namespace hallmark::test {

namespace {

mpq_class loss_of(const StoredMatrix& m, const std::vector<float>& w, const std::vector<Code>& codes,
                  const std::vector<double>& G, std::size_t row) {
  std::vector<mpq_class> e;
  for (std::size_t j = 0; j < m.cols; ++j)
    e.push_back(mpq_class(w[row * m.cols + j]) -
                mpq_class(m.scales[m.step(row, j)]) * mpq_class(m.value(codes[row * m.cols + j], row, j)));
  mpq_class loss(0);
  for (std::size_t a = 0; a < m.cols; ++a) {
    mpq_class sum(0);
    for (std::size_t b = 0; b < m.cols; ++b) sum += mpq_class(G[a * m.cols + b]) * e[b];
    loss += e[a] * sum;
  }
  return loss;
}

double real(const Json& text) {
  const std::string word = text;
  char* end = nullptr;
  const double x = std::strtod(word.c_str(), &end);
  require(end == word.c_str() + word.size() && !std::isnan(x), "not a number: " + word);
  return x;
}

bool at_most(const mpq_class& x, double end) { return end == HUGE_VAL || (std::isfinite(end) && x <= mpq_class(end)); }

// Losses by their enclosure, and by the exact number where that is asked for.
void judge_loss(const Json& claim, const mpq_class& loss, bool exact) {
  const double lo = real(claim.at("enclosure")[0]), hi = real(claim.at("enclosure")[1]);
  require(std::isfinite(lo) && std::isfinite(hi), "the enclosure of a loss is not finite");
  require(mpq_class(lo) <= loss && loss <= mpq_class(hi), "a loss is not in its enclosure");
  require(4 * (mpq_class(hi) - mpq_class(lo)) <= mpq_class(hi) || std::nextafter(lo, HUGE_VAL) >= hi,
          "an enclosure is wide");
  if (!exact || !claim.contains("exact")) return;
  const std::string mantissa = claim.at("exact").at("mantissa"), exponent = claim.at("exact").at("exponent");
  const bool negative = mantissa.starts_with('-');
  mpq_class stated(mpz_class(mantissa.substr(negative ? 3 : 2), 16));
  const long power = std::stol(exponent);
  if (power >= 0) mpq_mul_2exp(stated.get_mpq_t(), stated.get_mpq_t(), static_cast<unsigned long>(power));
  else mpq_div_2exp(stated.get_mpq_t(), stated.get_mpq_t(), static_cast<unsigned long>(-power));
  require((negative ? mpq_class(-stated) : stated) == loss, "an exact loss is another");
}

// A computed scale is `wanted` rounded up to so many bits.
void judge_scale(double s, const mpq_class& wanted, int bits) {
  const mpq_class magnitude(std::fabs(s));
  const mpq_class room = wanted * mpq_class(std::ldexp(1.0, 1 - bits)) + mpq_class(0x1p-149);
  require(wanted <= magnitude && magnitude < wanted + room, "a scale is not that of its rule");
}

void judge_group(const StoredMatrix& m, const std::string& rule, std::span<const float> w, float matrix_max, float s,
                 int zero, int bits) {
  const auto [low, high] = std::minmax_element(w.begin(), w.end());
  const float m_abs = std::max(std::fabs(*low), std::fabs(*high));
  if (rule == "unit") return require(s == 1, "the scale is not 1");
  if (rule == "matrix-max") return matrix_max == 0 ? require(s == 1, "not 1") : judge_scale(s, matrix_max, bits);
  if (rule == "minmax") {
    const float from = std::min(*low, 0.0F), to = std::max(*high, 0.0F);
    if (from == to) return require(s == 1, "the scale of zeros is not 1");
    require(s > 0, "a scale below 0");
    judge_scale(s, (mpq_class(to) - mpq_class(from)) / m.spec.last, bits);
    const mpq_class place = std::min(mpq_class(m.spec.last), mpq_class(mpq_class(-from) / mpq_class(s)));
    require(abs(place - zero) * 2 <= 1, "the zero point is not that of its rule");
    return;
  }
  if (m_abs == 0) return require(s == 1, "the scale of zeros is not 1");
  if (rule == "row-pow2") return require(s <= m_abs && m_abs < 2 * s, "the scale is not that of its rule");
  require(rule == "absmax", "no scale rule is called " + rule);
  judge_scale(s, mpq_class(m_abs) / mpq_class(m.spec.largest), bits);
  const bool mirrored = m.spec.either_sign && std::find(w.begin(), w.end(), -m_abs) == w.end();
  require((s < 0) == mirrored, "the sign of a scale is not that of its rule");
}

void judge_steps(const StoredMatrix& m, const Sources& sources, const std::vector<float>& w) {
  const std::string rule = m.options.at("scale_rule");
  if (rule == "given") {
    require(sources.calibration.has_value(), "steps were given by no calibration");
    const CheckedTensor* const given = sources.calibration->find(m.name + ".scale");
    require(given != nullptr, "steps were not given");
    for (std::size_t k = 0; k < m.scales.size(); ++k)
      require(number_at(given->dtype, sources.calibration->bytes(*given), k) == static_cast<double>(m.scales[k]),
              "a scale is not the one that was given");
    return;
  }
  float largest = 0;
  for (const float x : w) largest = std::max(largest, std::fabs(x));
  for (std::size_t i = 0; i < m.rows; ++i)
    for (std::size_t g = 0; g < m.groups; ++g) {
      const std::size_t first = g * m.width, count = std::min(m.width, m.cols - first), k = i * m.groups + g;
      judge_group(m, rule, std::span(w).subspan(i * m.cols + first, count), largest, m.scales[k], m.zeros[k],
                  m.options.at("scale_storage") == "bf16" ? 8 : 11);
    }
}

std::string keys_of(const Json& object) {
  std::string keys;
  for (const auto& item : object.items()) keys += item.key() + " ";
  return keys;
}

struct RowJudge {
  const StoredMatrix& m;
  const std::vector<float>& w;
  const Calibration& calibration;
  bool guard, exact;
  std::vector<Code> rtn;

  void judge(const Json& claim, std::size_t row) const {
    const std::string keys = keys_of(claim);
    require(keys == "row kept final rtn " || keys == "row kept final rtn bound slack ", "a row of other keys");
    require(claim.at("row") == row, "a row of another index");
    const bool same = std::equal(rtn.begin() + static_cast<std::ptrdiff_t>(row * m.cols),
                                 rtn.begin() + static_cast<std::ptrdiff_t>((row + 1) * m.cols),
                                 m.codes.begin() + static_cast<std::ptrdiff_t>(row * m.cols));
    require(claim.at("kept") == "codes" || (claim.at("kept") == "rtn" && guard && same), "kept is false");
    const mpq_class final = loss_of(m, w, m.codes, calibration.G, row),
                    nearest = loss_of(m, w, rtn, calibration.G, row);
    judge_loss(claim.at("final"), final, exact);
    judge_loss(claim.at("rtn"), nearest, exact);
    require(!guard || final <= nearest, "the codes lose more than round-to-nearest");
    if (!claim.contains("bound")) return;
    const double hi = real(claim.at("bound").at("enclosure")[1]);
    require(at_most(final, hi), "a loss is above its bound");
    if (const double slack = real(claim.at("slack").at("upper")); hi > 0 && std::isfinite(hi) && std::isfinite(slack))
      require(final <= mpq_class(slack) * mpq_class(hi), "the slack is too small");
  }
};

void judge_digests(const Json& claim, const StoredMatrix& m, const Sources& sources, const File& container,
                   const Calibration& calibration) {
  const auto part = [&](const std::string& suffix) {
    const CheckedTensor* const t = container.find(m.name + suffix);
    return t ? sha256_of(container.bytes(*t)) : std::string();
  };
  // Of numbers: the low byte of each, or two where the grid has more than 8 bits.
  const auto numbers = [&](const auto& values) {
    std::string bytes;
    for (const int value : values) {
      bytes += static_cast<char>(value & 0xFF);
      if (m.spec.bits > 8) bytes += static_cast<char>(value >> 8 & 0xFF);
    }
    return sha256_of(bytes);
  };
  const Json& digests = claim.at("sha256");
  require(keys_of(digests) == "weights gram codes scales zero_points ", "digests of other names");
  require(digests.at("weights") == sha256_of(weight_bytes(sources, m).second), "the digest of W's bytes is false");
  const std::string gram(reinterpret_cast<const char*>(calibration.G.data()), calibration.G.size() * sizeof(double));
  require(digests.at("gram") == (calibration.kind == "none" ? "" : sha256_of(gram)), "the digest of G is false");
  require(digests.at("codes") == numbers(m.codes), "the digest of the codes is false");
  require(digests.at("scales") == part(".scale"), "the digest of the scales is false");
  require(digests.at("zero_points") == (m.spec.zero_points ? numbers(m.zeros) : ""),
          "the digest of the zero points is false");
}

void judge_matrix(const Json& claim, const StoredMatrix& m, const Sources& sources, const File& container, bool exact) {
  require(
      keys_of(claim) ==
          "name rows cols options sha256 calibration tokens lambda dead_columns clipped guard_rows contracts values ",
      "a matrix of other keys");
  require(claim.at("name") == m.name && claim.at("rows") == m.rows && claim.at("cols") == m.cols, "another matrix");
  require(claim.at("options") == m.options, "options are not those of the container");
  const bool nearest = m.options.at("method") == "rtn";
  const std::vector<float> w = weights_of(sources, m);
  const Calibration calibration = nearest ? Calibration{} : calibration_of(sources, m.name, m.cols, claim.at("tokens"));
  require(claim.at("calibration") == calibration.kind && claim.at("tokens") == calibration.tokens,
          "the calibration is another");
  judge_digests(claim, m, sources, container, calibration);
  judge_steps(m, sources, w);
  RowJudge rows{m, w, calibration, m.options.at("guard"), exact, {}};
  std::vector<std::uint64_t> clipped(m.rows, 0);
  for (std::size_t k = 0; k < w.size(); ++k) {
    const std::size_t i = k / m.cols, j = k % m.cols, step = m.step(i, j);
    const auto found = m.grid.nearest(mpq_class(w[k]), mpq_class(m.scales[step]), m.zeros[step]);
    rows.rtn.push_back(found.code);
    clipped[i] += found.clipped;
    require(!nearest || m.grid.confirm(m.codes[k], w[k] + 0.0F, m.scales[step], m.zeros[step]).nearest,
            "a code is not the nearest");
  }
  std::uint64_t kept = 0, least = 0, dead = 0;
  mpq_class trace(0);
  for (std::size_t j = 0; j < (calibration.G.empty() ? 0 : m.cols); ++j) {
    dead += calibration.G[j * m.cols + j] == 0;
    trace += 2 * mpq_class(calibration.G[j * m.cols + j]);
  }
  const Json& values = claim.at("values");
  require(values.size() == (calibration.kind == "none" ? 0 : m.rows), "another number of rows");
  for (std::size_t i = 0; i < values.size(); ++i) {
    rows.judge(values[i], i);
    kept += values[i].at("kept") == "rtn";
    if (nearest || values[i].at("kept") == "rtn") least += clipped[i];
  }
  require(claim.at("guard_rows") == kept, "guard_rows is false");
  require(claim.at("dead_columns") == dead, "dead_columns is false");
  require(claim.at("clipped") >= least && claim.at("clipped") <= m.codes.size(), "clipped is false");
  const mpq_class damp(m.options.at("damp_fraction").get<double>()), lambda(real(claim.at("lambda")));
  const mpq_class wanted = calibration.G.empty() ? mpq_class(0) : mpq_class(damp * trace / static_cast<double>(m.cols));
  require(abs(lambda - wanted) <= wanted * mpq_class(0x1p-40) + mpq_class(0x1p-1060), "lambda is false");
}

// The one text that a certificate's content has: compact JSON, a line end where docs/certificate.md has it.
std::string canonical(Json document) {
  const auto opening = [](Json object) { return object.dump().substr(0, object.dump().size() - 2) + "\n"; };
  const Json tensors = document.at("tensors");
  document["tensors"] = Json::array();
  std::string text = opening(document);
  for (std::size_t k = 0; k < tensors.size(); ++k) {
    Json tensor = tensors[k];
    const Json values = tensor.at("values");
    tensor["values"] = Json::array();
    text += opening(tensor);
    for (std::size_t i = 0; i < values.size(); ++i) text += values[i].dump() + (i + 1 < values.size() ? ",\n" : "\n");
    text += k + 1 < tensors.size() ? "]},\n" : "]}\n";
  }
  return text + "]}\n";
}

// Tensors and metadata of W, as the container says them and as it has them.
void judge_source(const Sources& sources, const File& container, const std::vector<StoredMatrix>& matrices) {
  require(container.metadata("hallmark.source.sha256") == sources.weights_digest, "the digest of W is false");
  require(container.metadata("hallmark.calibration.sha256") == sources.calibration_digest, "the digest of C is false");
  const auto source =
      Json::parse(container.metadata("hallmark.source.metadata")).get<std::map<std::string, std::string>>();
  require(source == sources.metadata(), "the metadata are not those of W");
  const Json tensors = Json::parse(container.metadata("hallmark.tensors"));
  std::size_t count = 0;
  Json shards = Json::array();
  for (const File& file : sources.weights) {
    shards.push_back(file.header.tensors.size());
    count += file.header.tensors.size();
  }
  if (container.header.metadata.contains("hallmark.source.shards"))
    require(Json::parse(container.metadata("hallmark.source.shards")) == shards, "the shards are not those of W");
  require(tensors.size() == count, "another number of tensors than W");
  for (const Json& t : tensors) {
    const auto tensor = sources.tensor(t.at("name"));
    require(tensor && t.at("dtype") == tensor->first.dtype && t.at("shape") == tensor->first.shape,
            "a tensor is not that of W");
    if (std::ranges::find(matrices, t.at("name").get<std::string>(), &StoredMatrix::tensor) != matrices.end()) continue;
    const CheckedTensor* const own = container.find(t.at("name"));
    require(own != nullptr && container.bytes(*own) == tensor->second, "a tensor that passes through is another");
  }
}

void judge_digests_of(const File& container) {
  require(container.metadata("hallmark.payload.sha256") == payload_of(container), "the payload digest is false");
  bool packed = false;
  for (const StoredMatrix& m : stored_matrices(container)) packed = packed || m.spec.bits < 8;
  const std::string& schema = container.metadata("hallmark.schema");  // no file of the first is at hand
  require(schema == "2" || (schema == "4" && packed), "another schema");
  require(container.metadata("hallmark.metadata.sha256") == metadata_digest_of(container),
          "the metadata digest is false");
}

// "" where nothing was thrown.
std::string what_is_false(const auto& judge) {
  try {
    judge();
    return "";
  } catch (const False& statement) {
    return statement.what;
  } catch (const Json::exception& fault) {
    return fmt::format("what was accepted is not readable: {}", fault.what());
  }
}

}  // namespace

std::string first_false_statement(const VerifiedFiles& files) {
  return what_is_false([&] {
    const Sources sources(files);
    const File container(files.quantized);
    judge_digests_of(container);
    const std::vector<StoredMatrix> matrices = stored_matrices(container);
    judge_source(sources, container, matrices);
    const Json document = Json::parse(files.certificate);
    require(files.certificate == canonical(document), "the certificate is not the text that its content has");
    require(keys_of(document) == "format tool weights_sha256 calibration_sha256 contracts assumptions tensors ",
            "a certificate of other keys");
    require(document.at("format") == "hallmark-certificate/2", "another format");
    require(document.at("tool") == container.metadata("hallmark.tool"), "another tool");
    require(document.at("weights_sha256") == sources.weights_digest, "the certificate's digest of W is false");
    require(document.at("calibration_sha256") == sources.calibration_digest, "the certificate's digest of C is false");
    require(document.at("tensors").size() == matrices.size(), "another number of matrices");
    for (std::size_t k = 0; k < matrices.size(); ++k)
      judge_matrix(document.at("tensors")[k], matrices[k], sources, container, files.exact);
  });
}

std::string first_false_digest(std::string_view quantized) {
  return what_is_false([&] { judge_digests_of(File(quantized)); });
}

std::string first_false_value(std::string_view quantized, std::string_view dequantized) {
  return what_is_false([&] {
    const File container(quantized), plain(dequantized);
    const std::vector<StoredMatrix> matrices = stored_matrices(container);
    std::set<std::string> made;
    for (const StoredMatrix& m : matrices) {
      made.insert(m.tensor);
      const CheckedTensor* const tensor = plain.find(m.tensor);
      require(tensor != nullptr && tensor->dtype == "F32", "a matrix is missing");
      const std::size_t first = m.index.value_or(0) * m.rows * m.cols;
      for (std::size_t k = 0; k < m.codes.size(); ++k) {
        const std::size_t i = k / m.cols, j = k % m.cols;
        const mpq_class wanted = mpq_class(m.scales[m.step(i, j)]) * mpq_class(m.value(m.codes[k], i, j));
        require(mpq_class(number_at("F32", plain.bytes(*tensor), first + m.place(i, j))) == wanted,
                "a value is another");
      }
    }
    for (const Json& t : Json::parse(container.metadata("hallmark.tensors"))) {
      const CheckedTensor* const tensor = plain.find(t.at("name"));
      require(tensor != nullptr && t.at("shape") == tensor->shape, "a tensor is missing or of another shape");
      if (made.contains(t.at("name"))) continue;
      const CheckedTensor* const own = container.find(t.at("name"));
      require(own != nullptr && container.bytes(*own) == plain.bytes(*tensor), "a tensor changed");
    }
  });
}

bool chain_is_whole(std::string_view ledger) {
  std::string prev(64, '0');
  while (!ledger.empty()) {
    const std::size_t end = ledger.find('\n');
    if (end == ledger.npos) return false;
    const std::string_view line = ledger.substr(0, end);
    ledger.remove_prefix(end + 1);
    const Json entry = Json::parse(line, nullptr, false);
    if (!entry.is_object() || !line.starts_with("{\"prev\":\"" + prev + "\",")) return false;
    prev = sha256_of(line);
  }
  return true;
}

std::vector<std::pair<std::string, std::string>> digests_of(const VerifiedFiles& files) {
  std::vector<std::pair<std::string, std::string>> found;
  const auto add = [&](std::string name, const auto& digest) {
    what_is_false([&] { found.emplace_back(std::move(name), digest()); });
  };
  const auto add_tensors = [&](const std::string& file, std::string_view bytes) {
    what_is_false([&] {
      const File container(bytes);
      for (const auto& item : container.header.tensors)
        add(file + item.first, [&] { return sha256_of(container.bytes(item.second)); });
    });
  };
  add("w", [&] { return Sources(files).weights_digest; });
  add("c", [&] { return Sources(files).calibration_digest; });
  for (const std::string_view bytes : files.weights) add_tensors("w:", bytes);
  add_tensors("q:", files.quantized);
  what_is_false([&] {
    const Sources sources(files);
    for (const StoredMatrix& m : stored_matrices(File(files.quantized))) {
      add("slice:" + m.name, [&] { return sha256_of(weight_bytes(sources, m).second); });
      add("gram:" + m.name, [&] {
        const Calibration c = calibration_of(sources, m.name, m.cols);
        return sha256_of({reinterpret_cast<const char*>(c.G.data()), c.G.size() * sizeof(double)});
      });
    }
  });
  return found;
}

std::string sealed(std::string quantized) {
  const auto seal = [&](const std::string& key, const auto& digest) {
    what_is_false([&] {
      const File container(quantized);
      const std::string old = container.metadata(key);
      const std::size_t at = quantized.find(fmt::format("\"{}\":\"{}\"", key, old));
      if (at != quantized.npos && old.size() == 64) quantized.replace(at + key.size() + 4, 64, digest(container));
    });
  };
  seal("hallmark.payload.sha256", payload_of);
  seal("hallmark.metadata.sha256", metadata_digest_of);
  return quantized;
}

}  // namespace hallmark::test
