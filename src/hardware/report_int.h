/* What the parsers of a report share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hardware/report.h"

/* --- lines.c --- */
/** A piece of text, not ended by NUL. */
struct piece {
	const char *at;
	size_t len;
};
/** Take the next line off a text. Returns false at its end. */
bool piece_line(struct piece *text, struct piece *ret_line);
/** Cut at the first of this character: what is before it goes to ret_before and is taken off, with
 * the character. Returns false (nothing changed) when there is none. */
bool piece_cut(struct piece *text, char at, struct piece *ret_before);
/** The next word; white space separates. Returns false at the end. */
bool piece_word(struct piece *text, struct piece *ret_word);
/** Without white space around it. */
struct piece piece_trim(struct piece text);
/** True when it is this text. */
bool piece_is(struct piece text, const char *word);
/** True when it begins with this text. */
bool piece_begins(struct piece text, const char *word);
/** As a JSON text: trimmed, at most 512 bytes, control characters and wrong UTF-8 replaced; null
 * when empty. Owned. */
json_t *piece_json(struct piece text);
/** A whole number at its begin; I64_NONE-like INT64_MIN when there is none or it is out of range.
 */
int64_t piece_number(struct piece text);
/** A member with this text; nothing when it is empty. */
void set_piece(json_t *object, const char *key, struct piece text);
/** A member with this number; nothing when it is INT64_MIN. */
void set_number(json_t *object, const char *key, int64_t number);
/** A text that a tool told in JSON, made harmless as by piece_json(). */
void set_told(json_t *object, const char *key, const json_t *value);
/** A number that a tool told in JSON as a number or a text; nothing when it is neither. */
void set_told_number(json_t *object, const char *key, const json_t *value);
/** JSON of a section; NULL when it is none. Owned. */
json_t *piece_load(struct piece text);
/** The list with this name in the report, made when it is new; borrowed. */
json_t *report_list(json_t *report, const char *name);
/** True when the list holds as many as any machine has: what comes further is left out. */
bool report_full(const json_t *report, const char *name);
/** The object with this name in the report, made when it is new; borrowed. */
json_t *report_object(json_t *report, const char *name);
/** "/sys/class/net/eth0/speed|1000 ": the part of the path `back` components before its last, and
 * the last one. Returns false when the line is no such line. */
bool piece_sysfs(struct piece line, size_t back, struct piece *ret_owner, struct piece *ret_file,
	struct piece *ret_value);

/* --- the parsers, by section: text of it, argument of it ("sda" of smart), the report, which they
 * fill. What they do not understand they leave out. --- */
/** Ticks of processors at the begin: kept in report["stat_begin"] until the end. */
void read_stat_begin(struct piece text, struct piece argument, json_t *report);
/** Ticks at the end: usage of all and of each processor in percent. */
void read_stat_end(struct piece text, struct piece argument, json_t *report);
/** `uname -srm`: kernel and architecture. */
void read_uname(struct piece text, struct piece argument, json_t *report);
/** /etc/os-release: its pretty name. */
void read_os(struct piece text, struct piece argument, json_t *report);
/** /proc/uptime and /proc/loadavg. */
void read_uptime(struct piece text, struct piece argument, json_t *report);
/** /sys/class/dmi/id: vendor, product, firmware. */
void read_dmi(struct piece text, struct piece argument, json_t *report);
/** /proc/device-tree: model and serial number of a board. */
void read_devicetree(struct piece text, struct piece argument, json_t *report);
/** `systemd-detect-virt`. */
void read_virt(struct piece text, struct piece argument, json_t *report);
/** `lscpu -J`: flat, or nested as of util-linux 2.40. */
void read_lscpu(struct piece text, struct piece argument, json_t *report);
/** /proc/cpuinfo: what lscpu does not tell, and a Raspberry Pi's revision. */
void read_cpuinfo(struct piece text, struct piece argument, json_t *report);
/** /proc/meminfo. */
void read_meminfo(struct piece text, struct piece argument, json_t *report);
/** /sys/block/zram*: compressed swap. */
void read_zram(struct piece text, struct piece argument, json_t *report);
/** `dmidecode -t 16,17`: memory modules, slots, ECC. */
void read_dmidecode(struct piece text, struct piece argument, json_t *report);
/** `lsblk -J -b`: disks with what is on them. */
void read_lsblk(struct piece text, struct piece argument, json_t *report);
/** `smartctl -j -a` of the disk that the argument names; its exit code is a set of bits. */
void read_smart(struct piece text, struct piece argument, json_t *report);
/** `df -PkT`: filesystems but those in memory. */
void read_df(struct piece text, struct piece argument, json_t *report);
/** `df -Pi`: after df. */
void read_df_inodes(struct piece text, struct piece argument, json_t *report);
/** /proc/mdstat: RAID. */
void read_mdstat(struct piece text, struct piece argument, json_t *report);
/** `pvs`, `vgs`, `lvs` with --reportformat json. */
void read_lvm(struct piece text, struct piece argument, json_t *report);
/** `zpool list -Hp -o name,size,alloc,free,health`. */
void read_zpool(struct piece text, struct piece argument, json_t *report);
/** `btrfs filesystem show --raw`. */
void read_btrfs(struct piece text, struct piece argument, json_t *report);
/** Volumes and containers of Docker, a JSON array a line: [name, driver, path] and then [name,
 * image, state, mounts]. */
void read_docker(struct piece text, struct piece argument, json_t *report);
/** The same of Podman. */
void read_podman(struct piece text, struct piece argument, json_t *report);
/** Use and containers of containerd: "du|KIB", "container|ID". */
void read_containerd(struct piece text, struct piece argument, json_t *report);
/** Claims, volumes, classes and the pods that use them: "claim|...", "volume|...", "class|...",
 * "pod|...". */
void read_kubernetes(struct piece text, struct piece argument, json_t *report);
/** `ip -j -s -d addr`: cards but those of pods. */
void read_ip(struct piece text, struct piece argument, json_t *report);
/** /sys/class/net: speed, duplex, driver; after ip. */
void read_net(struct piece text, struct piece argument, json_t *report);
/** /sys/class/thermal. */
void read_thermal(struct piece text, struct piece argument, json_t *report);
/** /sys/class/hwmon: temperatures, fans, voltages. */
void read_hwmon(struct piece text, struct piece argument, json_t *report);
/** The graphics of a Raspberry Pi, which no bus tells: by its model, once all sections are read. */
void add_videocore(json_t *report);
/** The firmware of a Raspberry Pi: bits of undervoltage and throttling. */
void read_throttled(struct piece text, struct piece argument, json_t *report);
/** `lspci -Dvmmk`. */
void read_lspci(struct piece text, struct piece argument, json_t *report);
/** `lsusb`. */
void read_lsusb(struct piece text, struct piece argument, json_t *report);
/** `nvidia-smi --query-gpu=name,memory.total,driver_version,temperature.gpu`. */
void read_nvidia(struct piece text, struct piece argument, json_t *report);
