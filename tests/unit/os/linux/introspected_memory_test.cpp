// SPDX-License-Identifier: BSL-1.0
#include <shoal/os/linux/introspected_memory.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <shoal/base/endian.hpp>
#include <shoal/os/linux/qemu_process.hpp>

using namespace shoal;
using namespace shoal::linux_os;
using vmi::physical_address;

namespace {

using namespace std::literals;

/// A file that goes with it.
class temporary_file {
 public:
  explicit temporary_file(const std::string& bytes, std::uint64_t size = 0)
      : path_(std::filesystem::temp_directory_path() / ("shoal-introspected-" + std::to_string(::getpid()))) {
    std::ofstream{path_, std::ios::binary} << bytes;
    if (size != 0) std::filesystem::resize_file(path_, size);
  }
  ~temporary_file() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

std::string read(const introspected_memory& memory, std::uint64_t address, std::size_t n) {
  std::string out(n, '?');
  const status code = memory.read_physical(physical_address{address}, std::as_writable_bytes(std::span{out}));
  return code == status::ok ? out : std::string{};
}

std::string little(std::uint64_t number, std::size_t bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes; ++i) out += static_cast<char>(number >> 8 * i & 0xff);
  return out;
}

}  // namespace

TEST_CASE("QEMU's command line tells size and layout of RAM") {
  const auto parse = [](std::string_view line) { return parse_qemu_arguments(line); };
  CHECK(parse("qemu\0-m\000512\0"sv)->ram == 512_MiB);
  CHECK(parse("qemu\0-m\0002G\0"sv)->ram == 2_GiB);
  CHECK(parse("qemu\0-m\0size=3G,slots=2,maxmem=8G\0"sv)->ram == 3_GiB);
  CHECK(parse("qemu\0--m\0slots=2,size=64m\0-M\0q35\0"sv)->ram == 64_MiB);
  CHECK(parse("qemu\0"sv)->ram == 128_MiB);
  CHECK(parse("qemu"sv)->layout == ram_layout::pc);
  CHECK(parse("qemu\0-machine\0q35,accel=tcg\0"sv)->layout == ram_layout::q35);
  CHECK(parse("qemu\0-machine\0accel=tcg,type=pc-q35-7.2\0"sv)->layout == ram_layout::q35);
  CHECK(parse("qemu\0-machine\0accel=tcg\0"sv)->layout == ram_layout::pc);
  CHECK(parse("qemu\0-M\0virt,memory-backend=ram\0"sv)->layout == ram_layout::virt);
  for (const std::string_view bad : {"qemu\0-m\0x\0"sv, "qemu\0-m\000512X\0"sv,
                                     "qemu\0-m\0"
                                     "99999999999999999999\0"sv,
                                     "qemu\0-m\0\0"sv, "qemu\0-m\0009999999999G\0"sv}) {
    CHECK(parse(bad).error() == errc::malformed);
  }
}

TEST_CASE("holes below 4 GiB are where QEMU's machines have them") {
  CHECK(ram_regions(ram_layout::q35, 2_GiB) == vmi::raw_regions(2_GiB));
  CHECK(ram_regions(ram_layout::q35, 3_GiB) == vmi::split_regions(3_GiB, 2_GiB));
  CHECK(ram_regions(ram_layout::pc, 3_GiB) == vmi::raw_regions(3_GiB));
  CHECK(ram_regions(ram_layout::pc, 4_GiB) == vmi::split_regions(4_GiB, 3_GiB));
  CHECK(ram_regions(ram_layout::flat, 8_GiB) == vmi::raw_regions(8_GiB));
  CHECK(ram_regions(ram_layout::virt, 8_GiB) == vmi::raw_regions(8_GiB, vmi::physical_address{1_GiB}));
}

TEST_CASE("lines of maps are read, and nothing else") {
  const auto file = parse_mapping(
      "7f1c00000000-7f1c20000000 rw-s 00000000 00:01 1234                       /memfd:ram (deleted)");
  REQUIRE(file);
  CHECK(file->end - file->begin == 512_MiB);
  CHECK(file->inode == 1234);
  const auto nobody = parse_mapping("7f1c00000000-7f1c20000000 rw-p 00000000 00:00 0 ");
  REQUIRE(nobody);
  CHECK(nobody->inode == 0);
  for (const char* bad : {"", "7f1c", "7f1c-", "7f20-7f1c rw-p 0 00:00 0 ", "zz-7f1c rw-p 0 00:00 0 ",
                          "1-2 rw-p", "1-2 rw-p 0 0", "1-2 rw-p 0 00:00 x "}) {
    CHECK_FALSE(parse_mapping(bad));
  }
}

