/* A database of each older schema, with a row in every table, is brought up to date: nothing is
 * lost, and it can be written to. */
#include "testing.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"
#include "model/account.h"
#include "model/cluster.h"
#include "model/event.h"
#include "model/facts.h"
#include "model/idempotency.h"
#include "model/node.h"
#include "model/operation.h"
#include "model/schedule.h"
#include "model/workflow.h"
#include "store/store_sqlite_int.h"
#include "testing_err.h"

/* What others refer to stands first. */
static const struct record_type *const types[] = {&cluster_type, &node_type, &operation_type,
	&op_host_type, &op_lock_type, &user_type, &token_type, &session_type, &configuration_type,
	&audit_type, &event_type, &idempotency_type, &schedule_type, &workflow_type, &facts_type};

#define LEVELS_MAX 64
#define AUDIT_SEALED_LEVEL 6 /* its migration looks for logs without seals */

/* The migrations up to a level; returns the newest level of all. */
static int first_levels(struct sqlite_migration *ret, int level)
{
	const struct sqlite_migration *all = sqlite_migrations();
	size_t n = 0;
	int newest = 0;

	for (size_t i = 0; all[i].sql != NULL; i++) {
		newest = all[i].version;
		if (newest <= level)
			ret[n++] = all[i];
	}
	ret[n] = (struct sqlite_migration){0, NULL};
	return newest;
}

/* A value in every field: texts are the given one, numbers 1, so that references hold. */
static void fill(const struct record_type *type, void *obj, const char *text)
{
	record_init(type, obj);
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct field *f = &type->fields[i];
		if (f->kind == FIELD_TEXT)
			field_take(f, obj, mem_strdup(text));
		else if (f->kind == FIELD_JSON)
			field_take(f, obj, json_loads(f->def != NULL ? f->def : "[]", 0, NULL));
		else
			field_set_number(f, obj, 1);
	}
}

static bool has_column(struct sqlite_conn *c, const char *table, const char *column)
{
	cleanup(mem_freep) char *sql =
		mem_printf("SELECT count(*) FROM pragma_table_info('%s') WHERE name = '%s'", table,
			column);
	int64_t n = 0;

	assert_ok(sqlite_number(c, sql, &n));
	return n > 0;
}

static void add_value(struct str *out, const struct field *f, const void *obj)
{
	if (f->kind == FIELD_TEXT) {
		str_addf(out, "'%s'", field_text(f, obj));
	} else if (f->kind == FIELD_JSON) {
		cleanup(mem_freep) char *json = json_dumps(field_json(f, obj), JSON_COMPACT);
		str_addf(out, "'%s'", json);
	} else {
		str_addf(out, "%lld", (long long)field_number(f, obj));
	}
}

/* Insert with the columns that there were. */
static void insert_old(struct sqlite_conn *c, const struct record_type *type, const void *obj)
{
	struct str columns = STR_INIT
	, values = STR_INIT;

	for (size_t i = 0; i < type->n_fields; i++) {
		const struct field *f = &type->fields[i];
		if (!has_column(c, type->table, f->name))
			continue;
		str_addf(&columns, "%s\"%s\"", columns.len > 0 ? ", " : "", f->name);
		str_adds(&values, values.len > 0 ? ", " : "");
		add_value(&values, f, obj);
	}
	cleanup(mem_freep) char *sql = mem_printf("INSERT INTO %s (%s) VALUES (%s)", type->table,
		str_get(&columns), str_get(&values));
	assert_ok(sqlite_run(c, sql));
	str_done(&columns);
	str_done(&values);
}

/* One table of an old database: which columns it had, and whether it was there. */
struct old_table {
	bool there;
	bool had[LEVELS_MAX];
};

static void make_old(const char *path, int level, struct old_table *ret)
{
	struct sqlite_migration list[LEVELS_MAX];
	struct sqlite_conn *c = NULL;

	(void)first_levels(list, level);
	assert_ok(fs_write_new(path, "", 0, 0600));
	assert_ok(sqlite_connect(path, &c));
	assert_ok(sqlite_migrate(c, list));
	assert_int_equal(sqlite_schema_version(c), level);
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		void *obj = mem_zalloc(types[i]->size);
		assert_true(types[i]->n_fields < LEVELS_MAX);
		for (size_t k = 0; k < types[i]->n_fields; k++)
			ret[i].had[k] = has_column(c, types[i]->table, types[i]->fields[k].name);
		ret[i].there = ret[i].had[0];
		fill(types[i], obj, "old");
		if (ret[i].there)
			insert_old(c, types[i], obj);
		record_done(types[i], obj);
		mem_free(obj);
	}
	sqlite_close(c);
}

