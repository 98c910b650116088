/* NUT's services and what upsd serves. What hangs on USB: nut_usb.c. */
#include "driver/nut_host.h"

#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/parse.h"
#include "driver/nut_conf.h"
#include "driver/tool.h"

#define CONF_MAX ((size_t)1 << 20)
#define OUTPUT_MAX ((size_t)256 << 10)
#define NUT_PORT 3493

const struct nut_host nut_host_here = {.sys_dir = "/sys",
	.conf_dir = "/etc/nut",
	.udev_rules = "/lib/udev/rules.d/62-nut-usbups.rules"};

/* ---- files ---- */

/* The rows of a file of NUT; empty when it is not there or cannot be read. *ret_why: owned text of
 * what is wrong, NULL = nothing. */
static json_t *conf_rows(const struct nut_host *host, const char *file, char **ret_why)
{
	cleanup(mem_freep) char *path = fs_join(host->conf_dir, file);
	cleanup(mem_freep) char *text = NULL;
	struct err *e = fs_read(path, CONF_MAX, &text, NULL);

	*ret_why = NULL;
	if (e == NULL)
		return nut_conf_read(text);
	if (err_code(e) != ERR_NOT_FOUND)
		*ret_why = mem_strdup(err_message(e));
	err_free(e);
	return json_array();
}

/* An address to connect to, for one to listen on. */
static const char *reachable(const char *address)
{
	static const char *const any[][2] = {{"0.0.0.0", "127.0.0.1"}, {"*", "127.0.0.1"},
		{"::", "::1"}};

	for (size_t i = 0; i < ARRAY_LEN(any); i++)
		if (strcmp(address, any[i][0]) == 0)
			return any[i][1];
	return address;
}

/* Returns false, and changes nothing, when the text is no port. */
static bool read_port(const char *text, int64_t *ret_port)
{
	struct err *e = parse_i64(text, 1, 65535, ret_port);
	bool good = e == NULL;

	err_free(e);
	return good;
}

void nut_host_listen(const struct nut_host *host, char **ret_host, int64_t *ret_port)
{
	cleanup(mem_freep) char *why = NULL;
	json_t *rows = conf_rows(host, "upsd.conf", &why);
	size_t i = 0;
	json_t *row = NULL;

	*ret_host = mem_strdup("127.0.0.1");
	*ret_port = NUT_PORT;
	json_array_foreach(rows, i, row) {
		const char *key = json_string_value(json_array_get(row, 1));
		const char *address = json_string_value(json_array_get(row, 2));
		const char *port = json_string_value(json_array_get(row, 3));
		if (strcmp(key, "LISTEN") != 0 || address == NULL || strlen(address) > 253)
			continue;
		mem_free(*ret_host);
		*ret_host = mem_strdup(reachable(address));
		if (port != NULL)
			(void)read_port(port, ret_port);
		break;
	}
	json_decref(rows);
}

/* ---- what a upsd serves ---- */

static void take_served(const char *line, const char *host, int64_t port, json_t *list)
{
	const char *colon = strstr(line, ": ");
	size_t n = colon != NULL ? (size_t)(colon - line) : strlen(line);
	cleanup(mem_freep) char *name = mem_strndup(line, n);
	json_t *item = n > 0 && strpbrk(name, " \t") == NULL
		? json_pack("{s:s, s:s, s:I, s:s, s:s*}", "kind", "upsd", "nut_host", host,
			  "nut_port", (json_int_t)port, "nut_name", name, "description",
			  colon != NULL ? colon + 2 : NULL)
		: NULL;

	if (item != NULL) /* NULL also for what is no UTF-8 */
		json_array_append_new(list, item);
}

/* Call fn for each line. */
static void each_line(const char *text, void (*fn)(const char *line, void *user), void *user)
{
	for (const char *p = text; *p != '\0';) {
		size_t n = strcspn(p, "\n");
		cleanup(mem_freep) char *line = mem_strndup(p, n);
		fn(line, user);
		p += n + (p[n] == '\n');
	}
}

