// SPDX-License-Identifier: BSL-1.0
//
// openssl::tls_identity: a certificate and its key: the server's side of TLS 1.2 and 1.3, without sockets.
//
//     result<openssl::tls_identity> identity = openssl::tls_identity::of_files("server.pem", "server.key");
//     identity->require_clients_of("clients.pem");                        // if they have to prove who they are
//     result<openssl::tls_session> session = identity->accept();          // for each client
//
// Leaves out choosing a certificate by the name that the client asks for.
#pragma once

#include <memory>
#include <string>

#include <openssl/ssl.h>

#include <shoal/base/result.hpp>
#include <shoal/openssl/key.hpp>
#include <shoal/openssl/tls_session.hpp>

namespace shoal::openssl {

/// Copies share it.
class tls_identity {
 public:
  /// A certificate, with those that vouch for it behind it, and its key, both PEM. errc::failed when one cannot
  /// be read, or they do not belong together.
  [[nodiscard]] static result<tls_identity> of_files(const std::string& certificate, const std::string& key) {
    const detail::quiet no_trace;
    tls_identity identity;
    identity.context_ = std::shared_ptr<SSL_CTX>{SSL_CTX_new(TLS_server_method()), detail::release_tls{}};
    SSL_CTX* const context = identity.context_.get();
    const bool usable = context != nullptr && SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
                        SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) == 1 &&
                        SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) == 1 &&
                        SSL_CTX_check_private_key(context) == 1;
    if (!usable) return errc::failed;
    return identity;
  }

  /// From now on clients need a certificate that one in this PEM file vouches for: sessions with others fail in
  /// the handshake. errc::failed when it cannot be read.
  [[nodiscard]] result<> require_clients_of(const std::string& authorities) {
    const detail::quiet no_trace;
    SSL_CTX* const context = context_.get();
    if (SSL_CTX_load_verify_file(context, authorities.c_str()) != 1) return errc::failed;
    // tells clients which of their certificates to show
    STACK_OF(X509_NAME)* const names = SSL_load_client_CA_file(authorities.c_str());
    if (names == nullptr) return errc::failed;
    SSL_CTX_set_client_CA_list(context, names);  // owns them from here
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    return {};
  }

  /// A session with a client that has just connected. errc::failed without memory.
  [[nodiscard]] result<tls_session> accept() const {
    const detail::quiet no_trace;
    result<tls_session> session = tls_session::make(context_.get());
    if (session) SSL_set_accept_state(session->tls_.get());
    return session;
  }

 private:
  std::shared_ptr<SSL_CTX> context_;
};

}  // namespace shoal::openssl
