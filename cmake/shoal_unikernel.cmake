# SPDX-License-Identifier: BSL-1.0
#
# shoal_add_unikernel(NAME SOURCE...): a program for hvt, from C11, C++20 or both: shoal's headers, the linker script beside
# them, and the four functions that a compiler may call on its own. docs/unikernel.md shows how it is used. It is a target as
# any other: optimise it (CMAKE_BUILD_TYPE, or target_compile_options), link what is freestanding as well.
#
# Who includes this sets shoal_guest_dir to the folder of hvt.ld.
set_property(GLOBAL PROPERTY shoal_guest_dir ${shoal_guest_dir})

function(shoal_add_unikernel name)
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|aarch64")
    message(FATAL_ERROR "shoal_add_unikernel: hvt is for x86-64 and aarch64, not for '${CMAKE_SYSTEM_PROCESSOR}'")
  endif()
  get_property(guest_dir GLOBAL PROPERTY shoal_guest_dir)
  cmake_path(SET include_dir NORMALIZE ${guest_dir}/../../..)
  set(language CXX)
  if(CMAKE_C_COMPILER_LOADED)
    set(language C)
  endif()

  add_executable(${name} ${ARGN} ${guest_dir}/memory.c)
  set_source_files_properties(${guest_dir}/memory.c PROPERTIES LANGUAGE ${language} COMPILE_OPTIONS -ffunction-sections)
  # no link to shoal::core: that asks for a compiler of C++, and a guest in C has to have none
  target_include_directories(${name} PRIVATE ${include_dir})
  set_target_properties(${name} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON
    POSITION_INDEPENDENT_CODE OFF LINK_DEPENDS ${guest_dir}/hvt.ld)
  target_compile_options(${name} PRIVATE -ffreestanding -fno-stack-protector -fno-pic -fno-asynchronous-unwind-tables
    -fno-sanitize=all $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti -fno-threadsafe-statics>)
  # A KVM without hardware under it emulates no more than general registers; on x86-64 the headers of libstdc++ have long
  # double, which clang refuses with the option of that name.
  set(general -mgeneral-regs-only)
  if(NOT CMAKE_SYSTEM_PROCESSOR STREQUAL aarch64)
    set(general "$<IF:$<COMPILE_LANG_AND_ID:CXX,Clang>,-mno-mmx;-mno-sse,-mgeneral-regs-only>")
  endif()
  target_compile_options(${name} PRIVATE "${general}")
  target_link_options(${name} PRIVATE -nostdlib -static -fno-sanitize=all -Wl,-T,${guest_dir}/hvt.ld -Wl,--build-id=none
    -Wl,--gc-sections -Wl,-z,max-page-size=4096)
  target_link_libraries(${name} PRIVATE gcc)
endfunction()
