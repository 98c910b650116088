/* What a collector printed becomes right values; nothing that a node says breaks the report. */
#include "testing.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "hardware/report.h"

static json_t *report(const char *text)
{
	json_t *json = NULL;
	struct err *e = hardware_report(text, strlen(text), &json);

	if (e != NULL)
		print_error("%s\n", err_message(e));
	assert_null(e);
	return json;
}

/* A value by its path of names and numbers: "disks.0.smart.healthy". */
static const json_t *at(const json_t *json, const char *path)
{
	char copy[128];
	char *save = NULL;

	assert_true(strlen(path) < sizeof(copy));
	memcpy(copy, path, strlen(path) + 1);
	for (const char *part = strtok_r(copy, ".", &save); part != NULL;
		part = strtok_r(NULL, ".", &save))
		json = json_is_array(json) ? json_array_get(json, (size_t)(part[0] - '0'))
					   : json_object_get(json, part);
	return json;
}

static void expect_text(const json_t *json, const char *path, const char *want)
{
	const json_t *have = at(json, path);

	if (!json_is_string(have))
		print_error("%s is no text\n", path);
	assert_true(json_is_string(have));
	assert_string_equal(json_string_value(have), want);
}

static void expect_number(const json_t *json, const char *path, int64_t want)
{
	const json_t *have = at(json, path);

	if (!json_is_integer(have))
		print_error("%s is no number\n", path);
	assert_true(json_is_integer(have));
	assert_int_equal(json_integer_value(have), want);
}

static void a_raspberry_pi(void **state)
{
	json_t *r = report(
		"@lscpu\n"
		" {\"lscpu\":[{\"field\":\"Architecture:\",\"data\":\"aarch64\"},{\"field\":\"CPU(s):\",\"data\":\"4\"},"
		"{\"field\":\"Vendor ID:\",\"data\":\"ARM\",\"children\":[{\"field\":\"Model name:\",\"data\":\"Cortex-A72\",\"children\":["
		"{\"field\":\"Thread(s) per core:\",\"data\":\"1\"},{\"field\":\"Core(s) per cluster:\",\"data\":\"4\"},"
		"{\"field\":\"Cluster(s):\",\"data\":\"1\"},{\"field\":\"CPU max MHz:\",\"data\":\"1800.0000\"},"
		"{\"field\":\"Flags:\",\"data\":\"fp asimd\"}]}]}]}\n \n !0\n\n"
		"@cpuinfo\n Hardware\t: BCM2711\n Revision\t: c03114\n Serial\t\t: 100000001234abcd\n Model\t\t: Raspberry Pi 4 Model B Rev 1.4\n !0\n"
		"@throttled\n /sys/devices/platform/soc/soc:firmware/get_throttled|50005 \n !0\n"
		"@meminfo\n MemTotal:        7998712 kB\n MemAvailable:    7000000 kB\n !0\n"
		"@lsblk\n {\"blockdevices\":[{\"name\":\"mmcblk0\",\"type\":\"disk\",\"size\":31914983424,\"rota\":false,\"tran\":null,"
		"\"children\":[{\"name\":\"mmcblk0p1\",\"type\":\"part\",\"size\":\"268435456\",\"mountpoint\":\"/boot/firmware\"}]},"
		"{\"name\":\"zram0\",\"type\":\"disk\",\"size\":1}]}\n !0\n"
		"@thermal\n /sys/class/thermal/thermal_zone0/type|cpu-thermal \n /sys/class/thermal/thermal_zone0/temp|48686 \n !0\n"
		"@dmidecode missing\n@end\n");

	(void)state;
	assert_true(json_is_true(at(r, "complete")));
	expect_text(r, "cpu.model", "Cortex-A72");
	expect_number(r, "cpu.cores", 4);
	expect_number(r, "cpu.threads", 4);
	expect_number(r, "cpu.max_mhz", 1800);
	expect_text(r, "cpu.flags.1", "asimd");
	expect_text(r, "system.revision", "c03114");
	expect_text(r, "system.model", "Raspberry Pi 4 Model B Rev 1.4");
	expect_text(r, "gpus.0.device", "VideoCore VI");
	assert_true(json_is_true(at(r, "raspberry_pi.undervoltage_now")));
	assert_true(json_is_false(at(r, "raspberry_pi.frequency_capped_now")));
	assert_true(json_is_true(at(r, "raspberry_pi.throttled_since_boot")));
	expect_number(r, "memory.total_bytes", INT64_C(7998712) * 1024);
	expect_number(r, "disk_total_bytes", 31914983424);
	assert_int_equal(json_array_size(at(r, "disks")), 1);
	expect_number(r, "disks.0.children.0.size_bytes", 268435456);
	assert_true(json_real_value(at(r, "sensors.0.value")) > 48.5 &&
		json_real_value(at(r, "sensors.0.value")) < 48.7);
	expect_text(r, "sensors.0.name", "cpu-thermal");
	expect_text(r, "sections.dmidecode", "missing");
	json_decref(r);
}

