/* Owns the folder of users' playbooks: what lies in it now, as operation types. Types that were
 * given out stay valid: when files change, the old type is kept behind the new one until the engine
 * ends. */
#include "service/op/op_custom.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "service/audit.h"
#include "service/event.h"
#include "service/op/op_custom_type.h"
#include "service/op/op_int.h"

#define TYPES_MAX 500
#define META_END ".meta.yml"
#define PLAYBOOK_END ".yml"

struct op_custom {
	struct custom_type **types; /* in the order of names */
	size_t n;
};

struct op_custom *op_custom_new(void)
{
	return mem_zalloc(sizeof(struct op_custom));
}

void op_custom_free(struct op_custom *custom)
{
	for (size_t i = 0; custom != NULL && i < custom->n; i++)
		custom_type_free(custom->types[i]);
	if (custom != NULL)
		mem_free(custom->types);
	mem_free(custom);
}

char *op_custom_dir(const struct service *svc)
{
	return svc->config->playbooks_dir != NULL ? mem_strdup(svc->config->playbooks_dir)
						  : fs_join(svc->data_dir, "playbooks");
}

static struct custom_type *find(const struct op_custom *custom, const char *name)
{
	for (size_t i = 0; i < custom->n; i++)
		if (strcmp(custom->types[i]->name, name) == 0)
			return custom->types[i];
	return NULL;
}

static void insert(struct op_custom *custom, struct custom_type *take_type)
{
	size_t at = 0;

	while (at < custom->n && strcmp(custom->types[at]->name, take_type->name) < 0)
		at++;
	custom->types =
		mem_realloc_array(custom->types, custom->n + 1, sizeof(struct custom_type *));
	memmove(custom->types + at + 1, custom->types + at,
		(custom->n - at) * sizeof(struct custom_type *));
	custom->types[at] = take_type;
	custom->n++;
}

/* Look at one playbook of the folder; reads it only when it is new or changed. */
static void take_in(struct op_custom *custom, const char *dir, const char *name)
{
	struct custom_type *t = find(custom, name);

	if (t == NULL) {
		t = custom_type_load(dir, name);
		insert(custom, t);
	} else if (!custom_type_fresh(t, dir)) {
		struct custom_type *fresh = custom_type_load(dir, name);
		for (size_t i = 0; i < custom->n; i++)
			if (custom->types[i] == t)
				custom->types[i] = fresh;
		fresh->older = t;
		t = fresh;
	}
	t->seen = true;
}

/* "trim.yml" and "trim.meta.yml" both are the playbook trim; NULL for what is none. Owned. */
static char *name_of(const char *file)
{
	static const char *const ends[] = {META_END, PLAYBOOK_END};
	size_t len = strlen(file);

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		size_t end = strlen(ends[i]);
		if (file[0] != '.' && len > end && strcmp(file + len - end, ends[i]) == 0)
			return mem_strndup(file, len - end);
	}
	return NULL;
}

static struct err *check_dir(const char *dir)
{
	struct stat st;

	if (stat(dir, &st) != 0)
		return err_errno(errno, "%s", dir);
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & S_IWOTH) != 0)
		return err_hint(err_new(ERR_FORBIDDEN,
					"%s can be changed by others: nothing in it is run", dir),
			"chown it to the user of mko; chmod 0755 %s", dir);
	return NULL;
}

/* No folder is an empty folder. */
static struct err *refresh(struct service *svc)
{
	struct op_custom *custom = svc->engine->custom;
	cleanup(mem_freep) char *dir = op_custom_dir(svc);
	DIR *d = opendir(dir);
	const struct dirent *entry = NULL;

	for (size_t i = 0; i < custom->n; i++)
		custom->types[i]->seen = false;
	if (d == NULL)
		return errno == ENOENT ? NULL : err_errno(errno, "%s", dir);
	struct err *e = check_dir(dir);
	while (e == NULL && (entry = readdir(d)) != NULL) {
		cleanup(mem_freep) char *name = name_of(entry->d_name);
		if (name != NULL && (custom->n < TYPES_MAX || find(custom, name) != NULL))
			take_in(custom, dir, name);
	}
	(void)closedir(d);
	return e;
}

