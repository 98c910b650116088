/* driver/nut_host, nut_usb, nut_conf: what a machine knows of UPSes, out of files as they really
 * are. */
#include "testing.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "driver/nut_conf.h"
#include "driver/nut_host.h"

struct machine {
	char dir[32];
	char *sys, *conf, *rules;
	struct nut_host host;
};

static void put(const struct machine *m, const char *path, const char *bytes, size_t n)
{
	cleanup(mem_freep) char *full = mem_printf("%s/%s", m->dir, path);
	cleanup(mem_freep) char *folder = mem_strndup(full, (size_t)(strrchr(full, '/') - full));

	assert_null(fs_mkdirs(folder, 0700));
	assert_null(fs_write_new(full, bytes, n, 0600));
}

static void put_text(const struct machine *m, const char *path, const char *text)
{
	put(m, path, text, strlen(text));
}

static int set_up(void **state)
{
	struct machine *m = mem_zalloc(sizeof(*m));

	snprintf(m->dir, sizeof(m->dir), "/tmp/mko-nut-XXXXXX");
	assert_non_null(mkdtemp(m->dir));
	m->sys = fs_join(m->dir, "sys");
	m->conf = fs_join(m->dir, "nut");
	m->rules = fs_join(m->dir, "rules");
	m->host = (struct nut_host){.sys_dir = m->sys, .conf_dir = m->conf, .udev_rules = m->rules};
	*state = m;
	return 0;
}

static int tear_down(void **state)
{
	struct machine *m = *state;

	assert_null(fs_remove_tree(m->dir));
	mem_free(m->sys);
	mem_free(m->conf);
	mem_free(m->rules);
	mem_free(m);
	return 0;
}

/* as Debian's nut-server installs it */
static const char rules[] =
	"# This file is generated and installed by the Network UPS Tools package.\n"
	"LABEL=\"nut-usbups_rules_real\"\n"
	"# American Power Conversion\n"
	"#  APC AP9584 Serial->USB kit  - usbhid-ups\n"
	"ATTR{idVendor}==\"051d\", ATTR{idProduct}==\"0000\", MODE=\"664\", GROUP=\"nut\"\n"
	"#  various models  - usbhid-ups\n"
	"ATTR{idVendor}==\"051d\", ATTR{idProduct}==\"0002\", MODE=\"664\", GROUP=\"nut\"\n"
	"#  TS Shara UPSes; vendor ID 0x0483 is from ST Microelectronics - with product IDs delegated to different OEMs  - nutdrv_qx\n"
	"ATTR{idVendor}==\"0483\", ATTR{idProduct}==\"0035\", MODE=\"664\", GROUP=\"nut\"\n";

static void put_device(const struct machine *m, const char *bus, const char *vendor,
	const char *product, const char *serial)
{
	cleanup(mem_freep) char *base = mem_printf("sys/bus/usb/devices/%s/", bus);
	cleanup(mem_freep) char *vendor_path = mem_printf("%sidVendor", base);
	cleanup(mem_freep) char *product_path = mem_printf("%sidProduct", base);
	cleanup(mem_freep) char *serial_path = mem_printf("%sserial", base);

	put_text(m, vendor_path, vendor);
	put_text(m, product_path, product);
	if (serial != NULL)
		put_text(m, serial_path, serial);
}

static const char *text_of(const json_t *list, size_t i, const char *key)
{
	return json_string_value(json_object_get(json_array_get(list, i), key));
}

static const json_t *with_bus(const json_t *list, const char *bus)
{
	size_t i = 0;
	json_t *item = NULL;

	json_array_foreach(list, i, item)
		if (strcmp(json_string_value(json_object_get(item, "bus")), bus) == 0)
			return item;
	return NULL;
}

static void a_device_of_nuts_list_is_found_with_its_driver(void **state)
{
	struct machine *m = *state;

	put_text(m, "rules", rules);
	put_device(m, "1-1", "051D\n", "0002\n", " 4B1234P56789  \n");
	put_device(m, "1-2", "0483\n", "0035\n", NULL);
	put_device(m, "usb1", "1d6b\n", "0002\n", "0000:00:14.0\n");
	json_t *found = nut_host_usb(&m->host);
	assert_int_equal(json_array_size(found), 2);
	const json_t *apc = with_bus(found, "1-1");
	assert_string_equal(json_string_value(json_object_get(apc, "driver")), "usbhid-ups");
	assert_string_equal(json_string_value(json_object_get(apc, "vendor_id")), "051d");
	assert_string_equal(json_string_value(json_object_get(apc, "product_id")), "0002");
	assert_string_equal(json_string_value(json_object_get(apc, "serial")), "4B1234P56789");
	assert_true(json_is_true(json_object_get(apc, "sure")));
	assert_true(json_is_null(json_object_get(apc, "section")));
	assert_string_equal(json_string_value(json_object_get(with_bus(found, "1-2"), "driver")),
		"nutdrv_qx");
	json_decref(found);
}

