// SPDX-License-Identifier: BSL-1.0
//
// The other side of openssl/tls_client.hpp, for tests: a server that vouches for itself.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <shoal/base/bytes.hpp>

/// A key, and a certificate that is signed by it: for a name, and for 127.0.0.1.
class tls_identity {
 public:
  explicit tls_identity(const std::string& name) : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    X509* const x = certificate_.get();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key_.get());
    X509_NAME* const subject = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1,
                               -1, 0);
    X509_set_issuer_name(x, subject);
    add(NID_basic_constraints, "critical,CA:TRUE");
    add(NID_subject_alt_name, "DNS:" + name + ",IP:127.0.0.1");
    if (X509_sign(x, key_.get(), EVP_sha256()) == 0) throw std::runtime_error("cannot sign");
  }
  [[nodiscard]] EVP_PKEY* key() const noexcept { return key_.get(); }
  [[nodiscard]] X509* certificate() const noexcept { return certificate_.get(); }
  [[nodiscard]] std::string certificate_pem() const {
    const std::unique_ptr<BIO, release> out{BIO_new(BIO_s_mem())};
    PEM_write_bio_X509(out.get(), certificate_.get());
    std::string text(BIO_ctrl_pending(out.get()), '\0');
    std::size_t size = 0;
    BIO_read_ex(out.get(), text.data(), text.size(), &size);
    return text;
  }

 private:
  struct release {
    void operator()(BIO* p) const noexcept { BIO_free(p); }
    void operator()(EVP_PKEY* p) const noexcept { EVP_PKEY_free(p); }
    void operator()(X509* p) const noexcept { X509_free(p); }
    void operator()(X509_EXTENSION* p) const noexcept { X509_EXTENSION_free(p); }
  };
  void add(int what, const std::string& value) {
    const std::unique_ptr<X509_EXTENSION, release> extension{
        X509V3_EXT_conf_nid(nullptr, nullptr, what, value.c_str())};
    X509_add_ext(certificate_.get(), extension.get(), -1);
  }

  std::unique_ptr<EVP_PKEY, release> key_;
  std::unique_ptr<X509, release> certificate_;
};

class tls_server {
 public:
  explicit tls_server(const tls_identity& identity) : context_(SSL_CTX_new(TLS_server_method())) {
    SSL_CTX_use_certificate(context_.get(), identity.certificate());
    SSL_CTX_use_PrivateKey(context_.get(), identity.key());
    tls_.reset(SSL_new(context_.get()));
    SSL_set_bio(tls_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(tls_.get());
  }
  void receive(const std::vector<std::byte>& bytes) {
    std::size_t size = 0;
    if (!bytes.empty()) BIO_write_ex(SSL_get_rbio(tls_.get()), bytes.data(), bytes.size(), &size);
    if (!SSL_is_init_finished(tls_.get())) SSL_do_handshake(tls_.get());
  }
  [[nodiscard]] std::vector<std::byte> take_output(std::size_t most) {
    BIO* const out = SSL_get_wbio(tls_.get());
    std::vector<std::byte> bytes(std::min(most, BIO_ctrl_pending(out)));
    std::size_t size = 0;
    if (!bytes.empty()) BIO_read_ex(out, bytes.data(), bytes.size(), &size);
    return bytes;
  }
  std::string read() {
    char text[1000];
    std::size_t size = 0;
    SSL_read_ex(tls_.get(), text, sizeof text, &size);
    return {text, size};
  }
  void write(std::string_view text) {
    std::size_t size = 0;
    SSL_write_ex(tls_.get(), text.data(), text.size(), &size);
  }
  void end() { SSL_shutdown(tls_.get()); }
  [[nodiscard]] std::string name_asked_for() const {
    const char* const name = SSL_get_servername(tls_.get(), TLSEXT_NAMETYPE_host_name);
    return name == nullptr ? "" : name;
  }

 private:
  struct release {
    void operator()(SSL_CTX* p) const noexcept { SSL_CTX_free(p); }
    void operator()(SSL* p) const noexcept { SSL_free(p); }
  };
  std::unique_ptr<SSL_CTX, release> context_;
  std::unique_ptr<SSL, release> tls_;
};
