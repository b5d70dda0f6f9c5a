# Finds standalone Asio and makes the target asio::asio. Debian's package has neither a CMake config nor a .pc file;
# vcpkg and Conan have a config, which is tried first.
if(NOT TARGET asio::asio)
  find_package(asio CONFIG QUIET)
  if(NOT TARGET asio::asio)
    find_path(asio_INCLUDE_DIR asio.hpp)
    mark_as_advanced(asio_INCLUDE_DIR)
    include(FindPackageHandleStandardArgs)
    find_package_handle_standard_args(asio REQUIRED_VARS asio_INCLUDE_DIR
      REASON_FAILURE_MESSAGE "install standalone Asio 1.22 or newer (Debian: libasio-dev)")
    if(asio_FOUND)
      add_library(asio::asio INTERFACE IMPORTED)
      target_include_directories(asio::asio SYSTEM INTERFACE ${asio_INCLUDE_DIR})
      target_compile_definitions(asio::asio INTERFACE ASIO_STANDALONE)
    endif()
  else()
    set(asio_FOUND TRUE)
  endif()
endif()