struct served {
	const char *host;
	int64_t port;
	json_t *list;
};

static void served_line(const char *line, void *user)
{
	const struct served *served = user;

	if (strncmp(line, "Init SSL", 8) != 0) /* libupsclient speaks on stderr */
		take_served(line, served->host, served->port, served->list);
}

/* The last line of what a program said, for an error. Owned. */
static char *last_line(const char *text)
{
	size_t n = strlen(text);

	while (n > 0 && text[n - 1] == '\n')
		n--;
	size_t start = n;
	while (start > 0 && text[start - 1] != '\n')
		start--;
	return mem_strndup(text + start, n - start);
}

struct err *nut_host_served(const char *host, int64_t port, json_t *list)
{
	cleanup(mem_freep) char *at = strchr(host, ':') != NULL
		? mem_printf("[%s]:%lld", host, (long long)port)
		: mem_printf("%s:%lld", host, (long long)port);
	const char *const argv[] = {"upsc", "-L", at, NULL};
	struct served served = {.host = host, .port = port, .list = list};
	struct tool_result result = {0};
	struct err *e =
		err_hint(tool_run(argv, 5000, OUTPUT_MAX, &result), "apt-get install nut-client");

	if (e == NULL && result.timed_out)
		e = err_new(ERR_UNREACHABLE, "upsd at %s does not answer within 5 s", at);
	if (e == NULL && result.status != 0) {
		cleanup(mem_freep) char *why = last_line(str_get(&result.out));
		e = err_new(ERR_UNREACHABLE, "upsd at %s: %s", at, why);
	}
	if (e == NULL)
		each_line(str_get(&result.out), served_line, &served);
	tool_result_done(&result);
	return e;
}

/* NUT:driver="nutclient",port="ups@192.0.2.10:3493" */
static void scanned_line(const char *line, void *user)
{
	const char *port = strncmp(line, "NUT:", 4) == 0 ? strstr(line, "port=\"") : NULL;
	size_t n = port != NULL ? strcspn(port + 6, "\"") : 0;
	cleanup(mem_freep) char *where = mem_strndup(port != NULL ? port + 6 : "", n);
	char *at = strchr(where, '@');
	int64_t number = NUT_PORT;

	if (at == NULL || at == where || at[1] == '\0')
		return;
	*at++ = '\0';
	char *colon = strrchr(at, ':');
	if (colon != NULL && strchr(at, ':') == colon && read_port(colon + 1, &number))
		*colon = '\0';
	take_served(where, at, number, user);
}

void nut_host_scanned(const char *text, json_t *list)
{
	each_line(text, scanned_line, list);
}

struct err *nut_host_network(const char *cidr, json_t *list)
{
	const char *const argv[] = {"nut-scanner", "-q", "-P", "-O", "-t", "2", "-T", "64", "-m",
		cidr, NULL};
	struct tool_result result = {0};
	struct err *e =
		err_hint(tool_run(argv, 60000, OUTPUT_MAX, &result), "apt-get install nut-client");

	if (e == NULL && result.timed_out)
		e = err_hint(err_new(ERR_TIMEOUT,
				     "nut-scanner looked at %s for 60 s without an end", cidr),
			"a smaller network, for example a /24");
	if (e == NULL)
		nut_host_scanned(str_get(&result.out), list);
	tool_result_done(&result);
	return e;
}

/* ---- services ---- */

/* Property of systemd and key of ours. */
static const char *const unit_keys[][2] = {
	{"Id", "name"},
	{"Description", "description"},
	{"ActiveState", "state"},
	{"SubState", "sub"},
	{"UnitFileState", "enabled"},
};

struct units {
	json_t *list, *unit;
	bool loaded;
};

