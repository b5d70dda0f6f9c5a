# SPDX-License-Identifier: BSL-1.0
#
# shoal_doctest: doctest for unit tests. A cross build takes the host's copy, which is a header and has no architecture; the
# link keeps the rest of the host's include folder out.
add_library(shoal_doctest INTERFACE)
target_compile_definitions(shoal_doctest INTERFACE DOCTEST_CONFIG_USE_STD_HEADERS)
if(CMAKE_CROSSCOMPILING)
  find_path(doctest_dir doctest.h PATH_SUFFIXES doctest PATHS /usr/include REQUIRED NO_CMAKE_FIND_ROOT_PATH)
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/include)
  file(CREATE_LINK ${doctest_dir} ${CMAKE_CURRENT_BINARY_DIR}/include/doctest SYMBOLIC)
  target_include_directories(shoal_doctest SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR}/include)
else()
  find_package(doctest REQUIRED)
  target_link_libraries(shoal_doctest INTERFACE doctest::doctest)
endif()
