// Calibration files: what is read, and each way in which they can be wrong.
#include <doctest/doctest.h>

#include <bit>
#include <fstream>
#include <limits>

#include "calibrate/calibration_file.hpp"
#include "base/error_numbers.hpp"
#include "temporary_folder.hpp"

namespace calibration_file_test {

using namespace hallmark;
using namespace hallmark::error_number;

namespace {

struct Item {
  std::string name;
  DType dtype;
  Shape shape;
  std::vector<double> values;
};

template <class T>
std::string stored(const std::vector<double>& values) {
  std::string bytes;
  for (const double v : values) {
    const T value = static_cast<T>(v);
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  return bytes;
}

class Files {
 public:
  std::string write(const std::vector<Item>& items, const std::map<std::string, std::string>& metadata = {}) const {
    std::vector<TensorPlan> plan;
    for (const Item& item : items) plan.push_back({item.name, item.dtype, item.shape});
    auto writer = SafeTensorsWriter::create(folder / "c.safetensors", true, plan, metadata);
    REQUIRE(writer);
    for (const Item& item : items) {
      const std::string bytes = item.dtype == DType::F64   ? stored<double>(item.values)
                                : item.dtype == DType::F32 ? stored<float>(item.values)
                                : item.dtype == DType::U8  ? stored<std::uint8_t>(item.values)
                                : item.dtype == DType::I8  ? stored<std::int8_t>(item.values)
                                                           : stored<std::uint16_t>(item.values);
      REQUIRE(writer->write(item.name, std::as_bytes(std::span(bytes))));
    }
    REQUIRE(writer->commit());
    return folder / "c.safetensors";
  }
  int open_error(const std::vector<Item>& items, const std::map<std::string, std::string>& metadata = {}) const {
    const auto opened = CalibrationFile::open(write(items, metadata));
    if (!opened) CHECK(opened.error().exit == Exit::input);
    return opened ? 0 : opened.error().number;
  }
  CalibrationFile open(const std::vector<Item>& items) const {
    auto opened = CalibrationFile::open(write(items));
    REQUIRE(opened);
    return std::move(*opened);
  }
  test::TemporaryFolder folder;
};

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("Gram matrices, activations and scales are read exactly") {
  const Files files;
  const CalibrationFile c =
      files.open({{"w.gram", DType::F64, {2, 2}, {0.1, -0.3, -0.3, 2}},
                  {"w.scale", DType::F32, {3}, {0.25, 1, 7}},
                  {"n.gram", DType::F32, {1, 1}, {0}},
                  {"x.y.activations", DType::BF16, {3, 2}, {0x3F80, 0, 0x4000, 0x8000, 0, 0x3F00}}});
  CHECK(c.entries().size() == 3);
  CHECK(c.find("w.gram") == nullptr);
  REQUIRE(c.find("w") != nullptr);
  CHECK(c.find("w")->is_gram);
  CHECK(c.find("w")->cols == 2);
  CHECK(c.find("w")->scale == Shape{3});
  CHECK(c.find("w")->zero_point.empty());
  CHECK_FALSE(c.find("w")->no_token);
  CHECK(c.gram("w")->view()(0, 1) == -0.3);
  CHECK(c.gram("w")->view()(0, 0) == 0.1);
  CHECK(c.gram("n")->view()(0, 0) == 0);
  const auto steps = c.steps("w", 0);
  REQUIRE(steps);
  CHECK(steps->scales == Matrix<float>{{0.25F}, {1}, {7}});
  CHECK(steps->zeros.size() == 0);
  CHECK(steps->group_size == 0);
  const CalibrationEntry& x = *c.find("x.y");
  CHECK_FALSE(x.is_gram);
  CHECK(x.scale.empty());
  CHECK(x.tokens == 3);
  const auto rows = c.activations("x.y", 1, 2);
  REQUIRE(rows);
  CHECK(rows->rows() == 2);
  CHECK((*rows)(0, 0) == 2.0F);
  CHECK((*rows)(1, 1) == 0.5F);
}

TEST_CASE("calibration and weight must fit") {
  const Files files;
  const CalibrationFile c =
      files.open({{"w.gram", DType::F64, {2, 2}, {1, 0, 0, 1}}, {"w.scale", DType::F32, {3}, {1, 1, 1}}});
  CHECK(c.check_weight("w", 3, 2, 0));
  CHECK(c.check_weight("w", 3, 2, 2));  // one group is the row
  const auto refused = [](const CalibrationFile& file, std::uint64_t rows, std::uint64_t cols, Index group_size) {
    const Status found = file.check_weight("w", rows, cols, group_size);
    REQUIRE_FALSE(found);
    CHECK(found.error().exit == Exit::infeasible);
    CHECK(found.error().number == calibration_shape);
  };
  refused(c, 3, 3, 0);
  refused(c, 2, 2, 0);
  refused(c, 3, 2, 1);
  const CalibrationFile groups = files.open(
      {{"w.gram", DType::F64, {3, 3}, std::vector<double>(9)}, {"w.scale", DType::F32, {2, 2}, {1, 2, 3, 4}}});
  CHECK(groups.check_weight("w", 2, 3, 2));
  refused(groups, 2, 3, 0);
  refused(groups, 2, 3, 1);
  refused(groups, 2, 3, 3);
  refused(groups, 4, 3, 2);
}

TEST_CASE("given scales and zero points for each row and group come back as they were stored") {
  const Files files;
  const CalibrationFile c = files.open({{"w.gram", DType::F64, {3, 3}, std::vector<double>(9)},
                                        {"w.scale", DType::BF16, {2, 2}, {0x3F80, 0xC000, 0x3F00, 0x4040}},
                                        {"w.zero_point", DType::U8, {2, 2}, {0, 255, 7, 1}},
                                        {"v.gram", DType::F64, {1, 1}, {1}},
                                        {"v.scale", DType::F16, {2}, {0x3C00, 0x4000}},
                                        {"v.zero_point", DType::I8, {2}, {-8, 7}}});
  CHECK(c.entries().size() == 2);
  CHECK(c.find("w")->scale == Shape{2, 2});
  CHECK(c.find("w")->zero_point == Shape{2, 2});
  const auto w = c.steps("w", 2), v = c.steps("v", 0);
  REQUIRE(w);
  REQUIRE(v);
  CHECK(w->scales == Matrix<float>{{1, -2}, {0.5F, 3}});
  CHECK(w->zeros == Matrix<std::int16_t>{{0, 255}, {7, 1}});
  CHECK(w->group_size == 2);
  CHECK(w->zero(0, 2) == 255);
  CHECK(v->scales == Matrix<float>{{1}, {2}});
  CHECK(v->zeros == Matrix<std::int16_t>{{-8}, {7}});
}

TEST_CASE("calibration of no token is known as such") {
  const Files files;
  const CalibrationFile c =
      files.open({{"w.activations", DType::F32, {0, 3}, {}}, {"v.activations", DType::F32, {1, 1}, {1}}});
  CHECK(c.find("w")->no_token);
  CHECK(c.find("w")->cols == 3);
  CHECK_FALSE(c.find("v")->no_token);
  const Item gram{"w.gram", DType::F64, {1, 1}, {0}};
  const auto counted = CalibrationFile::open(files.write({gram}, {{"hallmark.calibration.tokens", R"({"w":0})"}}));
  REQUIRE(counted);
  CHECK(counted->find("w")->no_token);
  CHECK_FALSE(files.open({gram}).find("w")->no_token);  // unknown is not none
}

TEST_CASE("what is no calibration file is refused by name") {
  const Files files;
  const Item gram{"w.gram", DType::F64, {1, 1}, {1}}, act{"w.activations", DType::F32, {2, 1}, {1, 2}};
  CHECK(files.open_error({gram, {"stray", DType::F32, {1}, {1}}}) == calibration_entry);
  CHECK(files.open_error({{".gram", DType::F64, {1, 1}, {1}}}) == calibration_entry);
  CHECK(files.open_error({{"w.gram", DType::U8, {1, 1}, {1}}}) == calibration_entry);
  CHECK(files.open_error({{"w.gram", DType::F64, {1}, {1}}}) == calibration_entry);
  CHECK(files.open_error({{"w.activations", DType::I8, {1, 1}, {1}}}) == calibration_entry);
  CHECK(files.open_error({{"w.activations", DType::F32, {1, 1, 1}, {1}}}) == calibration_entry);
  CHECK(files.open_error({gram, {"w.scale", DType::F32, {1, 1, 1}, {1}}}) == calibration_entry);
  CHECK(files.open_error({gram, {"w.scale", DType::U8, {1}, {1}}}) == calibration_entry);
  CHECK(files.open_error({gram, {"w.scale", DType::F32, {1}, {1}}, {"w.zero_point", DType::F32, {1}, {1}}}) ==
        calibration_entry);
  CHECK(files.open_error({gram, {"w.zero_point", DType::U8, {1}, {1}}}) == calibration_scale);
  CHECK(files.open_error({gram, {"w.scale", DType::F32, {1}, {1}}, {"w.zero_point", DType::U8, {1, 1}, {1}}}) ==
        calibration_scale);
  CHECK(files.open_error({gram, {"w.scale", DType::F32, {1}, {1}}, {"w.zero_point", DType::U8, {2}, {1, 1}}}) ==
        calibration_scale);
  CHECK(files.open_error({gram, {"v.zero_point", DType::U8, {1}, {1}}}) == calibration_lonely_scale);
  CHECK(files.open_error({gram, act}) == calibration_both);
  CHECK(files.open_error({{"w.gram", DType::F64, {1, 2}, {1, 1}}}) == calibration_gram);
  CHECK(files.open_error({gram, {"v.scale", DType::F32, {1}, {1}}}) == calibration_lonely_scale);
  CHECK(files.open_error({gram}, {{"hallmark.calibration.tokens", "[]"}}) == calibration_entry);
  CHECK(files.open_error({gram}, {{"hallmark.calibration.tokens", R"({"w":-1})"}}) == calibration_entry);
  CHECK(files.open_error({gram}, {{"hallmark.calibration.tokens", R"({"w":1,"w":2})"}}) == calibration_entry);
  CHECK(files.open_error({gram}, {{"hallmark.calibration.tokens", R"({"w":9})"}}) == 0);
  test::write_file(files.folder / "c.safetensors", "short");
  CHECK(CalibrationFile::open(files.folder / "c.safetensors").error().number == header_too_small);
}

TEST_CASE("binary64 numbers are taken where binary32 has them") {
  const Files files;
  const auto activations = [&](double last) {
    return files.open({{"w.activations", DType::F64, {2, 1}, {0.5, last}}}).activations("w", 0, 2);
  };
  CHECK((*activations(0x1.000002p-126))(1, 0) == 0x1.000002p-126F);
  CHECK(activations(0.1).error().number == dtype_unsupported);
  CHECK(activations(1e300).error().number == dtype_unsupported);
  CHECK(activations(infinity).error().number == not_finite);
  CHECK(activations(not_a_number).error().number == not_finite);
  const auto scale = [&](double value) {
    return files.open({{"w.gram", DType::F64, {1, 1}, {1}}, {"w.scale", DType::F64, {1}, {value}}}).steps("w", 0);
  };
  CHECK(scale(0.25)->scales(0, 0) == 0.25F);
  CHECK(scale(0.1).error().number == dtype_unsupported);
  CHECK(scale(not_a_number).error().number == calibration_scale);
}

TEST_CASE("a Gram matrix must be finite and symmetric, with a diagonal that is not negative") {
  const Files files;
  const auto error = [&](std::vector<double> values) {
    const auto g = files.open({{"w.gram", DType::F64, {2, 2}, std::move(values)}}).gram("w");
    return g ? 0 : g.error().number;
  };
  CHECK(error({1, 0.5, 0.5, 1}) == 0);
  CHECK(error({0, 0, -0.0, 0}) == 0);
  for (const double bad : {not_a_number, infinity, -infinity}) {
    CHECK(error({bad, 0, 0, 1}) == not_finite);
    CHECK(error({1, bad, bad, 1}) == not_finite);
  }
  CHECK(error({1, 0.5, std::nextafter(0.5, 1), 1}) == calibration_gram);
  CHECK(error({1, 0, 0, -1e-300}) == calibration_gram);
}

TEST_CASE("a Gram matrix of F64 is read in place where it lies aligned, else copied") {
  const Files files;
  const std::string path = files.write({{"w.gram", DType::F64, {2, 2}, {1, 0.5, 0.5, 2}}});
  const auto at_home = CalibrationFile::open(path);
  REQUIRE(at_home);
  const auto place = [](const CalibrationFile& c) {
    return static_cast<const void*>(c.file().find("w.gram")->data.data());
  };
  CHECK(at_home->gram("w")->view().data() == place(*at_home));

  std::string bytes = *read_text(path);
  ++bytes[0];  // a header one byte longer
  bytes.insert(8 + static_cast<std::size_t>(bytes[0]) - 1, " ");
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  const auto shifted = CalibrationFile::open(path);
  REQUIRE(shifted);
  CHECK(shifted->gram("w")->view().data() != place(*shifted));
  CHECK(shifted->gram("w")->view() == Matrix<double>{{1, 0.5}, {0.5, 2}});
}

TEST_CASE("activations must be finite, and the message counts from the file's first token") {
  const Files files;
  const CalibrationFile c = files.open({{"w.activations", DType::F32, {3, 2}, {1, 2, 3, 4, 5, infinity}}});
  CHECK(c.activations("w", 0, 2));
  const auto bad = c.activations("w", 1, 2);
  REQUIRE_FALSE(bad);
  CHECK(bad.error().number == not_finite);
  CHECK(bad.error().where.find("[2, 1]") != std::string::npos);
}

TEST_CASE("large matrices, which threads share, are refused at the same places as small ones") {
  const Files files;
  constexpr std::uint64_t n = 300;  // several pieces of values and several tiles
  std::vector<double> g(n * n, 0.5), x(n * n, 0.25);
  for (std::uint64_t i = 0; i < n; ++i) g[i * n + i] = 1;
  const auto place = [&](std::vector<double> gram, std::uint64_t i, std::uint64_t j, double value) {
    gram[i * n + j] = value;
    const auto read = files.open({{"w.gram", DType::F64, {n, n}, gram}}).gram("w");
    return read ? "" : read.error().where;
  };
  CHECK(place(g, 7, 7, 2).empty());
  CHECK(place(g, 280, 3, not_a_number).find("at [280, 3]") != std::string::npos);
  CHECK(place(g, 280, 3, 0.25).find("0.25 at [280, 3], 0.5 at [3, 280]") != std::string::npos);
  CHECK(place(g, 3, 280, 0.25).find("0.5 at [280, 3], 0.25 at [3, 280]") != std::string::npos);
  CHECK(place(g, 299, 299, -1).find("-1 at [299, 299]") != std::string::npos);
  x[290 * n + 5] = std::numeric_limits<double>::infinity();
  const auto read = files.open({{"w.activations", DType::F32, {n, n}, x}}).activations("w", 0, n);
  REQUIRE_FALSE(read);
  CHECK(read.error().number == not_finite);
  CHECK(read.error().where.find("inf at [290, 5]") != std::string::npos);
}

TEST_CASE("a given scale must be a number other than 0") {
  const Files files;
  const auto error = [&](double scale) {
    const CalibrationFile c =
        files.open({{"w.gram", DType::F64, {1, 1}, {1}}, {"w.scale", DType::F32, {2}, {1, scale}}});
    const auto steps = c.steps("w", 0);
    return steps ? 0 : steps.error().number;
  };
  for (const double bad : {0.0, -0.0, not_a_number, infinity, -infinity}) CHECK(error(bad) == calibration_scale);
  CHECK(error(-1) == 0);  // the grid has the last word
}

TEST_CASE("written Gram matrices come back with their token counts") {
  const test::TemporaryFolder folder;
  const Matrix<double> a{{1, 0.1}, {0.1, 3}}, b{{7}};
  const auto gram_of = [&](std::size_t i) -> Expected<Matrix<double>> { return i == 0 ? a : b; };
  REQUIRE(write_grams(folder / "c", false, {{"a", 2, 4096}, {"b \"é", 1, 5}}, gram_of));
  const auto c = CalibrationFile::open(folder / "c");
  REQUIRE(c);
  CHECK(c->gram("a")->view() == a);
  CHECK(c->gram("b \"é")->view() == b);
  CHECK(c->find("a")->tokens == 4096);
  CHECK(c->find("b \"é")->tokens == 5);
  const auto broken = [](std::size_t) -> Expected<Matrix<double>> { return Error{Exit::numeric, 599, "no", "", ""}; };
  CHECK(write_grams(folder / "d", false, {{"a", 2, 1}}, broken).error().number == 599);
  CHECK(folder.count() == 1);
}

}  // namespace calibration_file_test