/* Books instead of sockets, and a model that lscpu does not know. */
static void a_mainframe(void **state)
{
	json_t *r = report(
		"@lscpu\n {\"lscpu\":[{\"field\":\"CPU(s):\",\"data\":\"20\"},{\"field\":\"Model name:\",\"data\":\"-\"},"
		"{\"field\":\"Thread(s) per core:\",\"data\":\"2\"},{\"field\":\"Core(s) per socket:\",\"data\":\"4\"},"
		"{\"field\":\"Socket(s) per book:\",\"data\":\"6\"}]}\n !0\n@end\n");

	(void)state;
	expect_number(r, "cpu.cores", 10);
	assert_null(at(r, "cpu.model"));
	json_decref(r);
}

static void modules_disks_and_their_health(void **state)
{
	json_t *r = report(
		"@dmidecode\n"
		" Handle 0x1000, DMI type 16, 23 bytes\n Physical Memory Array\n \tError Correction Type: Multi-bit ECC\n \tNumber Of Devices: 2\n \n"
		" Handle 0x1100\n Memory Device\n \tSize: 32 GB\n \tLocator: DIMM_A1\n \tType: DDR4\n \tSpeed: 3200 MT/s\n \tManufacturer: Micron\n"
		" \tSerial Number: 1234\n \n Handle 0x1101\n Memory Device\n \tSize: No Module Installed\n \tLocator: DIMM_A2\n !0\n"
		"@lsblk\n {\"blockdevices\":[{\"name\":\"sda\",\"type\":\"disk\",\"size\":1000,\"rota\":\"1\",\"model\":\"<b>x</b>\\\"y\"}]}\n !0\n"
		"@smart sda\n {\"smart_status\":{\"passed\":false},\"temperature\":{\"current\":41},\"power_on_time\":{\"hours\":12345},"
		"\"ata_smart_attributes\":{\"table\":[{\"id\":5,\"raw\":{\"value\":8}},{\"id\":197,\"raw\":{\"value\":2}}]}}\n !8\n"
		"@smart nvme0n1\n {\"smart_status\":{\"passed\":true},\"model_name\":\"N\",\"user_capacity\":{\"bytes\":256},"
		"\"nvme_smart_health_information_log\":{\"percentage_used\":7,\"available_spare\":100}}\n !0\n@end\n");

	(void)state;
	expect_text(r, "memory.ecc", "Multi-bit ECC");
	expect_number(r, "memory.slots", 2);
	assert_int_equal(json_array_size(at(r, "memory.modules")), 1);
	expect_number(r, "memory.modules.0.size_bytes", INT64_C(32) << 30);
	expect_text(r, "memory.modules.0.slot", "DIMM_A1");
	expect_text(r, "disks.0.model", "<b>x</b>\"y");
	assert_true(json_is_true(at(r, "disks.0.rotational")));
	assert_true(json_is_false(at(r, "disks.0.smart.healthy")));
	expect_number(r, "disks.0.smart.temperature_c", 41);
	expect_number(r, "disks.0.smart.reallocated_sectors", 8);
	expect_number(r, "disks.1.smart.wear_percent", 7);
	expect_number(r, "disks.1.size_bytes", 256);
	json_decref(r);
}

