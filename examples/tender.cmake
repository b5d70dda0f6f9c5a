# SPDX-License-Identifier: BSL-1.0
#
# shoal-tender, which starts at once, and shoal-tender-remote, the same with disks and collectors that are elsewhere. What
# they share is compiled once.
include(CheckCXXSourceCompiles)
include(CheckLinkerFlag)

option(SHOAL_STATIC_TENDER "Link shoal-tender statically where that is possible: it starts in half of the time" ON)

file(GLOB parts CONFIGURE_DEPENDS shoal-tender/*.cpp)
list(FILTER parts EXCLUDE REGEX /remote\\.cpp$)
set(remote shoal-tender/remote.cpp common/swarm_disk.cpp shoal-record/collector.cpp)

add_library(shoal_tender_parts OBJECT ${parts} shoal-record/output.cpp)
target_link_libraries(shoal_tender_parts PRIVATE shoal::linux shoal_warnings)
set_target_properties(shoal_tender_parts PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
# a program that ends after three milliseconds runs most of its code once: it is the faster the less there is
target_compile_options(shoal_tender_parts PRIVATE $<$<CONFIG:Release>:-O2>)

add_executable(shoal-tender $<TARGET_OBJECTS:shoal_tender_parts>)
target_link_libraries(shoal-tender PRIVATE shoal::linux)

add_executable(shoal-tender-remote ${remote} $<TARGET_OBJECTS:shoal_tender_parts>)
target_link_libraries(shoal-tender-remote PRIVATE ${program_libraries} shoal_devices shoal_node)
set_target_properties(shoal-tender-remote PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)

if(SHOAL_STATIC_TENDER AND NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize")  # what sanitizers link so does not run
  check_linker_flag(CXX -static-pie SHOAL_LINKS_STATICALLY)
  if(SHOAL_LINKS_STATICALLY)
    target_compile_options(shoal_tender_parts PRIVATE -fPIE)
    target_link_options(shoal-tender PRIVATE -static-pie -Wl,--gc-sections)
    # 2,600 addresses that each start puts right: 1 KiB in place of 62; a libc that is older does not know them
    set(CMAKE_REQUIRED_LINK_OPTIONS -static-pie -Wl,-z,pack-relative-relocs)
    check_cxx_source_compiles("#include <cstdlib>
      #if !__GLIBC_PREREQ(2, 36)
      #error
      #endif
      int main() {}" SHOAL_PACKS_RELOCATIONS)
    unset(CMAKE_REQUIRED_LINK_OPTIONS)
    if(SHOAL_PACKS_RELOCATIONS)
      target_link_options(shoal-tender PRIVATE -Wl,-z,pack-relative-relocs)
    endif()
  else()
    message(STATUS "shoal-tender is linked with shared libraries, and starts slower: nothing links statically here")
  endif()
endif()
