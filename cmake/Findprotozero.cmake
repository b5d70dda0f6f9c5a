# Finds protozero (header-only) and makes the target protozero::protozero.
if(NOT TARGET protozero::protozero)
  find_path(protozero_INCLUDE_DIR protozero/version.hpp)
  mark_as_advanced(protozero_INCLUDE_DIR)
  include(FindPackageHandleStandardArgs)
  find_package_handle_standard_args(protozero REQUIRED_VARS protozero_INCLUDE_DIR
    REASON_FAILURE_MESSAGE "install protozero 1.7 or newer (Debian: libprotozero-dev)")
  if(protozero_FOUND)
    add_library(protozero::protozero INTERFACE IMPORTED)
    target_include_directories(protozero::protozero SYSTEM INTERFACE ${protozero_INCLUDE_DIR})
  endif()
endif()