static void filesystems_raid_and_lvm(void **state)
{
	json_t *r = report(
		"@df\n Filesystem     Type  1024-blocks    Used Available Capacity Mounted on\n"
		" /dev/sda2      ext4     1000000  900000     50000      95% /srv/my data\n tmpfs          tmpfs      1000       0      1000       0% /run\n !0\n"
		"@df_inodes\n Filesystem     Inodes IUsed IFree IUse% Mounted on\n /dev/sda2 100 25 75 25% /srv/my data\n !0\n"
		"@mdstat\n Personalities : [raid1]\n md0 : active raid1 sdb1[1] sda1[0](F)\n       1047552 blocks super 1.2 [2/1] [U_]\n"
		"       [==>..................]  recovery = 12.6% (132096/1047552) finish=0.5min\n \n unused devices: <none>\n !0\n"
		"@vgs\n {\"report\":[{\"vg\":[{\"vg_name\":\"vg0\",\"vg_size\":\"1073741824\",\"vg_free\":\"0\"}]}]}\n !0\n"
		"@zpool\n tank\t1000\t400\t600\tDEGRADED\n !0\n@end\n");

	(void)state;
	assert_int_equal(json_array_size(at(r, "filesystems")), 1);
	expect_text(r, "filesystems.0.mount", "/srv/my data");
	expect_number(r, "filesystems.0.size_bytes", INT64_C(1024000000));
	expect_number(r, "filesystems.0.used_percent", 95);
	expect_number(r, "filesystems.0.inodes_percent", 25);
	expect_text(r, "raid.0.name", "md0");
	expect_text(r, "raid.0.level", "raid1");
	expect_number(r, "raid.0.failed", 1);
	expect_number(r, "raid.0.working", 1);
	assert_true(json_is_true(at(r, "raid.0.degraded")));
	expect_number(r, "raid.0.sync_percent", 12);
	expect_number(r, "lvm.vg.0.vg_size", 1073741824);
	expect_text(r, "zpools.0.health", "DEGRADED");
	json_decref(r);
}

static void btrfs_tells_its_devices_and_whether_one_is_missing(void **state)
{
	json_t *r = report(
		"@btrfs\n Label: 'my data'  uuid: 1b2c3d4e-0000-4000-8000-000000000001\n \tTotal devices 2 FS bytes used 147456\n"
		" \tdevid    1 size 1073741824 used 134217728 path /dev/sda\n \t*** Some devices missing\n \n"
		" Label: none  uuid: 9b2c3d4e-0000-4000-8000-000000000002\n \tTotal devices 1 FS bytes used 1\n \tdevid    1 size 5 used 4 path /dev/sdb1\n !0\n@end\n");

	(void)state;
	expect_text(r, "btrfs.0.label", "my data");
	expect_text(r, "btrfs.0.id", "1b2c3d4e-0000-4000-8000-000000000001");
	expect_text(r, "btrfs.0.devices.0.name", "/dev/sda");
	expect_number(r, "btrfs.0.devices.0.size_bytes", 1073741824);
	assert_true(json_is_true(at(r, "btrfs.0.degraded")));
	assert_true(json_is_false(at(r, "btrfs.1.degraded")));
	expect_number(r, "btrfs.1.devices.0.used_bytes", 4);
	json_decref(r);
}

/* What podman 4.3.1 printed, and Docker's names with a slash. */
static void volumes_of_containers_and_who_uses_them(void **state)
{
	json_t *r = report(
		"@podman\n [\"data1\",\"local\",\"/var/lib/containers/storage/volumes/data1/_data\"]\n [\"idle\",\"local\",\"/x\"]\n"
		" [\"web\",\"localhost/empty:1\",\"created\",[{\"Type\":\"volume\",\"Name\":\"data1\",\"Source\":\"/var/lib/containers/storage/volumes/data1/_data\","
		"\"Destination\":\"/data\",\"RW\":true},{\"Type\":\"bind\",\"Source\":\"/tmp\",\"Destination\":\"/host\"}]]\n !0\n"
		"@docker\n [\"pg\",\"local\",\"/var/lib/docker/volumes/pg/_data\"]\n [\"/db\",\"postgres:17\",\"running\",[{\"Type\":\"volume\",\"Name\":\"pg\"}]]\n"
		" [\"cut off\",\"x\n !0\n@containerd\n du|2048\t/var/snap/microk8s/common/var/lib/containerd\n container|a\n container|b\n !0\n@end\n");

	(void)state;
	expect_text(r, "volumes.podman.volumes.0.used_by.0", "web");
	assert_int_equal(json_array_size(at(r, "volumes.podman.volumes.1.used_by")), 0);
	expect_text(r, "volumes.podman.containers.0.mounts.1.source", "/tmp");
	expect_text(r, "volumes.podman.containers.0.mounts.0.kind", "volume");
	expect_text(r, "volumes.docker.containers.0.name", "db");
	expect_text(r, "volumes.docker.volumes.0.used_by.0", "db");
	assert_int_equal(json_array_size(at(r, "volumes.docker.containers")), 1);
	expect_number(r, "volumes.containerd.used_bytes", 2097152);
	expect_number(r, "volumes.containerd.containers", 2);
	json_decref(r);
}

