/* Owns how a playbook with its metadata becomes an operation type. Reads two files, runs nothing.
 */
#include "service/op/op_custom_type.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "model/yaml.h"
#include "service/op/op_custom.h"
#include "service/op/op_run.h"

#define META_MAX ((size_t)64 << 10)
#define PLAYBOOK_MAX ((off_t)1 << 20)
#define TEXT_MAX 4096

static const char *const suffixes[] = {".yml", ".meta.yml"};
enum { PLAYBOOK, META };

static struct file_stamp stamp_of(const struct stat *st)
{
	return (struct file_stamp){st->st_mtim, st->st_ctim, st->st_size, st->st_ino};
}

/* A file that others could change, or that lies elsewhere, is not ours to run. */
static struct err *check_file(const char *path, struct file_stamp *ret_stamp)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return err_errno(errno, "%s", path);
	*ret_stamp = stamp_of(&st);
	if (S_ISLNK(st.st_mode))
		return err_new(ERR_INVALID, "%s is a link: put the file itself here", path);
	if (!S_ISREG(st.st_mode))
		return err_new(ERR_INVALID, "%s is no file", path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return err_hint(err_new(ERR_INVALID, "%s belongs to another user", path),
			"chown it to the user of mko");
	if ((st.st_mode & S_IWOTH) != 0)
		return err_hint(err_new(ERR_INVALID, "%s can be changed by everybody", path),
			"chmod o-w %s", path);
	if (st.st_size > PLAYBOOK_MAX)
		return err_new(ERR_INVALID, "%s is larger than 1 MiB", path);
	return st.st_size > 0 ? NULL : err_new(ERR_INVALID, "%s is empty", path);
}

/* ---- checks that need the built-in types ---- */

static struct err *check_hooks(const json_t *names, const char *key,
	const struct playbook_meta *meta, struct err *take_all)
{
	size_t i;
	const json_t *item;

	json_array_foreach(names, i, item) {
		cleanup(mem_freep) char *path = mem_printf("%s[%zu]", key, i);
		const struct op_type *type = op_type_find(json_string_value(item));
		if (type == NULL)
			take_all = err_field(take_all, path, "no built-in operation type \"%s\"",
				json_string_value(item));
		else if (meta->target == PLAYBOOK_TARGET_CLUSTER &&
			type->target != OP_TARGET_CLUSTER)
			take_all = err_field(take_all, path,
				"%s acts on nodes, this playbook on clusters", type->name);
		else if (type->target == OP_TARGET_NONE)
			take_all = err_field(take_all, path, "%s acts on no nodes", type->name);
	}
	return take_all;
}

struct err *custom_type_check(const char *file_name, const char *text, size_t len,
	struct playbook_meta *ret_meta)
{
	struct yaml_file file = {.n = 0};
	struct playbook_meta meta = {.id = 0};

	TRY(yaml_read(file_name, text, len, &file));
	struct err *e = file.n == 1 ? playbook_meta_read(file.docs[0].json, &meta)
				    : err_new(ERR_INVALID, "must be one document");
	if (e == NULL) {
		e = check_hooks(meta.before, "before", &meta, NULL);
		e = check_hooks(meta.after, "after", &meta, e);
	}
	e = yaml_locate(&file, &file.docs[0], e);
	yaml_done(&file);
	if (e != NULL) {
		playbook_meta_done(&meta);
		return e;
	}
	*ret_meta = meta;
	return NULL;
}

/* ---- the type ---- */

static const struct op_param guard_param = OP_PARAM_ALLOW_QUORUM_LOSS;

/* The user's values become variables of the same names; the runner marks them unsafe. */
static struct err *plan(struct service *svc, struct op_run *run)
{
	(void)svc;
	for (size_t i = 0; i < run->type->n_params; i++) {
		const char *name = run->type->params[i].name;
		const json_t *value = op_run_param(run, name);
		if (value != NULL && strcmp(name, guard_param.name) != 0)
			op_run_set(run, name, json_deep_copy(value));
	}
	if (run->cluster != NULL)
		op_run_set_text(run, "mko_cluster_name", run->cluster->name);
	return op_run_set_hosts_entries(svc, run);
}

static const enum field_kind kinds[] = {
	[PLAYBOOK_VAR_TEXT] = FIELD_TEXT,
	[PLAYBOOK_VAR_INTEGER] = FIELD_I64,
	[PLAYBOOK_VAR_BOOLEAN] = FIELD_BOOL,
	[PLAYBOOK_VAR_CHOICE] = FIELD_TEXT,
};

static struct op_param param_of(const struct playbook_var *v, const char *const *choices)
{
	bool number = v->type == PLAYBOOK_VAR_INTEGER;
	bool limited = v->min != I64_NONE || v->max != I64_NONE;

	return (struct op_param){
		.name = v->name,
		.kind = kinds[v->type],
		.min = v->min != I64_NONE   ? v->min
			: number && limited ? INT64_MIN + 1
					    : 0,
		.max = v->max != I64_NONE   ? v->max
			: number && limited ? INT64_MAX
			: number            ? 0
					    : TEXT_MAX,
		.def = v->def,
		.required = v->required,
		.choices = v->type == PLAYBOOK_VAR_CHOICE ? choices : NULL,
		.help = v->help != NULL ? v->help : "",
	};
}

