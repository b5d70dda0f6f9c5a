# SPDX-License-Identifier: BSL-1.0
#
# shoal_world: an object that includes every header of every target, and all targets. Programs that link it show that
# the headers can be included anywhere, twice, and agree.
include_guard(GLOBAL)

# shoal_keep_core_sources(LIST): takes those out that include more than shoal::core gives.
function(shoal_keep_core_sources list)
  list(JOIN shoal_core_rooms "|" any_core_room)
  foreach(source IN LISTS ${list})
    file(STRINGS ${source} includes REGEX "^#include <(shoal|asio|openssl)/")
    list(FILTER includes EXCLUDE REGEX "<shoal/((${any_core_room})/|version\\.hpp)")
    if(NOT includes)
      list(APPEND kept ${source})
    endif()
  endforeach()
  set(${list} ${kept} PARENT_SCOPE)
endfunction()

set(everything)
foreach(name IN LISTS shoal_libraries)
  get_target_property(headers shoal_${name} HEADER_SET)
  list(APPEND everything ${headers})
endforeach()
list(TRANSFORM everything REPLACE "^${PROJECT_SOURCE_DIR}/include/(.*)$" "#include <\\1>")
list(JOIN everything "\n" everything)
set(world_dir ${PROJECT_BINARY_DIR}/world)
file(CONFIGURE OUTPUT ${world_dir}/everything.hpp CONTENT "// Made by CMake.\n@everything@\n" @ONLY)

add_library(shoal_world OBJECT ${CMAKE_CURRENT_LIST_DIR}/first.cpp)
target_include_directories(shoal_world PRIVATE ${world_dir})
target_link_libraries(shoal_world PRIVATE shoal_warnings)
foreach(name IN LISTS shoal_libraries)
  target_link_libraries(shoal_world PUBLIC shoal::${name})
endforeach()
