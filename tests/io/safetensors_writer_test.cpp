// The writer: orders, refusals, and files that only appear when complete.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/error_numbers.hpp"
#include "io/safetensors.hpp"
#include "temporary_folder.hpp"

namespace safetensors_writer_test {

using namespace hallmark;
using namespace hallmark::error_number;

namespace {

std::vector<std::string> names(const SafeTensors& file) {
  std::vector<std::string> list;
  for (const TensorInfo& t : file.tensors()) list.push_back(t.name);
  return list;
}

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

int plan_error(const std::vector<TensorPlan>& plan, const std::map<std::string, std::string>& metadata = {}) {
  const auto header = safetensors_header(plan, metadata);
  if (!header) CHECK(header.error().exit == Exit::infeasible);
  return header ? 0 : header.error().number;
}

}  // namespace

TEST_CASE("the given order is kept, empty tensors included; the reference's order sorts") {
  const test::TemporaryFolder folder;
  const std::vector<TensorPlan> plan{{"u", DType::U8, {2}}, {"none", DType::F32, {3, 0}}, {"zero", DType::F64, {0}},
                                     {"f", DType::F32, {}}, {"b", DType::BF16, {1}},      {"a", DType::F32, {1}}};
  for (const TensorOrder order : {TensorOrder::given, TensorOrder::reference}) {
    auto writer = SafeTensorsWriter::create(folder / "out", true, plan, {{"z", "1"}, {"a\"\n", "2\t\\é"}}, order);
    REQUIRE(writer);
    REQUIRE(writer->write("a", bytes("aaaa")));
    REQUIRE(writer->write("f", bytes("ff")));
    REQUIRE(writer->write("u", bytes("uu")));
    REQUIRE(writer->write("b", bytes("bb")));
    REQUIRE(writer->write("f", bytes("FF")));
    REQUIRE(writer->commit());
    const auto file = SafeTensors::open(folder / "out");
    REQUIRE(file);
    if (order == TensorOrder::given) {
      CHECK(names(*file) == std::vector<std::string>{"u", "none", "zero", "f", "b", "a"});
    } else {
      CHECK(names(*file) == std::vector<std::string>{"zero", "a", "f", "none", "b", "u"});
    }
    const auto content = [&](const char* name) {
      const auto data = file->find(name)->data;
      return std::string(reinterpret_cast<const char*>(data.data()), data.size());
    };
    CHECK(content("f") == "ffFF");
    CHECK(content("a") == "aaaa");
    CHECK(content("u") == "uu");
    CHECK(content("b") == "bb");
    CHECK(file->find("none")->shape == Shape{3, 0});
    CHECK(file->metadata() == std::map<std::string, std::string>{{"format", "pt"}, {"z", "1"}, {"a\"\n", "2\t\\é"}});
  }
}

TEST_CASE("the header is a multiple of 8 bytes and always says format=pt") {
  for (std::size_t n = 0; n < 16; ++n) {
    const auto header = safetensors_header({}, {{"k", std::string(n, 'v')}, {"format", "np"}});
    REQUIRE(header);
    CHECK(header->size() % 8 == 0);
    CHECK(header->find(R"({"__metadata__":{"format":"pt","k":)") == 8);
  }
}

TEST_CASE("what the format cannot hold is refused before any byte is written") {
  CHECK(plan_error({{"", DType::F32, {1}}}) == plan_name);
  CHECK(plan_error({{"__metadata__", DType::F32, {1}}}) == plan_name);
  CHECK(plan_error({{"a\nb", DType::F32, {1}}}) == plan_name);
  CHECK(plan_error({{std::string("a\0b", 3), DType::F32, {1}}}) == plan_name);
  CHECK(plan_error({{"\xFF", DType::F32, {1}}}) == plan_name);
  CHECK(plan_error({{std::string(4096, 'n'), DType::F32, {1}}}) == 0);
  CHECK(plan_error({{std::string(4097, 'n'), DType::F32, {1}}}) == plan_name);
  CHECK(plan_error({{"a", DType::F32, {1}}, {"a", DType::U8, {2}}}) == plan_name);
  CHECK(plan_error({}, {{"k", "\xFF"}}) == plan_name);
  CHECK(plan_error({{"a", DType::F4, {3}}}) == plan_size);
  CHECK(plan_error({{"a", DType::U8, {std::uint64_t{1} << 48}}}) == plan_size);
  CHECK(plan_error({{"a", DType::U8, {std::uint64_t{1} << 40, std::uint64_t{1} << 40}}}) == plan_size);
  CHECK(plan_error({{"a", DType::F64, {max_size}}}) == plan_size);
  CHECK(plan_error({{"a", DType::U8, {max_size}}, {"b", DType::U8, {1}}}) == plan_size);
  CHECK(plan_error({{"a", DType::U8, Shape(65, 1)}}) == plan_size);
  CHECK(plan_error({}, {{"k", std::string(100'000'001, 'v')}}) == plan_size);
}

TEST_CASE("tensors written otherwise than planned leave no file") {
  const test::TemporaryFolder folder;
  const auto writer_of = [&] {
    auto writer = SafeTensorsWriter::create(folder / "out", false, {{"a", DType::U8, {2}}}, {{"k", "abc"}});
    REQUIRE(writer);
    return std::move(*writer);
  };
  CHECK(writer_of().write("b", bytes("x")).error().number == writer_misuse);
  CHECK(writer_of().write("a", bytes("xyz")).error().number == writer_misuse);
  CHECK(writer_of().commit().error().number == writer_misuse);
  {
    SafeTensorsWriter writer = writer_of();
    REQUIRE(writer.write("a", bytes("xy")));
    CHECK_FALSE(writer.write("a", bytes("z")));
    CHECK(writer.replace_metadata("k", "abcd").error().number == writer_misuse);
    CHECK(writer.replace_metadata("k", "a\"c").error().number == writer_misuse);
    CHECK(writer.replace_metadata("format", "np").error().number == writer_misuse);
    CHECK(writer.replace_metadata("absent", "np").error().number == writer_misuse);
  }
  CHECK(folder.count() == 0);
}

TEST_CASE("metadata can be entered late") {
  const test::TemporaryFolder folder;
  auto writer =
      SafeTensorsWriter::create(folder / "out", false, {{"k", DType::U8, {3}}}, {{"j", "\"k\":\"abc\""}, {"k", "abc"}});
  REQUIRE(writer);
  REQUIRE(writer->replace_metadata("k", "xyz"));
  REQUIRE(writer->write("k", bytes("abc")));
  REQUIRE(writer->replace_metadata("k", "123"));
  REQUIRE(writer->commit());
  const auto file = SafeTensors::open(folder / "out");
  REQUIRE(file);
  CHECK(file->metadata().at("k") == "123");
  CHECK(file->metadata().at("j") == "\"k\":\"abc\"");
}

TEST_CASE("a full disk in the middle of a tensor leaves no file") {
  const test::TemporaryFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1 << 20, 1 << 20};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    auto writer = SafeTensorsWriter::create(folder / "out", false, {{"a", DType::U8, {2 << 20}}}, {});
    const Status written = writer ? writer->write("a", bytes(std::string(2 << 20, 'x'))) : Status(writer.error());
    ::_exit(!written && written.error().number == disk_full ? 0 : 1);  // without destructors, as when killed
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK_FALSE(std::filesystem::exists(folder / "out"));
}

}  // namespace safetensors_writer_test