/* What takes nodes down is asked by the quorum guard. Of a cluster's playbook nobody knows which
 * nodes it takes down when: it must see to that itself. */
static bool guarded(const struct playbook_meta *m)
{
	return m->target == PLAYBOOK_TARGET_NODE && m->risk >= OP_RISK_DISRUPT;
}

static size_t count_choices(const struct playbook_meta *meta)
{
	size_t n = 0;

	for (size_t i = 0; i < meta->n_vars; i++)
		n += json_array_size(meta->vars[i].choices) + 1;
	return n;
}

static void make_params(struct custom_type *t)
{
	size_t at = 0;

	t->params = mem_zalloc((t->meta.n_vars + 1) * sizeof(*t->params));
	t->params[t->meta.n_vars] = guard_param;
	t->choices = mem_zalloc((count_choices(&t->meta) + 1) * sizeof(*t->choices));
	for (size_t i = 0; i < t->meta.n_vars; i++) {
		const struct playbook_var *v = &t->meta.vars[i];
		t->params[i] = param_of(v, &t->choices[at]);
		for (size_t k = 0; k < json_array_size(v->choices); k++)
			t->choices[at++] = json_string_value(json_array_get(v->choices, k));
		t->choices[at++] = NULL;
	}
}

static void make_type(struct custom_type *t)
{
	const struct playbook_meta *m = &t->meta;

	t->type_name = mem_printf(OP_CUSTOM_PREFIX "%s", t->name);
	t->title = mem_printf("%s on %%s", m->title);
	make_params(t);
	t->type = (struct op_type){
		.name = t->type_name,
		.title = t->title,
		.summary = m->summary != NULL ? m->summary : m->title,
		.target = m->target == PLAYBOOK_TARGET_CLUSTER ? OP_TARGET_CLUSTER : OP_TARGET_NODE,
		.role = m->risk == OP_RISK_DESTROY ? ROLE_ADMIN : ROLE_OPERATOR,
		.risk = (enum op_risk)m->risk,
		.exclusive = m->risk != OP_RISK_READ,
		.check_mode = m->check_mode,
		.timeout_s = m->timeout_s,
		.playbook = t->path,
		.params = t->params,
		.n_params = m->n_vars + guarded(m),
		.down = guarded(m) ? OP_DOWN_TOGETHER : OP_DOWN_NONE,
		.plan = plan,
	};
}

static struct err *load_files(const char *dir, struct custom_type *t)
{
	cleanup(mem_freep) char *meta_name = mem_printf("%s%s", t->name, suffixes[META]);
	cleanup(mem_freep) char *meta_path = fs_join(dir, meta_name);
	cleanup(mem_freep) char *text = NULL;
	size_t len = 0;

	TRY(playbook_check_name(t->name));
	TRY(check_file(t->path, &t->stamps[PLAYBOOK]));
	struct err *e = check_file(meta_path, &t->stamps[META]);
	if (e != NULL && err_code(e) == ERR_NOT_FOUND)
		e = err_hint(err_recode(e, ERR_INVALID),
			"a playbook needs its metadata beside it: %s", meta_name);
	TRY(e);
	TRY(fs_read(meta_path, META_MAX, &text, &len));
	return custom_type_check(meta_name, text, len, &t->meta);
}

struct custom_type *custom_type_load(const char *dir, const char *name)
{
	struct custom_type *t = mem_zalloc(sizeof(*t));

	t->name = mem_strdup(name);
	t->path = mem_printf("%s/%s%s", dir, name, suffixes[PLAYBOOK]);
	t->why = load_files(dir, t);
	if (t->why == NULL)
		make_type(t);
	return t;
}

bool custom_type_fresh(const struct custom_type *t, const char *dir)
{
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		cleanup(mem_freep) char *path = mem_printf("%s/%s%s", dir, t->name, suffixes[i]);
		struct stat st = {.st_size = 0};
		struct file_stamp now = {.size = 0};
		if (lstat(path, &st) == 0)
			now = stamp_of(&st);
		const struct file_stamp *then = &t->stamps[i];
		if (now.ino != then->ino || now.size != then->size ||
			now.mtime.tv_sec != then->mtime.tv_sec ||
			now.mtime.tv_nsec != then->mtime.tv_nsec ||
			now.ctime.tv_sec != then->ctime.tv_sec ||
			now.ctime.tv_nsec != then->ctime.tv_nsec)
			return false;
	}
	return true;
}

void custom_type_free(struct custom_type *t)
{
	while (t != NULL) {
		struct custom_type *older = t->older;
		playbook_meta_done(&t->meta);
		err_free(t->why);
		mem_free(t->name);
		mem_free(t->type_name);
		mem_free(t->title);
		mem_free(t->path);
		mem_free(t->params);
		mem_free(t->choices);
		mem_free(t);
		t = older;
	}
}
