# SPDX-License-Identifier: BSL-1.0
#
# The targets. Header-only, in layers: shoal::core knows no Asio, no OpenSSL and no operating system. Each header
# belongs to one target (its FILE_SET), so that each is installed once.

# The rooms of shoal::core; docs/house.md says what lives in them.
set(shoal_core_rooms base hal hypercall cbor crypto content http nbd libp2p exchange gateway boot fs vmi monitor)

# shoal_add_library(NAME HEADER...): the target shoal_NAME (shoal::NAME) with these headers.
function(shoal_add_library name)
  set(target shoal_${name})
  add_library(${target} INTERFACE)
  add_library(shoal::${name} ALIAS ${target})
  target_compile_features(${target} INTERFACE cxx_std_20)
  target_sources(${target} INTERFACE FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${ARGN})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  set_property(GLOBAL APPEND PROPERTY shoal_libraries ${name})
endfunction()

file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/shoal/*.hpp
  ${PROJECT_SOURCE_DIR}/include/shoal/*.h)
list(JOIN shoal_core_rooms "|" any_core_room)
set(core_headers ${headers})
list(FILTER core_headers INCLUDE REGEX "/include/shoal/((${any_core_room})/|version\\.hpp$)")
shoal_add_library(core ${core_headers})

if(NOT SHOAL_CORE_ONLY)
  find_package(Threads REQUIRED)
  find_package(asio 1.22 REQUIRED MODULE)
  find_package(OpenSSL 3 REQUIRED COMPONENTS Crypto SSL)

  set(openssl_headers ${headers})
  list(FILTER openssl_headers INCLUDE REGEX "/include/shoal/openssl/")
  set(linux_headers ${headers})
  list(FILTER linux_headers INCLUDE REGEX "/include/shoal/os/linux/")
  set(shoal_headers ${headers})
  list(REMOVE_ITEM shoal_headers ${core_headers} ${openssl_headers} ${linux_headers})

  shoal_add_library(shoal ${shoal_headers})
  target_link_libraries(shoal_shoal INTERFACE shoal_core asio::asio Threads::Threads)
  shoal_add_library(openssl ${openssl_headers})
  target_link_libraries(shoal_openssl INTERFACE shoal_core OpenSSL::SSL OpenSSL::Crypto)
  shoal_add_library(linux ${linux_headers})
  target_link_libraries(shoal_linux INTERFACE shoal_shoal)
endif()
get_property(shoal_libraries GLOBAL PROPERTY shoal_libraries)
