/* Owns the command line, environment and input files of ansible-playbook. Runs nothing. */
#include "driver/ansible.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"

#define COLLECTION "mko.microk8s"

struct ansible_files ansible_files_in(const char *private_dir, const char *control_dir)
{
	return (struct ansible_files){
		.inventory = fs_join(private_dir, "inventory.json"),
		.vars = fs_join(private_dir, "vars.json"),
		.known_hosts = fs_join(private_dir, "known_hosts"),
		.config = fs_join(private_dir, "ansible.cfg"),
		.temp = fs_join(private_dir, "tmp"),
		.control = mem_strdup(control_dir),
	};
}

void ansible_files_done(struct ansible_files *files)
{
	mem_free(files->inventory);
	mem_free(files->vars);
	mem_free(files->known_hosts);
	mem_free(files->config);
	mem_free(files->temp);
	mem_free(files->control);
	*files = (struct ansible_files){0};
}

json_t *ansible_unsafe(const json_t *value)
{
	if (json_is_string(value))
		return json_pack("{s:O}", "__ansible_unsafe", value);
	if (json_is_array(value)) {
		json_t *copy = json_array();
		size_t i;
		json_t *item;
		json_array_foreach(value, i, item)
			json_array_append_new(copy, ansible_unsafe(item));
		return copy;
	}
	if (json_is_object(value)) {
		json_t *copy = json_object();
		const char *key;
		json_t *item;
		/* jansson's iterator takes a non-const object but does not change it */
		json_object_foreach((json_t *)(uintptr_t)value, key, item)
			json_object_set_new(copy, key, ansible_unsafe(item));
		return copy;
	}
	return json_deep_copy(value);
}

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

/* The socket of the SSH connection that later runs use again. A connection that was made with
 * another key, for another host key or by another data directory would let somebody in unasked, so
 * all of them are in its name. */
static char *control_path(const struct run_spec *spec, const struct run_host *h)
{
	char hash[HASH_SHORT_TEXT_SIZE];
	cleanup(mem_freep) char *all = mem_printf("%s\n%s\n%lld\n%s\n%s\n%s",
		or_empty(spec->secret_key_path), h->address, (long long)h->port, h->user,
		or_empty(h->key_path), or_empty(h->host_key));

	hash_short(all, strlen(all), hash);
	return mem_printf("%%(directory)s/%.16s", hash);
}

static json_t *host_vars(const struct run_spec *spec, const struct run_host *h)
{
	cleanup(mem_freep) char *socket = control_path(spec, h);
	json_t *vars = json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:I}", "ansible_host", h->address,
		"ansible_port", (json_int_t)h->port, "ansible_user", h->user, "mko_hostname",
		h->hostname, "mko_address", h->address, "mko_role", h->role, "mko_node_id",
		(json_int_t)h->node_id);

	json_object_set_new(vars, "ansible_control_path", json_string(socket));
	if (h->key_path != NULL)
		json_object_set_new(vars, "ansible_ssh_private_key_file", json_string(h->key_path));
	if (h->become_password != NULL)
		json_object_set_new(vars, "ansible_become_password",
			json_string(h->become_password));
	json_t *unsafe = ansible_unsafe(vars);
	json_decref(vars);
	return unsafe;
}

/* {"hosts": {name: {}}} of the hosts with this role, without helpers. */
static json_t *role_group(const struct run_spec *spec, const char *role)
{
	json_t *hosts = json_object();

	for (size_t i = 0; i < spec->n_hosts; i++)
		if (!spec->hosts[i].helper && strcmp(spec->hosts[i].role, role) == 0)
			json_object_set_new(hosts, spec->hosts[i].hostname, json_object());
	return json_pack("{s:o}", "hosts", hosts);
}

/* {"hosts": {name: variables}} of the helpers, or of the others. */
static json_t *vars_group(const struct run_spec *spec, bool helpers)
{
	json_t *hosts = json_object();

	for (size_t i = 0; i < spec->n_hosts; i++)
		if (spec->hosts[i].helper == helpers)
			json_object_set_new(hosts, spec->hosts[i].hostname,
				host_vars(spec, &spec->hosts[i]));
	return json_pack("{s:o}", "hosts", hosts);
}

json_t *ansible_inventory(const struct run_spec *spec)
{
	return json_pack("{s:{s:{s:o, s:o, s:o, s:o}}}", "all", "children", "mko_targets",
		vars_group(spec, false), "mko_control_planes", role_group(spec, "control_plane"),
		"mko_workers", role_group(spec, "worker"), "mko_helpers", vars_group(spec, true));
}

char *ansible_known_hosts(const struct run_spec *spec)
{
	struct str text = STR_INIT;

	for (size_t i = 0; i < spec->n_hosts; i++) {
		const struct run_host *h = &spec->hosts[i];
		if (h->host_key == NULL)
			continue;
		if (h->port == 22)
			str_addf(&text, "%s %s\n", h->address, h->host_key);
		else
			str_addf(&text, "[%s]:%d %s\n", h->address, (int)h->port, h->host_key);
	}
	return str_take(&text);
}

