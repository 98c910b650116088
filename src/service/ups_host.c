/* UPSes and NUT on this machine. */
#include "service/ups_host.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "driver/nut_host.h"
#include "driver/nut_setup.h"
#include "model/ups.h"
#include "service/audit.h"
#include "service/event.h"
#include "service/ups.h"

#define UPSD_UP_MS 20000
#define ASK_AGAIN_MS 500
#define DRIVER_UP_MS 45000

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

/* ---- configuring ---- */

/* The device of this bus; without one the only one that NUT does not drive, or drives by this name.
 */
static struct err *pick_device(const json_t *devices, const char *bus, const char *name,
	const json_t **ret_device)
{
	struct str seen = STR_INIT;
	size_t i = 0;
	size_t n = 0;
	json_t *device = NULL;

	json_array_foreach(devices, i, device) {
		const char *at = json_string_value(json_object_get(device, "bus"));
		const char *section = json_string_value(json_object_get(device, "section"));
		bool wanted = bus != NULL ? strcmp(at, bus) == 0
					  : section == NULL || strcmp(section, name) == 0;
		if (!wanted)
			continue;
		*ret_device = device;
		str_addf(&seen, "%s%s", n++ > 0 ? ", " : "", at);
	}
	cleanup(mem_freep) char *list = str_take(&seen);
	if (n == 1)
		return NULL;
	return n > 1
		? err_hint(err_new(ERR_PRECONDITION, "there are several UPSes on USB: at %s", list),
			  "--bus BUS")
		: bus != NULL
		? err_hint(err_new(ERR_NOT_FOUND, "there is no UPS on USB at %s", bus),
			  "mko ups scan")
		: err_hint(err_new(ERR_NOT_FOUND,
				   "there is no UPS on USB that NUT does not drive yet"),
			  "mko ups scan, or --driver DRIVER --port PORT");
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static struct err *choose(const json_t *input, const json_t *devices, struct nut_setup *ret)
{
	const json_t *device = NULL;

	*ret = (struct nut_setup){.name = text_of(input, "name"),
		.driver = text_of(input, "driver"),
		.port = text_of(input, "port"),
		.listen = text_of(input, "listen")};
	if (ret->driver == NULL) {
		TRY(pick_device(devices, text_of(input, "bus"), ret->name, &device));
		ret->driver = text_of(device, "driver");
		ret->vendor_id = text_of(device, "vendor_id");
		ret->product_id = text_of(device, "product_id");
		ret->serial = text_of(device, "serial");
	}
	if (ret->port == NULL)
		ret->port = "auto";
	return NULL;
}

/* Until the driver gives data: a UPS on USB needs up to half a minute. */
static struct err *wait_for_driver(const struct nut_setup *setup, const struct nut_plan *plan)
{
	int64_t until = clock_mono(&clock_system) + DRIVER_UP_MS;

	for (;;) {
		struct err *e = nut_setup_answers(setup->name, plan->host, plan->port);
		if (e == NULL || clock_mono(&clock_system) >= until)
			return e;
		err_ignore(e); /* not yet */
		(void)poll(NULL, 0, ASK_AGAIN_MS);
	}
}

static struct err *apply(const struct nut_setup *setup, struct nut_plan *plan)
{
	TRY(nut_setup_write(plan));
	struct err *e = nut_host_reload();
	if (e == NULL)
		e = wait_for_driver(setup, plan);
	if (e == NULL)
		return NULL;
	struct err *worse = nut_setup_undo(plan);
	if (worse == NULL) {
		err_ignore(nut_host_reload()); /* e says it already */
		return err_wrap(e, "the files are as before");
	}
	e = err_wrap(e, "the files could not be put back (%s)", err_message(worse));
	err_free(worse);
	return e;
}

static struct err *carry_out(const json_t *input, const struct nut_setup *setup,
	struct nut_plan *plan, bool *ret_applied)
{
	bool restart = json_is_true(json_object_get(input, "restart"));

	*ret_applied = false;
	if (json_is_true(json_object_get(input, "dry_run")))
		return NULL;
	if (restart && !nut_host_has_systemd())
		return err_hint(
			err_new(ERR_UNAVAILABLE,
				"no systemd runs on this machine, so NUT cannot be started anew"),
			"--no-restart, then start upsdrvctl and upsd by hand");
	TRY(restart ? apply(setup, plan) : nut_setup_write(plan));
	*ret_applied = true;
	return NULL;
}

static struct err *configure(const json_t *input, const json_t *devices, json_t **ret_output)
{
	struct nut_setup setup;
	struct nut_plan plan = {0};
	bool applied = false;

	TRY(choose(input, devices, &setup));
	struct err *e = nut_setup_plan(&nut_host_here, &setup, &plan);
	if (e == NULL)
		e = carry_out(input, &setup, &plan, &applied);
	if (e == NULL)
		*ret_output = json_pack("{s:s, s:b, s:o, s:s, s:I, s:s, s:s}", "name", setup.name,
			"applied", applied, "changes", nut_setup_diff(&plan), "nut_host", plan.host,
			"nut_port", (json_int_t)plan.port, "user", plan.user, "password",
			plan.password);
	nut_plan_done(&plan);
	return err_wrap(e, "configure UPS %s", setup.name);
}

struct err *ups_host_configure(const json_t *input, json_t **ret_output)
{
	TRY(begin());
	json_t *devices = nut_host_usb(&nut_host_here);
	struct err *e = configure(input, devices, ret_output);
	json_decref(devices);
	end();
	return e;
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
	/* what is served has a row of its own, which says how to add it */
	return is_served(items, section) ? NULL : mem_strdup("mko ups restart");
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

/* Our UPS for what was configured, or a new one. */
static struct err *take_in(struct service *svc, const struct actor *who, const json_t *output)
{
	const char *name = text_of(output, "name");
	json_t *item = json_pack("{s:O, s:O, s:O}", "nut_host", json_object_get(output, "nut_host"),
		"nut_port", json_object_get(output, "nut_port"), "nut_name",
		json_object_get(output, "name"));
	struct store_query q = {0};
	struct store_rows rows = {0};
	bool known = false;

	struct err *e = store_list(svc->store, &ups_device_type, &q, &rows);
	for (size_t i = 0; e == NULL && i < rows.n; i++)
		known = known || leads_to(store_row(&rows, i), item);
	store_rows_done(&rows);
	json_decref(item);
	if (e != NULL || known)
		return e;
	json_t *body = json_pack("{s:s, s:O, s:O, s:s, s:O, s:O}", "name", name, "nut_host",
		json_object_get(output, "nut_host"), "nut_port",
		json_object_get(output, "nut_port"), "nut_name", name, "nut_username",
		json_object_get(output, "user"), "nut_password",
		json_object_get(output, "password"));
	struct ups_device ups;
	e = ups_create(svc, who, body, &ups);
	json_decref(body);
	if (e == NULL)
		record_done(&ups_device_type, &ups);
	return e;
}

struct err *ups_host_configured(struct service *svc, const struct actor *who, json_t *output)
{
	struct err *e = NULL;

	if (json_is_true(json_object_get(output, "applied"))) {
		e = take_in(svc, who, output);
		if (e == NULL)
			e = audit_write(svc, who, "ups.configure", text_of(output, "name"),
				json_deep_copy(json_object_get(output, "changes")), "ok");
	}
	json_object_del(output, "password");
	json_object_del(output, "user");
	return err_hint(e, "NUT is configured; mko ups add");
}

struct err *ups_host_restarted(struct service *svc, const struct actor *who)
{
	TRY(audit_write(svc, who, "ups.restart", "nut", NULL, "ok"));
	return event_publish(svc, "ups", "services.restart", I64_NONE, json_object());
}