static void claims_of_kubernetes_and_the_pods_that_use_them(void **state)
{
	json_t *r = report(
		"@kubernetes\n claim|default|data|Bound|pvc-1|1Gi|fast|ReadWriteOnce\n claim|web|data|Pending|||fast|\n"
		" volume|pvc-1|1Gi|Bound|fast|default/data|Delete|/srv/pvc-1\n class|fast|microk8s.io/hostpath|Delete|WaitForFirstConsumer|true\n"
		" class|slow|x|Retain|Immediate|\n pod|default|db-0||data|\n pod|web|front|other\n pod\n claim|\n !0\n@end\n");

	(void)state;
	expect_text(r, "volumes.kubernetes.claims.0.name", "default/data");
	expect_text(r, "volumes.kubernetes.claims.0.size", "1Gi");
	expect_text(r, "volumes.kubernetes.claims.0.used_by.0", "default/db-0");
	expect_text(r, "volumes.kubernetes.claims.1.state", "Pending");
	assert_null(at(r, "volumes.kubernetes.claims.1.volume"));
	assert_int_equal(json_array_size(at(r, "volumes.kubernetes.claims.1.used_by")), 0);
	expect_text(r, "volumes.kubernetes.volumes.0.source", "/srv/pvc-1");
	expect_text(r, "volumes.kubernetes.volumes.0.claim", "default/data");
	assert_true(json_is_true(at(r, "volumes.kubernetes.classes.0.default")));
	assert_true(json_is_false(at(r, "volumes.kubernetes.classes.1.default")));
	json_decref(r);
}

/* lscpu tells no model there. */
static void power_and_risc_v_tell_their_processor_in_cpuinfo(void **state)
{
	json_t *power = report(
		"@lscpu\n {\"lscpu\":[{\"field\":\"Architecture:\",\"data\":\"ppc64le\"},{\"field\":\"CPU(s):\",\"data\":\"160\"},"
		"{\"field\":\"Thread(s) per core:\",\"data\":\"4\"},{\"field\":\"Core(s) per socket:\",\"data\":\"20\"},{\"field\":\"Socket(s):\",\"data\":\"2\"}]}\n !0\n"
		"@cpuinfo\n processor\t: 0\n cpu\t\t: POWER9, altivec supported\n clock\t\t: 3800.000000MHz\n !0\n@end\n");
	json_t *risc_v = report(
		"@lscpu\n {\"lscpu\":[{\"field\":\"Architecture:\",\"data\":\"riscv64\"},{\"field\":\"CPU(s):\",\"data\":\"4\"},"
		"{\"field\":\"Thread(s) per core:\",\"data\":\"1\"},{\"field\":\"Core(s) per socket:\",\"data\":\"4\"},{\"field\":\"Socket(s):\",\"data\":\"1\"}]}\n !0\n"
		"@cpuinfo\n processor\t: 0\n hart\t\t: 1\n isa\t\t: rv64imafdc\n mmu\t\t: sv39\n uarch\t\t: sifive,u74-mc\n !0\n"
		"@devicetree\n /proc/device-tree/model|StarFive VisionFive V2 \n !0\n@end\n");

	(void)state;
	expect_text(power, "cpu.model", "POWER9, altivec supported");
	expect_number(power, "cpu.cores", 40);
	expect_number(power, "cpu.threads", 160);
	expect_text(risc_v, "cpu.model", "sifive,u74-mc");
	expect_number(risc_v, "cpu.cores", 4);
	json_decref(power);
	json_decref(risc_v);
}

