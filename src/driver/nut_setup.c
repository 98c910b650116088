/* Configuring NUT on this machine. */
#include "driver/nut_setup.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/seal.h"
#include "driver/nut_conf.h"
#include "driver/tool.h"

#define CONF_MAX ((size_t)1 << 20)
#define NUT_USER "mko"
#define PASSWORD_LENGTH 32
#define MODE_NEW 0640
#define GROUP "nut"

/* ---- what each file must say; every function returns an owned text ---- */

static char *want_ups(const char *old, const struct nut_setup *setup, const struct nut_plan *plan)
{
	const char *const all[][2] = {
		{"driver", setup->driver},
		{"port", setup->port},
		{"vendorid", setup->vendor_id},
		{"productid", setup->product_id},
		{"serial", setup->serial},
		/* charge and runtime come with the full refresh: every 10 s, not every 30 */
		{"pollfreq", strcmp(setup->driver, "usbhid-ups") == 0 ? "10" : NULL},
	};
	const char *pairs[ARRAY_LEN(all)][2];
	size_t n = 0;

	(void)plan;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i][1] != NULL)
			memcpy(pairs[n++], all[i], sizeof(all[i]));
	return nut_conf_set(old, setup->name, (const char *const(*)[2])pairs, n);
}

static bool has_listen(const char *text, const char *address)
{
	json_t *rows = nut_conf_read(text);
	bool found = false;
	size_t i = 0;
	json_t *row = NULL;

	json_array_foreach(rows, i, row) {
		const char *key = json_string_value(json_array_get(row, 1));
		const char *value = json_string_value(json_array_get(row, 2));
		if (strcmp(key, "LISTEN") == 0 && value != NULL &&
			(address == NULL || strcmp(value, address) == 0))
			found = true;
	}
	json_decref(rows);
	return found;
}

/* A LISTEN line takes the place of upsd's default, which is loopback: both are written. */
static char *want_upsd(const char *old, const struct nut_setup *setup, const struct nut_plan *plan)
{
	bool here = has_listen(old, NULL);
	bool there = setup->listen == NULL || has_listen(old, setup->listen);
	struct str text = STR_INIT;

	(void)plan;
	str_adds(&text, old);
	if (text.len > 0 && old[text.len - 1] != '\n')
		str_addc(&text, '\n');
	if (!here)
		str_adds(&text, "LISTEN 127.0.0.1 3493\n");
	if (!there)
		str_addf(&text, "LISTEN %s 3493\n", setup->listen);
	return str_take(&text);
}

static char *want_users(const char *old, const struct nut_setup *setup, const struct nut_plan *plan)
{
	const char *const pairs[][2] = {{"password", plan->password}, {"upsmon", "primary"}};

	(void)setup;
	return nut_conf_set(old, NUT_USER, pairs, ARRAY_LEN(pairs));
}

/* upsmon is the last belt: it acts by itself at "low battery", also when mko is gone. The flag that
 * cuts the outlets must not outlive a boot (facts/nut.md 1.8). */
static char *want_upsmon(const char *old, const struct nut_setup *setup,
	const struct nut_plan *plan)
{
	cleanup(mem_freep) char *ups = mem_printf("%s@localhost", setup->name);
	cleanup(seal_wipe_freep) char *monitor =
		mem_printf("MONITOR %s 1 " NUT_USER " %s primary", ups, plan->password);
	cleanup(seal_wipe_freep) char *watched = nut_conf_put(old, "MONITOR", ups, monitor);
	json_t *rows = nut_conf_read(watched);
	cleanup(seal_wipe_freep) char *flagged =
		nut_conf_put(watched, "POWERDOWNFLAG", NULL, "POWERDOWNFLAG /run/nut/killpower");
	char *whole = nut_conf_get(rows, "", "SHUTDOWNCMD") != NULL
		? mem_strdup(flagged)
		: nut_conf_put(flagged, "SHUTDOWNCMD", NULL,
			  "SHUTDOWNCMD \"/sbin/shutdown -h +0\"");

	json_decref(rows);
	return whole;
}

/* A shell reads this file as root: only fixed words. A server of others stays one. */
static char *want_nut(const char *old, const struct nut_setup *setup, const struct nut_plan *plan)
{
	json_t *rows = nut_conf_read(old);
	const char *mode = nut_conf_get(rows, "", "MODE");
	bool netserver = setup->listen != NULL || (mode != NULL && strcmp(mode, "netserver") == 0);

	(void)plan;
	json_decref(rows);
	return nut_conf_put(old, "MODE", NULL, netserver ? "MODE=netserver" : "MODE=standalone");
}

