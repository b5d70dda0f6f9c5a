# SPDX-License-Identifier: BSL-1.0
# The warnings under which shoal's own code is clean; not exported to consumers.
add_library(shoal_warnings INTERFACE)
target_compile_options(shoal_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion $<$<BOOL:${SHOAL_WERROR}>:-Werror>)
# g++ 12 sees overflows, overlaps and mismatched frees in optimised code of the standard library and of Asio's coroutine
# frames that are not there (GCC bugs 105329, 105651, 107852); later ones and clang keep these warnings.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(shoal_warnings INTERFACE
    -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds
    $<$<COMPILE_LANGUAGE:CXX>:-Wno-mismatched-new-delete>)
endif()
