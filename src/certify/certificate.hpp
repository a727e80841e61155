// The certificate of a quantized file: what is promised about each tensor and each row, with the numbers that say so.
// The text is JSON in one layout (docs/certificate.md), a line for every row, so that neither writing nor reading keeps
// more than one tensor. Nothing in it depends on time, machine or paths.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "certify/optimality.hpp"
#include "io/file.hpp"
#include "io/sha256.hpp"
#include "method/options.hpp"
#include "oracle/dyadic.hpp"

namespace hallmark {

/// lo <= x <= hi; infinite ends say that nothing is known on that side.
struct Enclosure {
  double lo = 0, hi = 0;
  friend bool operator==(const Enclosure&, const Enclosure&) = default;
};

/// Finite, and at most a quarter of its upper end wide or between neighbouring numbers: what verify and hallmark-check
/// ask of the enclosure of a loss.
bool says_enough(const Enclosure& loss);

/// A loss: e G e^T, or |w X - q X~|^2 where the target is asymmetric.
struct CertifiedLoss {
  Enclosure enclosure;
  std::optional<oracle::Dyadic> exact;
};

/// The bound of a method for the row: T2, T7, T9, T11, T15 together promise final <= bound for GPTQ.
struct CertifiedBound {
  Enclosure enclosure;
  double slack = 0;  ///< an upper bound of final / bound
  friend bool operator==(const CertifiedBound&, const CertifiedBound&) = default;
};

/// One row: T6 promises final <= rtn where the guard is on.
struct CertifiedRow {
  bool kept_rtn = false;  ///< the codes of round-to-nearest were kept by the guard
  CertifiedLoss final, rtn;
  std::optional<CertifiedBound> bound;   ///< version 1: always
  std::optional<Optimality> optimality;  ///< with quantize --optimality
  std::optional<bool> one_opt = {};      ///< with quantize --one-opt, where there is something to say (one_opt.hpp)
};

/// A contract, and how often it was decided: in enclosures, and by exact arithmetic where these could not tell.
struct CertifiedContract {
  std::string name, theorem;
  std::uint64_t by_enclosure = 0, by_exact = 0;
  friend bool operator==(const CertifiedContract&, const CertifiedContract&) = default;
};

/// Digests are SHA-256 in hexadecimal: of the matrix's bytes in W, of G as binary64 words row by row, and of codes,
/// scales, zero points and marks of rotated rows as they are stored in the container.
struct CertifiedTensor {
  explicit CertifiedTensor(Options resolved) : options(std::move(resolved)) {}

