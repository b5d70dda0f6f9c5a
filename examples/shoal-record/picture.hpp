// SPDX-License-Identifier: BSL-1.0
//
// A recording as a timeline: GPIO lines as waves, registers as ticks, losses as bars over all of it.
#pragma once

#include <string>

#include "input.hpp"

/// Writes an SVG file that stands alone. @throws common::failure
void draw_recording(const loaded_recording& loaded, const std::string& path);
