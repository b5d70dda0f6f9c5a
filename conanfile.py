# SPDX-License-Identifier: BSL-1.0
import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load


class ShoalRecipe(ConanFile):
    name = "shoal"
    description = "Peer-to-peer block devices and device I/O: a header-only C++20 library"
    license = "BSL-1.0"
    topics = ("nbd", "ipfs", "block-device", "asio", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"core_only": [True, False]}
    default_options = {"core_only": False}
    exports_sources = "CMakeLists.txt", "LICENSE", "cmake/*", "include/*"

    def set_version(self):
        text = load(self, os.path.join(self.recipe_folder, "include/shoal/version.hpp"))
        self.version = re.search(r'SHOAL_VERSION_STRING "(.*)"', text).group(1)

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        if not self.options.core_only:
            self.requires("asio/[>=1.22 <2]", transitive_headers=True)
            self.requires("openssl/[>=3 <4]", transitive_headers=True)

    def validate(self):
        check_min_cppstd(self, 20)

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["SHOAL_CORE_ONLY"] = bool(self.options.core_only)
        toolchain.cache_variables["SHOAL_BUILD_TESTS"] = False
        toolchain.cache_variables["SHOAL_BUILD_EXAMPLES"] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()

    def package_id(self):
        self.info.settings.clear()  # headers: the same for every compiler and architecture

    def package_info(self):
        # shoal's own package config knows its targets and what they ask for
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = ["share/cmake/shoal"]
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