static void unit_end(struct units *u)
{
	if (u->loaded && json_object_get(u->unit, "name") != NULL)
		json_array_append(u->list, u->unit);
	json_decref(u->unit);
	u->unit = json_object();
	u->loaded = false;
}

static void unit_line(const char *line, void *user)
{
	struct units *u = user;
	const char *equals = strchr(line, '=');

	if (equals == NULL) {
		unit_end(u);
		return;
	}
	if (strcmp(line, "LoadState=loaded") == 0)
		u->loaded = true;
	for (size_t i = 0; i < ARRAY_LEN(unit_keys); i++)
		if (strncmp(line, unit_keys[i][0], (size_t)(equals - line)) == 0 &&
			unit_keys[i][0][equals - line] == '\0' && equals[1] != '\0')
			json_object_set_new(u->unit, unit_keys[i][1], json_string(equals + 1));
}

json_t *nut_host_units(const char *text)
{
	struct units u = {.list = json_array(), .unit = json_object()};

	each_line(text, unit_line, &u);
	unit_end(&u);
	json_decref(u.unit);
	return u.list;
}

bool nut_host_has_systemd(void)
{
	return access("/run/systemd/system", F_OK) == 0; /* sd_booted(3) */
}

static json_t *read_units(json_t *problems)
{
	static const char *const argv[] = {"systemctl", "show", "--no-pager",
		"--property=Id,Description,LoadState,ActiveState,SubState,UnitFileState", "--",
		"nut-server.service", "nut-monitor.service", "nut-driver-enumerator.service",
		"nut-driver-enumerator.path", "nut-driver.service", "nut-driver@*.service", NULL};
	struct tool_result result = {0};
	struct err *e = tool_run(argv, 5000, OUTPUT_MAX, &result);
	json_t *units = NULL;

	if (e == NULL && (result.timed_out || result.status != 0))
		e = err_new(ERR_UNAVAILABLE, "systemctl: %s",
			result.timed_out ? "no answer within 5 s" : str_get(&result.out));
	if (e == NULL)
		units = nut_host_units(str_get(&result.out));
	else
		json_array_append_new(problems, json_string(err_message(e)));
	err_free(e);
	tool_result_done(&result);
	return units != NULL ? units : json_array();
}

static bool is_installed(void)
{
	static const char *const paths[] = {"/lib/nut/upsd", "/usr/lib/nut/upsd", "/sbin/upsd",
		"/usr/sbin/upsd", "/usr/libexec/nut/upsd"};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (access(paths[i], X_OK) == 0)
			return true;
	return false;
}

static void add_problem(json_t *problems, const char *text)
{
	if (text != NULL)
		json_array_append_new(problems, json_string(text));
}

/* With MODE=none the wrappers of upsd and upsmon end at once with success: systemd is content and
 * nothing runs. */
static json_t *read_mode(const struct nut_host *host, json_t *problems)
{
	cleanup(mem_freep) char *why = NULL;
	json_t *rows = conf_rows(host, "nut.conf", &why);
	const char *mode = nut_conf_get(rows, "", "MODE");
	json_t *text = mode != NULL ? json_string(mode) : json_null();

	add_problem(problems, why);
	if (mode != NULL && strcmp(mode, "none") == 0)
		add_problem(problems,
			"MODE=none in nut.conf: NUT's services end at once, and nothing watches a UPS of this machine");
	json_decref(rows);
	return text;
}

static json_t *ask_upsd(const struct nut_host *host, json_t *problems)
{
	cleanup(mem_freep) char *address = NULL;
	int64_t port = 0;
	json_t *served = json_array();

	nut_host_listen(host, &address, &port);
	struct err *e = nut_host_served(address, port, served);
	json_t *upsd = json_pack("{s:s, s:I, s:b, s:I}", "host", address, "port", (json_int_t)port,
		"answers", e == NULL, "ups_count", (json_int_t)json_array_size(served));
	if (e != NULL)
		add_problem(problems, err_message(e));
	err_free(e);
	json_decref(served);
	return upsd;
}

