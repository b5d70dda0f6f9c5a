// SPDX-License-Identifier: BSL-1.0
//
// openssl::tls_session: one connection of TLS 1.2 or 1.3 without sockets, at either end of it. Made by
// tls_trust (openssl/tls_client.hpp) and by tls_identity (openssl/tls_server.hpp).
//
//     tls->receive(bytes_from_the_other_side);
//     send(tls->take_output());
//     if (*tls->shake_hands()) tls->write(message);
//
// What moves the bytes is net/secured_stream.hpp. Leaves out resumption.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>

namespace shoal::openssl {

namespace detail {

struct release_tls {
  void operator()(SSL* session) const noexcept { SSL_free(session); }
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};

}  // namespace detail

/// One connection. After an error it is of no more use.
class tls_session {
 public:
  /// Takes what the other side has sent, in pieces of any size. errc::failed without memory.
  result<> receive(bytes_view bytes) {
    std::size_t taken = 0;
    const bool all = BIO_write_ex(SSL_get_rbio(tls_.get()), bytes.data(), bytes.size(), &taken) == 1;
    return all && taken == bytes.size() ? result<>{} : result<>{errc::failed};
  }

  /// What the other side has to be sent next. Call it after every other function.
  [[nodiscard]] std::vector<std::byte> take_output() {
    BIO* const out = SSL_get_wbio(tls_.get());
    std::vector<std::byte> bytes(BIO_ctrl_pending(out));
    std::size_t taken = 0;
    if (!bytes.empty()) (void)BIO_read_ex(out, bytes.data(), bytes.size(), &taken);
    bytes.resize(taken);
    return bytes;
  }

  /// True once both sides agree and the other one has proved its name, if it has to. False: there is more to
  /// receive. errc::failed when the other side speaks no TLS that is safe, or is not who it should be: see
  /// reason().
  [[nodiscard]] result<bool> shake_hands() {
    const noted errors;
    const int outcome = SSL_do_handshake(tls_.get());
    if (outcome == 1) return true;
    if (SSL_get_error(tls_.get(), outcome) == SSL_ERROR_WANT_READ) return false;
    return fail();
  }

  /// How many bytes of the other side's were there to read. 0: there is more to receive, unless has_ended().
  /// errc::failed.
  [[nodiscard]] result<std::size_t> read(bytes_span room) {
    const noted errors;
    std::size_t size = 0;
    const int outcome = SSL_read_ex(tls_.get(), room.data(), room.size(), &size);
    if (outcome == 1) return size;
    const int why = SSL_get_error(tls_.get(), outcome);
    if (why == SSL_ERROR_ZERO_RETURN) ended_ = true;
    if (why == SSL_ERROR_ZERO_RETURN || why == SSL_ERROR_WANT_READ) return std::size_t{0};
    return fail();
  }

  /// Encrypts all of them. errc::failed. @pre shake_hands() said true
  result<> write(bytes_view bytes) {
    if (bytes.empty()) return {};
    const noted errors;
    std::size_t size = 0;
    if (SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &size) == 1 && size == bytes.size()) return {};
    return fail();
  }

  /// The other side has said that nothing more will come.
  [[nodiscard]] bool has_ended() const noexcept { return ended_; }

  /// Why something failed, in OpenSSL's words.
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

 private:
  friend class tls_trust;
  friend class tls_identity;

  /// SSL_get_error() looks at what the thread has noted: it has to be about this session alone.
  struct noted {
    noted() noexcept { ERR_clear_error(); }
    noted(const noted&) = delete;
    noted& operator=(const noted&) = delete;
    ~noted() { ERR_clear_error(); }
  };

  explicit tls_session(SSL* session) noexcept : tls_(session) {}

  /// A session of this context, with buffers in memory for its bytes. errc::failed without memory.
  static result<tls_session> make(SSL_CTX* context) {
    tls_session out{SSL_new(context)};
    SSL* const session = out.tls_.get();
    if (session == nullptr) return errc::failed;
    BIO* const in = BIO_new(BIO_s_mem());
    BIO* const from = BIO_new(BIO_s_mem());
    SSL_set_bio(session, in, from);  // owns both from here
    if (in == nullptr || from == nullptr) return errc::failed;
    BIO_set_mem_eof_return(in, -1);  // an empty buffer is no end
    return out;
  }

  errc fail() {
    const long verdict = SSL_get_verify_result(tls_.get());
    const unsigned long code = ERR_peek_last_error();
    char text[256] = "connection failed";
    if (code != 0) ERR_error_string_n(code, text, sizeof text);
    reason_ = verdict == X509_V_OK ? text : X509_verify_cert_error_string(verdict);
    return errc::failed;
  }

  std::unique_ptr<SSL, detail::release_tls> tls_;
  bool ended_ = false;
  std::string reason_;
};

}  // namespace shoal::openssl