static const struct {
	const char *file;
	char *(*want)(const char *old, const struct nut_setup *, const struct nut_plan *);
} files[NUT_SETUP_FILES] = {
	/* what others need comes first; ups.conf last, because systemd starts drivers when it
	   changes */
	{"upsd.users", want_users},
	{"upsd.conf", want_upsd},
	{"upsmon.conf", want_upsmon},
	{"nut.conf", want_nut},
	{"ups.conf", want_ups},
};

/* ---- the plan ---- */

static gid_t group_of_nut(void)
{
	struct group group;
	struct group *found = NULL;
	char buf[4096];

	return getgrnam_r(GROUP, &group, buf, sizeof(buf), &found) == 0 && found != NULL
		? group.gr_gid
		: (gid_t)-1;
}

/* The file as it is, with its owner and rights; a new one gets those that Debian gives. */
static struct err *load(const struct nut_host *host, const char *file, struct nut_change *change)
{
	struct stat st;

	*change = (struct nut_change){.file = file, .path = fs_join(host->conf_dir, file)};
	struct err *e = fs_read(change->path, CONF_MAX, &change->old, NULL);
	if (e != NULL && err_code(e) != ERR_NOT_FOUND)
		return err_hint(e, "run it as root: the files of NUT are root's");
	err_free(e);
	if (change->old != NULL && stat(change->path, &st) == 0)
		change->owner = (struct fs_owner){.mode = st.st_mode & 0777,
			.uid = st.st_uid,
			.gid = st.st_gid};
	else
		change->owner = (struct fs_owner){.mode = MODE_NEW,
			.uid = (uid_t)-1,
			.gid = group_of_nut()};
	return NULL;
}

static void change_done(struct nut_change *change)
{
	mem_free(change->path);
	seal_wipe_free(change->old);
	seal_wipe_free(change->wanted);
	mem_free(change->backup);
	*change = (struct nut_change){0};
}

/* The password of our user in upsd, or a new one: letters and digits only, because stock clients
 * do not quote (facts/nut.md 1.8). Owned. */
static char *find_password(const struct nut_host *host)
{
	cleanup(mem_freep) char *path = fs_join(host->conf_dir, "upsd.users");
	cleanup(seal_wipe_freep) char *text = NULL;

	err_ignore(fs_read(path, CONF_MAX, &text, NULL)); /* then load() tells */
	json_t *rows = nut_conf_read(text != NULL ? text : "");
	const char *found = nut_conf_get(rows, NUT_USER, "password");
	char *password = found != NULL && *found != '\0' ? mem_strdup(found)
							 : rand_text(PASSWORD_LENGTH);
	json_decref(rows);
	return password;
}

struct err *nut_setup_plan(const struct nut_host *host, const struct nut_setup *setup,
	struct nut_plan *ret)
{
	ret->user = mem_strdup(NUT_USER);
	ret->password = find_password(host);
	nut_host_listen(host, &ret->host, &ret->port);
	for (size_t i = 0; i < NUT_SETUP_FILES; i++) {
		struct nut_change *change = &ret->changes[ret->n];
		struct err *e = load(host, files[i].file, change);
		if (e != NULL) {
			change_done(change);
			return e;
		}
		change->wanted = files[i].want(change->old != NULL ? change->old : "", setup, ret);
		if (change->old != NULL && strcmp(change->old, change->wanted) == 0)
			change_done(change);
		else
			ret->n++;
	}
	return NULL;
}

void nut_plan_done(struct nut_plan *plan)
{
	for (size_t i = 0; i < plan->n; i++)
		change_done(&plan->changes[i]);
	mem_free(plan->host);
	mem_free(plan->user);
	seal_wipe_free(plan->password);
	*plan = (struct nut_plan){0};
}

/* ---- the diff ---- */

/* One line with what is secret in it masked. */
static void add_masked(struct str *out, const char *line, size_t n)
{
	cleanup(seal_wipe_freep) char *copy = mem_strndup(line, n);
	json_t *rows = nut_conf_read(copy);
	const json_t *row = json_array_get(rows, 0);
	const char *key = json_string_value(json_array_get(row, 1));

	if (key != NULL && strcmp(key, "password") == 0)
		str_adds(out, "  password = ********");
	else if (key != NULL && strcmp(key, "MONITOR") == 0)
		str_addf(out, "MONITOR %s %s %s ******** %s",
			json_string_value(json_array_get(row, 2)),
			json_string_value(json_array_get(row, 3)),
			json_string_value(json_array_get(row, 4)),
			json_string_value(json_array_get(row, 6)));
	else
		str_adds(out, copy);
	json_decref(rows);
}

