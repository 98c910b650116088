/* Owns what is said of networks: ip, and /sys/class/net. */
#include <string.h>

#include "base/mem.h"
#include "hardware/report_int.h"

/* Of pods and containers: there are hundreds, and they are no hardware. */
static bool is_passing(const char *name)
{
	static const char *const begins[] = {"lo", "veth", "cali", "cni", "flannel", "vxlan.",
		"docker", "br-", "ifb", "tunl", "kube-", "dummy"};

	for (size_t i = 0; i < ARRAY_LEN(begins); i++)
		if (strncmp(name, begins[i], strlen(begins[i])) == 0)
			return true;
	return false;
}

static json_t *addresses_of(const json_t *told)
{
	json_t *list = json_array();
	const json_t *one = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(told, "addr_info"), i, one) {
		const char *local = json_string_value(json_object_get(one, "local"));
		json_t *address = json_object();
		if (local != NULL) {
			set_told(address, "address", json_object_get(one, "local"));
			set_told_number(address, "prefix", json_object_get(one, "prefixlen"));
			json_array_append(list, address);
		}
		json_decref(address);
	}
	return list;
}

static void take_counters(json_t *to, const json_t *told)
{
	static const struct {
		const char *direction, *field, *key;
	} rows[] = {
		{"rx", "bytes", "rx_bytes"},
		{"tx", "bytes", "tx_bytes"},
		{"rx", "errors", "rx_errors"},
		{"tx", "errors", "tx_errors"},
		{"rx", "dropped", "rx_dropped"},
	};
	const json_t *stats = json_object_get(told, "stats64");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		set_told_number(to, rows[i].key,
			json_object_get(json_object_get(stats, rows[i].direction), rows[i].field));
}

void read_ip(struct piece text, struct piece argument, json_t *report)
{
	json_t *told = piece_load(text);
	const json_t *one = NULL;
	size_t i = 0;

	(void)argument;
	json_array_foreach(told, i, one) {
		const char *name = json_string_value(json_object_get(one, "ifname"));
		if (name == NULL || is_passing(name))
			continue;
		json_t *to = json_object();
		set_told(to, "name", json_object_get(one, "ifname"));
		set_told(to, "mac", json_object_get(one, "address"));
		set_told(to, "state", json_object_get(one, "operstate"));
		set_told(to, "master", json_object_get(one, "master"));
		set_told(to, "kind",
			json_object_get(json_object_get(one, "linkinfo"), "info_kind"));
		set_told_number(to, "mtu", json_object_get(one, "mtu"));
		json_object_set_new(to, "addresses", addresses_of(one));
		take_counters(to, one);
		json_array_append_new(report_list(report, "network"), to);
	}
	json_decref(told);
}

static json_t *find_card(json_t *report, struct piece name)
{
	json_t *card = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(report, "network"), i, card) {
		const char *known = json_string_value(json_object_get(card, "name"));
		if (known != NULL && piece_is(name, known))
			return card;
	}
	return NULL;
}

/* The word behind "DRIVER=". */
static void take_driver(json_t *card, struct piece uevent)
{
	struct piece word;

	while (piece_word(&uevent, &word))
		if (piece_begins(word, "DRIVER="))
			set_piece(card, "driver", (struct piece){word.at + 7, word.len - 7});
}

void read_net(struct piece text, struct piece argument, json_t *report)
{
	struct piece line;
	struct piece name;
	struct piece file;
	struct piece value;

	(void)argument;
	while (piece_line(&text, &line)) {
		json_t *card = NULL;
		if (piece_sysfs(line, 2, &name, &file, &value) && piece_is(file, "uevent")) {
			card = find_card(report, name);
			if (card != NULL)
				take_driver(card, value);
			continue;
		}
		if (!piece_sysfs(line, 1, &name, &file, &value) ||
			(card = find_card(report, name)) == NULL)
			continue;
		if (piece_is(file, "speed") && piece_number(value) > 0)
			set_number(card, "speed_mbps", piece_number(value));
		if (piece_is(file, "duplex"))
			set_piece(card, "duplex", value);
	}
}
