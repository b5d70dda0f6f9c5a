// SPDX-License-Identifier: BSL-1.0
//
// A unikernel in C with one of each: writes to its disk and reads that back, has a LED follow a switch ten
// times as the papers' program does, looks into a sensor, prints its command line, and ends with which step
// failed, or 0.
#include <shoal/hypercall/guest/hvt.h>
#include <shoal/hypercall/guest/hvt_vendor.h>

HVT_UNIKERNEL(HVT_DEVICE("disk", HVT_DEVICE_BLOCK), HVT_DEVICE("pins", HVT_DEVICE_GPIO),
              HVT_DEVICE("sensors", HVT_DEVICE_I2C));

enum { disk = 1, pins, sensors };  // handles
enum { button = 17, led = 25, thermometer = 0x48 };

static unsigned char blocks[2][512];

static int use_disk(const struct hvt_block_properties* given) {
  if (given->block_size != sizeof blocks[0] || given->capacity < sizeof blocks) return 1;
  if (!(given->features & HVT_BLOCK_MANY_BLOCKS) || !(given->features & HVT_BLOCK_CAN_FLUSH)) return 2;
  blocks[0][0] = 'C';
  if (hvt_block_write(disk, 512, blocks, sizeof blocks[0]) != HVT_OK || hvt_block_flush(disk) != HVT_OK)
    return 3;
  if (hvt_block_read(disk, 0, blocks, sizeof blocks) != HVT_OK || blocks[1][0] != 'C') return 4;
  return hvt_block_read(disk, given->capacity, blocks, sizeof blocks[0]) == HVT_INVALID ? 0 : 5;
}

static int follow_switch(void) {
  uint32_t last = 0;
  if (hvt_gpio_init(pins, button) != HVT_OK || hvt_gpio_in(pins, button, 0) != HVT_OK) return 6;
  if (hvt_gpio_init(pins, led) != HVT_OK || hvt_gpio_out(pins, led, 0) != HVT_OK) return 7;
  for (int changes = 0; changes < 10; hvt_poll(1000000)) {
    uint32_t pressed;
    if (hvt_gpio_read(pins, button, &pressed) != HVT_OK) return 8;
    if (pressed == last) continue;
    last = pressed;
    ++changes;
    if (hvt_gpio_write(pins, led, last) != HVT_OK) return 9;
  }
  return hvt_gpio_finalize(pins, led) == HVT_OK && hvt_gpio_finalize(pins, button) == HVT_OK ? 0 : 10;
}

static int look(void) {
  const unsigned char reg = 0;
  unsigned char value = 0;
  if (hvt_i2c_transfer(sensors, thermometer, &reg, 1, &value, 1) != HVT_OK) return 11;
  return value == 0x29 ? 0 : 12;
}

void unikernel_start(const struct hvt_boot_info* info) {
  int failed = hvt_walltime() == 0;
  if (!failed) failed = use_disk(&hvt_device(info, disk)->is.block);
  if (!failed) failed = follow_switch();
  if (!failed) failed = look();
  hvt_puts(hvt_command_line(info));
  hvt_halt(failed);
}
