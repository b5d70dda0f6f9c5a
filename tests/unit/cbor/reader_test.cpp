// SPDX-License-Identifier: BSL-1.0
#include <shoal/cbor/reader.hpp>  // first: shows that the header stands alone

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <shoal/cbor/writer.hpp>

#ifdef SHOAL_TEST_LIBCBOR
#include <cbor.h>
#endif

namespace {

using namespace shoal::cbor;
using shoal::bytes_view;
using shoal::status;

std::vector<std::byte> unhex(const std::string& digits) {
  std::vector<std::byte> out;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    out.push_back(static_cast<std::byte>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  }
  return out;
}

struct vector_output {
  std::vector<std::byte> bytes;
  void append(bytes_view more) { bytes.insert(bytes.end(), more.begin(), more.end()); }
};

/// Reads all of an item; the first error, or malformed when something stands behind it.
status check(bytes_view input, key_order order = key_order::bytewise) {
  reader reader{input, order};
  const status read = reader.skip();
  return read == status::ok && !reader.rest().empty() ? status::malformed : read;
}
status check(const std::string& digits, key_order order = key_order::bytewise) {
  return check(unhex(digits), order);
}

/// Writes what the reader gives.
std::vector<std::byte> rewritten(bytes_view input) {
  vector_output out;
  writer writer{out};
  reader reader{input};
  while (!reader.done()) {
    const auto item = reader.next();
    REQUIRE(item);
    if (item->type == kind::floating) {  // the writer knows one width only
      std::array<std::byte, 9> bits{};
      bits[0] = std::byte(item->head.width == 2 ? 0xf9 : item->head.width == 4 ? 0xfa : 0xfb);
      for (std::size_t i = 0; i < item->head.width; ++i) {
        bits[1 + i] = static_cast<std::byte>(item->argument() >> (8 * (item->head.width - 1u - i)));
      }
      out.append(bytes_view{bits}.first(1u + item->head.width));
    } else {
      writer.head(item->head.type, item->argument());
      out.append(item->bytes);
    }
  }
  return out.bytes;
}

TEST_CASE("the examples of RFC 8949 are read and written again; those of indefinite length are refused") {
  std::ifstream file{SHOAL_FIXTURES "/cbor/appendix_a.json"};
  if (!file) {
    MESSAGE("skipped: no CBOR fixtures");
    return;
  }
  const std::string json{std::istreambuf_iterator<char>{file}, {}};
  const std::string key = "\"hex\": \"";
  int definite = 0;
  int indefinite = 0;
  for (std::size_t at = json.find(key); at != std::string::npos; at = json.find(key, at)) {
    at += key.size();
    const std::string digits = json.substr(at, json.find('"', at) - at);
    const auto input = unhex(digits);
    CAPTURE(digits);
    if (digits == "f818") {  // RFC 8949, section 3.3: not well-formed any more
      CHECK(check(input) == status::malformed);
    } else if (digits.find("ff") == digits.size() - 2 && digits.size() > 2 && digits != "f8ff" &&
               digits != "f97bff") {
      CHECK(check(input) == status::unsupported);
      ++indefinite;
    } else if (check(input) == status::unsupported) {
      CHECK((digits.find("9f") != std::string::npos || digits.find("bf") != std::string::npos));
      ++indefinite;
    } else {
      CHECK(check(input) == status::ok);
      CHECK(rewritten(input) == input);
      for (std::size_t n = 0; n < input.size(); ++n)
        CHECK(check(bytes_view{input}.first(n)) == status::truncated);
      ++definite;
    }
  }
  CHECK(definite == 70);
  CHECK(indefinite == 11);
}

TEST_CASE("scalars have their kinds and values") {
  const auto one = [](const std::vector<std::byte>& input) {
    const auto item = reader{input}.next();
    REQUIRE(item);
    return *item;
  };
  CHECK(one(unhex("1903e8")).argument() == 1000);
  CHECK(one(unhex("3903e7")).type == kind::negative_integer);
  CHECK(one(unhex("f4")).type == kind::boolean);
  CHECK_FALSE(one(unhex("f4")).truth());
  CHECK(one(unhex("f5")).truth());
  CHECK(one(unhex("f6")).type == kind::null);
  CHECK(one(unhex("f7")).type == kind::undefined);
  CHECK(one(unhex("f8ff")).type == kind::simple);
  CHECK(float_value(one(unhex("f93e00")).head) == 1.5);
  const auto text = unhex("62c3bc");
  CHECK(shoal::as_text(one(text).bytes) == "\xc3\xbc");
}

TEST_CASE("the reader knows where it is") {
  const auto input = unhex("a2616101616282c102a0ff");  // {"a": 1, "b": [1(2), {}]} and one byte more
  reader reader{input};
  CHECK_FALSE(reader.done());
  CHECK(reader.next()->type == kind::map);
  CHECK(reader.at_key());
  CHECK(reader.next()->type == kind::text);
  CHECK_FALSE(reader.at_key());
  CHECK(reader.next()->argument() == 1);
  CHECK(reader.at_key());
  CHECK(reader.next()->type == kind::text);
  CHECK(reader.expect(kind::array)->argument() == 2);
  CHECK(reader.depth() == 2);
  CHECK(reader.next()->type == kind::tag);
  CHECK(reader.next()->argument() == 2);
  CHECK(reader.next()->type == kind::map);
  CHECK(reader.done());
  CHECK(reader.depth() == 0);
  CHECK(reader.rest().size() == 1);
  CHECK(reader.next().code == status::invalid_argument);
}

TEST_CASE("an unwanted value is skipped whole") {
  const auto input = unhex("83820182c20203616105");  // [[1, [2(2), 3]], "a", 5]
  reader reader{input};
  REQUIRE(reader.next());
  CHECK(reader.skip() == status::ok);
  CHECK(reader.expect(kind::text)->bytes.size() == 1);
  CHECK(reader.skip() == status::ok);
  CHECK(reader.done());
  CHECK(reader.rest().empty());
}

TEST_CASE("keys ascend, each once") {
  CHECK(check("a2616101616102") == status::malformed);
  CHECK(check("a2616201616102") == status::malformed);
  CHECK(check("a3010202030103") == status::malformed);
  CHECK(check("a2616101626161f6") == status::ok);
  // "b", "aa": shorter first or not.
  CHECK(check("a2616201626161f6") == status::ok);
  CHECK(check("a2626161f6616201", key_order::length_first) == status::malformed);
  // 24 and -1: bytewise the number of two bytes comes first, by length last.
  CHECK(check("a218180020f6") == status::ok);
  CHECK(check("a220f6181800") == status::malformed);
  CHECK(check("a220f6181800", key_order::length_first) == status::ok);
  CHECK(check("a218180020f6", key_order::length_first) == status::malformed);
  // Order is a matter of one map, not of its neighbours.
  CHECK(check("82a1616200a1616100") == status::ok);
}

TEST_CASE("a key that is a container, a tag or a float is unsupported") {
  CHECK(check("a18001") == status::unsupported);
  CHECK(check("a1a001") == status::unsupported);
  CHECK(check("a1c10101") == status::unsupported);
  CHECK(check("a1f9000001") == status::unsupported);
}

TEST_CASE("text that is not UTF-8 is malformed, bytes may be anything") {
  CHECK(check("61ff") == status::malformed);
  CHECK(check("63eda080") == status::malformed);
  CHECK(check("41ff") == status::ok);
}

TEST_CASE("a length or a count that the input cannot hold is refused at once") {
  CHECK(check("5bffffffffffffffff") == status::truncated);
  CHECK(check("7bffffffffffffffff") == status::truncated);
  CHECK(check("9bffffffffffffffff") == status::truncated);
  CHECK(check("bbffffffffffffffff") == status::truncated);
  CHECK(check("bb8000000000000000") == status::truncated);
  CHECK(check("8300") == status::truncated);
  CHECK(check("a200") == status::truncated);
  CHECK(check("c1") == status::truncated);
  CHECK(check("") == status::truncated);
}

TEST_CASE("nesting is read to the limit and refused past it; tags in a row are no nesting") {
  std::string digits;
  for (std::size_t i = 0; i < max_depth; ++i) digits += "81";
  CHECK(check(digits + "80") == status::ok);
  CHECK(check(digits + "8100") == status::limit_exceeded);
  CHECK(check(digits + "a10000") == status::limit_exceeded);
  std::string tags;
  for (int i = 0; i < 10000; ++i) tags += "c1";
  CHECK(check(tags + "00") == status::ok);
  CHECK(check(tags) == status::truncated);
}

#ifdef SHOAL_TEST_LIBCBOR

/// Both sides print an item in the same words.
void print_bytes(std::string& out, bytes_view bytes) {
  for (const std::byte b : bytes) out += std::to_string(std::to_integer<int>(b)) + ' ';
}

void print(std::string& out, reader& reader) {
  const auto item = reader.next();
  REQUIRE(item);
  switch (item->type) {
    case kind::unsigned_integer: out += 'u' + std::to_string(item->argument()); break;
    case kind::negative_integer: out += 'n' + std::to_string(item->argument()); break;
    case kind::bytes:
    case kind::text:
      out += item->type == kind::text ? 't' : 'b';
      print_bytes(out, item->bytes);
      break;
    case kind::array:
    case kind::map:
      out += item->type == kind::map ? '{' : '[';
      for (std::uint64_t i = 0; i < item->argument() * (item->type == kind::map ? 2 : 1); ++i)
        print(out, reader);
      break;
    case kind::tag:
      out +=
          item->argument() > 5 && item->argument() < 21 ? '?' : 'T';  // '?': libcbor refuses unassigned numbers
      out += std::to_string(item->argument());
      print(out, reader);
      break;
    case kind::floating: out += 'f' + std::to_string(float_value(item->head)); break;
    case kind::simple: out += '?'; break;
    default: out += 's' + std::to_string(item->argument());
  }
  out += ',';
}

void print(std::string& out, const cbor_item_t* item) {
  const auto bytes = [](const unsigned char* data, std::size_t size) {
    return std::as_bytes(std::span{data, size});
  };
  switch (cbor_typeof(item)) {
    case CBOR_TYPE_UINT: out += 'u' + std::to_string(cbor_get_int(item)); break;
    case CBOR_TYPE_NEGINT: out += 'n' + std::to_string(cbor_get_int(item)); break;
    case CBOR_TYPE_BYTESTRING:
      out += 'b';
      print_bytes(out, bytes(cbor_bytestring_handle(item), cbor_bytestring_length(item)));
      break;
    case CBOR_TYPE_STRING:
      out += 't';
      print_bytes(out, bytes(cbor_string_handle(item), cbor_string_length(item)));
      break;
    case CBOR_TYPE_ARRAY:
      out += '[';
      for (std::size_t i = 0; i < cbor_array_size(item); ++i) print(out, cbor_array_handle(item)[i]);
      break;
    case CBOR_TYPE_MAP:
      out += '{';
      for (std::size_t i = 0; i < cbor_map_size(item); ++i) {
        print(out, cbor_map_handle(item)[i].key);
        print(out, cbor_map_handle(item)[i].value);
      }
      break;
    case CBOR_TYPE_TAG: {
      out += 'T' + std::to_string(cbor_tag_value(item));
      cbor_item_t* inner = cbor_tag_item(item);
      print(out, inner);
      cbor_decref(&inner);
      break;
    }
    case CBOR_TYPE_FLOAT_CTRL:
      if (cbor_float_get_width(item) == CBOR_FLOAT_0) {
        out += 's' + std::to_string(cbor_ctrl_value(item));
      } else {
        out += 'f' + std::to_string(cbor_float_get_float(item));
      }
  }
  out += ',';
}

TEST_CASE("libcbor reads the same out of whatever this reader accepts") {
  std::uint32_t state = 1;
  const auto random = [&state] {
    state = state * 1664525 + 1013904223;
    return state >> 16;
  };
  int accepted = 0;
  for (int round = 0; round < 200000; ++round) {
    std::vector<std::byte> input(1 + random() % 24);
    for (std::byte& b : input) {
      // Small arguments more often than others: most random bytes announce more than there is.
      b = static_cast<std::byte>((random() & 0xe0) | (random() % 4 != 0 ? random() % 4 : random() % 32));
    }
    reader reader{input};
    if (reader.skip() != status::ok) continue;
    const bytes_view item = bytes_view{input}.first(input.size() - reader.rest().size());
    class reader again{item};
    std::string ours;
    print(ours, again);
    if (ours.find('?') != std::string::npos) continue;
    CAPTURE(ours);
    cbor_load_result outcome{};
    cbor_item_t* theirs = cbor_load(reinterpret_cast<const unsigned char*>(item.data()), item.size(), &outcome);
    REQUIRE(theirs != nullptr);
    CHECK(outcome.read == item.size());
    std::string expected;
    print(expected, theirs);
    cbor_decref(&theirs);
    CHECK(ours == expected);
    ++accepted;
  }
  CHECK(accepted > 10000);
}

#else
TEST_CASE("libcbor reads the same out of whatever this reader accepts") {
  MESSAGE("skipped: built without libcbor");
}
#endif

}  // namespace