static char *masked(const char *text)
{
	struct str out = STR_INIT;

	for (const char *p = text; *p != '\0';) {
		size_t n = strcspn(p, "\n");
		add_masked(&out, p, n);
		p += n;
		if (*p == '\n')
			str_addc(&out, *p++);
	}
	return str_take(&out);
}

/* diff -U1 of two texts, by way of two files in a folder of our own. Owned; says so when it cannot
 * be made. */
static char *diff_of(const struct nut_change *change, const char *dir)
{
	cleanup(mem_freep) char *before = fs_join(dir, "old");
	cleanup(mem_freep) char *after = fs_join(dir, "new");
	cleanup(mem_freep) char *old = masked(change->old != NULL ? change->old : "");
	cleanup(mem_freep) char *wanted = masked(change->wanted);
	const char *const argv[] = {"diff", "-U1", "--label", change->path, "--label", change->path,
		"--", before, after, NULL};
	struct tool_result result = {0};

	struct err *e = fs_write_atomic(before, old, strlen(old), 0600);
	if (e == NULL)
		e = fs_write_atomic(after, wanted, strlen(wanted), 0600);
	if (e == NULL)
		e = tool_run(argv, 5000, CONF_MAX, &result);
	char *text = e == NULL ? str_take(&result.out) : mem_strdup(err_message(e));
	err_free(e);
	tool_result_done(&result);
	return text != NULL ? text : mem_strdup("");
}

json_t *nut_setup_diff(const struct nut_plan *plan)
{
	char dir[] = "/tmp/mko-diff-XXXXXX";
	json_t *list = json_array();
	bool made = mkdtemp(dir) != NULL;

	for (size_t i = 0; i < plan->n; i++) {
		const struct nut_change *change = &plan->changes[i];
		cleanup(mem_freep) char *diff = made ? diff_of(change, dir)
						     : mem_strdup("no folder for the comparison");
		json_array_append_new(list,
			json_pack("{s:s, s:s, s:s?}", "file", change->path, "diff", diff, "backup",
				change->backup));
	}
	if (made)
		err_ignore(fs_remove_tree(dir)); /* only masked texts are in it */
	return list;
}

/* ---- writing ---- */

static struct err *keep_copy(struct nut_change *change)
{
	char stamp[CLOCK_TEXT_SIZE];

	if (change->old == NULL)
		return NULL;
	clock_format(clock_utc(&clock_system), stamp);
	change->backup = mem_printf("%s.mko-%s", change->path, stamp);
	return fs_write_atomic_as(change->backup, change->old, strlen(change->old), &change->owner);
}

static struct err *put_back(const struct nut_change *change)
{
	if (change->old != NULL)
		return fs_write_atomic_as(change->path, change->old, strlen(change->old),
			&change->owner);
	return unlink(change->path) == 0 || errno == ENOENT
		? NULL
		: err_errno(errno, "remove %s", change->path);
}

static struct err *undo_first(const struct nut_plan *plan, size_t n)
{
	struct err *first = NULL;

	while (n-- > 0) {
		struct err *e = put_back(&plan->changes[n]);
		if (first == NULL)
			first = e;
		else
			err_ignore(e); /* the first one is told, the others are of the same kind */
	}
	return first;
}

struct err *nut_setup_write(struct nut_plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		struct nut_change *change = &plan->changes[i];
		struct err *e = keep_copy(change);
		if (e == NULL)
			e = fs_write_atomic_as(change->path, change->wanted, strlen(change->wanted),
				&change->owner);
		if (e == NULL)
			continue;
		struct err *worse = undo_first(plan, i);
		if (worse != NULL)
			e = err_wrap(e, "%s; and then", err_message(worse));
		err_free(worse);
		return err_hint(e, "run it as root: the files of NUT are root's");
	}
	return NULL;
}

struct err *nut_setup_undo(const struct nut_plan *plan)
{
	return undo_first(plan, plan->n);
}

/* ---- does it drive? ---- */

struct err *nut_setup_answers(const char *name, const char *host, int64_t port)
{
	cleanup(mem_freep) char *at =
		mem_printf(strchr(host, ':') != NULL ? "%s@[%s]:%lld" : "%s@%s:%lld", name, host,
			(long long)port);
	const char *const argv[] = {"upsc", at, "ups.status", NULL};
	struct tool_result result = {0};

	struct err *e = tool_run(argv, 5000, 4096, &result);
	if (e == NULL &&
		(result.timed_out || result.status != 0 ||
			strstr(str_get(&result.out), "WAIT") != NULL))
		e = err_new(ERR_UNREACHABLE, "upsd gives no data of %s: %s", name,
			result.timed_out ? "no answer within 5 s" : str_get(&result.out));
	tool_result_done(&result);
	return e;
}