  std::string name;
  std::uint64_t rows = 0, cols = 0;
  std::string weights_sha256, gram_sha256 /* empty: no calibration */, codes_sha256, scales_sha256,
      zeros_sha256 /* empty: no zero points */, rotated_sha256 /* empty: no rotation */,
      low_rank_sha256 /* of A and B; empty: no correction */;
  std::string cross_sha256, float_sha256;  ///< of C and K; empty: a plain target
  Options options;                         ///< as resolved: scale_rule is "given" where C holds the steps
  std::string calibration;                 ///< "gram", "activations" or "none"
  std::uint64_t tokens = 0;                ///< 0: unknown
  double lambda = 0;
  std::uint64_t dead_columns = 0, clipped = 0, guard_rows = 0;
  std::vector<CertifiedContract> contracts;
  std::vector<CertifiedRow> values;  ///< one for each row; empty without calibration
};

struct CertificateHeader {
  int version = 2;
  std::string tool;
  std::string weights_sha256, calibration_sha256 /* or empty */;
  std::string contracts = "on";    ///< the policy: off, on or exact
  bool asymmetric = false;         ///< some tensor has an asymmetric target: the assumptions say what its losses are
  std::optional<Options> options;  ///< version 1: of all tensors, but for scales that are given
};

/// loss / optimality, in the mean over the rows that have a lower bound above 0, and how many these are.
struct MeanOptimality {
  double sum = 0;  ///< of the ratios
  std::uint64_t rows = 0;
  double ratio() const { return sum / static_cast<double>(rows); }
};
MeanOptimality mean_optimality(const std::vector<CertifiedRow>& rows);

/// In how many rows no change of one code lowers the loss, and how many say whether.
struct OneOptRows {
  std::uint64_t held = 0, rows = 0;
};
OneOptRows one_opt_rows(const std::vector<CertifiedRow>& rows);

/// What is not proved and taken on trust; every certificate carries these sentences, in two forms.
const std::vector<std::string>& certificate_assumptions(bool asymmetric);

/// hi / lo of the slack, rounded up; 0 where the loss is 0, infinity where the bound says nothing.
double slack_of(const Enclosure& loss, const Enclosure& bound);

/// Q.safetensors or Q.safetensors.index.json -> Q.certificate.json; any other name gets the ending appended.
std::string certificate_path(const std::string& quantized_path);

/// The name that a certificate has until the container of this content, tensors and metadata, stands under its own
/// (commit_pair).
std::string waiting_certificate(const std::string& certificate, const std::string& content_sha256);

/// The certificate of the container that stands there: the waiting one, where a writer was stopped before it renamed
/// it, else that of certificate_path; of shards the one that is called as they are.
std::string certificate_beside(const std::string& quantized_path, const std::string& content_sha256);

/// What a certificate says of a tensor: its lines, from the name to the end of its values, a JSON object.
std::string certificate_lines(const CertifiedTensor& tensor);

/// Writes a certificate tensor by tensor; it appears whole, by commit(), or not at all.
class CertificateWriter {
 public:
  /// Errors: those of AtomicFile::create.
  static Expected<CertificateWriter> create(const std::string& path, bool overwrite, const CertificateHeader& header);
  Status add(const CertifiedTensor& tensor);
  /// Writes another header of the same length over that of create(), for digests that are known only after the tensors.
  /// Errors: E0110 another length; E0904, E0905.
  Status replace_header(const CertificateHeader& header);
  /// Writes the end; commit_pair of file() may follow.
  Status seal();
  Status commit();
  AtomicFile& file() { return file_; }

 private:
  CertificateWriter(AtomicFile file, std::size_t header_bytes) : file_(std::move(file)), header_bytes_(header_bytes) {}
  AtomicFile file_;
  std::size_t header_bytes_;
  bool first_ = true;
};

/// Reads a certificate tensor by tensor. open() has read the whole file once: what it accepts is well formed to the
/// last byte.
class CertificateReader {
 public:
  /// Errors: E0901; E0367 malformed (not this layout, a key twice, a value out of range, NaN, truncated, trailing
  /// bytes), with the line; E0368 another version.
  static Expected<CertificateReader> open(const std::string& path);

  const CertificateHeader& header() const { return header_; }
  /// The next tensor, in the order of W; none at the end.
  Expected<std::optional<CertifiedTensor>> next();

  /// Of the file.
  std::string sha256() const { return sha256_hex(file_.bytes()); }
  /// Whether somebody wrote to the file since it was opened. Errors: E0901, E0902.
  Status unchanged() const { return file_.unchanged(); }

 private:
  explicit CertificateReader(MappedFile file) : file_(std::move(file)) {}
  Status read_header();
  Expected<std::string_view> line();
  Error malformed(std::string_view what) const;

  MappedFile file_;
  CertificateHeader header_;
  std::size_t offset_ = 0, line_ = 0;
  bool more_ = true;  // tensors follow
};

/// The first thing in which the certified tensor differs from the computed one: "row 3: final loss ...". Exact values
/// are compared where both have them, and have to lie in the computed enclosures.
std::optional<std::string> first_difference(const CertifiedTensor& certified, const CertifiedTensor& computed);
std::optional<std::string> first_difference(const CertificateHeader& certified, const CertificateHeader& computed);

}  // namespace hallmark
