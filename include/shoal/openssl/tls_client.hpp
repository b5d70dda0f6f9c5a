// SPDX-License-Identifier: BSL-1.0
//
// openssl::tls_client: the client's side of TLS 1.2 and 1.3 without sockets, and openssl::tls_trust: whose
// certificates it believes.
//
//     result<openssl::tls_trust> trust = openssl::tls_trust::of_system();
//     result<openssl::tls_client> tls = trust->connect("gateway.example");
//     tls->receive(bytes_from_the_server);
//     send(tls->take_output());
//     if (*tls->shake_hands()) tls->write(request);
//
// What moves the bytes is net/secured_stream.hpp. Leaves out certificates of the client's own and session
// resumption.
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
#include <shoal/openssl/key.hpp>

namespace shoal::openssl {

namespace detail {

struct release_tls {
  void operator()(SSL* session) const noexcept { SSL_free(session); }
};

}  // namespace detail

/// One connection. After an error it is of no more use.
class tls_client {
 public:
  /// Takes what the server has sent, in pieces of any size. errc::failed without memory.
  result<> receive(bytes_view bytes) {
    std::size_t taken = 0;
    const bool all = BIO_write_ex(SSL_get_rbio(tls_.get()), bytes.data(), bytes.size(), &taken) == 1;
    return all && taken == bytes.size() ? result<>{} : result<>{errc::failed};
  }

  /// What the server has to be sent next. Call it after every other function.
  [[nodiscard]] std::vector<std::byte> take_output() {
    BIO* const out = SSL_get_wbio(tls_.get());
    std::vector<std::byte> bytes(BIO_ctrl_pending(out));
    std::size_t taken = 0;
    if (!bytes.empty()) (void)BIO_read_ex(out, bytes.data(), bytes.size(), &taken);
    bytes.resize(taken);
    return bytes;
  }

  /// True once both sides agree and the server has proved its name. False: there is more to receive.
  /// errc::failed when the server speaks no TLS that is safe, or is not who it should be: see reason().
  [[nodiscard]] result<bool> shake_hands() {
    const noted errors;
    const int outcome = SSL_do_handshake(tls_.get());
    if (outcome == 1) return true;
    if (SSL_get_error(tls_.get(), outcome) == SSL_ERROR_WANT_READ) return false;
    return fail();
  }

  /// How many bytes of the server's were there to read. 0: there is more to receive, unless has_ended().
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

  /// The server has said that nothing more will come.
  [[nodiscard]] bool has_ended() const noexcept { return ended_; }

  /// Why something failed, in OpenSSL's words.
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

 private:
  friend class tls_trust;

  /// SSL_get_error() looks at what the thread has noted: it has to be about this session alone.
  struct noted {
    noted() noexcept { ERR_clear_error(); }
    noted(const noted&) = delete;
    noted& operator=(const noted&) = delete;
    ~noted() { ERR_clear_error(); }
  };

  explicit tls_client(SSL* session) noexcept : tls_(session) {}

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

/// Certificate authorities. Copies share them.
class tls_trust {
 public:
  /// Those that the operating system believes, which may be none. errc::failed without memory.
  [[nodiscard]] static result<tls_trust> of_system() {
    return make([](SSL_CTX* context) { return SSL_CTX_set_default_verify_paths(context) == 1; });
  }

  /// Those in a PEM file, and no others. errc::failed when it cannot be read.
  [[nodiscard]] static result<tls_trust> of_file(const std::string& path) {
    return make([&path](SSL_CTX* context) { return SSL_CTX_load_verify_file(context, path.c_str()) == 1; });
  }

  /// A session with the server of that name, or at that address: its certificate has to say so. errc::failed.
  [[nodiscard]] result<tls_client> connect(const std::string& host) const {
    const detail::quiet no_trace;
    tls_client client{SSL_new(context_.get())};
    SSL* const session = client.tls_.get();
    if (session == nullptr) return errc::failed;
    BIO* const in = BIO_new(BIO_s_mem());
    BIO* const out = BIO_new(BIO_s_mem());
    SSL_set_bio(session, in, out);  // owns both from here
    if (in == nullptr || out == nullptr) return errc::failed;
    BIO_set_mem_eof_return(in, -1);  // an empty buffer is no end
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host.c_str()) != 1) {
      // a name: the server may have several, and has to be told which one is meant
      if (SSL_set1_host(session, host.c_str()) != 1) return errc::failed;
      if (SSL_set_tlsext_host_name(session, host.c_str()) != 1) return errc::failed;
    }
    SSL_set_connect_state(session);
    return client;
  }

 private:
  struct release {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
  };

  template <class Load>
  static result<tls_trust> make(Load load) {
    const detail::quiet no_trace;
    tls_trust trust;
    trust.context_ = std::shared_ptr<SSL_CTX>{SSL_CTX_new(TLS_client_method()), release{}};
    SSL_CTX* const context = trust.context_.get();
    if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 || !load(context)) {
      return errc::failed;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    return trust;
  }

  std::shared_ptr<SSL_CTX> context_;
};

}  // namespace shoal::openssl
