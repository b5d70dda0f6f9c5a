// SPDX-License-Identifier: BSL-1.0
//
// The constants of virtio are our own; here they meet the kernel's.
#include <shoal/virtio/disk_request.hpp>

#include <cstddef>

#include <doctest/doctest.h>

#include <shoal/virtio/feature.hpp>
#include <shoal/virtio/gpio_request.hpp>
#include <shoal/virtio/mmio_registers.hpp>
#include <shoal/virtio/split_queue.hpp>

#ifdef __linux__
#define VIRTIO_RING_NO_LEGACY
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_gpio.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>

namespace {

using namespace shoal::virtio;

constexpr std::uint64_t bit(unsigned number) {
  return std::uint64_t{1} << number;
}

static_assert(static_cast<unsigned>(device_id::network) == VIRTIO_ID_NET);
static_assert(static_cast<unsigned>(device_id::block) == VIRTIO_ID_BLOCK);
static_assert(static_cast<unsigned>(device_id::gpio) == VIRTIO_ID_GPIO);

static_assert(feature::indirect_descriptors == bit(VIRTIO_RING_F_INDIRECT_DESC));
static_assert(feature::event_index == bit(VIRTIO_RING_F_EVENT_IDX));
static_assert(feature::version_1 == bit(VIRTIO_F_VERSION_1));

static_assert(device_status::acknowledge == VIRTIO_CONFIG_S_ACKNOWLEDGE);
static_assert(device_status::driver == VIRTIO_CONFIG_S_DRIVER);
static_assert(device_status::driver_ok == VIRTIO_CONFIG_S_DRIVER_OK);
static_assert(device_status::features_ok == VIRTIO_CONFIG_S_FEATURES_OK);
static_assert(device_status::needs_reset == VIRTIO_CONFIG_S_NEEDS_RESET);
static_assert(device_status::failed == VIRTIO_CONFIG_S_FAILED);

static_assert(descriptor_flag::next == VRING_DESC_F_NEXT);
static_assert(descriptor_flag::write == VRING_DESC_F_WRITE);
static_assert(descriptor_flag::indirect == VRING_DESC_F_INDIRECT);
static_assert(sizeof(vring_desc) == 16 && offsetof(vring_desc, flags) == 12 && sizeof(vring_used_elem) == 8);

static_assert(gpio_feature::irq == bit(VIRTIO_GPIO_F_IRQ));
static_assert(static_cast<unsigned>(gpio_message::get_names) == VIRTIO_GPIO_MSG_GET_NAMES);
static_assert(static_cast<unsigned>(gpio_message::get_direction) == VIRTIO_GPIO_MSG_GET_DIRECTION);
static_assert(static_cast<unsigned>(gpio_message::set_direction) == VIRTIO_GPIO_MSG_SET_DIRECTION);
static_assert(static_cast<unsigned>(gpio_message::get_value) == VIRTIO_GPIO_MSG_GET_VALUE);
static_assert(static_cast<unsigned>(gpio_message::set_value) == VIRTIO_GPIO_MSG_SET_VALUE);
static_assert(static_cast<unsigned>(gpio_message::irq_type) == VIRTIO_GPIO_MSG_IRQ_TYPE);
static_assert(static_cast<unsigned>(gpio_status::ok) == VIRTIO_GPIO_STATUS_OK);
static_assert(static_cast<unsigned>(gpio_status::error) == VIRTIO_GPIO_STATUS_ERR);
static_assert(static_cast<unsigned>(line_direction::none) == VIRTIO_GPIO_DIRECTION_NONE);
static_assert(static_cast<unsigned>(line_direction::output) == VIRTIO_GPIO_DIRECTION_OUT);
static_assert(static_cast<unsigned>(line_direction::input) == VIRTIO_GPIO_DIRECTION_IN);
static_assert(static_cast<unsigned>(irq_type::none) == VIRTIO_GPIO_IRQ_TYPE_NONE);
static_assert(static_cast<unsigned>(irq_type::rising) == VIRTIO_GPIO_IRQ_TYPE_EDGE_RISING);
static_assert(static_cast<unsigned>(irq_type::falling) == VIRTIO_GPIO_IRQ_TYPE_EDGE_FALLING);
static_assert(static_cast<unsigned>(irq_type::both) == VIRTIO_GPIO_IRQ_TYPE_EDGE_BOTH);
static_assert(static_cast<unsigned>(irq_type::level_high) == VIRTIO_GPIO_IRQ_TYPE_LEVEL_HIGH);
static_assert(static_cast<unsigned>(irq_type::level_low) == VIRTIO_GPIO_IRQ_TYPE_LEVEL_LOW);
static_assert(static_cast<unsigned>(irq_status::invalid) == VIRTIO_GPIO_IRQ_STATUS_INVALID);
static_assert(static_cast<unsigned>(irq_status::valid) == VIRTIO_GPIO_IRQ_STATUS_VALID);
static_assert(gpio_request::size == sizeof(virtio_gpio_request) && sizeof(virtio_gpio_config) == 8 &&
              offsetof(virtio_gpio_config, gpio_names_size) == 4);

static_assert(disk_feature::segments_max == bit(VIRTIO_BLK_F_SEG_MAX));
static_assert(disk_feature::read_only == bit(VIRTIO_BLK_F_RO));
static_assert(disk_feature::block_size == bit(VIRTIO_BLK_F_BLK_SIZE));
static_assert(disk_feature::flush == bit(VIRTIO_BLK_F_FLUSH));
static_assert(disk_feature::topology == bit(VIRTIO_BLK_F_TOPOLOGY));
static_assert(disk_feature::multi_queue == bit(VIRTIO_BLK_F_MQ));
static_assert(disk_feature::discard == bit(VIRTIO_BLK_F_DISCARD));
static_assert(disk_feature::write_zeroes == bit(VIRTIO_BLK_F_WRITE_ZEROES));
static_assert(static_cast<unsigned>(disk_command::read) == VIRTIO_BLK_T_IN);
static_assert(static_cast<unsigned>(disk_command::write) == VIRTIO_BLK_T_OUT);
static_assert(static_cast<unsigned>(disk_command::flush) == VIRTIO_BLK_T_FLUSH);
static_assert(static_cast<unsigned>(disk_command::get_id) == VIRTIO_BLK_T_GET_ID);
static_assert(static_cast<unsigned>(disk_command::discard) == VIRTIO_BLK_T_DISCARD);
static_assert(static_cast<unsigned>(disk_command::write_zeroes) == VIRTIO_BLK_T_WRITE_ZEROES);
static_assert(static_cast<unsigned>(disk_status::ok) == VIRTIO_BLK_S_OK);
static_assert(static_cast<unsigned>(disk_status::io_error) == VIRTIO_BLK_S_IOERR);
static_assert(static_cast<unsigned>(disk_status::unsupported) == VIRTIO_BLK_S_UNSUPP);
static_assert(disk_id_size == VIRTIO_BLK_ID_BYTES && disk_header_size == sizeof(virtio_blk_outhdr));
static_assert(disk_range_size == sizeof(virtio_blk_discard_write_zeroes));
static_assert(disk_range_unmap == VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);
// disk_device writes the configuration by these offsets
static_assert(offsetof(virtio_blk_config, seg_max) == 12 && offsetof(virtio_blk_config, blk_size) == 20);
static_assert(offsetof(virtio_blk_config, physical_block_exp) == 24);
static_assert(offsetof(virtio_blk_config, opt_io_size) == 28 && offsetof(virtio_blk_config, num_queues) == 34);
static_assert(offsetof(virtio_blk_config, max_discard_sectors) == 36);
static_assert(offsetof(virtio_blk_config, max_discard_seg) == 40);
static_assert(offsetof(virtio_blk_config, discard_sector_alignment) == 44);
static_assert(offsetof(virtio_blk_config, max_write_zeroes_sectors) == 48);
static_assert(offsetof(virtio_blk_config, max_write_zeroes_seg) == 52);
static_assert(offsetof(virtio_blk_config, write_zeroes_may_unmap) == 56);

constexpr bool at(mmio_register ours, unsigned theirs) {
  return static_cast<unsigned>(ours) == theirs;
}
static_assert(at(mmio_register::magic, VIRTIO_MMIO_MAGIC_VALUE) &&
              at(mmio_register::version, VIRTIO_MMIO_VERSION));
static_assert(at(mmio_register::device_id, VIRTIO_MMIO_DEVICE_ID));
static_assert(at(mmio_register::vendor_id, VIRTIO_MMIO_VENDOR_ID));
static_assert(at(mmio_register::device_features, VIRTIO_MMIO_DEVICE_FEATURES));
static_assert(at(mmio_register::device_features_select, VIRTIO_MMIO_DEVICE_FEATURES_SEL));
static_assert(at(mmio_register::driver_features, VIRTIO_MMIO_DRIVER_FEATURES));
static_assert(at(mmio_register::driver_features_select, VIRTIO_MMIO_DRIVER_FEATURES_SEL));
static_assert(at(mmio_register::queue_select, VIRTIO_MMIO_QUEUE_SEL));
static_assert(at(mmio_register::queue_size_max, VIRTIO_MMIO_QUEUE_NUM_MAX));
static_assert(at(mmio_register::queue_size, VIRTIO_MMIO_QUEUE_NUM));
static_assert(at(mmio_register::queue_ready, VIRTIO_MMIO_QUEUE_READY));
static_assert(at(mmio_register::queue_notify, VIRTIO_MMIO_QUEUE_NOTIFY));
static_assert(at(mmio_register::interrupt_status, VIRTIO_MMIO_INTERRUPT_STATUS));
static_assert(at(mmio_register::interrupt_acknowledge, VIRTIO_MMIO_INTERRUPT_ACK));
static_assert(at(mmio_register::status, VIRTIO_MMIO_STATUS));
static_assert(at(mmio_register::queue_descriptors_low, VIRTIO_MMIO_QUEUE_DESC_LOW));
static_assert(at(mmio_register::queue_descriptors_high, VIRTIO_MMIO_QUEUE_DESC_HIGH));
static_assert(at(mmio_register::queue_available_low, VIRTIO_MMIO_QUEUE_AVAIL_LOW));
static_assert(at(mmio_register::queue_available_high, VIRTIO_MMIO_QUEUE_AVAIL_HIGH));
static_assert(at(mmio_register::queue_used_low, VIRTIO_MMIO_QUEUE_USED_LOW));
static_assert(at(mmio_register::queue_used_high, VIRTIO_MMIO_QUEUE_USED_HIGH));
static_assert(at(mmio_register::config_generation, VIRTIO_MMIO_CONFIG_GENERATION));
static_assert(at(mmio_register::config, VIRTIO_MMIO_CONFIG));

TEST_CASE("our constants are those of the kernel") {
  CHECK(mmio_magic == ('v' | 'i' << 8 | 'r' << 16 | 't' << 24));
}

}  // namespace
#endif
