/* Owns the form of the run spec. */
#include "driver/run_spec.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/seal.h"

/* Fields of a host and of a spec, so that writing and reading cannot drift apart. */
enum spec_kind { SPEC_TEXT, SPEC_NUMBER, SPEC_BOOL };
struct spec_field {
	const char *name;
	enum spec_kind kind;
	size_t offset;
};
#define HOST(name, kind)                                                                           \
	{                                                                                          \
#name, kind, offsetof(struct run_host, name)                                       \
	}
#define SPEC(name, kind)                                                                           \
	{                                                                                          \
#name, kind, offsetof(struct run_spec, name)                                       \
	}

static const struct spec_field host_fields[] = {
	HOST(node_id, SPEC_NUMBER),
	HOST(hostname, SPEC_TEXT),
	HOST(address, SPEC_TEXT),
	HOST(port, SPEC_NUMBER),
	HOST(user, SPEC_TEXT),
	HOST(key_path, SPEC_TEXT),
	HOST(role, SPEC_TEXT),
	HOST(host_key, SPEC_TEXT),
	HOST(become_password, SPEC_TEXT),
	HOST(helper, SPEC_BOOL),
	HOST(wake, SPEC_TEXT),
};

static const struct spec_field spec_fields[] = {
	SPEC(operation_id, SPEC_NUMBER),
	SPEC(attempt, SPEC_NUMBER),
	SPEC(dir, SPEC_TEXT),
	SPEC(playbook, SPEC_TEXT),
	SPEC(forks_max, SPEC_NUMBER),
	SPEC(timeout_s, SPEC_NUMBER),
	SPEC(connect_timeout_s, SPEC_NUMBER),
	SPEC(output_max_bytes, SPEC_NUMBER),
	SPEC(check, SPEC_BOOL),
	SPEC(diff, SPEC_BOOL),
	SPEC(keep, SPEC_BOOL),
	SPEC(collections_path, SPEC_TEXT),
	SPEC(ansible_playbook, SPEC_TEXT),
	SPEC(secret_key_path, SPEC_TEXT),
};

static json_t *fields_to_json(const struct spec_field *fields, size_t n, const void *obj)
{
	json_t *json = json_object();

	for (size_t i = 0; i < n; i++) {
		const char *at = (const char *)obj + fields[i].offset;
		json_t *value = NULL;
		if (fields[i].kind == SPEC_TEXT) {
			const char *text = *(char *const *)(const void *)at;
			value = text != NULL ? json_string(text) : json_null();
		} else if (fields[i].kind == SPEC_NUMBER) {
			value = json_integer(*(const int64_t *)(const void *)at);
		} else {
			value = json_boolean(*(const bool *)(const void *)at);
		}
		json_object_set_new(json, fields[i].name, value);
	}
	return json;
}

static struct err *field_read(const struct spec_field *f, const json_t *value, void *obj)
{
	void *at = (char *)obj + f->offset;

	if (f->kind == SPEC_TEXT && (json_is_string(value) || json_is_null(value)))
		*(char **)at = mem_strdup(json_string_value(value));
	else if (f->kind == SPEC_NUMBER && json_is_integer(value))
		*(int64_t *)at = json_integer_value(value);
	else if (f->kind == SPEC_BOOL && json_is_boolean(value))
		*(bool *)at = json_is_true(value);
	else
		return err_new(ERR_INVALID, "run spec: wrong or missing %s", f->name);
	return NULL;
}

static struct err *fields_from_json(const struct spec_field *fields, size_t n, const json_t *json,
	void *obj)
{
	for (size_t i = 0; i < n; i++)
		TRY(field_read(&fields[i], json_object_get(json, fields[i].name), obj));
	return NULL;
}

static void fields_done(const struct spec_field *fields, size_t n, void *obj)
{
	for (size_t i = 0; i < n; i++) {
		if (fields[i].kind != SPEC_TEXT)
			continue;
		char **text = (char **)(void *)((char *)obj + fields[i].offset);
		seal_wipe_free(*text);
		*text = NULL;
	}
}

void run_spec_done(struct run_spec *spec)
{
	for (size_t i = 0; i < spec->n_hosts; i++)
		fields_done(host_fields, ARRAY_LEN(host_fields), &spec->hosts[i]);
	mem_free(spec->hosts);
	fields_done(spec_fields, ARRAY_LEN(spec_fields), spec);
	json_decref(spec->vars);
	*spec = (struct run_spec){0};
}

struct run_host *run_spec_add_host(struct run_spec *spec)
{
	spec->hosts = mem_realloc_array(spec->hosts, spec->n_hosts + 1, sizeof(*spec->hosts));
	struct run_host *host = &spec->hosts[spec->n_hosts++];
	*host = (struct run_host){0};
	return host;
}

static struct err *check_named(struct err *take_so_far, const struct run_host *h, const char *field,
	struct err *take_bad)
{
	if (take_bad == NULL)
		return take_so_far;
	cleanup(mem_freep) char *path = mem_printf("node %lld %s", (long long)h->node_id, field);
	struct err *e = err_field(take_so_far, path, "%s", err_message(take_bad));
	err_free(take_bad);
	return e;
}

struct err *run_spec_check(const struct run_spec *spec)
{
	struct err *e = NULL;

	for (size_t i = 0; i < spec->n_hosts; i++) {
		const struct run_host *h = &spec->hosts[i];
		e = check_named(e, h, "hostname", check_hostname(h->hostname));
		e = check_named(e, h, "ip_address", check_ip(h->address));
		e = check_named(e, h, "ssh_user", check_user(h->user));
		if (h->key_path != NULL)
			e = check_named(e, h, "ssh_key_path", check_key_path(h->key_path));
		if (h->wake != NULL)
			e = check_named(e, h, "mac_address", check_mac(h->wake));
		if (h->port < 1 || h->port > 65535)
			e = check_named(e, h, "ssh_port",
				err_new(ERR_INVALID, "must be between 1 and 65535"));
	}
	return e;
}

json_t *run_spec_to_json(const struct run_spec *spec)
{
	json_t *json = fields_to_json(spec_fields, ARRAY_LEN(spec_fields), spec);
	json_t *hosts = json_array();

	for (size_t i = 0; i < spec->n_hosts; i++)
		json_array_append_new(hosts,
			fields_to_json(host_fields, ARRAY_LEN(host_fields), &spec->hosts[i]));
	json_object_set_new(json, "hosts", hosts);
	json_object_set(json, "vars", spec->vars);
	return json;
}

struct err *run_spec_from_json(const json_t *json, struct run_spec *ret_spec)
{
	const json_t *hosts = json_object_get(json, "hosts");
	json_t *vars = json_object_get(json, "vars");
	size_t i;
	json_t *item;

	TRY(fields_from_json(spec_fields, ARRAY_LEN(spec_fields), json, ret_spec));
	if (!json_is_array(hosts) || !json_is_object(vars))
		return err_new(ERR_INVALID, "run spec: wrong or missing hosts or vars");
	json_array_foreach(hosts, i, item)
		TRY(fields_from_json(host_fields, ARRAY_LEN(host_fields), item,
			run_spec_add_host(ret_spec)));
	ret_spec->vars = json_incref(vars);
	return NULL;
}
