// The pickle of a state dict, protocol 2: the opcodes and globals that torch.save writes for one, evaluated into nodes.
// A global is a word of a table here, never looked up anywhere, and what REDUCE calls is one of three functions below.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <unordered_set>

#include "base/error_numbers.hpp"
#include "io/gguf.hpp"
#include "io/pytorch.hpp"
#include "io/pytorch_globals.hpp"
#include "io/utf8.hpp"

namespace hallmark::pytorch {
namespace {

enum class Kind : std::uint8_t { boolean, integer, text, tuple, dict, global, storage, tensor };
constexpr std::array<std::string_view, 8> kind_names = {"a truth value", "a number", "a text",    "a tuple",
                                                        "a dict",        "a global", "a storage", "a tensor"};

using Ref = std::uint32_t;  // of a node; a pickle has at most 2^24 bytes, and a node takes one at least

struct Node {
  Kind kind;
  std::int64_t integer = 0;    // of an integer; elements of a storage; index of a global
  std::string_view text = {};  // of a text; key of a storage
  std::vector<Ref> items =
      {};                    // of a tuple; keys and values of a dict in turn; of a tensor storage, offset, size, stride
  DType dtype = DType::F32;  // of a storage
};

class Machine {
 public:
  Machine(std::span<const std::byte> pickle, const std::string& path) : pickle_(pickle), path_(path) {}

  /// The node that the pickle leaves. Errors: E0337.
  Expected<Ref> run() {
    if (byte() != 0x80 || byte() != 2) fail("it does not begin with protocol 2");
    while (!fault_ && !stopped_) step(byte());
    if (!fault_ && (stack_.size() != 1 || !marks_.empty())) fail("it leaves something else than one value");
    if (!fault_ && at_ != pickle_.size()) fail("bytes behind its end");
    if (fault_) return *fault_;
    return stack_.front();
  }
  const Node& operator[](Ref ref) const { return nodes_[ref]; }

 private:
  void step(unsigned opcode) {
    switch (opcode) {
      case '.': stopped_ = true; break;
      case '(': marks_.push_back(stack_.size()); break;
      case ')': push({Kind::tuple}); break;
      case '}': push({Kind::dict}); break;
      case 't': push({Kind::tuple, 0, {}, since_mark()}); break;
      case 0x85:
      case 0x86:
      case 0x87: push({Kind::tuple, 0, {}, take(opcode - 0x84)}); break;
      case 0x88: push({Kind::boolean, 1}); break;
      case 0x89: push({Kind::boolean, 0}); break;
      case 'K': push({Kind::integer, little(1)}); break;
      case 'M': push({Kind::integer, little(2)}); break;
      case 'J': push({Kind::integer, static_cast<std::int32_t>(little(4))}); break;
      case 0x8A: push({Kind::integer, long_integer()}); break;
      case 'X': push({Kind::text, 0, bytes(static_cast<std::uint64_t>(little(4)))}); break;
      case 'c': global(); break;
      case 'q': remember(little(1)); break;
      case 'r': remember(little(4)); break;
      case 'h': recall(little(1)); break;
      case 'j': recall(little(4)); break;
      case 's': set_items(take(2)); break;
      case 'u': set_items(since_mark()); break;
      case 'Q': storage(); break;
      case 'R': reduce(); break;
      case 'b': build(); break;
      default: fail(fmt::format("opcode {:#04x}", opcode));
    }
  }

  void fail(const std::string& where) {
    if (!fault_)
      fault_ = Error{Exit::input, error_number::pytorch_pickle, "the pickle is none of a state dict",
                     fmt::format("{}: before byte {} of data.pkl: {}", path_, at_, where),
                     "nothing of it was run: save the state dict alone, torch.save(model.state_dict(), FILE)"};
  }

