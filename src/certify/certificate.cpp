#include "certify/certificate.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <tuple>
#include <utility>

#include "artifact/quantized_file.hpp"
#include "base/error_numbers.hpp"
#include "certify/certificate_text.hpp"

namespace hallmark {

const std::vector<std::string>& certificate_assumptions(bool asymmetric) {
  static const std::vector<std::string> plain = {
      "axioms: sig_forall_dec, sig_not_dec, functional_extensionality_dep, classic (Coq's real numbers)",
      "kernel: Coq 8.16.1 with vm_compute, and its library Flocq",
      "enclosures: binary64 with one rounding to nearest for each operation, evaluated by compiled C++",
      "exact values: GMP and MPFR",
      "scope: losses are e G e^T in the stored Gram matrix G; nothing is said about other data or accuracy"};
  static const std::vector<std::string> with_target = [] {
    std::vector<std::string> sentences = plain;
    sentences.back() =
        "scope: losses are e G e^T, and where the target is asymmetric w K w^T - 2 w C q^T + q G q^T, in the stored "
        "matrices; nothing is said about other data or accuracy";
    return sentences;
  }();
  return asymmetric ? with_target : plain;
}

bool says_enough(const Enclosure& loss) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return std::isfinite(loss.lo) && std::isfinite(loss.hi) &&
         (loss.hi - loss.lo <= 0.25 * loss.hi || loss.hi == std::nextafter(loss.lo, infinity));
}

double slack_of(const Enclosure& loss, const Enclosure& bound) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (loss.hi <= 0) return 0;
  if (!(bound.lo > 0)) return infinity;
  return std::nextafter(loss.hi / bound.lo, infinity);
}

MeanOptimality mean_optimality(const std::vector<CertifiedRow>& rows) {
  MeanOptimality mean;
  for (const CertifiedRow& row : rows) {
    if (!row.optimality || !row.optimality->lower || !(*row.optimality->lower > 0)) continue;
    mean.sum += row.final.enclosure.hi / *row.optimality->lower;
    ++mean.rows;
  }
  return mean;
}

OneOptRows one_opt_rows(const std::vector<CertifiedRow>& rows) {
  OneOptRows count;
  for (const CertifiedRow& row : rows) {
    if (!row.one_opt) continue;
    count.held += *row.one_opt;
    ++count.rows;
  }
  return count;
}

std::string certificate_path(const std::string& quantized_path) {
  std::string_view path = quantized_path;
  for (const std::string_view ending : {".safetensors", ".safetensors.index.json"})
    if (path.ends_with(ending)) {
      path.remove_suffix(ending.size());
      break;
    }
  return fmt::format("{}{}", path, certificate_ending);
}

std::string waiting_certificate(const std::string& certificate, const std::string& content_sha256) {
  return fmt::format("{}.{}", certificate, content_sha256);
}

std::string certificate_beside(const std::string& quantized_path, const std::string& content_sha256) {
  if (is_index_name(quantized_path)) return companion_of(quantized_path, certificate_ending);
  const std::string certificate = certificate_path(quantized_path);
  if (content_sha256.size() != 64 || content_sha256.find_first_not_of("0123456789abcdef") != content_sha256.npos)
    return certificate;
  std::string waiting = waiting_certificate(through_links(certificate), content_sha256);
  return ::access(waiting.c_str(), F_OK) == 0 ? waiting : certificate;
}

// ---- writing

Expected<CertificateWriter> CertificateWriter::create(const std::string& path, bool overwrite,
                                                      const CertificateHeader& header) {
  Expected<AtomicFile> file = AtomicFile::create(path, overwrite);
  if (!file) return file.error();
  const std::string line = detail::header_line(header) + "\n";
  CertificateWriter writer(*std::move(file), line.size());
  if (const Status written = writer.file_.write(line); !written) return written.error();
  return writer;
}

Status CertificateWriter::replace_header(const CertificateHeader& header) {
  const std::string line = detail::header_line(header) + "\n";
  if (line.size() != header_bytes_)
    return Error{Exit::internal, error_number::writer_misuse, "a certificate's header cannot take another length",
                 fmt::format("{} bytes, {} before", line.size(), header_bytes_), "report this"};
  return file_.write_at(0, std::as_bytes(std::span(line)));
}

