/* UPSes and NUT on this machine. */
#include "service/ups_host.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "driver/nut_host.h"
#include "model/ups.h"
#include "service/audit.h"
#include "service/event.h"

#define UPSD_UP_MS 20000
#define ASK_AGAIN_MS 500

/* One at a time: two that restart at once would meet half-started services, and each that scans
 * holds a thread of the pool. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static struct err *begin(void)
{
	return pthread_mutex_trylock(&one_at_a_time) == 0
		? NULL
		: err_new(ERR_LOCKED, "another scan or restart is running on this machine");
}

static void end(void)
{
	pthread_mutex_unlock(&one_at_a_time);
}

/* ---- tasks ---- */

struct err *ups_host_services(const json_t *input, json_t **ret_output)
{
	(void)input;
	*ret_output = nut_host_services(&nut_host_here);
	return NULL;
}

/* After a restart upsd needs a moment before it answers. */
static json_t *services_when_up(void)
{
	int64_t until = clock_mono(&clock_system) + UPSD_UP_MS;

	for (;;) {
		json_t *services = nut_host_services(&nut_host_here);
		const json_t *upsd = json_object_get(services, "upsd");
		if (json_is_true(json_object_get(upsd, "answers")) ||
			clock_mono(&clock_system) >= until)
			return services;
		json_decref(services);
		(void)poll(NULL, 0, ASK_AGAIN_MS);
	}
}

struct err *ups_host_restart(const json_t *input, json_t **ret_output)
{
	(void)input;
	TRY(begin());
	struct err *e = nut_host_restart();
	if (e == NULL)
		*ret_output = services_when_up();
	end();
	return e;
}

/* What could not be asked is told beside what was found. */
static void note(json_t *problems, struct err *take_err)
{
	const char *hint = take_err != NULL ? err_hint_text(take_err) : NULL;

	if (take_err != NULL) {
		cleanup(mem_freep) char *text = mem_printf("%s%s%s%s", err_message(take_err),
			hint != NULL ? " (try: " : "", hint != NULL ? hint : "",
			hint != NULL ? ")" : "");
		json_array_append_new(problems, json_string(text));
	}
	err_free(take_err);
}

static void scan_here(json_t *items, json_t *problems)
{
	cleanup(mem_freep) char *address = NULL;
	int64_t port = 0;
	json_t *usb = nut_host_usb(&nut_host_here);

	json_array_extend(items, usb);
	json_decref(usb);
	nut_host_listen(&nut_host_here, &address, &port);
	note(problems, nut_host_served(address, port, items));
}

struct err *ups_host_scan(const json_t *input, json_t **ret_output)
{
	const char *host = json_string_value(json_object_get(input, "host"));
	const char *network = json_string_value(json_object_get(input, "network"));
	int64_t port = json_integer_value(json_object_get(input, "port"));
	json_t *items = json_array();
	json_t *problems = json_array();

	TRY(begin());
	scan_here(items, problems);
	if (host != NULL)
		note(problems, nut_host_served(host, port, items));
	if (network != NULL)
		note(problems, nut_host_network(network, items));
	end();
	*ret_output = json_pack("{s:o, s:o}", "items", items, "problems", problems);
	return NULL;
}

/* ---- what is known ---- */

static bool is_here(const char *host)
{
	static const char *const names[] = {"127.0.0.1", "::1", "localhost"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(host, names[i]) == 0)
			return true;
	return false;
}

static bool same_host(const char *a, const char *b)
{
	return strcmp(a, b) == 0 || (is_here(a) && is_here(b));
}

/* Whether a UPS of ours is read by this way: a upsd's name for it. A device on USB is known by its
 * section of this machine's ups.conf. */
static bool leads_to(const struct ups_device *ups, const json_t *item)
{
	const char *section = json_string_value(json_object_get(item, "section"));
	const char *host = json_string_value(json_object_get(item, "nut_host"));
	const char *name = json_string_value(json_object_get(item, "nut_name"));

	if (host == NULL)
		return section != NULL && is_here(ups->nut_host) &&
			strcmp(section, ups->nut_name) == 0;
	return same_host(ups->nut_host, host) && strcmp(ups->nut_name, name) == 0 &&
		ups->nut_port == json_integer_value(json_object_get(item, "nut_port"));
}

