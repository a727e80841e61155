// Calibration files: a safetensors file that holds, for a weight `name` [rows, cols], either `name.activations`
// [tokens, cols] or `name.gram` [cols, cols], beside the latter, for an asymmetric target, `name.cross_gram` and
// `name.float_gram` [cols, cols], and optionally `name.scale` [rows] or [rows, groups] with, for grids that
// have zero points, `name.zero_point` of that shape, to be used as given.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "io/safetensors.hpp"
#include "scale/steps.hpp"

namespace hallmark {

/// What the file knows about one weight.
struct CalibrationEntry {
  bool is_gram = false;        ///< a Gram matrix; otherwise activations
  std::uint64_t cols = 0;      ///< columns of the weight
  std::uint64_t tokens = 0;    ///< that are used; 0 when a Gram matrix came without its count
  std::uint64_t held_out = 0;  ///< activations behind them that are not
  bool no_token = false;       ///< activations of 0 tokens, or a Gram matrix that says so: as good as no calibration
  Shape scale = {}, zero_point = {};  ///< [rows] or [rows, groups]; empty without one
  bool crossed = false;               ///< C = X X~^T and K = X X^T are there beside H = X~ X~^T, the Gram matrix
};

/// Of the inputs X of the float layer and X~ of the quantized one.
struct CrossGrams {
  HeldMatrix<double> C, K;
};

/// Whether the entry of `weight` belongs to a matrix of this size, its steps to groups of this size (0: the row).
/// Errors: E0415.
Status check_entry(const CalibrationEntry& entry, const std::string& weight, std::uint64_t rows, std::uint64_t cols,
                   Index group_size);

/// An open calibration file. Names, dtypes and shapes are checked by open(), values by the function that reads them.
class CalibrationFile {
 public:
  /// Errors: those of SafeTensors::open; E0380, E0381, E0382 (not square, or one of C and K alone), E0384.
  static Expected<CalibrationFile> open(const std::string& path);

  /// By name of the weight.
  const std::map<std::string, CalibrationEntry>& entries() const { return entries_; }
  /// nullptr when the file does not know the weight.
  const CalibrationEntry* find(const std::string& weight) const;
  /// check_entry of the entry of `weight`, which there is.
  Status check_weight(const std::string& weight, std::uint64_t rows, std::uint64_t cols, Index group_size) const {
    return check_entry(entries_.at(weight), weight, rows, cols, group_size);
  }

  /// The stored Gram matrix [cols, cols], widened to binary64: finite, exactly symmetric, diagonal not negative. One of
  /// F64 is read in place, from pages that stay until forget_pages. Precondition: an entry with is_gram. Errors: E0350,
  /// E0382.
  Expected<HeldMatrix<double>> gram(const std::string& weight) const;
  /// C and K, widened: finite, and K as gram(). Precondition: an entry that is crossed. Errors: E0350, E0382.
  Expected<CrossGrams> cross_grams(const std::string& weight) const;
  /// Whether the bytes of gram() are those in the file: a stored Gram matrix of F64. Precondition: an entry of this
  /// name.
  bool stored_as_used(const std::string& weight) const;
  /// Tokens first .. first + count - 1 as rows of binary32 [count, cols], all finite.
  /// Precondition: an entry with activations, the range inside it. Errors: E0350.
  Expected<Matrix<float>> activations(const std::string& weight, std::uint64_t first, std::uint64_t count) const;
  /// The given scales, finite and not 0, and zero points, for groups of this size. Precondition: check_weight, and a
  /// scale. Errors: E0383.
  Expected<Steps> steps(const std::string& weight, Index group_size) const;

  /// Its pages need not stay in memory.
  void forget(const std::string& weight) const;
  /// Keeps the last of each weight's activations out of use: the whole number nearest to fraction of them, 0 < fraction
  /// < 1.
  void hold_out(double fraction);
  /// Uses the first `tokens` activations of the weight only, where there are more.
  void use_first(const std::string& weight, std::uint64_t tokens);

  const std::string& path() const { return path_; }
  const SafeTensors& file() const { return file_; }

 private:
  CalibrationFile(std::string path, SafeTensors file) : path_(std::move(path)), file_(std::move(file)) {}
  const TensorInfo& tensor(const std::string& weight, std::string_view suffix) const;
  Expected<HeldMatrix<double>> gram_of(const TensorInfo& stored) const;

  std::string path_;
  SafeTensors file_;
  std::map<std::string, CalibrationEntry> entries_;
};

/// What the name of a weight is followed by.
inline constexpr std::string_view gram_suffix = ".gram", cross_gram_suffix = ".cross_gram",
                                  float_gram_suffix = ".float_gram";

/// One matrix to be written.
struct GramPlan {
  std::string weight;
  std::uint64_t cols = 0;
  std::optional<std::uint64_t> tokens;  ///< none where they are not known
  std::string_view suffix = gram_suffix;
};

/// Writes `weight.gram`, or what the suffix says, F64 [cols, cols] for each plan, and the token counts that are known;
/// `gram_of(i)` is asked for one matrix at a time, in order. Errors: those of gram_of and of SafeTensorsWriter.
Status write_grams(const std::string& path, bool overwrite, const std::vector<GramPlan>& plan,
                   const std::function<Expected<Matrix<double>>(std::size_t)>& gram_of);

}  // namespace hallmark