static void an_epyc(void **state)
{
	json_t *r = report(
		"@lscpu\n {\"lscpu\":[{\"field\":\"Architecture:\",\"data\":\"x86_64\",\"children\":[{\"field\":\"CPU op-mode(s):\",\"data\":\"32-bit, 64-bit\"}]},"
		"{\"field\":\"CPU(s):\",\"data\":\"256\"},{\"field\":\"Vendor ID:\",\"data\":\"AuthenticAMD\",\"children\":[{\"field\":\"Model name:\",\"data\":\"AMD EPYC 7763 64-Core Processor\","
		"\"children\":[{\"field\":\"Thread(s) per core:\",\"data\":\"2\"},{\"field\":\"Core(s) per socket:\",\"data\":\"64\"},{\"field\":\"Socket(s):\",\"data\":\"2\"}]}]},"
		"{\"field\":\"Caches (sum of all):\",\"data\":null,\"children\":[{\"field\":\"L3:\",\"data\":\"512 MiB (16 instances)\"}]}]}\n !0\n"
		"@cpuinfo\n processor\t: 0\n cpu family\t: 25\n model name\t: AMD EPYC 7763 64-Core Processor\n cpu MHz\t\t: 2450.000\n !0\n@end\n");

	(void)state;
	expect_text(r, "cpu.model", "AMD EPYC 7763 64-Core Processor");
	expect_number(r, "cpu.cores", 128);
	expect_number(r, "cpu.threads", 256);
	expect_number(r, "cpu.sockets", 2);
	expect_text(r, "cpu.l3_cache", "512 MiB (16 instances)");
	json_decref(r);
}

static void cards_sensors_and_usage(void **state)
{
	json_t *r = report(
		"@stat_begin\n cpu  100 0 0 900 0 0 0 0\n cpu0 100 0 0 900 0 0 0 0\n !0\n"
		"@ip\n [{\"ifname\":\"eth0\",\"address\":\"aa:bb:cc:dd:ee:ff\",\"operstate\":\"UP\",\"mtu\":1500,\"addr_info\":[{\"local\":\"10.0.0.1\",\"prefixlen\":24}],"
		"\"stats64\":{\"rx\":{\"bytes\":5},\"tx\":{\"bytes\":6}}},{\"ifname\":\"cali123\"},{\"ifname\":\"lo\"}]\n !0\n"
		"@net\n /sys/class/net/eth0/speed|1000 \n /sys/class/net/eth0/duplex|full \n /sys/class/net/eth0/device/uevent|DRIVER=e1000e PCI_CLASS=20000 \n !0\n"
		"@hwmon\n /sys/class/hwmon/hwmon0/name|nct6775 \n /sys/class/hwmon/hwmon0/fan1_label|CPU \n /sys/class/hwmon/hwmon0/fan1_input|812 \n"
		" /sys/class/hwmon/hwmon0/temp1_input|45500 \n !0\n"
		"@lspci\n Slot:\t0000:00:02.0\n Class:\t3D controller\n Vendor:\tNVIDIA\n Device:\tA2\n Driver:\tnvidia\n \n Slot:\t0000:00:1f.0\n Class:\tISA bridge\n !0\n"
		"@lsusb\n Bus 001 Device 004: ID 0424:ec00 Microchip Technology, Inc. Adapter\n !0\n"
		"@nvidia\n NVIDIA A2, 15356, 535.129.03, 41\n !0\n"
		"@os\r\n NAME=x\r\n PRETTY_NAME=\"Debian 12\"\r\n !0\r\n"
		"@uptime\n 1234.56 99.0\n 0.10 0.20 0.30 1/100 5\n !0\n"
		"@stat_end\n cpu  150 0 0 950 0 0 0 0\n cpu0 175 0 0 925 0 0 0 0\n !0\n@end\n");

	(void)state;
	assert_int_equal(json_array_size(at(r, "network")), 1);
	expect_text(r, "network.0.addresses.0.address", "10.0.0.1");
	expect_number(r, "network.0.speed_mbps", 1000);
	expect_text(r, "network.0.driver", "e1000e");
	expect_number(r, "network.0.tx_bytes", 6);
	assert_int_equal(json_array_size(at(r, "sensors")), 2);
	expect_text(r, "sensors.0.name", "CPU");
	expect_text(r, "sensors.0.chip", "nct6775");
	expect_number(r, "sensors.0.value", 812);
	expect_text(r, "sensors.1.kind", "temperature");
	assert_int_equal(json_array_size(at(r, "gpus")), 1);
	expect_text(r, "gpus.0.device", "A2");
	expect_text(r, "usb.0.id", "0424:ec00");
	expect_number(r, "nvidia.0.memory_bytes", INT64_C(15356) << 20);
	expect_number(r, "usage.cpu_percent", 50);
	expect_number(r, "usage.core_percent.0", 75);
	expect_number(r, "usage.uptime_s", 1234);
	expect_text(r, "usage.load.1", "0.20");
	expect_text(r, "system.os", "Debian 12"); /* through a terminal: CR LF */
	json_decref(r);
}