  std::string_view bytes(std::uint64_t count) {
    if (!fault_ && count > pickle_.size() - at_) fail("it ends too early");
    if (fault_) return {};
    const std::string_view text(reinterpret_cast<const char*>(pickle_.data()) + at_, count);
    at_ += count;
    return text;
  }
  unsigned byte() {
    const std::string_view one = bytes(1);
    return one.empty() ? 0 : static_cast<unsigned char>(one[0]);
  }
  /// An unsigned number of up to 4 bytes.
  std::int64_t little(unsigned count) {
    std::int64_t value = 0;
    const std::string_view stored = bytes(count);
    if (!stored.empty()) std::memcpy(&value, stored.data(), stored.size());
    return value;
  }
  /// Two's complement in as many bytes as the next one says; ours are of 8 at most.
  std::int64_t long_integer() {
    const unsigned count = byte();
    if (count == 0 || count > 8) fail(fmt::format("a number of {} bytes", count));
    const std::string_view stored = bytes(fault_ ? 0 : count);
    if (stored.empty()) return 0;
    std::int64_t value = static_cast<signed char>(stored.back()) < 0 ? -1 : 0;
    std::memcpy(&value, stored.data(), stored.size());
    return value;
  }
  std::string_view line() {
    const std::string_view rest(reinterpret_cast<const char*>(pickle_.data()) + at_, pickle_.size() - at_);
    const std::size_t end = rest.substr(0, 256).find('\n');
    if (end == std::string_view::npos) fail("a global without an end");
    return fault_ ? std::string_view() : bytes(end + 1).substr(0, end);
  }

