# SPDX-License-Identifier: BSL-1.0
# The warnings under which shoal's own code is clean; not exported to consumers.
add_library(shoal_warnings INTERFACE)
target_compile_options(shoal_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion $<$<BOOL:${SHOAL_WERROR}>:-Werror>)