static void a_report_that_is_cut_is_told_as_such(void **state)
{
	json_t *r = report("@uname\n Linux 6.1.0 x86_64\n !0\n@lsblk\n {\"blockdevices\":[{\"na");

	(void)state;
	assert_true(json_is_false(at(r, "complete")));
	expect_text(r, "system.kernel", "6.1.0");
	json_decref(r);
}

static void what_is_no_report_is_refused(void **state)
{
	static const char *const texts[] = {"", "bash: not found", "@", "@nothing\n x\n",
		"\xff\xfe"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		json_t *json = NULL;
		struct err *e = hardware_report(texts[i], strlen(texts[i]), &json);
		assert_non_null(e);
		err_free(e);
	}
}

static void what_a_node_says_becomes_harmless(void **state)
{
	json_t *r = report(
		"@uname\n Li\x1b[2Jnux \xff\xfe \xc3\xa4\n !0\n@smart ../x\n {\"model_name\":\"a\\u0000b\",\"smart_status\":[]}\n !0\n"
		"@meminfo\n MemTotal: 99999999999999999999999 kB\n MemAvailable: -5 kB\n !0\n@df\n a b c d e f\n 1 2\n !0\n");
	char *text = json_dumps(r, 0);

	(void)state;
	assert_null(strchr(text, '\x1b'));
	expect_text(r, "system.architecture", "\xc3\xa4");
	assert_null(at(r, "memory.total_bytes"));
	mem_free(text);
	json_decref(r);
}

static void a_hundred_megabytes_are_read_in_bounded_memory(void **state)
{
	struct str text = {.max = (size_t)128 << 20};
	json_t *json = NULL;

	(void)state;
	str_adds(&text, "@df\n");
	while (text.len < (size_t)100 << 20)
		str_adds(&text, " /dev/sda2 ext4 1000000 900000 50000 95% /x\n");
	assert_null(hardware_report(str_get(&text), text.len, &json));
	assert_true(json_array_size(at(json, "filesystems")) <= 4096);
	json_decref(json);
	str_done(&text);
}

TEST_MAIN(cmocka_unit_test(a_raspberry_pi), cmocka_unit_test(a_mainframe),
	cmocka_unit_test(modules_disks_and_their_health),
	cmocka_unit_test(filesystems_raid_and_lvm),
	cmocka_unit_test(btrfs_tells_its_devices_and_whether_one_is_missing),
	cmocka_unit_test(volumes_of_containers_and_who_uses_them),
	cmocka_unit_test(claims_of_kubernetes_and_the_pods_that_use_them),
	cmocka_unit_test(power_and_risc_v_tell_their_processor_in_cpuinfo),
	cmocka_unit_test(an_epyc), cmocka_unit_test(cards_sensors_and_usage),
	cmocka_unit_test(a_report_that_is_cut_is_told_as_such),
	cmocka_unit_test(what_is_no_report_is_refused),
	cmocka_unit_test(what_a_node_says_becomes_harmless),
	cmocka_unit_test(a_hundred_megabytes_are_read_in_bounded_memory))
