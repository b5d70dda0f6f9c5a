// SPDX-License-Identifier: BSL-1.0
#include <shoal/openssl/signature_verifier.hpp>  // first: shows that the header stands alone

#include <array>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <openssl/err.h>

#include <shoal/openssl/ed25519.hpp>

#include "../libp2p/vectors.hpp"

namespace {

using shoal::bytes_view;
using shoal::key_kind;
using shoal::status;
using shoal::openssl::signature_verifier;
using vectors::unhex;

// The keys of libp2p specs, peer-ids/peer-ids.md, "Test vectors". The signatures are by Python's cryptography
// 48, of what the golden Noise payload of Helia signs.
const std::string message = "6e6f6973652d6c69627032702d7374617469632d6b65793a" + [] {
  std::string key;
  for (int i = 0; i < 32; ++i) key += "42";
  return key;
}();
const std::string rsa_key =
    "30820222300d06092a864886f70d01010105000382020f003082020a0282020100e1beab071d08200bde24eef00d0494"
    "49b07770ff9910257b2d7d5dda242ce8f0e2f12e1af4b32d9efd2c090f66b0f29986dbb645dae9880089704a94e5066d"
    "594162ae6ee8892e6ec70701db0a6c445c04778eb3de1293aa1a23c3825b85c6620a2bc3f82f9b0c309bc0ab3aeb1873"
    "282bebd3da03c33e76c21e9beb172fd44c9e43be32e2c99827033cf8d0f0c606f4579326c930eb4e854395ad94125654"
    "2c793902185153c474bed109d6ff5141ebf9cd256cf58893a37f83729f97e7cb435ec679d2e33901d27bb35aa0d7e205"
    "61da08885ef0abbf8e2fb48d6a5487047a9ecb1ad41fa7ed84f6e3e8ecd5d98b3982d2a901b4454991766da295ab7882"
    "2add5612a2df83bcee814cf50973e80d7ef38111b1bd87da2ae92438a2c8cbcc70b31ee319939a3b9c761dbc13b5c086"
    "d6b64bf7ae7dacc14622375d92a8ff9af7eb962162bbddebf90acb32adb5e4e4029f1c96019949ecfbfeffd7ac1e3fbc"
    "c6b6168c34be3d5a2e5999fcbb39bba7adbca78eab09b9bc39f7fa4b93411f4cc175e70c0a083e96bfaefb04a9580b47"
    "53c1738a6a760ae1afd851a1a4bdad231cf56e9284d832483df215a46c1c21bdf0c6cfe951c18f1ee4078c79c13d63ed"
    "b6e14feaeffabc90ad317e4875fe648101b0864097e998f0ca3025ef9638cd2b0caecd3770ab54a1d9c6ca959b0f5dcb"
    "c90caeefc4135baca6fd475224269bbe1b0203010001";
const std::string rsa_signature =
    "275fd7e9362f5e20cd976abceea069009148adb20f7ee2802730bbce3825a00633e05865be397b7a8774760e878b9424"
    "1b086530de8827e3deb9c8c0161ac217478dbad95f533cddaf3a50cbdb63eb10b7ffa5aceaed1013097d0aaec7117d48"
    "95dc536bf5593a0f0819a6de6a27fcfa616eefd3a98728d76454e14add9bc54f349adb2670f06383f82b3c7137e4ff16"
    "72d813c9a04c8c824a1bc403984f04b7e0c82b7d348ec89d80074bc85c492f73a43a7706c1d97ef27301c3942f89efb5"
    "17b941cedc18afdf8cfe0fe73f1b77c9d8d55039c759f97d516d6a19a203799597e0fa19c3354231562940d0bb9b0aca"
    "1f6420296f62a4c38e5c09505be4c4b91551808b702fe4dadbb9644047cf859ef429ad55f95da9ab6009ffe68b01b6ec"
    "ef947ac102b975e2c8713db9cc59954729f0133f6c9059b15b27d13223dd586c6c215f6c3e980b094aa924928a866bbd"
    "de99a2df5646b2f6731abce672c871bae05da90269f02bee016880e4f2c77e3926f1c95f7486baa2e256e4804a5b1ea3"
    "a5aa99fc97e175a49c1624d3b388719cca35b30468b221488db352f164b7e1fe01c415858f76c71e2c4d103b8f8a7e70"
    "ee6ade605b49b1b1e5d7b8366d4c08a50b64ec30c7057fcc897ae95762e704e1b7e66d0b22862a39122a5368d0e1b379"
    "fb31e2ee0ef74393cad233b4425075ade20c4e81d4fb94da2cf15446f8987c7a";
const std::string ecdsa_key =
    "3059301306072a8648ce3d020106082a8648ce3d03010703420004de3d300fa36ae0e8f5d530899d83abab44abf3161f"
    "162a4bc901d8e6ecda020e8b6d5f8da30525e71d6851510c098e5c47c646a597fb4dcec034e9f77c409e62";
const std::string ecdsa_signature =
    "3046022100b44e96decf5870a207a8395a557d15326aa602f4b72925f63131eef2228bc690022100fce9c27b1a285c1f"
    "2ead9899f00c2c1636171d88a79f2ab19e11e17219573e39";
const std::string secp256k1_key = "037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fea0e630bfca99";
const std::string secp256k1_signature =
    "30450221008a3a33d12178499f27b671804dae463f3555ae3d32181dc5929e67c86f791e690220201b96b844d74b144e"
    "03beecf5bb09fbb0316219133719d4657b2775f3c3eb3d";
const std::string small_rsa_key =
    "30819f300d06092a864886f70d010101050003818d0030818902818100afa529433b21eb3bd57e5cb0ecd3f56272ffd0"
    "961be3ab3028936fe74dccf5b9a8b981da749315f96fdb4a5fdf971770f463d6a6cba60115b2e21226bf3db9a450e994"
    "161fc7a29eb688587637e4dcae674e05284f8be5ddc5c0a14b786455bc7a4db73b72bb1a868b1b93be6c972660f6358b"
    "319ffbc133289e0063f9edb0e10203010001";
const std::string small_rsa_signature =
    "8759d7d44e9d17b09097382de5490fe4728f8f4a7082665e2ebca1fa70ac0d134abd299cca62620318e31b33e142aeab"
    "6eb04b0d55664ae63f7dc976074d2b91ebace2e4b318b2eed3dc52166858cce925ce8368ead1e5467e99a34bfe22d62a"
    "6e6604aa263649f4f38ff3933af4f06f7d7f7178933df12390c7b21592280e34";

/// Checks that the signature is good, and that none with a bit changed in it, in the message or in the key is.
void check(key_kind kind, const std::string& key_text, const std::string& signature_text) {
  const signature_verifier verifier;
  const auto key = unhex(key_text);
  const auto said = unhex(message);
  const auto signature = unhex(signature_text);
  CHECK(verifier.verify(kind, key, said, signature) == status::ok);
  for (std::size_t i = 0; i < signature.size(); i += 5) {
    auto changed = signature;
    changed[i] ^= std::byte{4};
    CHECK(verifier.verify(kind, key, said, changed) == status::failed);
  }
  for (std::size_t i = 0; i < key.size(); i += 7) {
    auto changed = key;
    changed[i] ^= std::byte{4};
    CHECK(verifier.verify(kind, changed, said, signature) != status::ok);
  }
  for (std::size_t n = 0; n < key.size(); n += 3) {
    CHECK(verifier.verify(kind, bytes_view{key}.first(n), said, signature) == status::malformed);
  }
  auto longer = key;
  longer.push_back({});
  CHECK(verifier.verify(kind, longer, said, signature) == status::malformed);
  auto other = said;
  other.back() ^= std::byte{1};
  CHECK(verifier.verify(kind, key, other, signature) == status::failed);
  CHECK(verifier.verify(kind, key, said, {}) == status::failed);
  CHECK(verifier.verify(kind, key, said, bytes_view{signature}.first(signature.size() - 1)) == status::failed);
}

TEST_CASE("signatures by RSA, secp256k1 and P-256 are good, and nothing near them is") {
  SUBCASE("RSA") {
    check(key_kind::rsa, rsa_key, rsa_signature);
  }
  SUBCASE("secp256k1") {
    check(key_kind::secp256k1, secp256k1_key, secp256k1_signature);
  }
  SUBCASE("P-256") {
    check(key_kind::ecdsa, ecdsa_key, ecdsa_signature);
  }
}

TEST_CASE("a signature by Ed25519 is good, and nothing near it is") {
  const shoal::openssl::ed25519_signer me{std::vector<std::byte>(32, std::byte{7})};
  std::array<std::byte, 64> signature;
  REQUIRE(me.sign(unhex(message), signature) == status::ok);
  check(key_kind::ed25519, vectors::hex(me.public_key()), vectors::hex(signature));
}

TEST_CASE("the signature in Helia's Noise payload is good") {
  const std::string golden = vectors::fixture("golden_helia.json");
  if (golden.empty()) {
    MESSAGE("skipped: no golden_helia.json");
    return;
  }
  const auto key = unhex(vectors::strings_of(golden, "pubkey_raw").at(0));
  const auto signature = unhex(vectors::strings_of(golden, "sig").at(0));
  CHECK(signature_verifier{}.verify(key_kind::ed25519, key, unhex(message), signature) == status::ok);
}

TEST_CASE("RSA of 1024 bits is refused, though its signature is good") {
  CHECK(signature_verifier{}.verify(key_kind::rsa, unhex(small_rsa_key), unhex(message),
                                    unhex(small_rsa_signature)) != status::ok);
}

/// A PKIX key of RSA whose modulus has this many bytes, one bit less than full. Nobody knows its factors.
std::vector<std::byte> rsa_key_of(std::size_t modulus_size) {
  std::vector<std::byte> der;
  const auto wrap = [&der](int tag) {
    const std::size_t size = der.size();
    const int head[] = {tag, 0x82, static_cast<int>(size >> 8), static_cast<int>(size & 0xff)};
    der.insert(der.begin(), 4, std::byte{});
    for (std::size_t i = 0; i < 4; ++i) der[i] = static_cast<std::byte>(head[i]);
  };
  der.assign(modulus_size, std::byte{0x7f});
  wrap(0x02);
  for (const int b : {0x02, 0x03, 0x01, 0x00, 0x01}) der.push_back(static_cast<std::byte>(b));
  wrap(0x30);
  der.insert(der.begin(), std::byte{});  // unused bits of the bit string
  wrap(0x03);
  const auto algorithm = unhex("300d06092a864886f70d0101010500");
  der.insert(der.begin(), algorithm.begin(), algorithm.end());
  wrap(0x30);
  return der;
}

TEST_CASE("RSA is taken from 2048 bits to 8192, and no further") {
  const signature_verifier verifier;
  CHECK(verifier.verify(key_kind::rsa, rsa_key_of(256), {}, {}) == status::limit_exceeded);  // 2047 bits
  CHECK(verifier.verify(key_kind::rsa, rsa_key_of(257), {}, {}) == status::failed);
  CHECK(verifier.verify(key_kind::rsa, rsa_key_of(1024), {}, {}) == status::failed);
  CHECK(verifier.verify(key_kind::rsa, rsa_key_of(1025), {}, {}) == status::limit_exceeded);  // 8199 bits
  CHECK(verifier.verify(key_kind::rsa, rsa_key_of(3000), {}, {}) == status::malformed);
}

TEST_CASE("a key of one kind is no key of another, and an unknown kind is unsupported") {
  const signature_verifier verifier;
  CHECK(verifier.verify(key_kind::rsa, unhex(ecdsa_key), {}, {}) == status::malformed);
  CHECK(verifier.verify(key_kind::ecdsa, unhex(rsa_key), {}, {}) == status::malformed);
  CHECK(verifier.verify(key_kind::secp256k1, unhex(ecdsa_key), {}, {}) == status::malformed);
  CHECK(verifier.verify(key_kind{4}, unhex(ecdsa_key), {}, {}) == status::unsupported);
}

TEST_CASE("a point that is not on the curve is no key, and leaves no error behind in OpenSSL's list") {
  auto key = unhex(ecdsa_key);
  key.back() ^= std::byte{1};
  CHECK(signature_verifier{}.verify(key_kind::ecdsa, key, {}, unhex(ecdsa_signature)) == status::malformed);
  CHECK(ERR_peek_error() == 0);
}

}  // namespace
