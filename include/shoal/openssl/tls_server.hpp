// SPDX-License-Identifier: BSL-1.0
//
// openssl::tls_identity: a certificate and its key: the server's side of TLS 1.2 and 1.3, without sockets.
//
//     result<openssl::tls_identity> identity = openssl::tls_identity::of_files("server.pem", "server.key");
//     result<openssl::tls_session> session = identity->accept();          // for each client
//
// Leaves out certificates of clients, and choosing one by the name that the client asks for.
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
