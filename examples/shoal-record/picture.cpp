// SPDX-License-Identifier: BSL-1.0
//
// The timeline that `show --svg` draws.
#include "picture.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <shoal/monitor/event_text.hpp>
#include <shoal/monitor/rule.hpp>

#include "../common/message.hpp"

namespace {

using shoal::hal::access;
using shoal::hal::access_record;
using shoal::monitor::address_space;
using shoal::monitor::classify;

constexpr int margin = 190;  // of the names
constexpr int width = 1000;
constexpr int height = 24;  // of a lane
constexpr int top = 50;
constexpr std::size_t most_lanes = 60;

struct moment {
  std::uint64_t time;
  access_record access;
};

struct lane {
  std::string name;
  bool line = false;
  std::vector<moment> moments;
};

using lane_key = std::tuple<std::string, address_space, std::uint64_t>;

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else if (static_cast<unsigned char>(c) >= ' ')
      out += c;
  }
  return out;
}

std::string time_text(std::uint64_t nanoseconds) {
  std::array<char, 32> text{};
  const auto value = static_cast<double>(nanoseconds);
  if (nanoseconds < 1'000'000)
    std::snprintf(text.data(), text.size(), "%.1f us", value / 1e3);
  else if (nanoseconds < 1'000'000'000)
    std::snprintf(text.data(), text.size(), "%.1f ms", value / 1e6);
  else
    std::snprintf(text.data(), text.size(), "%.2f s", value / 1e9);
  return text.data();
}

class picture {
 public:
  explicit picture(const loaded_recording& loaded) {
    std::map<lane_key, lane> all;
    begin_ = ~std::uint64_t{0};
    for (const recording_part& part : loaded.parts) {
      for (const access_record& each : part.records) add(all, part, each);
    }
    for (auto& [key, each] : all) lanes_.push_back(std::move(each));
    if (lanes_.size() > most_lanes) {
      left_out_ = lanes_.size() - most_lanes;
      // by name where they are as busy: std::stable_sort uses what clang calls deprecated
      std::ranges::sort(lanes_, [](const lane& a, const lane& b) {
        return a.moments.size() != b.moments.size() ? a.moments.size() > b.moments.size() : a.name < b.name;
      });
      lanes_.resize(most_lanes);
    }
    end_ = std::max(end_, begin_ + 1);
  }

  [[nodiscard]] bool is_empty() const noexcept { return lanes_.empty() && losses_.empty(); }

  void write(std::ostream& out) const {
    const int bottom = top + static_cast<int>(lanes_.size()) * height;
    out << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << margin + width + 20 << "\" height=\""
        << bottom + 30
        << "\" font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" "
           "fill=\"white\"/>\n"
        << "<text x=\"10\" y=\"18\" font-size=\"13\">" << shoal::monitor::utc_text(begin_) << ", "
        << time_text(end_ - begin_) << "</text>\n";
    for (int i = 0; i <= 10; ++i) {
      const int x = margin + width * i / 10;
      out << "<path d=\"M" << x << ' ' << top - 6 << 'V' << bottom << "\" stroke=\"#ddd\"/><text x=\"" << x
          << "\" y=\"" << top - 10 << "\" text-anchor=\"middle\" fill=\"#666\">"
          << time_text((end_ - begin_) / 10 * static_cast<std::uint64_t>(i)) << "</text>\n";
    }
    for (const moment& each : losses_) {
      out << "<path d=\"M" << at(each.time) << ' ' << top << 'V' << bottom
          << "\" stroke=\"#d22\" stroke-width=\"3\"><title>" << each.access.value
          << " accesses lost</title></path>\n";
    }
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      const int y = top + static_cast<int>(i) * height;
      out << "<text x=\"10\" y=\"" << y + 16 << "\">" << escape(lanes_[i].name) << "</text>\n";
      lanes_[i].line ? wave(out, lanes_[i], y) : ticks(out, lanes_[i], y);
    }
    out << "<text x=\"10\" y=\"" << bottom + 18 << "\" fill=\"#666\">blue: read, orange: written, red: lost";
    if (left_out_ != 0) out << "; " << left_out_ << " less busy addresses are left out";
    out << "</text>\n</svg>\n";
  }

 private:
  static std::string lane_name(address_space space, std::uint64_t address) {
    switch (space) {
      case address_space::line: return "line " + std::to_string(address);
      case address_space::i2c: return "i2c " + shoal::monitor::hex_text(address);
      case address_space::disk: return "disk";
      case address_space::kernel: return "kernel";
      default: return is_device(space) ? shoal::monitor::hex_text(address) : "network";
    }
  }

  void add(std::map<lane_key, lane>& all, const recording_part& part, const access_record& each) {
    const std::uint64_t time = part.times.unix_ns(each.cycles);
    begin_ = std::min(begin_, time);
    end_ = std::max(end_, time);
    if (each.what == access::lost) {
      losses_.push_back({time, each});
      return;
    }
    const std::string source{part.source_of(each)};
    const address_space space = classify(each.what).space;
    if (is_i2c(each.what) && space != address_space::i2c) return;  // belongs to what is drawn already
    const bool several = each.what == access::lines_get || each.what == access::lines_set;
    for (unsigned i = 0; i < (several ? std::max<unsigned>(each.width, 1) : 1u); ++i) {
      access_record one = each;
      one.address += i;
      if (several) one.value = i < 64 ? each.value >> i & 1 : 0;
      if (one.what == access::line_event) one.value = one.value == 1 ? 1 : 0;
      if (!is_device(space)) one.address = 0;  // a lane for all of a disk, or of a network
      lane& mine = all[{source, space, one.address}];
      if (mine.name.empty()) {
        mine.line = space == address_space::line;
        mine.name = (source.empty() ? "" : source + " ") + lane_name(space, one.address);
      }
      mine.moments.push_back({time, one});
    }
  }

  [[nodiscard]] double at(std::uint64_t time) const noexcept {
    return margin + width * (static_cast<double>(time - begin_) / static_cast<double>(end_ - begin_));
  }

  /// The level of a line, as far as it is known.
  void wave(std::ostream& out, const lane& of, int y) const {
    std::string path;
    for (const moment& each : of.moments) {
      const bool configured = each.access.what == access::line_request;
      if (each.access.what == access::line_release || (configured && (each.access.value & 1) == 0)) continue;
      const bool level = configured ? (each.access.value >> 8 & 1) != 0 : each.access.value != 0;
      const std::string x = std::to_string(at(each.time));
      path += (path.empty() ? "M" + x + " " : "H" + x + "V") + std::to_string(y + (level ? 4 : 19));
    }
    if (!path.empty()) path += "H" + std::to_string(margin + width);
    out << "<path d=\"" << path << "\" fill=\"none\" stroke=\"#072\" stroke-width=\"1.5\"/>\n";
    ticks(out, of, y);
  }

  /// A tick for each access, but no more than a screen can show.
  void ticks(std::ostream& out, const lane& of, int y) const {
    for (const bool write : {false, true}) {
      std::string path;
      double latest = -1;
      for (const moment& each : of.moments) {
        const double x = at(each.time);
        if (shoal::hal::is_write(each.access.what) != write || x - latest < 0.5) continue;
        latest = x;
        path += "M" + std::to_string(x) + " " + std::to_string(y + (of.line ? 20 : 6)) + "v" +
                (of.line ? "3" : "13");
      }
      if (!path.empty()) out << "<path d=\"" << path << "\" stroke=\"" << (write ? "#d60" : "#06c") << "\"/>\n";
    }
  }

  std::vector<lane> lanes_;
  std::vector<moment> losses_;
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
  std::size_t left_out_ = 0;
};

}  // namespace

void draw_recording(const loaded_recording& loaded, const std::string& path) {
  const picture drawn{loaded};
  if (drawn.is_empty()) throw common::failure{"there is no record to draw"};
  std::ofstream out{path};
  drawn.write(out);
  out.close();
  if (!out) throw common::failure{"cannot write " + path, "its folder must exist and be writable"};
}
