// SPDX-License-Identifier: BSL-1.0
//
// The whole way: a sparse file is imported into each kind of store, and read back through an image device.
#include <shoal/os/posix/car_store.hpp>
#include <shoal/os/posix/car_writer.hpp>
#include <shoal/os/posix/flatfs_sink.hpp>
#include <shoal/os/posix/flatfs_store.hpp>
#include <shoal/os/posix/reference_store.hpp>
#include <shoal/os/posix/reference_writer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <unistd.h>

#include <doctest/doctest.h>

#include <shoal/content/chunker/fixed.hpp>
#include <shoal/image/image_device.hpp>
#include <shoal/image/import.hpp>
#include <shoal/image/load_index.hpp>
#include <shoal/openssl/digester.hpp>
#include <shoal/os/posix/file_source.hpp>
#include <shoal/store/any_store.hpp>
#include <shoal/test/run.hpp>

#include "../../temporary_folder.hpp"

namespace {

namespace fs = std::filesystem;
namespace posix = shoal::posix;
using shoal::any_store;
using shoal::result;
using shoal::test::run;
using digester = shoal::openssl::digester;

constexpr std::size_t image_size = 3'000'017;

// Some data, a hole, the same data again, and an odd end.
struct sparse_image : temporary_folder {
  sparse_image() {
    std::string data(700'000, '\0');
    std::mt19937 random{1};
    for (char& c : data) c = static_cast<char>(random() >> 24);
    std::ofstream file{path / "disk.img", std::ios::binary};
    file << data;
    file.seekp(2'097'152);
    file << data;
    REQUIRE(file.flush());
    fs::resize_file(path / "disk.img", image_size);
  }

  template <shoal::block_sink Sink>
  shoal::cid import(result<Sink> sink, const shoal::unixfs_profile& profile) const {
    REQUIRE(sink);
    const result<posix::file_source> source = posix::file_source::open(path / "disk.img");
    REQUIRE(source);
    shoal::import_options options;
    options.profile = profile;
    const auto done =
        shoal::import_image(*source, shoal::fixed_chunker{profile.chunk_size}, digester{}, *sink, options);
    REQUIRE(done.error().message() == std::error_code{}.message());
    return done->root;
  }

  void check_reads_back(const std::shared_ptr<any_store>& store, const shoal::cid& root) const {
    digester hash;
    result<shoal::image_index> index = run(shoal::load_image_index(*store, hash, root, shoal::image_limits{}));
    REQUIRE(index.error().message() == std::error_code{}.message());
    shoal::image_device device{std::make_shared<const shoal::image_index>(std::move(*index)), store};
    REQUIRE(device.info().size == image_size);
    std::vector<std::byte> found(image_size);
    const result<> read = run(device.read(0, found));
    REQUIRE(read.error().message() == std::error_code{}.message());
    std::ifstream file{path / "disk.img", std::ios::binary};
    const std::string expected{std::istreambuf_iterator<char>{file}, {}};
    CHECK(shoal::as_text(found) == expected);
  }
};

template <class Store>
std::shared_ptr<any_store> opened(result<Store> store) {
  REQUIRE(store.error().message() == std::error_code{}.message());
  return std::make_shared<any_store>(std::make_shared<Store>(std::move(*store)));
}

TEST_CASE_FIXTURE(sparse_image, "an image reads back from every store, and has one root in all of them") {
  for (const shoal::unixfs_profile& profile : {shoal::unixfs_disk_image, shoal::unixfs_v0_2015}) {
    CAPTURE(profile.cid_version);
    const shoal::cid in_car = import(posix::car_writer::create(path / "disk.car"), profile);
    check_reads_back(opened(posix::car_store<digester>::open(path / "disk.car")), in_car);

    const shoal::cid by_reference =
        import(posix::reference_writer::create(path / "disk.ref", path / "disk.img"), profile);
    CHECK(by_reference == in_car);
    check_reads_back(opened(posix::reference_store<digester>::open(path / "disk.ref")), in_car);

    result<posix::flatfs_directory> folder = posix::flatfs_directory::create(path / "blocks");
    REQUIRE(folder);
    const shoal::cid in_folder =
        import(result<posix::flatfs_sink>{posix::flatfs_sink{std::move(*folder)}}, profile);
    CHECK(in_folder == in_car);
    check_reads_back(opened(posix::flatfs_store<digester>::open(path / "blocks")), in_car);

    // no second copy: a reference is small, and what is equal is kept once
    CHECK(fs::file_size(path / "disk.ref") < 10'000);
    CHECK(fs::file_size(path / "disk.car") < 2'000'000);
  }
}

}  // namespace
