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

#include <memory>
#include <string>
#include <utility>

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <shoal/base/result.hpp>
#include <shoal/openssl/key.hpp>
#include <shoal/openssl/tls_session.hpp>

namespace shoal::openssl {

/// One connection. After an error it is of no more use.
using tls_client = tls_session;

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
    result<tls_client> client = tls_session::make(context_.get());
    if (!client) return client;
    SSL* const session = client->tls_.get();
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host.c_str()) != 1) {
      // a name: the server may have several, and has to be told which one is meant
      if (SSL_set1_host(session, host.c_str()) != 1) return errc::failed;
      if (SSL_set_tlsext_host_name(session, host.c_str()) != 1) return errc::failed;
    }
    SSL_set_connect_state(session);
    return client;
  }

 private:
  template <class Load>
  static result<tls_trust> make(Load load) {
    const detail::quiet no_trace;
    tls_trust trust;
    trust.context_ = std::shared_ptr<SSL_CTX>{SSL_CTX_new(TLS_client_method()), detail::release_tls{}};
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