/* Whether a upsd of the list serves the section of this machine that a device has. */
static bool is_served(const json_t *items, const char *section)
{
	size_t i = 0;
	json_t *item = NULL;

	json_array_foreach(items, i, item) {
		const char *host = json_string_value(json_object_get(item, "nut_host"));
		if (host != NULL && is_here(host) &&
			strcmp(json_string_value(json_object_get(item, "nut_name")), section) == 0)
			return true;
	}
	return false;
}

/* What makes a found device a watched one. Owned. */
static char *next_step(const json_t *items, const json_t *item)
{
	const char *host = json_string_value(json_object_get(item, "nut_host"));
	const char *name = json_string_value(json_object_get(item, "nut_name"));
	const char *section = json_string_value(json_object_get(item, "section"));
	int64_t port = json_integer_value(json_object_get(item, "nut_port"));
	struct str text = STR_INIT;

	if (host != NULL) {
		str_addf(&text, "mko ups add --name ");
		str_add_shell(&text, name);
		str_addf(&text, " --nut-host %s", host);
		if (port != 3493)
			str_addf(&text, " --nut-port %lld", (long long)port);
		str_addf(&text, " --nut-name ");
		str_add_shell(&text, name);
		return str_take(&text);
	}
	if (section == NULL)
		return mem_strdup(
			"put it into ups.conf of this machine (see ups_conf), then mko ups restart");
	return mem_strdup(is_served(items, section)
			? "mko ups add (it is served here, see below)"
			: "mko ups restart: it is in ups.conf, and upsd does not serve it");
}

/* The section of ups.conf that makes NUT drive a device. Owned. */
static char *conf_of(const json_t *item)
{
	static const char *const keys[][2] = {{"driver", "driver"}, {"vendor_id", "vendorid"},
		{"product_id", "productid"}, {"serial", "serial"}};
	struct str text = STR_INIT;

	/* where it is plugged in: a name that no other device has */
	str_adds(&text, "[usb-");
	for (const char *p = json_string_value(json_object_get(item, "bus")); *p != '\0'; p++)
		str_addc(&text, (char)(*p == '.' ? '-' : *p));
	str_adds(&text, "]\n  port = auto\n");
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *value = json_string_value(json_object_get(item, keys[i][0]));
		if (value != NULL && strpbrk(value, "\"\\") == NULL)
			str_addf(&text, "  %s = \"%s\"\n", keys[i][1], value);
	}
	return str_take(&text);
}

static void link_item(const struct store_rows *rows, const json_t *items, json_t *item)
{
	const struct ups_device *known = NULL;

	for (size_t i = 0; known == NULL && i < rows->n; i++)
		if (leads_to(store_row(rows, i), item))
			known = store_row(rows, i);
	json_object_set_new(item, "ups_id", known != NULL ? json_integer(known->id) : json_null());
	json_object_set_new(item, "ups_name",
		known != NULL ? json_string(known->name) : json_null());
	cleanup(mem_freep) char *next = known == NULL ? next_step(items, item) : NULL;
	json_object_set_new(item, "next", next != NULL ? json_string(next) : json_null());
	if (json_object_get(item, "bus") != NULL &&
		!json_is_string(json_object_get(item, "section"))) {
		cleanup(mem_freep) char *conf = conf_of(item);
		json_object_set_new(item, "ups_conf", json_string(conf));
	}
}

struct err *ups_host_link(struct service *svc, json_t *output)
{
	struct store_query q = {0};
	struct store_rows rows = {0};
	json_t *items = json_object_get(output, "items");
	size_t i = 0;
	json_t *item = NULL;

	TRY(store_list(svc->store, &ups_device_type, &q, &rows));
	json_array_foreach(items, i, item)
		link_item(&rows, items, item);
	store_rows_done(&rows);
	return NULL;
}

struct err *ups_host_restarted(struct service *svc, const struct actor *who)
{
	TRY(audit_write(svc, who, "ups.restart", "nut", NULL, "ok"));
	return event_publish(svc, "ups", "services.restart", I64_NONE, json_object());
}
