// SPDX-License-Identifier: BSL-1.0
//
// What the models of key agreement and signatures share: OpenSSL's keys, made of raw bytes and released in
// time.
//
//     const detail::key key = detail::raw_public_key("ED25519", bytes);
//     if (!key) ...   // OpenSSL refuses these bytes
//
// For the headers of this room alone.
#pragma once

#include <cstddef>
#include <memory>

#include <openssl/err.h>
#include <openssl/evp.h>

#include <shoal/base/bytes.hpp>

namespace shoal::openssl::detail {

struct release_key {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const noexcept { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

/// Bytes of a stranger make OpenSSL note errors in a list of the thread, where other code would take them for
/// its own: what is noted in the life of this object is forgotten at its end.
class quiet {
 public:
  quiet() noexcept { ERR_set_mark(); }
  ~quiet() { ERR_pop_to_mark(); }
  quiet(const quiet&) = delete;
  quiet& operator=(const quiet&) = delete;
};

using key = std::unique_ptr<EVP_PKEY, release_key>;

inline const unsigned char* data(bytes_view bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
inline unsigned char* data(bytes_span bytes) noexcept {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

/// Null when OpenSSL does not have the algorithm, or refuses the bytes.
inline key raw_private_key(const char* algorithm, bytes_view bytes) noexcept {
  return key{EVP_PKEY_new_raw_private_key_ex(nullptr, algorithm, nullptr, data(bytes), bytes.size())};
}
inline key raw_public_key(const char* algorithm, bytes_view bytes) noexcept {
  return key{EVP_PKEY_new_raw_public_key_ex(nullptr, algorithm, nullptr, data(bytes), bytes.size())};
}

/// Fills `out` with the public half. False when it has another size.
inline bool raw_public_of(const key& from, bytes_span out) noexcept {
  std::size_t size = out.size();
  return EVP_PKEY_get_raw_public_key(from.get(), data(out), &size) == 1 && size == out.size();
}

}  // namespace shoal::openssl::detail