TEST_CASE("a file of RAM is read where it was written, and searched there alone") {
  const temporary_file file{"begin", 64_MiB};
  const auto memory = introspected_memory::of_file(file.path());
  REQUIRE(memory);
  CHECK(read(*memory, 0, 5) == "begin");
  CHECK(read(*memory, 64_MiB - 4, 4) == std::string(4, '\0'));
  CHECK(read(*memory, 64_MiB - 4, 5).empty());
  REQUIRE(memory->extents().size() == 1);
  CHECK(memory->extents()[0].size <= 4_MiB);
  CHECK(memory->window(physical_address{0}, 5).size() == 5);
}

TEST_CASE("dumps are told by their first bytes") {
  {
    const temporary_file lime{little(vmi::lime_magic, 4) + little(1, 4) + little(0x1000, 8) +
                              little(0x1003, 8) + little(0, 8) + "lime"};
    const auto memory = introspected_memory::of_file(lime.path());
    REQUIRE(memory);
    CHECK(read(*memory, 0x1000, 4) == "lime");
    CHECK(read(*memory, 0, 4).empty());
  }
  {
    const temporary_file cut{"\177ELF"};
    CHECK_FALSE(introspected_memory::of_file(cut.path()));
  }
  for (const char* const compressed : {"KDUMP   ", "makedumpfile"}) {
    const temporary_file dump{compressed, 8192};
    CHECK(introspected_memory::of_file(dump.path()).error() == errc::unsupported);
  }
  for (const char* const few : {"", "x", "too short for a page"}) {
    const temporary_file empty{few};
    CHECK(introspected_memory::of_file(empty.path()).error() == errc::truncated);
  }
  CHECK(introspected_memory::of_file("/no/such/file").error() == std::errc::no_such_file_or_directory);
}

TEST_CASE("a dump that was cut tells how many pieces it has not all of") {
  const std::string head =
      little(vmi::lime_magic, 4) + little(1, 4) + little(0x1000, 8) + little(0x1003, 8) + little(0, 8);
  {
    const temporary_file whole{head + "lime"};
    const auto memory = introspected_memory::of_file(whole.path());
    REQUIRE(memory);
    CHECK(memory->pieces_missing() == 0);
  }
  const temporary_file cut{head + "li"};
  const auto memory = introspected_memory::of_file(cut.path());
  REQUIRE(memory);
  CHECK(memory->pieces_missing() == 1);
  CHECK(read(*memory, 0x1000, 2) == "li");
}

TEST_CASE("RAM lies where its machine has it") {
  const temporary_file file{"begin", 1_MiB};
  const auto memory = introspected_memory::of_file(file.path(), physical_address{0x6000'0000});
  REQUIRE(memory);
  CHECK(read(*memory, 0x6000'0000, 5) == "begin");
  CHECK(read(*memory, 0, 5).empty());
  CHECK_FALSE(introspected_memory::of_file(file.path(), physical_address{~std::uint64_t{0}}));
}

TEST_CASE("a file that becomes shorter while it is read is gone, and ends nobody") {
  const temporary_file file{std::string(1_MiB, 'x')};
  const auto memory = introspected_memory::of_file(file.path());
  REQUIRE(memory);
  CHECK_FALSE(memory->is_gone());
  std::filesystem::resize_file(file.path(), 4096);
  CHECK(read(*memory, 1_MiB - 4, 4) == std::string(4, '\0'));
  CHECK(memory->is_gone());
  std::filesystem::resize_file(file.path(), 1_MiB);
  CHECK(memory->is_gone());  // for good
}

TEST_CASE("the memory of a process is read without its doing, and its end is an error") {
  const std::string text = "here I am";
  const auto memory =
      process_memory::open(::getpid(), reinterpret_cast<std::uintptr_t>(text.data()), text.size());
  REQUIRE(memory);
  std::array<char, 4> out{};
  CHECK(memory->read(5, std::as_writable_bytes(std::span{out})) == status::ok);
  CHECK(std::string_view{out.data(), 4} == "I am");
  CHECK(memory->read(6, std::as_writable_bytes(std::span{out})) == status::out_of_range);
  const auto nowhere = process_memory::open(::getpid(), 0, 4096);
  REQUIRE(nowhere);
  CHECK(nowhere->read(0, std::as_writable_bytes(std::span{out})) == status::out_of_range);
}

TEST_CASE("who listens on a socket is found out without a word") {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("shoal-qmp-" + std::to_string(::getpid()));
  CHECK(qmp_process(path).error() == std::errc::no_such_file_or_directory);
  CHECK(qmp_process(std::string(200, 'x')).error() == errc::invalid_argument);
  const posix::unique_fd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.native().copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(fd.get(), 1) == 0);
  const auto pid = qmp_process(path);
  REQUIRE(pid);
  CHECK(*pid == ::getpid());
  // who takes nobody is waited for, and not for ever
  CHECK(qmp_process(path));
  CHECK(qmp_process(path).error() == std::errc::resource_unavailable_try_again);
  const posix::unique_fd taken{::accept(fd.get(), nullptr, nullptr)};
  CHECK(qmp_process(path));
  std::filesystem::remove(path);
}