  void push(Node node) {
    if (fault_) return;
    stack_.push_back(static_cast<Ref>(nodes_.size()));
    nodes_.push_back(std::move(node));
  }
  /// The last `count` values, in their order.
  std::vector<Ref> take(std::size_t count) {
    const std::size_t floor = marks_.empty() ? 0 : marks_.back();
    if (!fault_ && stack_.size() - floor < count) fail("it takes more values than there are");
    if (fault_) return {};
    std::vector<Ref> taken(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return taken;
  }
  std::vector<Ref> since_mark() {
    if (!fault_ && marks_.empty()) fail("no mark");
    if (fault_) return {};
    std::vector<Ref> taken = take(stack_.size() - marks_.back());
    marks_.pop_back();
    return taken;
  }
  /// The value on top, which stays; nullptr where there is none.
  Node* top() {
    if (!fault_ && stack_.size() == (marks_.empty() ? 0 : marks_.back())) fail("it takes more values than there are");
    return fault_ ? nullptr : &nodes_[stack_.back()];
  }

  void remember(std::int64_t index) {
    if (!fault_ && index != static_cast<std::int64_t>(memo_.size())) fail(fmt::format("memo {} out of turn", index));
    if (top() != nullptr) memo_.push_back(stack_.back());
  }
  void recall(std::int64_t index) {
    if (!fault_ && index >= static_cast<std::int64_t>(memo_.size())) fail(fmt::format("memo {} is not there", index));
    if (!fault_) stack_.push_back(memo_[static_cast<std::size_t>(index)]);
  }

  void global() {
    const std::string_view module = line(), name = line();
    const auto found = std::ranges::find_if(
        globals, [&](const Global& known) { return known.module == module && known.name == name; });
    if (found == globals.end()) fail(fmt::format("global {}.{}", printable(module), printable(name)));
    push({Kind::global, found - globals.begin()});
  }
  const Global* as_global(Ref ref) const {
    const Node& node = nodes_[ref];
    return node.kind == Kind::global ? &globals[static_cast<std::size_t>(node.integer)] : nullptr;
  }
  bool is(Ref ref, Kind kind) const { return nodes_[ref].kind == kind; }
  bool are_integers(Ref tuple) const {
    return is(tuple, Kind::tuple) &&
           std::ranges::all_of(nodes_[tuple].items, [&](Ref ref) { return is(ref, Kind::integer); });
  }

  void set_items(const std::vector<Ref>& items) {
    Node* const dict = top();
    if (dict == nullptr) return;
    if (dict->kind != Kind::dict || items.size() % 2 != 0) return fail("items of no dict");
    dict->items.insert(dict->items.end(), items.begin(), items.end());
  }
  /// The attributes of a dict, the versions of its modules: nothing is made of them.
  void build() {
    const std::vector<Ref> taken = take(2);
    if (fault_) return;
    if (!is(taken[0], Kind::dict) || !is(taken[1], Kind::dict)) return fail("attributes of something else than a dict");
    stack_.push_back(taken[0]);
  }
  /// ('storage', class, key, device, elements)
  void storage() {
    const std::vector<Ref> taken = take(1);
    if (fault_) return;
    const std::vector<Ref>& id = nodes_[taken[0]].items;
    const Global* const type = is(taken[0], Kind::tuple) && id.size() == 5 ? as_global(id[1]) : nullptr;
    if (type == nullptr || type->role != Role::storage || !is(id[0], Kind::text) || nodes_[id[0]].text != "storage" ||
        !is(id[2], Kind::text) || !is(id[3], Kind::text) || !is(id[4], Kind::integer))
      return fail("a persistent id of something else than a storage");
    push({Kind::storage, nodes_[id[4]].integer, nodes_[id[2]].text, {}, type->dtype});
  }
  void reduce() {
    const std::vector<Ref> taken = take(2);
    if (fault_) return;
    const Global* const called = as_global(taken[0]);
    if (called == nullptr || !is(taken[1], Kind::tuple)) return fail("a call of something else than a function");
    const std::vector<Ref> args = nodes_[taken[1]].items;
    const auto flags = [&](std::size_t first) {  // requires_grad, and hooks, of which there are none
      return is(args[first], Kind::boolean) && is(args[first + 1], Kind::dict) && nodes_[args[first + 1]].items.empty();
    };
    if (called->role == Role::dict && args.empty()) return push({Kind::dict});
    if (called->role == Role::tensor && args.size() == 6 && is(args[0], Kind::storage) && is(args[1], Kind::integer) &&
        are_integers(args[2]) && are_integers(args[3]) && flags(4))
      return push({Kind::tensor, 0, {}, {args.begin(), args.begin() + 4}});
    if (called->role == Role::parameter && args.size() == 3 && is(args[0], Kind::tensor) && flags(1))
      return stack_.push_back(args[0]);
    fail(fmt::format("arguments that {}.{} does not take", called->module, called->name));
  }

  std::span<const std::byte> pickle_;
  const std::string& path_;
  std::size_t at_ = 0;
  bool stopped_ = false;
  std::vector<Node> nodes_;
  std::vector<Ref> stack_, memo_;
  std::vector<std::size_t> marks_;  // sizes of the stack
  std::optional<Error> fault_;
};

Error unfit(int number, std::string what, const std::string& path, std::string_view name, const std::string& where) {
  return {Exit::input, number, std::move(what), fmt::format("{}: '{}': {}", path, printable(name), where),
          number == error_number::pytorch_dict ? "save the tensors alone, by name: torch.save(model.state_dict(), FILE)"
                                               : "write the file again with torch.save"};
}

/// The numbers of a tuple of integers, none below 0 and none beyond what files can have.
std::optional<Shape> sizes_of(const Machine& nodes, Ref tuple) {
  Shape sizes;
  for (const Ref ref : nodes[tuple].items) {
    const std::int64_t size = nodes[ref].integer;
    if (size < 0 || static_cast<std::uint64_t>(size) > max_size) return std::nullopt;
    sizes.push_back(static_cast<std::uint64_t>(size));
  }
  return sizes;
}

Expected<Placed> placed(const Machine& nodes, std::string_view name, const Node& tensor, const std::string& path) {
  const Node& storage = nodes[tensor.items[0]];
  const std::int64_t offset = nodes[tensor.items[1]].integer;
  auto shape = sizes_of(nodes, tensor.items[2]), strides = sizes_of(nodes, tensor.items[3]);
  if (!shape || !strides || shape->size() != strides->size() || shape->size() > max_rank || offset < 0 ||
      storage.integer < 0)
    return unfit(
        error_number::pytorch_tensor, "a size that no tensor has", path, name,
        fmt::format("{} sizes, {} strides, offset {}, {} elements of the storage", nodes[tensor.items[2]].items.size(),
                    nodes[tensor.items[3]].items.size(), offset, storage.integer));
  return Placed{name,
                storage.dtype,
                *std::move(shape),
                *std::move(strides),
                static_cast<std::uint64_t>(offset),
                storage.text,
                static_cast<std::uint64_t>(storage.integer)};
}

std::string_view kind_name(const Node& node) { return kind_names[static_cast<std::size_t>(node.kind)]; }

/// The leaves of nested dicts. Dicts may be shared, so that a walk could be longer than the pickle: then it is refused.
class Walk {
 public:
  Walk(const Machine& nodes, std::size_t depth, std::size_t most, const std::string& path)
      : nodes_(nodes), depth_(depth), left_(most), path_(path) {}