/* ---- types ---- */

struct err *op_type_need(struct service *svc, const char *name, const struct op_type **ret_type)
{
	const struct op_type *builtin = op_type_find(name);
	size_t len = strlen(OP_CUSTOM_PREFIX);

	if (builtin == NULL && strncmp(name, OP_CUSTOM_PREFIX, len) == 0) {
		TRY(refresh(svc));
		const struct custom_type *t = find(svc->engine->custom, name + len);
		if (t != NULL && t->seen && t->why != NULL)
			return err_wrap(err_copy(t->why), "playbook %s is wrong", t->name);
		builtin = t != NULL && t->seen ? &t->type : NULL;
	}
	if (builtin == NULL)
		return err_hint(err_new(ERR_NOT_FOUND, "no operation type \"%s\"", name),
			"mko operation types");
	*ret_type = builtin;
	return NULL;
}

const struct op_type *op_type_get(struct service *svc, const char *name)
{
	const struct op_type *type = NULL;

	err_ignore(op_type_need(svc, name, &type)); /* who wants to know asks op_type_need() */
	return type;
}

struct err *op_custom_each(struct service *svc, op_custom_fn fn, void *user)
{
	const struct op_custom *custom = svc->engine->custom;

	TRY(refresh(svc));
	for (size_t i = 0; i < custom->n; i++) {
		const struct custom_type *t = custom->types[i];
		if (t->seen)
			fn(user, t->name, t->why == NULL ? &t->type : NULL, t->why);
	}
	return NULL;
}

/* ---- hooks ---- */

static bool names(const json_t *list, const char *type)
{
	size_t i;
	const json_t *item;

	json_array_foreach(list, i, item)
		if (strcmp(json_string_value(item), type) == 0)
			return true;
	return false;
}

/* Names of playbooks that the cluster of an operation wants around it. @ret_names owned; NULL:
 * none */
static struct err *cluster_hooks(struct service *svc, const struct operation *op, const char *when,
	json_t **ret_names)
{
	struct cluster c;

	if (op->target_kind != OP_TARGET_CLUSTER)
		return NULL;
	struct err *e = store_get(svc->store, &cluster_type, op->target_id, &c);
	if (e != NULL && err_code(e) == ERR_NOT_FOUND) {
		err_ignore(e); /* it was removed meanwhile, and its hooks with it */
		return NULL;
	}
	TRY(e);
	*ret_names = json_incref(json_object_get(json_object_get(c.hooks, when), op->type));
	record_done(&cluster_type, &c);
	return NULL;
}

/* @types NULL-ended, with room for all of names */
static struct err *add_named(struct service *svc, const json_t *names_of_cluster,
	const struct op_type **types)
{
	size_t i;
	const json_t *item;

	json_array_foreach(names_of_cluster, i, item) {
		cleanup(mem_freep) char *name =
			mem_printf(OP_CUSTOM_PREFIX "%s", json_string_value(item));
		const struct op_type *type = NULL;
		size_t at = 0;
		TRY(op_type_need(svc, name, &type));
		while (types[at] != NULL && types[at] != type)
			at++;
		types[at] = type;
	}
	return NULL;
}

struct err *op_custom_hooks(struct service *svc, const struct operation *op, enum op_hook when,
	const struct op_type ***ret_types)
{
	const struct op_custom *custom = svc->engine->custom;
	json_t *more = NULL;
	size_t n = 0;

	*ret_types = NULL;
	if (op_type_find(op->type) == NULL)
		return NULL; /* hooks have no hooks */
	TRY(refresh(svc));
	TRY(cluster_hooks(svc, op, when == OP_HOOK_BEFORE ? "before" : "after", &more));
	const struct op_type **types =
		mem_zalloc((custom->n + json_array_size(more) + 1) * sizeof(struct op_type *));
	for (size_t i = 0; i < custom->n; i++) {
		const struct custom_type *t = custom->types[i];
		if (t->seen && t->why == NULL &&
			names(when == OP_HOOK_BEFORE ? t->meta.before : t->meta.after, op->type))
			types[n++] = &t->type;
	}
	struct err *e = add_named(svc, more, types);
	json_decref(more);
	if (e != NULL)
		mem_free(types);
	else
		*ret_types = types;
	return err_wrap(e, "hook of the cluster");
}

