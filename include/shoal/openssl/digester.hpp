// SPDX-License-Identifier: BSL-1.0
//
// openssl::digester: the digester of choice on a hosted system. OpenSSL uses the CPU's SHA instructions, which
// makes it several times as fast as portable code.
//
//     openssl::digester digester;
//     digester.digest(hash_code::sha2_256, block, out);
//
// Functions: identity, SHA-1, SHA-2, SHA-3, BLAKE2.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <new>

#include <openssl/evp.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/status.hpp>
#include <shoal/crypto/hasher.hpp>

namespace shoal::openssl {

/// Models `digester`. SHA-256 is looked up once, when it is made: a lookup costs as much as hashing 4 KiB.
class digester {
 public:
  /// @throws std::bad_alloc if OpenSSL has no SHA-256 to give
  digester() : sha256_(EVP_MD_fetch(nullptr, "SHA256", nullptr)) {
    if (!sha256_) throw std::bad_alloc{};
  }

  [[nodiscard]] status digest(hash_code code, bytes_view in, bytes_span out) const noexcept {
    if (code == hash_code::sha2_256) return run(sha256_.get(), in, out);
    if (code == hash_code::identity) {
      if (in.size() != out.size()) return status::invalid_argument;
      std::ranges::copy(in, out.begin());
      return status::ok;
    }
    const char* name = name_of(code);
    if (name == nullptr) return status::unsupported;
    const owned_method method{EVP_MD_fetch(nullptr, name, nullptr)};
    if (!method) return status::unsupported;
    return run(method.get(), in, out);
  }

 private:
  struct release {
    void operator()(EVP_MD* method) const noexcept { EVP_MD_free(method); }
  };
  using owned_method = std::unique_ptr<EVP_MD, release>;

  static const char* name_of(hash_code code) noexcept {
    switch (code) {
      case hash_code::sha1: return "SHA1";
      case hash_code::sha2_384: return "SHA384";
      case hash_code::sha2_512: return "SHA512";
      case hash_code::sha3_256: return "SHA3-256";
      case hash_code::sha3_384: return "SHA3-384";
      case hash_code::sha3_512: return "SHA3-512";
      case hash_code::blake2b_512: return "BLAKE2B-512";
      case hash_code::blake2s_256: return "BLAKE2S-256";
      default: return nullptr;
    }
  }

  static status run(const EVP_MD* method, bytes_view in, bytes_span out) noexcept {
    std::array<unsigned char, EVP_MAX_MD_SIZE> whole;
    unsigned size = 0;
    if (EVP_Digest(in.data(), in.size(), whole.data(), &size, method, nullptr) != 1) return status::failed;
    if (out.size() > size) return status::invalid_argument;
    std::ranges::copy(std::as_bytes(std::span{whole}).first(out.size()), out.begin());
    return status::ok;
  }

  owned_method sha256_;
};
static_assert(shoal::digester<digester>);

}  // namespace shoal::openssl