/** A growing NULL-ended list of owned texts. */
struct strings {
	char **items;
	size_t n;
};

static void strings_add(struct strings *list, char *take_text)
{
	list->items = mem_realloc_array(list->items, list->n + 2, sizeof(char *));
	list->items[list->n++] = take_text;
	list->items[list->n] = NULL;
}

char **ansible_argv(const struct run_spec *spec, const struct ansible_files *files)
{
	struct strings argv = {0};

	strings_add(&argv, mem_strdup(spec->ansible_playbook));
	strings_add(&argv, mem_strdup("-i"));
	strings_add(&argv, mem_strdup(files->inventory));
	strings_add(&argv, mem_strdup("-e"));
	strings_add(&argv, mem_printf("@%s", files->vars));
	if (spec->check)
		strings_add(&argv, mem_strdup("--check"));
	if (spec->diff)
		strings_add(&argv, mem_strdup("--diff"));
	/* a user's own playbook is a path */
	strings_add(&argv,
		spec->playbook[0] == '/' ? mem_strdup(spec->playbook)
					 : mem_printf(COLLECTION ".%s", spec->playbook));
	return argv.items;
}

/* Settings that never change. */
static const char *const fixed_env[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"LANG=C.UTF-8",
	"LC_ALL=C.UTF-8",
	"ANSIBLE_NOCOLOR=1",
	"ANSIBLE_NOCOWS=1",
	"ANSIBLE_PIPELINING=1",
	"ANSIBLE_GATHERING=explicit",
	"ANSIBLE_HOST_KEY_CHECKING=1",
	"ANSIBLE_RETRY_FILES_ENABLED=0",
	"ANSIBLE_DEPRECATION_WARNINGS=0",
	"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=1",
	"ANSIBLE_INVENTORY_ENABLED=ansible.builtin.yaml",
	("ANSIBLE_CALLBACKS_ENABLED=" COLLECTION ".events"),
	"ANSIBLE_PYTHON_INTERPRETER=auto_silent",
	"PYTHONDONTWRITEBYTECODE=1",
};

static const char *const passed_env[] = {"HOME", "USER", "LOGNAME", "SSH_AUTH_SOCK", "TZ"};

char **ansible_env(const struct run_spec *spec, const struct ansible_files *files, int events_fd)
{
	struct strings env = {0};
	int64_t free_mb = (int64_t)sysconf(_SC_AVPHYS_PAGES) * (sysconf(_SC_PAGESIZE) / 1024) /
		1024;
	int64_t forks = ansible_forks((int64_t)spec->n_hosts, spec->forks_max,
		sysconf(_SC_NPROCESSORS_ONLN), free_mb);

	for (size_t i = 0; i < ARRAY_LEN(fixed_env); i++)
		strings_add(&env, mem_strdup(fixed_env[i]));
	for (size_t i = 0; i < ARRAY_LEN(passed_env); i++) {
		const char *value = getenv(passed_env[i]);
		if (value != NULL)
			strings_add(&env, mem_printf("%s=%s", passed_env[i], value));
	}
	strings_add(&env, mem_printf("ANSIBLE_CONFIG=%s", files->config));
	strings_add(&env, mem_printf("MKO_EVENTS_FD=%d", events_fd));
	strings_add(&env, mem_printf("ANSIBLE_COLLECTIONS_PATH=%s", spec->collections_path));
	strings_add(&env, mem_printf("ANSIBLE_FORKS=%d", (int)forks));
	strings_add(&env, mem_printf("ANSIBLE_TIMEOUT=%d", (int)spec->connect_timeout_s));
	strings_add(&env, mem_printf("ANSIBLE_LOCAL_TEMP=%s", files->temp));
	strings_add(&env, mem_printf("ANSIBLE_HOME=%s", files->temp));
	strings_add(&env, mem_printf("ANSIBLE_SSH_CONTROL_PATH_DIR=%s", files->control));
	strings_add(&env,
		mem_printf(
			"ANSIBLE_SSH_ARGS=-o ControlMaster=auto -o ControlPersist=600s -o StrictHostKeyChecking=yes "
			"-o UserKnownHostsFile=%s -o GlobalKnownHostsFile=/dev/null -o PasswordAuthentication=no "
			"-o ServerAliveInterval=5 -o ServerAliveCountMax=6",
			files->known_hosts));
	return env.items;
}

void ansible_strings_free(char **list)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		mem_free(list[i]);
	mem_free(list);
}

int64_t ansible_forks(int64_t hosts, int64_t max, int64_t processors, int64_t free_mb)
{
	const int64_t limits[] = {max, processors * 8, free_mb / 20};
	int64_t forks = hosts;

	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		if (limits[i] < forks)
			forks = limits[i];
	return forks > 1 ? forks : 1;
}
