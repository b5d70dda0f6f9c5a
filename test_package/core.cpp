// SPDX-License-Identifier: BSL-1.0
#include <shoal/content/cid.hpp>

int main() {
  return shoal::cid::parse("bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e") ? 0 : 1;
}