json_t *nut_host_services(const struct nut_host *host)
{
	bool systemd = nut_host_has_systemd();
	bool installed = is_installed();
	json_t *problems = json_array();
	json_t *mode = read_mode(host, problems);
	json_t *units = systemd ? read_units(problems) : json_array();
	json_t *upsd = ask_upsd(host, problems);

	if (!installed)
		add_problem(problems, "NUT is not installed on this machine");
	return json_pack("{s:b, s:o, s:s?, s:o, s:o, s:o}", "installed", installed, "mode", mode,
		"manager", systemd ? "systemd" : NULL, "upsd", upsd, "items", units, "problems",
		problems);
}

/* systemctl with sudo where we are not root. */
static struct err *systemctl_restart(const char *unit)
{
	const char *const with_sudo[] = {"sudo", "-n", "systemctl", "restart", "--", unit, NULL};
	const char *const *argv = geteuid() == 0 ? with_sudo + 2 : with_sudo;
	struct tool_result result = {0};
	struct err *e = tool_run(argv, 30000, OUTPUT_MAX, &result);

	if (e == NULL && (result.timed_out || result.status != 0)) {
		cleanup(mem_freep) char *why = last_line(str_get(&result.out));
		bool refused = geteuid() != 0 && strncmp(why, "sudo:", 5) == 0;
		e = err_new(refused ? ERR_FORBIDDEN : ERR_UNAVAILABLE, "%s",
			result.timed_out ? "no end within 30 s" : why);
		e = refused ? err_hint(e, "sudo mko system setup-privileges")
			    : err_hint(e, "systemctl status %s", unit);
	}
	tool_result_done(&result);
	return err_wrap(e, "restart %s", unit);
}

const struct nut_restart nut_host_restarts[] = {
	{"nut-server.service", "nut-server.service", "upsd, which answers for the UPSes"},
	{"nut-driver.target", "nut-driver@", "the drivers, one for each UPS"},
	{"nut-driver.service", "nut-driver.service", "the drivers, with an older NUT"},
	{"nut-monitor.service", "nut-monitor.service", "upsmon"},
	{NULL, NULL, NULL},
};

static bool has_unit(const json_t *units, const char *prefix)
{
	size_t i;
	const json_t *unit;

	json_array_foreach(units, i, unit) {
		const char *name = json_string_value(json_object_get(unit, "name"));
		if (strncmp(name, prefix, strlen(prefix)) == 0)
			return true;
	}
	return false;
}

/* What is there, in order. */
static struct err *restart_all(const json_t *units)
{
	for (const struct nut_restart *r = nut_host_restarts; r->unit != NULL; r++)
		if (has_unit(units, r->when))
			TRY(systemctl_restart(r->unit));
	return NULL;
}

static struct err *restart_units(const json_t *units, const json_t *problems)
{
	if (json_array_size(problems) > 0)
		return err_new(ERR_UNAVAILABLE, "%s",
			json_string_value(json_array_get(problems, 0)));
	if (json_array_size(units) == 0)
		return err_hint(err_new(ERR_NOT_FOUND, "NUT has no services on this machine"),
			"apt-get install nut-server nut-client");
	return restart_all(units);
}

struct err *nut_host_restart(void)
{
	if (!nut_host_has_systemd())
		return err_hint(
			err_new(ERR_UNAVAILABLE,
				"no systemd runs on this machine, which would know NUT's services"),
			"upsd -c stop; upsd; upsdrvctl stop; upsdrvctl start");
	json_t *problems = json_array();
	json_t *units = read_units(problems);
	struct err *e = restart_units(units, problems);

	json_decref(units);
	json_decref(problems);
	return e;
}

struct err *nut_host_reload(void)
{
	if (nut_host_has_systemd())
		TRY(systemctl_restart("nut-driver-enumerator.service"));
	return nut_host_restart();
}
