/* Reading the machine of the server. */
#include "driver/controller.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "driver/nut_host.h"
#include "driver/tool.h"

#define TOOL_MS 15000
#define OUTPUT_MAX 16384

/* The first line that says something, NULL when the program is not there or fails. Owned JSON. */
static json_t *first_line(const char *const *argv)
{
	struct tool_result result = {0};
	struct err *e = tool_run(argv, TOOL_MS, OUTPUT_MAX, &result);
	const char *text = str_get(&result.out);
	json_t *line = NULL;

	/* ssh-keyscan has no option that succeeds: that it speaks is enough */
	if (e == NULL && !result.timed_out && result.status >= 0 && result.status != 127)
		line = json_stringn(text, strcspn(text, "\n"));
	err_free(e); /* not there: null says so */
	tool_result_done(&result);
	return line != NULL ? line : json_null();
}

static json_t *read_programs(const char *ansible_playbook)
{
	const char *const programs[][4] = {
		{"ansible-playbook", ansible_playbook, "--version"},
		{"ssh", "ssh", "-V"},
		{"ssh-keyscan", "ssh-keyscan", NULL},
		{"python3", "python3", "--version"},
	};
	json_t *all = json_object();

	for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
		const char *const argv[] = {programs[i][1], programs[i][2], NULL};
		json_object_set_new(all, programs[i][0], first_line(argv));
	}
	return all;
}

/* Rights and owner of a path. */
static json_t *read_rights(const char *path)
{
	struct stat st;
	char mode[8];

	if (stat(path, &st) != 0)
		return json_null();
	snprintf(mode, sizeof(mode), "%04o", (unsigned)(st.st_mode & 07777));
	return json_pack("{ss ss sb}", "path", path, "mode", mode, "own", st.st_uid == geteuid());
}

static json_t *read_data_dir(const char *path)
{
	json_t *dir = read_rights(path);
	struct statvfs vfs;

	if (json_is_object(dir) && statvfs(path, &vfs) == 0)
		json_object_set_new(dir, "free",
			json_integer((json_int_t)vfs.f_bavail * (json_int_t)vfs.f_frsize));
	return dir;
}

/* /proc/meminfo as it is: the check reads the line. */
static json_t *read_file(const char *path)
{
	cleanup(mem_freep) char *text = NULL;

	err_ignore(fs_read(path, OUTPUT_MAX, &text, NULL)); /* null says so */
	json_t *json = text != NULL ? json_string(text) : NULL;
	return json != NULL ? json : json_null();
}

static bool has_collection(const char *path)
{
	cleanup(mem_freep) char *manifest =
		fs_join(path, "ansible_collections/mko/microk8s/galaxy.yml");

	return access(manifest, R_OK) == 0;
}

json_t *controller_read(const struct controller *where)
{
	static const char *const clock[] = {"timedatectl", "show", "--property=NTPSynchronized",
		"--value", NULL};
	cleanup(mem_freep) char *key = fs_join(where->data_dir, "secret.key");

	return json_pack("{so so so ss sb so so so}", "programs",
		read_programs(where->ansible_playbook), "data_dir", read_data_dir(where->data_dir),
		"key", read_rights(key), "collections_path", where->collections_path, "collection",
		has_collection(where->collections_path), "clock", first_line(clock), "meminfo",
		read_file("/proc/meminfo"), "nut",
		where->nut ? nut_host_services(&nut_host_here) : json_null());
}