namespace {

// The lines of a tensor behind `text`, in pieces.
Status write_lines(const CertifiedTensor& tensor, std::string text, const std::function<Status(std::string_view)>& to) {
  text += detail::tensor_line(2, tensor) + "\n";
  for (std::size_t i = 0; i < tensor.values.size(); ++i) {
    text += detail::row_line(2, i, tensor.values[i]);
    text += i + 1 < tensor.values.size() ? ",\n" : "\n";
    if (text.size() < (1 << 20)) continue;
    if (const Status written = to(text); !written) return written;
    text.clear();
  }
  text += detail::end_of_values;
  return to(text);
}

}  // namespace

std::string certificate_lines(const CertifiedTensor& tensor) {
  std::string lines;
  std::ignore = write_lines(tensor, "", [&](std::string_view piece) { return lines += piece, ok(); });
  return lines;
}

Status CertificateWriter::add(const CertifiedTensor& tensor) {
  return write_lines(tensor, std::exchange(first_, false) ? "" : ",\n",
                     [&](std::string_view piece) { return file_.write(piece); });
}

Status CertificateWriter::seal() { return file_.write(fmt::format("\n{}\n", detail::end_of_file)); }

Status CertificateWriter::commit() {
  const Status sealed = seal();
  return sealed ? file_.commit() : sealed;
}

// ---- reading

Expected<CertificateReader> CertificateReader::open(const std::string& path) {
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file) return file.error();
  CertificateReader reader(*std::move(file));
  if (const Status read = reader.read_header(); !read) return read.error();
  for (bool more = true; more;) {  // once through everything: an error at the end is not to be found after the work
    const Expected<std::optional<CertifiedTensor>> tensor = reader.next();
    if (!tensor) return tensor.error();
    more = tensor->has_value();
  }
  if (const Status read = reader.read_header(); !read) return read.error();
  return reader;
}

Error CertificateReader::malformed(std::string_view what) const {
  return {Exit::input, error_number::certificate_malformed, "the certificate is malformed",
          fmt::format("{}: line {}: {}", file_.path(), line_, what), "get the certificate again, or quantize again"};
}

Expected<std::string_view> CertificateReader::line() {
  const std::string_view rest(reinterpret_cast<const char*>(file_.bytes().data()) + offset_,
                              file_.bytes().size() - offset_);
  ++line_;
  const auto end = rest.find('\n');
  if (end == rest.npos)
    return malformed(rest.empty() ? "truncated: the file ends here" : "truncated: the line has no end");
  offset_ += end + 1;
  return rest.substr(0, end);
}

Status CertificateReader::read_header() {
  offset_ = line_ = 0;
  more_ = true;
  const Expected<std::string_view> text = line();
  if (!text) return text.error();
  if (const auto fault = detail::parse_header_line(*text, header_)) {
    if (!fault->other_version) return malformed(fault->what);
    return Error{Exit::input, error_number::certificate_version, "the certificate is of another version",
                 fmt::format("{}: {}", file_.path(), fault->what), "verify with the release that wrote it"};
  }
  return ok();
}

Expected<std::optional<CertifiedTensor>> CertificateReader::next() {
  CertifiedTensor tensor{Options{Grid(GridSpec::golden("gf16", "gf16/1", 6, 9))}};
  Expected<std::string_view> text = std::string_view();
  if (!more_) {
    if (text = line(); !text) return text.error();
    if (*text != detail::end_of_file) return malformed("the end of the file should stand here");
    if (offset_ != file_.bytes().size()) return ++line_, malformed("bytes after the end");
    return std::optional<CertifiedTensor>();
  }
  if (text = line(); !text) return text.error();
  if (const auto fault = detail::parse_tensor_line(header_, *text, tensor)) return malformed(fault->what);
  for (bool rows = true;;) {
    if (text = line(); !text) return text.error();
    std::string_view content = *text;
    const bool comma = content.ends_with(',');
    if (comma) content.remove_suffix(1);
    if (content == detail::end_of_values) {
      if (rows && !tensor.values.empty()) return malformed("a comma before the end of the rows");
      more_ = comma;
      return std::optional(std::move(tensor));
    }
    if (!rows) return malformed("a row without a comma before it");
    const std::size_t index = tensor.values.size();
    if (const auto fault = detail::parse_row_line(header_.version, content, index, tensor.values.emplace_back()))
      return malformed(fault->what);
    rows = comma;
  }
}

}  // namespace hallmark
