# SPDX-License-Identifier: BSL-1.0
#
# Install rules. Each target is a component of the package with an export file of its own, so that
# find_package(shoal COMPONENTS core) asks for nothing else. All of it is the same on every architecture.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_DATADIR}/cmake/shoal)

foreach(name IN LISTS shoal_libraries)
  install(TARGETS shoal_${name} EXPORT shoal_${name} FILE_SET HEADERS)
  install(EXPORT shoal_${name} NAMESPACE shoal:: FILE shoal_${name}.cmake DESTINATION ${package_dir})
endforeach()
configure_package_config_file(cmake/shoalConfig.cmake.in shoalConfig.cmake INSTALL_DESTINATION ${package_dir}
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(shoalConfigVersion.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/shoalConfig.cmake ${PROJECT_BINARY_DIR}/shoalConfigVersion.cmake
  cmake/Findasio.cmake cmake/shoal_unikernel.cmake DESTINATION ${package_dir})

install(FILES include/shoal/hypercall/guest/hvt.ld include/shoal/hypercall/guest/memory.c
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/shoal/hypercall/guest)

# shoal_install_pc(NAME DESCRIPTION [REQUIRES ...] [CFLAGS ...] [LIBS ...]): NAME.pc
function(shoal_install_pc name description)
  cmake_parse_arguments(PARSE_ARGV 2 pc "" "" "REQUIRES;CFLAGS;LIBS")
  list(JOIN pc_REQUIRES ", " pc_REQUIRES)
  list(JOIN pc_CFLAGS " " pc_CFLAGS)
  list(JOIN pc_LIBS " " pc_LIBS)
  cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_INCLUDEDIR
    BASE_DIRECTORY ${CMAKE_INSTALL_FULL_DATADIR}/pkgconfig OUTPUT_VARIABLE include_dir)
  set(pc_name ${name})
  set(pc_description ${description})
  configure_file(cmake/shoal.pc.in ${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
endfunction()

shoal_install_pc(shoal-core "${PROJECT_DESCRIPTION}: protocols and formats, without I/O")
if(NOT SHOAL_CORE_ONLY)
  # Asio has no .pc file: its headers are expected on the compiler's path.
  shoal_install_pc(shoal "${PROJECT_DESCRIPTION}"
    REQUIRES shoal-core CFLAGS -DASIO_STANDALONE -DASIO_HAS_CO_AWAIT=1 -pthread LIBS -pthread)
  shoal_install_pc(shoal-openssl "${PROJECT_DESCRIPTION}: cryptography and TLS by OpenSSL"
    REQUIRES shoal-core "libssl >= 3" "libcrypto >= 3")
  shoal_install_pc(shoal-linux "${PROJECT_DESCRIPTION}: Linux interfaces" REQUIRES shoal)
endif()