static void a_device_that_says_it_is_a_power_device_is_found_too(void **state)
{
	struct machine *m = *state;
	static const char descriptor[] = {0x05, (char)0x84, 0x09, 0x04};
	static const char keyboard[] = {0x05, 0x01, 0x09, 0x06};

	put_device(m, "2-1", "abcd", "1234", NULL);
	put(m, "sys/bus/usb/devices/2-1/2-1:1.0/0003:ABCD:1234.0001/report_descriptor", descriptor,
		sizeof(descriptor));
	put_device(m, "2-2", "abcd", "9999", NULL);
	put(m, "sys/bus/usb/devices/2-2/2-2:1.0/0003:ABCD:9999.0002/report_descriptor", keyboard,
		sizeof(keyboard));
	json_t *found = nut_host_usb(&m->host);
	assert_int_equal(json_array_size(found), 1);
	assert_string_equal(text_of(found, 0, "bus"), "2-1");
	assert_false(json_is_true(json_object_get(json_array_get(found, 0), "sure")));
	json_decref(found);
}

static void what_ups_conf_has_is_told_by_its_section(void **state)
{
	struct machine *m = *state;

	put_text(m, "rules", rules);
	put_text(m, "nut/ups.conf",
		"maxretry = 3\n[one]\n  driver = usbhid-ups\n  port=auto\n  vendorid = 051D\n  serial = \"AAA\"\n"
		"[two]\n\tdriver = usbhid-ups # the other\n\tport = auto\n\tserial = BBB\n");
	put_device(m, "1-1", "051d", "0002", "BBB");
	put_device(m, "1-2", "051d", "0002", "AAA");
	put_device(m, "1-3", "051d", "0002", "CCC");
	json_t *found = nut_host_usb(&m->host);
	assert_string_equal(json_string_value(json_object_get(with_bus(found, "1-1"), "section")),
		"two");
	assert_string_equal(json_string_value(json_object_get(with_bus(found, "1-2"), "section")),
		"one");
	assert_true(json_is_null(json_object_get(with_bus(found, "1-3"), "section")));
	json_decref(found);
}

static void hostile_devices_and_files_do_no_harm(void **state)
{
	struct machine *m = *state;
	static const char bytes[] = {'\xff', '\xfe', 0, '\n'};

	put_text(m, "rules",
		"#  x  - \nATTR{idVendor}==\"051d\", ATTR{idProduct}==\"00\nATTR{idVendor}==\"");
	put(m, "nut/ups.conf", bytes, sizeof(bytes));
	put_device(m, "1-1", "051", "zzzzz", NULL);
	put_device(m, "1-2", "", "", NULL);
	json_t *found = nut_host_usb(&m->host);
	assert_int_equal(json_array_size(found), 0);
	json_decref(found);
}

static void words_of_files_are_read_as_nut_reads_them(void **state)
{
	(void)state;
	json_t *rows = nut_conf_read(
		"# comment\nMODE=standalone\n\n[ups]\nport = \"/dev/tty S0\" # tail\ndesc = \"say \\\"hi\\\"\"\n"
		"ignorelb\nLISTEN 127.0.0.1 3493\n[]\n[open\n");
	assert_string_equal(nut_conf_get(rows, "", "mode"), "standalone");
	assert_string_equal(nut_conf_get(rows, "ups", "port"), "/dev/tty S0");
	assert_string_equal(nut_conf_get(rows, "ups", "desc"), "say \"hi\"");
	assert_null(nut_conf_get(rows, "ups", "ignorelb"));
	assert_null(nut_conf_get(rows, "none", "port"));
	json_decref(rows);
}

static void expect_set(const char *text, const char *const (*pairs)[2], size_t n,
	const char *wanted)
{
	char *got = nut_conf_set(text, "ups", pairs, n);
	char *again = nut_conf_set(got, "ups", pairs, n);

	assert_string_equal(got, wanted);
	assert_string_equal(again, wanted);
	mem_free(got);
	mem_free(again);
}

