#include "io/sha256.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <vector>

#include "base/error_numbers.hpp"
#include "io/file.hpp"

namespace hallmark {

namespace {

// OpenSSL fails here only when it cannot allocate.
void require(int success) {
  if (success != 1) throw std::bad_alloc();
}

EVP_MD_CTX* new_context() {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  if (context == nullptr) throw std::bad_alloc();
  return context;
}

}  // namespace

struct Sha256::Context {
  EVP_MD_CTX* md = new_context();
  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { EVP_MD_CTX_free(md); }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  require(EVP_DigestInit_ex(context_->md, EVP_sha256(), nullptr));
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::update(std::span<const std::byte> bytes) {
  require(EVP_DigestUpdate(context_->md, bytes.data(), bytes.size()));
  return *this;
}

Sha256& Sha256::update(std::string_view text) { return update(std::as_bytes(std::span(text))); }

std::string Sha256::hex() const {
  const Context copy;  // finalising destroys the state
  require(EVP_MD_CTX_copy_ex(copy.md, context_->md));
  std::array<unsigned char, 32> digest{};
  require(EVP_DigestFinal_ex(copy.md, digest.data(), nullptr));
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : digest) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::string sha256_hex(std::span<const std::byte> bytes) { return Sha256().update(bytes).hex(); }
std::string sha256_hex(std::string_view text) { return Sha256().update(text).hex(); }

void update_mapped(Sha256& digest, std::span<const std::byte> bytes, const std::stop_token& stop, Sha256* second) {
  while (!bytes.empty() && !stop.stop_requested()) {
    const auto head = bytes.first(std::min(mapped_piece, bytes.size()));
    digest.update(head);
    if (second) second->update(head);
    forget_pages(head);
    bytes = bytes.subspan(head.size());
  }
}

std::string sha256_mapped(std::span<const std::byte> bytes) {
  Sha256 digest;
  update_mapped(digest, bytes);
  return digest.hex();
}

Expected<std::string> sha256_file(const std::string& path) {
  const auto refused = [&] {
    return Error{Exit::io, error_number::cannot_read, "cannot read the file", path + ": " + std::strerror(errno),
                 "check the path and its permissions"};
  };
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return refused();
  Sha256 digest;
  std::vector<std::byte> piece(std::size_t{1} << 20);
  ssize_t got = 0;
  do {
    got = ::read(fd, piece.data(), piece.size());
    if (got > 0) digest.update(std::span(piece).first(static_cast<std::size_t>(got)));
  } while (got > 0 || (got < 0 && errno == EINTR));
  Expected<std::string> result = got < 0 ? Expected<std::string>(refused()) : Expected<std::string>(digest.hex());
  ::close(fd);
  return result;
}

}  // namespace hallmark
