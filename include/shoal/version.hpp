// SPDX-License-Identifier: BSL-1.0
//
// The version of shoal, for `#if` and for people.
#pragma once

#define SHOAL_VERSION_MAJOR 0
#define SHOAL_VERSION_MINOR 1
#define SHOAL_VERSION_PATCH 0
/// One number that grows with each release: major * 10000 + minor * 100 + patch.
#define SHOAL_VERSION (SHOAL_VERSION_MAJOR * 10000 + SHOAL_VERSION_MINOR * 100 + SHOAL_VERSION_PATCH)
#define SHOAL_VERSION_STRING "0.1.0"