static void a_section_is_changed_and_all_else_stays(void **state)
{
	(void)state;
	const char *const pairs[][2] = {{"driver", "usbhid-ups"}, {"serial", "a \"b\""}};

	expect_set("", pairs, 2, "[ups]\n  driver = \"usbhid-ups\"\n  serial = \"a \\\"b\\\"\"\n");
	expect_set("# mine\n[ups]\n driver=old # was\n desc = x\n\n# next\n[b]\n driver = keep\n",
		pairs, 2,
		"# mine\n[ups]\n  driver = \"usbhid-ups\"\n desc = x\n  serial = \"a \\\"b\\\"\"\n\n# next\n[b]\n driver = keep\n");
	expect_set("[b]\ndriver = keep", pairs, 1,
		"[b]\ndriver = keep\n\n[ups]\n  driver = \"usbhid-ups\"\n");
	expect_set("[ups]\nDRIVER = a\ndriver = b\n", pairs, 1,
		"[ups]\n  driver = \"usbhid-ups\"\n");
}

static void a_line_takes_the_place_of_the_one_it_replaces(void **state)
{
	(void)state;
	static const struct {
		const char *text, *second, *wanted;
	} cases[] = {
		{"", NULL, "M x 2\n"},
		{"# M a\nM a 1\nM x 1\nend", "x", "# M a\nM a 1\nM x 2\nend"},
		{"M a 1\nM x 1\n", NULL, "M x 2\nM x 1\n"},
		{"other", "x", "other\nM x 2\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *got = nut_conf_put(cases[i].text, "M", cases[i].second, "M x 2");
		assert_string_equal(got, cases[i].wanted);
		mem_free(got);
	}
}

static void the_upsd_of_this_machine_is_where_upsd_conf_says(void **state)
{
	struct machine *m = *state;
	char *host = NULL;
	int64_t port = 0;

	nut_host_listen(&m->host, &host, &port);
	assert_string_equal(host, "127.0.0.1");
	assert_int_equal(port, 3493);
	mem_free(host);
	put_text(m, "nut/upsd.conf", "MAXAGE 15\nLISTEN 0.0.0.0 3500\nLISTEN ::1\n");
	nut_host_listen(&m->host, &host, &port);
	assert_string_equal(host, "127.0.0.1");
	assert_int_equal(port, 3500);
	mem_free(host);
}

/* systemctl show of systemd 252, shortened; the last one is not installed */
static const char shown[] =
	"Id=nut-server.service\nDescription=Network UPS Tools - power devices information server\nLoadState=loaded\n"
	"ActiveState=active\nSubState=running\nUnitFileState=enabled\n\n"
	"Id=nut-driver@ups.service\nDescription=Network UPS Tools - device driver for UPS\nLoadState=loaded\n"
	"ActiveState=failed\nSubState=failed\nUnitFileState=\n\n"
	"Id=nut-driver.service\nDescription=nut-driver.service\nLoadState=not-found\nActiveState=inactive\nSubState=dead\n";

static void services_are_read_out_of_systemctl(void **state)
{
	(void)state;
	json_t *units = nut_host_units(shown);
	assert_int_equal(json_array_size(units), 2);
	assert_string_equal(text_of(units, 0, "name"), "nut-server.service");
	assert_string_equal(text_of(units, 0, "enabled"), "enabled");
	assert_string_equal(text_of(units, 1, "state"), "failed");
	assert_null(text_of(units, 1, "enabled"));
	json_decref(units);
	units = nut_host_units("garbage\n=\n\n\nId=\nLoadState=loaded\n");
	assert_int_equal(json_array_size(units), 0);
	json_decref(units);
}

static void what_nut_scanner_finds_is_told(void **state)
{
	(void)state;
	json_t *list = json_array();
	nut_host_scanned(
		"NUT:driver=\"nutclient\",port=\"ups@192.0.2.10\"\nNUT:driver=\"nutclient\",port=\"b@192.0.2.11:3500\"\n"
		"NUT:driver=\"nutclient\",port=\"@x\"\nUSB:driver=\"usbhid-ups\",port=\"auto\"\nNUT:port=\"",
		list);
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(text_of(list, 0, "nut_host"), "192.0.2.10");
	assert_string_equal(text_of(list, 1, "nut_name"), "b");
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 1), "nut_port")),
		3500);
	json_decref(list);
}

#define ON_A_MACHINE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
TEST_MAIN(ON_A_MACHINE(a_device_of_nuts_list_is_found_with_its_driver),
	ON_A_MACHINE(a_device_that_says_it_is_a_power_device_is_found_too),
	ON_A_MACHINE(what_ups_conf_has_is_told_by_its_section),
	ON_A_MACHINE(hostile_devices_and_files_do_no_harm),
	cmocka_unit_test(words_of_files_are_read_as_nut_reads_them),
	cmocka_unit_test(a_section_is_changed_and_all_else_stays),
	cmocka_unit_test(a_line_takes_the_place_of_the_one_it_replaces),
	ON_A_MACHINE(the_upsd_of_this_machine_is_where_upsd_conf_says),
	cmocka_unit_test(services_are_read_out_of_systemctl),
	cmocka_unit_test(what_nut_scanner_finds_is_told))