static void same_as_before(struct store *store, const struct record_type *type,
	const struct old_table *old)
{
	void *got = mem_zalloc(type->size);
	void *want = mem_zalloc(type->size);

	fill(type, want, "old");
	assert_ok(store_get(store, type, 1, got));
	for (size_t k = 0; k < type->n_fields; k++) {
		json_t *a = field_to_json(&type->fields[k], got);
		json_t *b = field_to_json(&type->fields[k], want);
		if (old->had[k] && !json_equal(a, b))
			fail_msg("%s.%s was changed", type->table, type->fields[k].name);
		json_decref(a);
		json_decref(b);
	}
	record_done(type, got);
	record_done(type, want);
	mem_free(got);
	mem_free(want);
}

static void takes_a_new_row(struct store *store, const struct record_type *type)
{
	void *obj = mem_zalloc(type->size);

	fill(type, obj, "new");
	assert_ok(store_begin(store));
	assert_ok(store_insert(store, type, obj));
	assert_ok(store_commit(store));
	assert_true(*(int64_t *)obj > 0);
	record_done(type, obj);
	mem_free(obj);
}

static int64_t count_unsealed(struct store *store)
{
	struct store_query q = {.n_filters = 0};
	int64_t n = 0;

	store_where_text(&q, "key", STORE_EQ, "audit_unsealed");
	assert_ok(store_count(store, &configuration_type, &q, &n));
	return n;
}

static void comes_up(const char *dir, int level)
{
	struct old_table old[ARRAY_LEN(types)] = {{.there = false}};
	struct store *store = NULL;
	cleanup(mem_freep) char *name = mem_printf("v%d.db", level);
	cleanup(mem_freep) char *path = fs_join(dir, name);

	make_old(path, level, old);
	assert_ok(store_open(path, &store));
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (old[i].there)
			same_as_before(store, types[i], &old[i]);
	}
	/* rows of the audit log from before its seals are noted, for the service to seal */
	assert_int_equal(count_unsealed(store), level < AUDIT_SEALED_LEVEL);
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		takes_a_new_row(store, types[i]);
	store_close(store);
	struct sqlite_conn *c = NULL;
	assert_ok(sqlite_connect(path, &c));
	assert_ok(sqlite_check(c));
	sqlite_close(c);
}

static void every_older_schema_is_brought_up_with_its_rows(void **state)
{
	struct sqlite_migration list[LEVELS_MAX];
	char dir[] = "/tmp/mko-migrations-XXXXXX";

	(void)state;
	rand_init();
	assert_non_null(mkdtemp(dir));
	int newest = first_levels(list, 0);
	assert_true(newest > 1);
	for (int level = 1; level <= newest; level++)
		comes_up(dir, level);
	assert_ok(fs_remove_tree(dir));
}

static void a_sealed_log_is_left_alone(void **state)
{
	struct sqlite_migration list[LEVELS_MAX];
	struct sqlite_conn *c = NULL;
	int64_t n = -1;
	char dir[] = "/tmp/mko-migrations-XXXXXX";

	(void)state;
	rand_init();
	assert_non_null(mkdtemp(dir));
	cleanup(mem_freep) char *path = fs_join(dir, "sealed.db");
	(void)first_levels(list, 4);
	assert_ok(fs_write_new(path, "", 0, 0600));
	assert_ok(sqlite_connect(path, &c));
	assert_ok(sqlite_migrate(c, list));
	assert_ok(sqlite_run(c,
		"INSERT INTO configurations (key, value) VALUES ('audit_head', 'sealed');"
		"INSERT INTO audit (at, actor, action, hash) VALUES (1, 'a', 'b', 'c')"));
	assert_ok(sqlite_migrate(c, sqlite_migrations()));
	assert_ok(sqlite_number(c, "SELECT count(*) FROM configurations", &n));
	assert_int_equal(n, 1);
	sqlite_close(c);
	assert_ok(fs_remove_tree(dir));
}

TEST_MAIN(cmocka_unit_test(every_older_schema_is_brought_up_with_its_rows),
	cmocka_unit_test(a_sealed_log_is_left_alone))
