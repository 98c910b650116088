/* Hardware reports: what the collector's script printed on a node becomes one object. Everything in
 * it comes from the node and its devices: hostile, bounded, valid UTF-8 afterwards. No I/O; any
 * thread. The script: roles/hardware/files/collect.sh of the collection. */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

#define HARDWARE_TEXT_MAX ((size_t)16 << 20) /**< bytes of a collector's output that are read */

/** Read what the script printed.
 * @ret_report owned: {"complete", "sections":{NAME: "ok"|"missing"|"failed N"}, "system", "cpu",
 * "memory", "disks", "filesystems", "raid", "lvm", "zpools", "btrfs", "volumes", "network", "gpus",
 * "pci", "usb", "sensors", "usage"}; what was not told is absent or null. Docs:
 * docs/guide/hardware.md. Errors: ERR_INVALID: it is no report at all. */
struct err *hardware_report(const char *text, size_t len, json_t **ret_report) ERR_RESULT;