/* ---- files ---- */

static void paths_of(const struct service *svc, const char *name, char *ret[static 2])
{
	cleanup(mem_freep) char *dir = op_custom_dir(svc);

	ret[0] = mem_printf("%s/%s" PLAYBOOK_END, dir, name);
	ret[1] = mem_printf("%s/%s" META_END, dir, name);
}

static void paths_free(char *paths[static 2])
{
	mem_free(paths[0]);
	mem_free(paths[1]);
}

static struct err *need(struct service *svc, const char *name)
{
	TRY(refresh(svc));
	const struct custom_type *t = find(svc->engine->custom, name);
	if (t != NULL && t->seen)
		return NULL;
	return err_hint(err_new(ERR_NOT_FOUND, "no playbook \"%s\"", name), "mko playbook list");
}

struct err *op_custom_read(struct service *svc, const char *name, char **ret_playbook,
	char **ret_meta)
{
	char *paths[2];

	TRY(need(svc, name));
	paths_of(svc, name, paths);
	struct err *e = fs_read(paths[0], (size_t)1 << 20, ret_playbook, NULL);
	struct err *other = fs_read(paths[1], (size_t)1 << 20, ret_meta, NULL);
	paths_free(paths);
	if (e == NULL)
		return other;
	err_ignore(other); /* one reason is enough */
	return e;
}

static struct err *told(struct service *svc, const struct actor *who, const char *action,
	const char *name)
{
	cleanup(mem_freep) char *object = mem_printf("playbook/%s", name);

	TRY(audit_write(svc, who, action, object, NULL, "ok"));
	return event_publish(svc, "playbooks", action, I64_NONE, json_pack("{s:s}", "name", name));
}

static struct err *write_files(const struct service *svc, const char *name, const char *playbook,
	const char *meta)
{
	cleanup(mem_freep) char *dir = op_custom_dir(svc);
	char *paths[2];

	TRY(fs_mkdirs(dir, 0700));
	TRY(check_dir(dir));
	paths_of(svc, name, paths);
	/* the metadata first: a playbook without it is told as wrong, metadata without a playbook
	 * too */
	struct err *e = fs_write_new(paths[1], meta, strlen(meta), 0600);
	if (e == NULL) {
		e = fs_write_new(paths[0], playbook, strlen(playbook), 0600);
		if (e != NULL)
			(void)unlink(paths[1]);
	}
	paths_free(paths);
	return e;
}

struct err *op_custom_add(struct service *svc, const struct actor *who, const char *name,
	const char *playbook, const char *meta)
{
	cleanup(mem_freep) char *meta_name = mem_printf("%s" META_END, name);
	struct playbook_meta parsed;
	struct err *wrong = playbook_check_name(name);

	if (wrong != NULL) {
		struct err *field = err_field(NULL, "name", "%s", err_message(wrong));
		err_free(wrong);
		return field;
	}
	TRY(custom_type_check(meta_name, meta, strlen(meta), &parsed));
	playbook_meta_done(&parsed);
	struct err *e = write_files(svc, name, playbook, meta);
	if (e != NULL && err_code(e) == ERR_EXISTS) {
		err_free(e);
		return err_hint(err_recode(err_field(NULL, "name", "%s is taken", name),
					ERR_EXISTS),
			"mko playbook remove %s", name);
	}
	TRY(e);
	return told(svc, who, "playbook.create", name);
}

struct err *op_custom_remove(struct service *svc, const struct actor *who, const char *name)
{
	char *paths[2];

	TRY(need(svc, name));
	paths_of(svc, name, paths);
	struct err *e = fs_remove_tree(paths[0]);
	if (e == NULL)
		e = fs_remove_tree(paths[1]);
	paths_free(paths);
	TRY(e);
	return told(svc, who, "playbook.remove", name);
}
