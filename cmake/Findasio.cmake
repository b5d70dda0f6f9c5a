# SPDX-License-Identifier: BSL-1.0
#
# Finds standalone Asio and makes the target asio::asio. Debian's package has neither a CMake config nor a .pc file;
# vcpkg and Conan have a config, which is tried first.
if(NOT TARGET asio::asio)
  find_package(asio CONFIG QUIET)
endif()
if(TARGET asio::asio)
  set(asio_FOUND TRUE)
else()
  find_path(asio_INCLUDE_DIR asio/version.hpp)
  mark_as_advanced(asio_INCLUDE_DIR)
  if(asio_INCLUDE_DIR)
    # ASIO_VERSION is major * 100000 + minor * 100 + patch
    file(STRINGS ${asio_INCLUDE_DIR}/asio/version.hpp asio_VERSION REGEX "define ASIO_VERSION ")
    string(REGEX REPLACE ".*ASIO_VERSION ([0-9]+).*" "\\1" asio_VERSION "${asio_VERSION}")
    math(EXPR asio_major "${asio_VERSION} / 100000")
    math(EXPR asio_minor "${asio_VERSION} / 100 % 1000")
    math(EXPR asio_patch "${asio_VERSION} % 100")
    set(asio_VERSION ${asio_major}.${asio_minor}.${asio_patch})
  endif()
  include(FindPackageHandleStandardArgs)
  find_package_handle_standard_args(asio REQUIRED_VARS asio_INCLUDE_DIR VERSION_VAR asio_VERSION
    REASON_FAILURE_MESSAGE "install standalone Asio 1.22 or newer (Debian: libasio-dev)")
  if(asio_FOUND)
    add_library(asio::asio INTERFACE IMPORTED)
    target_include_directories(asio::asio SYSTEM INTERFACE ${asio_INCLUDE_DIR})
    # Asio 1.22 does not know that clang has coroutines.
    target_compile_definitions(asio::asio INTERFACE ASIO_STANDALONE $<$<CXX_COMPILER_ID:Clang>:ASIO_HAS_CO_AWAIT=1>)
  endif()
endif()
