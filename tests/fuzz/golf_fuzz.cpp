// libFuzzer target: any bytes as an archive of parameter-golf, or as the plan of a dict. Such a dict is written, read
// back, and judged by a reader of this file, which works on the plan and in binary64: both take it with the same names,
// dtypes, shapes and numbers, or both refuse it. The bytes are shuffled too, and taken for shuffled ones.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "artifact/byte_shuffle.hpp"
#include "artifact/formats/parameter_golf_published.hpp"
#include "io/pytorch.hpp"

namespace {

using namespace hallmark;
using pytorch::Stored;
using Path = std::vector<std::string>;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "wrong: %s\n", what);
  std::abort();
}

/// Choices from the input; 0 behind its end.
class Choices {
 public:
  explicit Choices(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  std::size_t next(std::size_t count) {
    if (at_ == bytes_.size()) return 0;
    return bytes_[at_++] % count;
  }
  template <std::size_t n>
  std::string one_of(const char* const (&words)[n]) {
    return words[next(n)];
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

struct PlannedLeaf {
  Path path;
  std::variant<std::string, std::int64_t, Stored> value;
};
using Plan = std::vector<PlannedLeaf>;

constexpr const char* names[] = {"a", "b", "c", "a.q"};
constexpr const char* texts[] = {"float32",
                                 "bfloat16",
                                 "float16",
                                 "float64",
                                 "per_row",
                                 "int8",
                                 "int6",
                                 "gptq (int6)",
                                 "gptq (int6)+lqer",
                                 "passthrough",
                                 "passthrough_ctrl",
                                 "passthrough (float16)",
                                 "int8_clean_per_row_v1"};
constexpr const char* sections[] = {
    "quantized", "scales", "dtypes",           "passthrough", "qmeta", "passthrough_orig_dtypes",
    "w",         "m",      "__quant_format__", "other"};
constexpr DType dtypes[] = {DType::F16, DType::F32, DType::BF16, DType::I8, DType::F64, DType::I64};

const PlannedLeaf* find(const Plan& plan, const Path& path) {
  const auto found = std::ranges::find(plan, path, &PlannedLeaf::path);
  return found == plan.end() ? nullptr : &*found;
}

/// Unless the path is that of a leaf or of a dict of others.
void add(Plan& plan, PlannedLeaf leaf) {
  for (const PlannedLeaf& other : plan) {
    const std::size_t depth = std::min(other.path.size(), leaf.path.size());
    if (std::equal(leaf.path.begin(), leaf.path.begin() + static_cast<std::ptrdiff_t>(depth), other.path.begin()))
      return;
  }
  plan.push_back(std::move(leaf));
}

Stored tensor(Choices& choose, DType dtype, const Shape& shape) {
  Stored made{dtype, shape, {}};
  const std::size_t bytes = element_count(shape) * dtype_bits(dtype) / 8;
  for (std::size_t k = 0; k < bytes; ++k) made.bytes.push_back(static_cast<std::byte>(choose.next(256)));
  return made;
}
Shape shape(Choices& choose) {
  Shape made(choose.next(4));
  for (auto& size : made) size = choose.next(4);
  return made;
}

/// Codes with everything that belongs to them, each part left out once in 16 times.
void plan_codes(Plan& plan, Choices& choose, bool pair, const std::string& name) {
  const Shape of_codes = shape(choose);
  const auto there = [&] { return choose.next(16) != 15; };
  Shape of_scales;
  if (!of_codes.empty() && choose.next(4) > 0) of_scales = {of_codes[0]};
  if (choose.next(16) == 15) of_scales = shape(choose);
  const DType dtype = choose.next(16) == 15 ? dtypes[choose.next(6)] : DType::I8, scale = dtypes[choose.next(3)];
  if (there()) add(plan, {pair ? Path{"w", name + ".q"} : Path{"quantized", name}, tensor(choose, dtype, of_codes)});
  if (there()) add(plan, {pair ? Path{"w", name + ".scale"} : Path{"scales", name}, tensor(choose, scale, of_scales)});
  if (pair && there()) add(plan, {choose.next(2) ? Path{"m", name} : Path{"m", name, "type"}, choose.one_of(texts)});
  if (!pair && there()) add(plan, {{"dtypes", name}, texts[choose.next(choose.next(16) == 15 ? 13 : 4)]});
  if (!pair && !of_scales.empty()) {
    add(plan, {{"qmeta", name, "scheme"}, "per_row"});
    add(plan, {{"qmeta", name, "axis"}, static_cast<std::int64_t>(choose.next(16) / 15)});
  }
}

Plan planned(Choices& choose) {
  Plan plan;
  const bool pair = choose.next(2) == 1;
  if (!pair) add(plan, {{"__quant_format__"}, choose.next(16) == 15 ? choose.one_of(texts) : "int8_clean_per_row_v1"});
  for (std::size_t count = choose.next(7); count > 0; --count) {
    const std::string name = choose.one_of(names);
    const std::size_t kind = choose.next(8);
    if (kind < 4) {
      plan_codes(plan, choose, pair, name);
    } else if (kind < 7) {
      const DType dtype = dtypes[choose.next(6)];
      add(plan, {{pair ? "w" : "passthrough", name}, tensor(choose, dtype, shape(choose))});
      if (choose.next(2))
        add(plan,
            {{pair ? "m" : "passthrough_orig_dtypes", name}, pair ? texts[9 + choose.next(3)] : texts[choose.next(4)]});
    } else {
      Path path{choose.one_of(sections)};
      for (std::size_t depth = choose.next(3); depth > 0; --depth) path.push_back(choose.one_of(names));
      const std::size_t what = choose.next(3);
      if (what == 0) add(plan, {path, choose.one_of(texts)});
      else if (what == 1) add(plan, {path, static_cast<std::int64_t>(choose.next(2))});
      else add(plan, {path, tensor(choose, dtypes[choose.next(6)], shape(choose))});
    }
  }
  return plan;
}

void insert(pytorch::Dict& dict, std::span<const std::string> path, const PlannedLeaf& leaf) {
  auto found = std::ranges::find(dict, path[0], &pytorch::Entry::key);
  if (path.size() == 1) {
    std::visit([&](const auto& value) { dict.push_back({path[0], value}); }, leaf.value);
    return;
  }
  if (found == dict.end()) found = dict.insert(dict.end(), {path[0], pytorch::Dict()});
  insert(std::get<pytorch::Dict>(found->value), path.subspan(1), leaf);
}

// ---- the reader of this file ----

double half(std::uint16_t word) {
  const int field = word >> 10 & 31, fraction = word & 1023;
  const double size = field == 31  ? (fraction != 0 ? NAN : INFINITY)
                      : field == 0 ? std::ldexp(fraction, -24)
                                   : std::ldexp(1024 + fraction, field - 25);
  return word >> 15 != 0 ? -size : size;
}
double number_at(const Stored& tensor, std::size_t k) {
  const auto read = [&](auto value) {
    std::memcpy(&value, tensor.bytes.data() + k * sizeof value, sizeof value);
    return value;
  };
  switch (tensor.dtype) {
    case DType::I8: return read(std::int8_t{});
    case DType::F16: return half(read(std::uint16_t{}));
    case DType::BF16: return std::bit_cast<float>(static_cast<std::uint32_t>(read(std::uint16_t{})) << 16);
    default: return read(float{});
  }
}
/// The nearest number with `bits` significant bits and no bit below 2^lowest, ties to even; infinite from 2^top on.
double rounded(double value, int bits, int lowest, int top) {
  if (!std::isfinite(value) || value == 0) return value;
  const int unit = std::max(std::ilogb(value) - bits + 1, lowest);
  const double near = std::ldexp(std::nearbyint(std::ldexp(value, -unit)), unit);
  return std::abs(near) >= std::ldexp(1, top) ? std::copysign(INFINITY, near) : near;
}
double cast(double value, DType dtype) {
  if (dtype == DType::F16) return rounded(value, 11, -24, 16);
  if (dtype == DType::BF16) return rounded(value, 8, -133, 128);
  return value;  // of binary32 already
}

struct Read {
  std::string name;
  DType dtype;
  const Stored *stored, *scale;
};
struct Verdict {
  bool taken = false;
  std::vector<Read> tensors = {};
};

std::optional<DType> named(const std::string& text) {
  for (std::size_t i = 0; i < 4; ++i)
    if (text == texts[i]) return std::array{DType::F32, DType::BF16, DType::F16, DType::F64}[i];
  return std::nullopt;
}
bool widens(DType dtype) { return dtype == DType::F16 || dtype == DType::BF16 || dtype == DType::F32; }

bool fit(const Stored& codes, const Stored& scale) {
  if (codes.dtype != DType::I8 || !widens(scale.dtype) || scale.shape.size() > 1) return false;
  if (scale.shape.size() == 1 && (codes.shape.empty() || codes.shape[0] != scale.shape[0])) return false;
  for (std::size_t k = 0; k < element_count(scale.shape); ++k)
    if (!std::isfinite(number_at(scale, k))) return false;
  return true;
}
template <class T>
const T* value_at(const Plan& plan, const Path& path) {
  const PlannedLeaf* const leaf = find(plan, path);
  return leaf == nullptr ? nullptr : std::get_if<T>(&leaf->value);
}

Verdict judge_sections(const Plan& plan) {
  Verdict verdict;
  const auto* const format = value_at<std::string>(plan, {"__quant_format__"});
  if (format == nullptr || *format != "int8_clean_per_row_v1") return {};
  std::vector<Read> passing;
  for (const auto& [path, value] : plan) {
    const std::string& section = path[0];
    const bool known = path.size() == (section == "__quant_format__" ? 1U : section == "qmeta" ? 3U : 2U);
    if (!known) return {};
    if (section == "__quant_format__") continue;
    const std::string& name = path[1];
    const auto* const held = std::get_if<Stored>(&value);
    const auto* const text = std::get_if<std::string>(&value);
    const auto* const codes = value_at<Stored>(plan, {"quantized", name});
    if (section == "quantized" && held != nullptr) {
      const auto* const scale = value_at<Stored>(plan, {"scales", name});
      const auto* const type = value_at<std::string>(plan, {"dtypes", name});
      if (scale == nullptr || type == nullptr || !named(*type) || !fit(*held, *scale) ||
          find(plan, {"passthrough", name}))
        return {};
      verdict.tensors.push_back({name, *named(*type), held, scale});
    } else if (section == "passthrough" && held != nullptr) {
      DType dtype = held->dtype;
      if (const auto* const type = value_at<std::string>(plan, {"passthrough_orig_dtypes", name})) {
        if (!named(*type)) return {};
        dtype = *named(*type);
      }
      if (dtype != held->dtype && !widens(held->dtype)) return {};
      passing.push_back({name, dtype, held, nullptr});
    } else if ((section == "scales" && held != nullptr) || (section == "dtypes" && text != nullptr)) {
      if (codes == nullptr) return {};
    } else if (section == "passthrough_orig_dtypes" && text != nullptr) {
      if (find(plan, {"passthrough", name}) == nullptr) return {};
    } else if (section == "qmeta") {
      const auto* const scale = value_at<Stored>(plan, {"scales", name});
      const auto* const number = std::get_if<std::int64_t>(&value);
      const bool good = path[2] == "scheme" ? text != nullptr && *text == "per_row"
                                            : path[2] == "axis" && number != nullptr && *number == 0;
      if (!good || codes == nullptr || scale == nullptr || scale->shape.empty()) return {};
    } else {
      return {};
    }
  }
  verdict.taken = true;
  verdict.tensors.insert(verdict.tensors.end(), passing.begin(), passing.end());
  return verdict;
}

Verdict judge_pair(const Plan& plan) {
  Verdict verdict;
  std::vector<std::string> used;
  std::size_t stored = 0;
  for (const auto& [path, value] : plan) {
    const auto* const text = std::get_if<std::string>(&value);
    if (path[0] == "w" && path.size() == 2 && std::holds_alternative<Stored>(value)) {
      ++stored;
      continue;
    }
    if (path[0] != "m" || path.size() < 2 || text == nullptr) return {};
    const std::string& name = path[1];
    const auto* const own = value_at<Stored>(plan, {"w", name});
    const bool typed = path.size() == 3 && path[2] == "type" && (*text == "int6" || *text == "int8");
    if (typed || (path.size() == 2 && *text == "gptq (int6)")) {
      const auto* const codes = value_at<Stored>(plan, {"w", name + ".q"});
      const auto* const scale = value_at<Stored>(plan, {"w", name + ".scale"});
      if (codes == nullptr || scale == nullptr || own != nullptr || !fit(*codes, *scale)) return {};
      used.insert(used.end(), {name + ".q", name + ".scale"});
      verdict.tensors.push_back({name, DType::F32, codes, scale});
    } else if (path.size() == 2 && text->starts_with("passthrough")) {
      if (own == nullptr) return {};
      used.push_back(name);
      verdict.tensors.push_back({name, own->dtype, own, nullptr});
    } else {
      return {};
    }
  }
  std::ranges::sort(used);
  verdict.taken = !plan.empty() && used.size() == stored && std::ranges::adjacent_find(used) == used.end();
  return verdict;
}

/// Whether the numbers that were read are those of the plan; the reader refuses what leaves its dtype.
void judge_numbers(const golf::Published& tensor, const Read& wanted) {
  Stored read{tensor.dtype, tensor.stored.shape, {}};
  const Status done = golf::read_values(tensor, "fuzz", [&](std::span<const std::byte> piece) {
    read.bytes.insert(read.bytes.end(), piece.begin(), piece.end());
    return ok();
  });
  if (wanted.scale == nullptr && wanted.dtype == wanted.stored->dtype) {
    require(done && read.bytes == wanted.stored->bytes, "a tensor that passes through has other bytes");
    return;
  }
  const std::size_t count = element_count(wanted.stored->shape),
                    rows = wanted.scale ? element_count(wanted.scale->shape) : 1;
  bool beyond = false;
  for (std::size_t k = 0; k < count; ++k) {
    double value = number_at(*wanted.stored, k);
    if (wanted.scale != nullptr) value = rounded(value * number_at(*wanted.scale, k / (count / rows)), 24, -149, 128);
    const double kept = cast(value, wanted.dtype);
    beyond =
        beyond || (wanted.scale != nullptr && !std::isfinite(value)) || (std::isfinite(value) && !std::isfinite(kept));
    if (!done) continue;
    double found = 0;
    if (wanted.dtype == DType::F64) std::memcpy(&found, read.bytes.data() + 8 * k, 8);
    else found = number_at(read, k);
    require(std::isnan(kept) ? std::isnan(found) : kept == found && std::signbit(kept) == std::signbit(found),
            "another number than the plan's");
  }
  require(static_cast<bool>(done) == !beyond, "a number beyond its dtype");
}

void judge_plan(const Plan& plan) {
  pytorch::Dict dict;
  for (const PlannedLeaf& leaf : plan) insert(dict, leaf.path, leaf);
  const std::vector<std::byte> archive = pytorch::archive_of(dict, "archive");
  const auto parsed = golf::parse_published(archive, "fuzz");
  const bool in_sections =
      std::ranges::any_of(plan, [](const PlannedLeaf& leaf) { return leaf.path[0] == "__quant_format__"; });
  const Verdict verdict = in_sections ? judge_sections(plan) : judge_pair(plan);
  require(static_cast<bool>(parsed) == verdict.taken,
          parsed ? "taken, and it should not be" : "refused, and it should not be");
  if (!parsed) return;
  require(parsed->tensors.size() == verdict.tensors.size(), "another number of tensors");
  for (std::size_t i = 0; i < verdict.tensors.size(); ++i) {
    const golf::Published& tensor = parsed->tensors[i];
    const Read& wanted = verdict.tensors[i];
    require(tensor.stored.name == wanted.name && tensor.dtype == wanted.dtype &&
                tensor.stored.shape == wanted.stored->shape,
            "another name, dtype or shape");
    judge_numbers(tensor, wanted);
  }
}

void judge_archive(std::span<const std::byte> archive) {
  const auto parsed = golf::parse_published(archive, "fuzz");
  if (!parsed) return;
  for (const golf::Published& tensor : parsed->tensors) {
    std::uint64_t bytes = 0;
    const Status done = golf::read_values(tensor, "fuzz", [&](std::span<const std::byte> piece) {
      bytes += piece.size();
      return ok();
    });
    require(!done || bytes == tensor_bytes({"t", tensor.dtype, tensor.stored.shape}).value(),
            "other bytes than its shape");
  }
  require(!golf::parse_published(archive.first(archive.size() - 1), "fuzz"), "a prefix is an archive");
}

void judge_shuffle(std::span<const std::byte> bytes) {
  require(std::ranges::equal(byte_unshuffled(byte_shuffled(bytes)), bytes), "a shuffle without an inverse");
  std::vector<std::byte> as_shuffled{std::byte{'B'}, std::byte{'S'}, std::byte{'H'}, std::byte{'F'}};
  as_shuffled.insert(as_shuffled.end(), bytes.begin(), bytes.end());
  if (!is_byte_shuffled(as_shuffled)) return require(bytes.empty() || bytes[0] == std::byte{0}, "no stride is taken");
  const std::vector<std::byte> data = byte_unshuffled(as_shuffled);
  const auto held = bytes.subspan(1);
  const auto stride = std::to_integer<std::size_t>(bytes[0]);
  require(data.size() == held.size(), "another number of bytes");
  std::size_t begin = 0;  // of the bytes of one remainder, as the competition's reader counts them
  for (std::size_t r = 0; r < stride; ++r) {
    const std::size_t length = held.size() / stride + (r < held.size() % stride);
    for (std::size_t i = 0; i < length; ++i) require(data[r + i * stride] == held[begin + i], "a byte elsewhere");
    begin += length;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::span rest(data + 1, size - 1);
  if (data[0] % 2 == 0) {
    judge_archive(std::as_bytes(rest));
    judge_shuffle(std::as_bytes(rest));
    return 0;
  }
  Choices choose(rest);
  judge_plan(planned(choose));
  return 0;
}