  Status dict(const Node& dict) {
    std::unordered_set<std::string_view> names;
    for (std::size_t i = 0; i < dict.items.size(); i += 2) {
      const Node &key = nodes_[dict.items[i]], &value = nodes_[dict.items[i + 1]];
      if (key.kind != Kind::text || !gguf::usable_name(key.text, max_name_bytes))
        return unfit(error_number::pytorch_dict, "a name that no tensor can have", path_, key.text,
                     fmt::format("the key is {} of {} bytes", kind_name(key), key.text.size()));
      if (!names.insert(key.text).second || left_-- == 0)
        return unfit(error_number::pytorch_dict, "a name occurs twice in a dict", path_, key.text, "twice or more");
      place_.push_back(key.text);
      if (const Status read = leaf(key.text, value); !read) return read;
      place_.pop_back();
    }
    return ok();
  }

  std::vector<Leaf> leaves;

 private:
  Status leaf(std::string_view name, const Node& value) {
    if (value.kind == Kind::dict && place_.size() < depth_) return dict(value);
    if (value.kind == Kind::tensor) {
      Expected<Placed> tensor = placed(nodes_, name, value, path_);
      if (!tensor) return tensor.error();
      leaves.push_back({place_, *std::move(tensor)});
    } else if (value.kind == Kind::text) {
      leaves.push_back({place_, value.text});
    } else if (value.kind == Kind::integer) {
      leaves.push_back({place_, value.integer});
    } else {
      return unfit(error_number::pytorch_dict, "a dict holds something else than it may", path_, name,
                   fmt::format("it is {}", kind_name(value)));
    }
    return ok();
  }

  const Machine& nodes_;
  std::size_t depth_, left_;
  const std::string& path_;
  std::vector<std::string_view> place_;
};

}  // namespace

Expected<std::vector<Leaf>> parse_dicts(std::span<const std::byte> pickle, std::size_t depth, const std::string& path) {
  if (pickle.size() > max_pickle_bytes)
    return Error{Exit::input, error_number::pytorch_pickle, "the pickle is too large",
                 fmt::format("{}: {} bytes, the limit is {}", path, pickle.size(), max_pickle_bytes),
                 "save fewer tensors in one file"};
  Machine machine(pickle, path);
  const Expected<Ref> root = machine.run();
  if (!root) return root.error();
  const Node& dict = machine[*root];
  if (dict.kind != Kind::dict)
    return unfit(error_number::pytorch_dict, "the file holds something else than a dict", path, "",
                 fmt::format("it is {}", kind_name(dict)));
  Walk walk(machine, depth, pickle.size(), path);
  if (const Status read = walk.dict(dict); !read) return read.error();
  return std::move(walk.leaves);
}

Expected<std::vector<Placed>> parse_state_dict(std::span<const std::byte> pickle, const std::string& path) {
  Expected<std::vector<Leaf>> leaves = parse_dicts(pickle, 1, path);
  if (!leaves) return leaves.error();
  std::vector<Placed> tensors;
  for (Leaf& leaf : *leaves) {
    Placed* const tensor = std::get_if<Placed>(&leaf.value);
    if (tensor == nullptr)
      return unfit(error_number::pytorch_dict, "the state dict holds something else than tensors", path,
                   leaf.path.front(), std::holds_alternative<std::int64_t>(leaf.value) ? "a number" : "a text");
    tensors.push_back(std::move(*tensor));
  }
  return tensors;
}

}  // namespace hallmark::pytorch
