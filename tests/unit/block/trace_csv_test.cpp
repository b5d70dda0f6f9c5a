// SPDX-License-Identifier: BSL-1.0
#include <shoal/block/trace_csv.hpp>  // first: shows that the header stands alone

#include <chrono>
#include <cstdint>
#include <sstream>

#include <doctest/doctest.h>

namespace {

using shoal::io_operation;
using namespace std::chrono_literals;

TEST_CASE("a trace has a line of names, then a line a request with the seconds since the first") {
  std::ostringstream out;
  shoal::trace_csv trace{out};
  const std::chrono::steady_clock::time_point start{1h};
  trace({io_operation::read, 0, 4096, start});
  trace({io_operation::write, 12288, 512, start + 6225us});
  trace({io_operation::flush, 0, 0, start + 61s + 5us});
  CHECK(out.str() ==
        "offset,length,time,op\n"
        "0,4096,0.000000,Read\n"
        "12288,512,0.006225,Write\n"
        "0,0,61.000005,Flush\n");
}

TEST_CASE("the largest numbers fit into a line") {
  std::ostringstream out;
  shoal::trace_csv trace{out};
  trace({io_operation::extents, UINT64_MAX, UINT64_MAX, {}});
  trace({io_operation::cache, UINT64_MAX, UINT64_MAX, std::chrono::steady_clock::time_point::max()});
  CHECK(out.str() ==
        "offset,length,time,op\n"
        "18446744073709551615,18446744073709551615,0.000000,Extents\n"
        "18446744073709551615,18446744073709551615,9223372036.854775,Cache\n");
}

TEST_CASE("the format of the stream does not matter, and is not changed") {
  std::ostringstream out;
  out.setf(std::ios::hex, std::ios::basefield);
  shoal::trace_csv trace{out};
  trace({io_operation::trim, 255, 16, {}});
  trace({io_operation::zero, 255, 16, {}});
  out << 255;
  CHECK(out.str() == "offset,length,time,op\n255,16,0.000000,Trim\n255,16,0.000000,Zero\nff");
}

}  // namespace
