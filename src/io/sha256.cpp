#include "io/sha256.hpp"

// The low-level functions show a chain's state, which two chains at once need; EVP hides it.
#define OPENSSL_SUPPRESS_DEPRECATED

#include <fcntl.h>
#include <openssl/sha.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

#include "io/error_numbers.hpp"
#include "io/file.hpp"

namespace hallmark {

namespace {

constexpr std::size_t block_bytes = 64;

#if defined(__x86_64__)

bool two_at_once() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  static const bool known = __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b >> 29 & 1) != 0 && __builtin_cpu_supports("sse4.1");
  return known;
}

alignas(16) constexpr std::array<std::uint32_t, 64> round_constants = {  // FIPS 180-4, 4.2.2
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/// Whole blocks of two chains. An instruction of one waits for nothing of the other, and waiting is what one chain mostly does.
__attribute__((target("sha,sse4.1"))) void compress_two(const std::array<SHA256_CTX*, 2>& chain, const std::array<const std::byte*, 2>& data,
                                                        std::size_t blocks) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i abef[2], cdgh[2], w[2][4];
  for (std::size_t c = 0; c < 2; ++c) {
    const auto* h = reinterpret_cast<const __m128i*>(chain[c]->h);
    const __m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128(h), 0xB1), efgh = _mm_shuffle_epi32(_mm_loadu_si128(h + 1), 0x1B);
    abef[c] = _mm_alignr_epi8(cdab, efgh, 8);
    cdgh[c] = _mm_blend_epi16(efgh, cdab, 0xF0);
  }
  for (std::size_t block = 0; block < blocks; ++block) {
    const __m128i before[2][2] = {{abef[0], cdgh[0]}, {abef[1], cdgh[1]}};
    for (std::size_t c = 0; c < 2; ++c)
      for (std::size_t i = 0; i < 4; ++i)
        w[c][i] = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(data[c] + block * block_bytes) + i), big_endian);
    for (std::size_t t = 0; t < 64; t += 16)
      for (std::size_t i = 0; i < 4; ++i) {  // rounds t + 4 i .. t + 4 i + 3, whose words are w[c][i]; then the words 16 further on
        const __m128i k = _mm_load_si128(reinterpret_cast<const __m128i*>(&round_constants[t + 4 * i]));
        for (std::size_t c = 0; c < 2; ++c) {
          const __m128i words = _mm_add_epi32(w[c][i], k);
          cdgh[c] = _mm_sha256rnds2_epu32(cdgh[c], abef[c], words);
          abef[c] = _mm_sha256rnds2_epu32(abef[c], cdgh[c], _mm_shuffle_epi32(words, 0x0E));
          const __m128i last = w[c][(i + 3) % 4], sum = _mm_sha256msg1_epu32(w[c][i], w[c][(i + 1) % 4]);
          w[c][i] = _mm_sha256msg2_epu32(_mm_add_epi32(sum, _mm_alignr_epi8(last, w[c][(i + 2) % 4], 4)), last);
        }
      }
    for (std::size_t c = 0; c < 2; ++c) {
      abef[c] = _mm_add_epi32(abef[c], before[c][0]);
      cdgh[c] = _mm_add_epi32(cdgh[c], before[c][1]);
    }
  }
  for (std::size_t c = 0; c < 2; ++c) {
    auto* h = reinterpret_cast<__m128i*>(chain[c]->h);
    const __m128i feba = _mm_shuffle_epi32(abef[c], 0x1B), dchg = _mm_shuffle_epi32(cdgh[c], 0xB1);
    _mm_storeu_si128(h, _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128(h + 1, _mm_alignr_epi8(dchg, feba, 8));
    const std::uint64_t bits = (std::uint64_t{chain[c]->Nh} << 32 | chain[c]->Nl) + 8 * block_bytes * blocks;
    chain[c]->Nl = static_cast<SHA_LONG>(bits);
    chain[c]->Nh = static_cast<SHA_LONG>(bits >> 32);
  }
}

#else

bool two_at_once() { return false; }
void compress_two(const std::array<SHA256_CTX*, 2>&, const std::array<const std::byte*, 2>&, std::size_t) {}

#endif

}  // namespace

struct Sha256::Context {
  SHA256_CTX chain;
};

Sha256::Sha256() : context_(std::make_unique<Context>()) { SHA256_Init(&context_->chain); }
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::update(std::span<const std::byte> bytes) {
  SHA256_Update(&context_->chain, bytes.data(), bytes.size());
  return *this;
}

Sha256& Sha256::update(std::string_view text) { return update(std::as_bytes(std::span(text))); }

void Sha256::update_both(Sha256& a, Sha256& b, std::span<const std::byte> bytes) {
  std::size_t blocks = bytes.size() / block_bytes;
  std::array<std::size_t, 2> head{};
  if (two_at_once() && blocks > 1) {  // each chain from the beginning of a block of its own
    const std::array<Sha256*, 2> both{&a, &b};
    for (std::size_t c = 0; c < 2; ++c) {
      head[c] = (block_bytes - both[c]->context_->chain.num) % block_bytes;
      both[c]->update(bytes.first(head[c]));
      blocks = std::min(blocks, (bytes.size() - head[c]) / block_bytes);
    }
    compress_two({&a.context_->chain, &b.context_->chain}, {bytes.data() + head[0], bytes.data() + head[1]}, blocks);
    for (std::size_t& done : head) done += blocks * block_bytes;
  }
  a.update(bytes.subspan(head[0]));
  b.update(bytes.subspan(head[1]));
}

std::string Sha256::hex() const {
  SHA256_CTX copy = context_->chain;  // finalising destroys the state
  std::array<unsigned char, 32> digest{};
  SHA256_Final(digest.data(), &copy);
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
    if (second)
      Sha256::update_both(digest, *second, head);
    else
      digest.update(head);
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
