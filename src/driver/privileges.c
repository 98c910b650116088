/* Owns the file /etc/sudoers.d/mko. A line of it names a program and all of its arguments, so that
 * nothing else can be reached with it: no wildcard, no editor, no pager, no file to write to. */
#include "driver/privileges.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "driver/nut_host.h"
#include "driver/tool.h"

#define FOLDER "/etc/sudoers.d"
#define FILE_NAME FOLDER "/mko"
#define SYSTEMCTL "/usr/bin/systemctl"
#define TOOL_MS 10000
#define OUTPUT_MAX 16384

/* ---- the text ---- */

static char *command_text(const struct nut_restart *r)
{
	return mem_printf(SYSTEMCTL " restart -- %s", r->unit);
}

char *privileges_text(const char *account)
{
	struct str s = STR_INIT;

	str_addf(&s,
		"# Made by `mko system setup-privileges`: what mko may do as root on this machine. Everything else it does\n"
		"# as %s. Removed by `mko system setup-privileges --remove`.\n",
		account);
	for (const struct nut_restart *r = nut_host_restarts; r->unit != NULL; r++) {
		cleanup(mem_freep) char *command = command_text(r);
		str_addf(&s, "\n# mko ups restart: %s\n%s ALL=(root) NOPASSWD: %s\n", r->what,
			account, command);
	}
	return str_take(&s);
}

static json_t *items_json(void)
{
	json_t *items = json_array();

	for (const struct nut_restart *r = nut_host_restarts; r->unit != NULL; r++) {
		cleanup(mem_freep) char *command = command_text(r);
		json_array_append_new(items,
			json_pack("{s:s, s:s}", "command", command, "why", r->what));
	}
	return items;
}

/* ---- tools ---- */

/* What a program said, as one line. Owned. */
static char *one_line(const char *text)
{
	char *line = mem_strdup(text);
	size_t n = strlen(line);

	while (n > 0 && line[n - 1] == '\n')
		line[--n] = '\0';
	for (char *p = line; (p = strchr(p, '\n')) != NULL;)
		*p = ' ';
	return line;
}

/* Run a program that must succeed; what it says is the reason when it does not. */
static struct err *run(const char *const *argv)
{
	struct tool_result result = {0};
	struct err *e = tool_run(argv, TOOL_MS, OUTPUT_MAX, &result);
	cleanup(mem_freep) char *said = one_line(result.out.len > 0 ? str_get(&result.out) : "");

	if (e == NULL && result.timed_out)
		e = err_new(ERR_TIMEOUT, "%s did not end within 10 s", argv[0]);
	else if (e == NULL && result.status != 0)
		e = err_new(ERR_FAILED, "%s failed: %s", argv[0], said);
	tool_result_done(&result);
	return e;
}

static struct err *need_root(void)
{
	return geteuid() == 0
		? NULL
		: err_hint(err_new(ERR_FORBIDDEN, "this changes the machine, and needs root"),
			  "sudo mko system setup-privileges, or see what it would write: mko system setup-privileges --print");
}

static struct err *need_sudo(void)
{
	struct stat st;

	return stat(FOLDER, &st) == 0 && S_ISDIR(st.st_mode)
		? NULL
		: err_hint(err_new(ERR_NOT_FOUND, "sudo is not installed: there is no %s", FOLDER),
			  "apt-get install sudo");
}

/* ---- the account ---- */

/* @ret_found whether there is one */
static struct err *find_account(const char *account, uid_t *ret_uid, bool *ret_found)
{
	char room[16384];
	struct passwd entry;
	struct passwd *found = NULL;
	int failed = getpwnam_r(account, &entry, room, sizeof(room), &found);

	*ret_found = found != NULL;
	if (found != NULL)
		*ret_uid = found->pw_uid;
	return failed != 0 && found == NULL && failed != ENOENT
		? err_errno(failed, "look up the account %s", account)
		: NULL;
}

static struct err *make_account(const char *account, bool *ret_created)
{
	const char *const argv[] = {"useradd", "--system", "--home-dir", "/var/lib/mko",
		"--no-create-home", "--shell", "/usr/sbin/nologin", "--comment",
		"MicroK8s Cluster Orchestrator", "--", account, NULL};
	uid_t uid = 0;
	bool found = false;

	TRY(find_account(account, &uid, &found));
	*ret_created = !found;
	if (found && uid == 0)
		return err_field(NULL, "user", "is root, who may do everything already");
	return found ? NULL : run(argv);
}

/* ---- the file ---- */

/* A private folder where nobody else can put a file under the same name. */
static struct err *check_text_of(const char *text)
{
	char folder[] = "/tmp/mko-sudoers-XXXXXX";

