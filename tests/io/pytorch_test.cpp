// Checkpoints of PyTorch: one that torch.save wrote, and files that break one rule each.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>

#include "../fuzz/pytorch_made.hpp"
#include "base/error_numbers.hpp"
#include "io/sha256.hpp"
#include "temporary_folder.hpp"

namespace pytorch_test {

using namespace hallmark;
using namespace hallmark::error_number;
using namespace hallmark::test;
using pytorch::Placed;

namespace {

const char* const fixture = "tests/io/pytorch/state_dict.pt";

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

int error_of(std::string_view file) {
  const auto parsed = pytorch::parse(bytes_of(file), "made");
  return parsed ? 0 : parsed.error().number;
}

/// Two rows of three numbers in the last six of eight.
const Placed matrix{"w", DType::F32, {2, 3}, {3, 1}, 2, "0", 8};

std::string with_pickle(const std::string& pickle) {
  return made::archive({{"m/data.pkl", pickle}, {"m/data/0", std::string(32, 'x')}, {"m/version", "3\n"}}).bytes;
}
std::string with_tensor(const std::function<void(Placed&)>& change) {
  Placed tensor = matrix;
  change(tensor);
  return with_pickle(made::state_dict({tensor}));
}
std::string with_value(const std::string& value) { return with_pickle(made::pickle({{made::text("w"), value}})); }

/// Sizes and strides.
using View = std::pair<Shape, Shape>;

/// So many tensors that are one whole storage of 64 KiB.
std::string shared(int count, const View& view = {{1 << 14}, {1}}) {
  std::vector<Placed> tensors(static_cast<std::size_t>(count),
                              {"w", DType::F32, view.first, view.second, 0, "0", std::uint64_t{1} << 14});
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back("w" + std::to_string(i));
  for (std::size_t i = 0; i < names.size(); ++i) tensors[i].name = names[i];
  return made::archive({{"m/data.pkl", made::state_dict(tensors)}, {"m/data/0", std::string(1 << 16, 'x')}}).bytes;
}

/// The archive of `matrix` after a change of one field, counted from its first record or from its end.
std::string poked(const std::function<std::size_t(const made::Archive&)>& place, const std::string& value) {
  made::Archive made = made::archive(
      {{"m/data.pkl", made::state_dict({matrix})}, {"m/data/0", std::string(32, 'x')}, {"m/version", "3\n"}});
  made.bytes.replace(place(made), value.size(), value);
  return made.bytes;
}
std::string in_record(std::size_t at, const std::string& value) {
  return poked([at](const made::Archive& a) { return a.records[1] + at; }, value);
}
std::string in_header(std::size_t at, const std::string& value) {
  return poked([at](const made::Archive& a) { return a.headers[1] + at; }, value);
}
std::string from_end(std::size_t back, const std::string& value) {
  return poked([back](const made::Archive& a) { return a.bytes.size() - back; }, value);
}

const std::uint16_t one = 1;
const std::uint32_t wide = 0xFFFFFFFF;
const std::uint64_t big = std::uint64_t{1} << 62;

struct Attack {
  const char* name;
  int number;
  std::string file;
};

// Long because it is a list.
std::vector<Attack> attacks() {
  using made::call, made::global, made::integer, made::number, made::text, made::tuple;
  const std::string tensor = made::tensor(matrix), rebuild = global("torch._utils", "_rebuild_tensor_v2"),
                    none = made::empty_dict();
  const auto entries = [](const std::string& a, const std::string& b) {
    return made::archive({{a, made::state_dict({matrix})}, {b, std::string(32, 'x')}}).bytes;
  };
  const auto tensors = [](const std::function<void(Placed&)>& change) { return with_tensor(change); };
  return {
      {"a compressed entry", pytorch_archive, in_record(10, number(std::uint16_t{8}))},
      {"an encrypted entry", pytorch_archive, in_record(8, number(one))},
      {"an entry beyond the directory", pytorch_archive, in_record(42, number(std::uint32_t{1} << 30))},
      {"an entry in the directory", pytorch_archive,
       poked([](const made::Archive& a) { return a.records[1] + 42; }, number(std::uint32_t{300}))},
      {"an entry longer than the archive", pytorch_archive, in_record(20, number(wide - 1) + number(wide - 1))},
      {"an entry of two sizes", pytorch_archive, in_record(20, number(std::uint32_t{31}))},
      {"sizes of zip64 without its record", pytorch_archive, in_record(20, number(wide) + number(wide))},
      {"entries that share bytes", pytorch_archive,
       in_record(20, number(std::uint32_t{90}) + number(std::uint32_t{90}))},
      {"a record and a header with two names", pytorch_archive, in_header(32, "n")},
      {"a header of another method", pytorch_archive, in_header(8, number(std::uint16_t{8}))},
      {"a header that is none", pytorch_archive, in_header(0, "PK\3\5")},
      {"a record that is none", pytorch_archive, in_record(0, "PK\1\3")},
      {"a name with a zero byte", pytorch_archive, in_record(46, std::string(1, '\0'))},
      {"a record longer than the directory", pytorch_archive, in_record(30, number(std::uint16_t{0xFFFF}))},
      {"fewer entries by the end", pytorch_archive, from_end(42 + 56 - 32, number(std::uint64_t{2}))},
      {"a directory elsewhere by the end", pytorch_archive, from_end(42 + 56 - 48, number(std::uint64_t{1}))},
      {"a locator that points elsewhere", pytorch_archive, from_end(42 - 8, number(big))},
      {"ends that disagree", pytorch_archive, from_end(22 - 16, number(std::uint32_t{1}))},
      {"a comment", pytorch_archive, from_end(2, number(one))},
      {"a second disk", pytorch_archive, from_end(22 - 4, number(one))},
      {"a name twice", pytorch_archive, entries("m/data.pkl", "m/data.pkl")},
      {"an entry outside the folder", pytorch_archive, entries("m/data.pkl", "../data/0")},
      {"an entry without a folder", pytorch_archive, entries("data.pkl", "data")},
      {"an absolute name", pytorch_archive, entries("/data.pkl", "/data/0")},
      {"no pickle", pytorch_archive, entries("m/data.pk", "m/data/0")},
      {"the other byte order", pytorch_archive,
       made::archive({{"m/data.pkl", made::state_dict({matrix})}, {"m/byteorder", "big"}}).bytes},
      {"no storage", pytorch_tensor, entries("m/data.pkl", "m/data/1")},
      {"another protocol", pytorch_pickle, with_pickle("\x80\x04" + made::state_dict({matrix}).substr(2))},
      {"a global of another module", pytorch_pickle, with_value(global("os", "system") + text("true") + "\x85R")},
      {"a global that begins like one of ours", pytorch_pickle, with_value(global("torch", "FloatStorageX"))},
      {"eval", pytorch_pickle, with_value(global("builtins", "eval") + text("1") + "\x85R")},
      {"a global without an end", pytorch_pickle,
       with_pickle("\x80\x02"
                   "c" +
                   std::string(300, 'a'))},
      {"INST", pytorch_pickle, with_value("(ios\nsystem\n")},
      {"an opcode of protocol 4", pytorch_pickle,
       with_value("\x8C\x01"
                  "a")},
      {"no value", pytorch_pickle, with_pickle("\x80\x02.")},
      {"two values", pytorch_pickle, with_pickle("\x80\x02}}.")},
      {"a mark at the end", pytorch_pickle, with_pickle("\x80\x02}(.")},
      {"bytes behind the end", pytorch_pickle, with_pickle(made::state_dict({matrix}) + "}")},
      {"a tuple without a mark", pytorch_pickle, with_pickle("\x80\x02t.")},
      {"a tuple of too few", pytorch_pickle, with_pickle("\x80\x02}\x87.")},
      {"a tuple across a mark", pytorch_pickle, with_pickle("\x80\x02}(}\x86.")},
      {"items of no dict", pytorch_pickle, with_pickle("\x80\x02)(KKKKu.")},
      {"a key without a value", pytorch_pickle, with_pickle("\x80\x02}(" + text("w") + "u.")},
      {"a memo that is not there", pytorch_pickle, with_value(std::string("h\0", 2))},
      {"a memo out of turn", pytorch_pickle, with_value(tensor + "q\x05")},
      {"a memo of 2^32 - 1", pytorch_pickle, with_value(tensor + "r" + number(wide))},
      {"a text beyond the pickle", pytorch_pickle, with_value("X" + number(wide))},
      {"a number of nine bytes", pytorch_pickle, with_value("\x8A\x09" + std::string(9, '\1'))},
      {"a persistent id that is a text", pytorch_pickle, with_value(text("storage") + "Q")},
      {"a storage of a function", pytorch_pickle,
       with_value(tuple({text("storage"), rebuild, text("0"), text("cpu"), integer(8)}) + "Q")},
      {"a call of a text", pytorch_pickle, with_value(text("f") + ")R")},
      {"a call of a storage", pytorch_pickle, with_value(global("torch", "FloatStorage") + ")R")},
      {"a dict of arguments", pytorch_pickle, with_value(call(global("collections", "OrderedDict"), {text("a")}))},
      {"a tensor with metadata", pytorch_pickle,
       with_value(call(rebuild, {made::storage(matrix), integer(2), tuple({}), tuple({}), "\x89", none, none}))},
      {"a tensor with hooks", pytorch_pickle,
       with_value(call(rebuild, {made::storage(matrix), integer(2), tuple({}), tuple({}), "\x89",
                                 none + text("a") + text("b") + "s"}))},
      {"sizes that are texts", pytorch_pickle,
       with_value(call(rebuild, {made::storage(matrix), integer(2), tuple({text("2")}), tuple({}), "\x89", none}))},
      {"attributes of a tensor", pytorch_pickle, with_value(tensor + "}b")},
      {"a tensor alone", pytorch_dict, with_pickle("\x80\x02" + tensor + ".")},
      {"a number among the tensors", pytorch_dict, with_value(integer(3))},
      {"a state dict inside a dict", pytorch_dict, with_value(none)},
      {"a key that is a number", pytorch_dict, with_pickle(made::pickle({{integer(1), tensor}}))},
      {"a name with a control character", pytorch_dict, with_pickle(made::pickle({{text("w\n"), tensor}}))},
      {"no name", pytorch_dict, with_pickle(made::pickle({{text(""), tensor}}))},
      {"a name twice", pytorch_dict, with_pickle(made::pickle({{text("w"), tensor}, {text("w"), tensor}}))},
      {"a tensor beyond its storage", pytorch_tensor, tensors([](Placed& t) { t.offset = 3; })},
      {"an offset of 2^62", pytorch_tensor, tensors([](Placed& t) { t.offset = big; })},
      {"an offset below 0", pytorch_tensor, tensors([](Placed& t) { t.offset = ~std::uint64_t{0}; })},
      {"a stride beyond the storage", pytorch_tensor, tensors([](Placed& t) {
         t.strides = {6, 1};
       })},
      {"sizes whose reach leaves 64 bits", pytorch_tensor, tensors([](Placed& t) {
         t.shape = {std::uint64_t{1} << 40, std::uint64_t{1} << 40}, t.strides = {std::uint64_t{1} << 40, 1};
       })},
      {"a bomb of stride 0", pytorch_tensor, tensors([](Placed& t) {
         t.shape = {std::uint64_t{1} << 40, 3}, t.strides = {0, 1};
       })},
      {"a bomb whose count leaves 64 bits", pytorch_tensor, tensors([](Placed& t) {
         t.shape = {std::uint64_t{1} << 40, std::uint64_t{1} << 40}, t.strides = {0, 0};
       })},
      {"a transposed view one element beyond its storage", pytorch_tensor, tensors([](Placed& t) {
         t.shape = {3, 2}, t.strides = {1, 3}, t.offset = 3;
       })},
      {"an expanded view", pytorch_tensor, tensors([](Placed& t) {
         t.strides = {0, 1};
       })},
      {"rows that share an element", pytorch_tensor, tensors([](Placed& t) {
         t.strides = {2, 1};
       })},
      {"columns that share an element", pytorch_tensor, tensors([](Placed& t) {
         t.shape = {3, 2}, t.strides = {1, 2};
       })},
      {"elements that interleave", pytorch_tensor, tensors([](Placed& t) {
         t.shape = {3, 2}, t.strides = {2, 3}, t.offset = 0;
       })},
      {"a bomb of transposed storages", pytorch_tensor, shared(3, {{128, 128}, {1, 128}})},
      {"a size of 2^48", pytorch_tensor, tensors([](Placed& t) { t.shape[0] = max_size + 1; })},
      {"fewer strides than sizes", pytorch_tensor, tensors([](Placed& t) { t.strides = {3}; })},
      {"65 dimensions", pytorch_tensor, tensors([](Placed& t) { t.shape = t.strides = Shape(65, 1); })},
      {"a storage of fewer elements", pytorch_tensor, tensors([](Placed& t) { t.storage_count = 7; })},
      {"a bomb of shared storages", pytorch_tensor, shared(100)},
      {"a storage of another dtype", pytorch_tensor, tensors([](Placed& t) { t.dtype = DType::F64; })},
  };
}

}  // namespace

TEST_CASE("what torch.save wrote is read, tied, sliced and empty tensors too") {
  const auto file = SafeTensors::open(fixture);
  REQUIRE_MESSAGE(file, to_string(file.error()));
  const auto has = [&](const char* name, DType dtype, const Shape& shape, const std::vector<double>& values) {
    CAPTURE(name);
    const TensorInfo* const tensor = file->find(name);
    REQUIRE(tensor != nullptr);
    CHECK(tensor->dtype == dtype);
    CHECK(tensor->shape == shape);
    const auto widened = widen_to_f64(*tensor);
    if (widened) CHECK(*widened == values);
    else CHECK(tensor->data.size() * 8 == element_count(shape) * dtype_bits(dtype));
    return tensor->data;
  };
  // tests/io/pytorch/make.py says what these are: element i of a tensor is i / 4 - 1.
  const auto weight = has("layer.weight", DType::F32, {2, 3}, {-1, -0.75, -0.5, -0.25, 0, 0.25});
  const auto tied = has("tied.weight", DType::F32, {2, 3}, {-1, -0.75, -0.5, -0.25, 0, 0.25});
  CHECK(weight.data() == tied.data());
  CHECK(reinterpret_cast<std::uintptr_t>(weight.data()) % 64 == reinterpret_cast<std::uintptr_t>(tied.data()) % 64);
  has("tok_emb.weight", DType::BF16, {3, 2}, {-1, -0.75, -0.5, -0.25, 0, 0.25});
  has("half", DType::F16, {2}, {-1, -0.75});
  has("double", DType::F64, {1, 2}, {-1, -0.75});
  has("scalar", DType::F32, {}, {-1});
  has("empty", DType::F32, {0, 3}, {});
  has("rows", DType::F32, {2, 3}, {-0.25, 0, 0.25, 0.5, 0.75, 1});  // of a storage of four
  const auto integers = [&](const char* name, DType dtype, const std::string& stored) {
    const auto data = has(name, dtype, {2}, {});
    CHECK(std::string(reinterpret_cast<const char*>(data.data()), data.size()) == stored);
  };
  integers("char", DType::I8, "\xFF\x02");
  integers("byte", DType::U8, "\xFF\x02");
  integers("short", DType::I16, made::number(std::int16_t{-1}) + made::number(std::int16_t{2}));
  integers("int", DType::I32, made::number(std::int32_t{-1}) + made::number(std::int32_t{2}));
  integers("long", DType::I64, made::number(std::int64_t{-1}) + made::number(std::int64_t{2}));
  integers("bool", DType::BOOL, std::string("\1\0", 2));
  CHECK(file->tensors().size() == 14);
  CHECK(file->tensors().front().name == "layer.weight");  // the order of the dict
}

TEST_CASE("digests of tensors that share bytes and stand in any order are those of their bytes") {
  const auto file = SafeTensors::open(fixture);
  REQUIRE(file);
  std::size_t told = 0;
  const std::string whole = file->digest({}, [&](const TensorInfo& tensor, const std::string& digest) {
    CHECK(tensor.name == file->tensors()[told++].name);
    CHECK(digest == sha256_hex(tensor.data));
  });
  CHECK(told == file->tensors().size());
  CHECK(whole == *sha256_file(fixture));
  CHECK(file->digest() == whole);
}

TEST_CASE("every prefix of what torch.save wrote is refused") {
  const auto text = read_text(fixture);
  REQUIRE(text);
  for (std::size_t size = 0; size < text->size(); ++size) {
    CAPTURE(size);
    CHECK(error_of(std::string_view(*text).substr(0, size)) == pytorch_archive);
  }
  CHECK(error_of(*text) == 0);
}

TEST_CASE("the file that the attacks spoil is one, with zip64 and without") {
  for (const bool zip64 : {true, false}) {
    const std::string bytes =
        made::archive({{"m/data.pkl", made::state_dict({matrix})}, {"m/data/0", std::string(32, 'x')}}, zip64).bytes;
    const auto parsed = pytorch::parse(bytes_of(bytes), "made");
    REQUIRE_MESSAGE(parsed, to_string(parsed.error()));
    REQUIRE(parsed->tensors.size() == 1);
    CHECK(parsed->tensors[0].shape == Shape{2, 3});
    CHECK(parsed->tensors[0].data.size() == 24);
    CHECK(parsed->tensors[0].data.data() + 24 - bytes_of(bytes).data() ==
          static_cast<std::ptrdiff_t>(bytes.find(std::string(32, 'x')) + 32));
  }
  CHECK(error_of(shared(50)) == 0);
  CHECK(error_of(shared(2, {{128, 128}, {1, 128}})) == 0);
  CHECK(error_of(with_tensor([](Placed& t) { t.shape = {1, 6}, t.strides = {77, 1}; })) == 0);  // one row
  CHECK(error_of(with_tensor([](Placed& t) { t.shape = {0, 6}, t.strides = {0, 1}; })) == 0);
  CHECK(error_of(with_value(made::call(made::global("torch._utils", "_rebuild_parameter"),
                                       {made::tensor(matrix), "\x88", made::empty_dict()}))) == 0);
}

TEST_CASE("every file that breaks a rule is refused with the number of the rule") {
  for (const Attack& attack : attacks()) {
    CAPTURE(attack.name);
    CHECK(error_of(attack.file) == attack.number);
  }
}

/// Element k of a storage of these, each unlike the others.
template <class Word>
std::string numbered(std::uint64_t count, const std::function<std::uint64_t(std::uint64_t)>& number_of) {
  std::string bytes;
  for (std::uint64_t k = 0; k < count; ++k) bytes += made::number(static_cast<Word>(11 + 9 * number_of(k)));
  return bytes;
}
std::string text_of(const TensorInfo& tensor) {
  return {reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size()};
}

/// A tensor [2, 3, 4] in each order of its dimensions, and every second of four columns, behind two other elements.
template <class Word>
void check_orders(DType dtype) {
  CAPTURE(dtype_name(dtype));
  const std::array<std::uint64_t, 3> size{2, 3, 4}, stride{12, 4, 1};
  std::array<std::size_t, 3> order{0, 1, 2};
  const auto storage = numbered<Word>(26, [](std::uint64_t k) { return k; });
  const auto read = [&](const Shape& shape, const Shape& strides) {
    const Placed tensor{"w", dtype, shape, strides, 2, "0", 26};
    const std::string file = made::archive({{"m/data.pkl", made::state_dict({tensor})}, {"m/data/0", storage}}).bytes;
    const auto parsed = pytorch::parse(bytes_of(file), "made");
    REQUIRE_MESSAGE(parsed, to_string(parsed.error()));
    CHECK(parsed->tensors.at(0).shape == shape);
    return text_of(parsed->tensors[0]);
  };
  do {
    const std::size_t a = order[0], b = order[1], c = order[2];
    const Shape shape{size[a], size[b], size[c]};
    CAPTURE(shape_text(shape));
    const auto number_of = [&](std::uint64_t k) {
      std::array<std::uint64_t, 3> index{};  // of the tensor before its dimensions were exchanged
      index[a] = k / (shape[1] * shape[2]), index[b] = k / shape[2] % shape[1], index[c] = k % shape[2];
      return 2 + 12 * index[0] + 4 * index[1] + index[2];
    };
    CHECK(read(shape, {stride[a], stride[b], stride[c]}) == numbered<Word>(24, number_of));
  } while (std::ranges::next_permutation(order).found);
  const auto second = [](std::uint64_t k) { return 2 + 4 * (k / 2) + 2 * (k % 2); };
  CHECK(read({6, 2}, {4, 2}) == numbered<Word>(12, second));
  CHECK(read({1, 6, 2, 1}, {1 << 20, 4, 2, 0}) == numbered<Word>(12, second));
}

TEST_CASE("a tensor in another order than row-major is read in row-major order") {
  check_orders<std::uint8_t>(DType::U8);
  check_orders<std::uint16_t>(DType::BF16);
  check_orders<std::uint32_t>(DType::F32);
  check_orders<std::uint64_t>(DType::I64);
}

TEST_CASE("a transposed tensor has the digest of its bytes, which stay when its pages are forgotten") {
  constexpr std::uint64_t rows = 160, columns = 96;  // pages of up to 16 KiB lie in it as a whole
  const Placed transposed{"w", DType::F32, {rows, columns}, {1, rows}, 0, "0", rows * columns};
  const Placed stored{"v", DType::F32, {columns, rows}, {rows, 1}, 0, "0", rows * columns};
  const TemporaryFolder folder;
  const std::string path = folder / "m.pt";
  const auto storage = numbered<std::uint32_t>(rows * columns, [](auto k) { return k; });
  write_file(path,
             made::archive({{"m/data.pkl", made::state_dict({stored, transposed})}, {"m/data/0", storage}}).bytes);
  const auto file = SafeTensors::open(path);
  REQUIRE_MESSAGE(file, to_string(file.error()));
  const std::string expected =
      numbered<std::uint32_t>(rows * columns, [](auto k) { return k % columns * rows + k / columns; });
  std::vector<std::string> digests;
  const std::string whole =
      file->digest({}, [&](const TensorInfo&, const std::string& digest) { digests.push_back(digest); });
  CHECK(digests == std::vector{sha256_hex(text_of(*file->find("v"))), sha256_hex(expected)});
  CHECK(whole == *sha256_file(path));
  CHECK((text_of(*file->find("w")) == expected));
}

TEST_CASE("a view whose elements may share their places is named with its shape and strides") {
  const std::string file = with_tensor([](Placed& t) { t.strides = {0, 1}; });
  const auto parsed = pytorch::parse(bytes_of(file), "made");
  REQUIRE(!parsed);
  CHECK(parsed.error().where ==
        "made: tensor 'w' of shape [2, 3] and strides [0, 1] at 2 of storage '0': an expanded, overlapping or "
        "interleaved view");
}

TEST_CASE("a global that is not known is named, and nothing is run") {
  const auto parsed =
      pytorch::parse(bytes_of(with_value(made::global("os", "system") + made::text("true") + "\x85R")), "made");
  REQUIRE(!parsed);
  CHECK(parsed.error().where.find("global os.system") != std::string::npos);
  CHECK(parsed.error().exit == Exit::input);
}

}  // namespace pytorch_test