	if (mkdtemp(folder) == NULL)
		return err_errno(errno, "make a private folder in /tmp");
	cleanup(mem_freep) char *staged = fs_join(folder, "mko");
	const char *const argv[] = {"visudo", "-c", "-q", "-f", staged, NULL};
	struct err *e = fs_write_new(staged, text, strlen(text), 0440);
	if (e == NULL)
		e = run(argv);
	struct err *removed = fs_remove_tree(folder);
	if (e == NULL)
		return removed;
	err_free(removed);
	return e;
}

static bool is_there(const char *text)
{
	cleanup(mem_freep) char *have = NULL;
	struct stat st;

	if (lstat(FILE_NAME, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != 0 ||
		(st.st_mode & 07777) != 0440)
		return false;
	err_ignore(fs_read(FILE_NAME, OUTPUT_MAX, &have, NULL)); /* unreadable: written anew */
	return have != NULL && strcmp(have, text) == 0;
}

struct err *privileges_setup(const char *account, json_t **ret)
{
	static const struct fs_owner owner = {.mode = 0440, .uid = 0, .gid = 0};
	cleanup(mem_freep) char *text = privileges_text(account);
	bool created = false;

	TRY(need_root());
	TRY(need_sudo());
	TRY(check_text_of(text));
	TRY(make_account(account, &created));
	bool changed = !is_there(text);
	if (changed)
		TRY(fs_write_atomic_as(FILE_NAME, text, strlen(text), &owner));
	*ret = json_pack("{s:s, s:b, s:s, s:b, s:o}", "account", account, "account_created",
		created, "file", FILE_NAME, "changed", changed || created, "items", items_json());
	return NULL;
}

struct err *privileges_remove(json_t **ret)
{
	TRY(need_root());
	bool there = unlink(FILE_NAME) == 0;
	if (!there && errno != ENOENT)
		return err_errno(errno, "remove %s", FILE_NAME);
	*ret = json_pack("{s:s, s:b}", "file", FILE_NAME, "changed", there);
	return NULL;
}

/* ---- asking ---- */

/* `sudo -l COMMAND` runs nothing: it says whether it would. @ret_reason owned, NULL when it may */
static struct err *ask_sudo(const char *account, const char *unit, char **ret_reason)
{
	const char *const as_root[] = {"sudo", "-n", "-l", "-U", account, "--", SYSTEMCTL,
		"restart", "--", unit, NULL};
	const char *const as_self[] = {"sudo", "-n", "-l", "--", SYSTEMCTL, "restart", "--", unit,
		NULL};
	struct tool_result result = {0};

	TRY(tool_run(geteuid() == 0 ? as_root : as_self, TOOL_MS, OUTPUT_MAX, &result));
	if (result.timed_out)
		*ret_reason = mem_strdup("sudo gave no answer within 10 s");
	else if (result.status != 0)
		*ret_reason = result.out.len > 0 ? one_line(str_get(&result.out))
						 : mem_strdup("sudo does not allow it");
	tool_result_done(&result);
	return NULL;
}

static struct err *check_items(const char *account, json_t *items, json_int_t *ret_missing)
{
	size_t i = 0;

	for (const struct nut_restart *r = nut_host_restarts; r->unit != NULL; r++, i++) {
		cleanup(mem_freep) char *reason = NULL;
		TRY(ask_sudo(account, r->unit, &reason));
		json_t *item = json_array_get(items, i);
		json_object_set_new(item, "allowed", json_boolean(reason == NULL));
		json_object_set_new(item, "reason",
			reason != NULL ? json_string(reason) : json_null());
		*ret_missing += reason != NULL;
	}
	return NULL;
}

struct err *privileges_check(const char *account, json_t **ret)
{
	json_int_t missing = 0;
	uid_t uid = 0;
	bool found = false;

	TRY(need_sudo());
	TRY(find_account(account, &uid, &found));
	if (!found)
		return err_hint(err_new(ERR_NOT_FOUND, "there is no account %s on this machine",
					account),
			"sudo mko system setup-privileges --user %s", account);
	if (geteuid() != 0 && geteuid() != uid)
		return err_hint(err_new(ERR_FORBIDDEN,
					"only root and %s itself may ask sudo what %s may do",
					account, account),
			"sudo mko system check-privileges --user %s", account);
	json_t *items = items_json();
	struct err *e = check_items(account, items, &missing);
	if (e != NULL) {
		json_decref(items);
		return e;
	}
	*ret = json_pack("{s:s, s:s, s:o, s:I}", "account", account, "file", FILE_NAME, "items",
		items, "missing", missing);
	return NULL;
}
