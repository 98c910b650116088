/* The SQLite backend alone: its schema fits the record tables, and migrations are all or nothing.
 */
#include "testing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/rand.h"
#include "model/account.h"
#include "model/alert.h"
#include "model/cluster.h"
#include "model/event.h"
#include "model/facts.h"
#include "model/hardware.h"
#include "model/idempotency.h"
#include "model/node.h"
#include "model/notifier.h"
#include "model/operation.h"
#include "model/sample.h"
#include "model/schedule.h"
#include "model/ups.h"
#include "model/workflow.h"
#include "store/store_sqlite_int.h"
#include "testing_err.h"

static const struct record_type *const stored_types[] = {&ups_device_type, &ups_rule_type,
	&ups_event_type, &ups_firing_type, &power_memory_type, &node_type, &cluster_type,
	&operation_type, &op_host_type, &op_lock_type, &user_type, &token_type, &session_type,
	&configuration_type, &audit_type, &event_type, &idempotency_type, &schedule_type,
	&workflow_type, &facts_type, &alert_type, &notifier_type, &delivery_type, &hardware_type,
	&sample_block_type};

struct fixture {
	char *dir;
	char *path;
	struct sqlite_conn *c;
};

static int setup(void **state)
{
	struct fixture *t = mem_zalloc(sizeof(*t));

	rand_init();
	t->dir = mem_strdup("/tmp/mko-sqlite-XXXXXX");
	if (mkdtemp(t->dir) == NULL)
		return -1;
	t->path = fs_join(t->dir, "mko.db");
	assert_ok(fs_write_new(t->path, "", 0, 0600));
	assert_ok(sqlite_connect(t->path, &t->c));
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *t = *state;

	sqlite_close(t->c);
	assert_ok(fs_remove_tree(t->dir));
	mem_free(t->dir);
	mem_free(t->path);
	mem_free(t);
	return 0;
}

static int64_t number(struct fixture *t, const char *sql)
{
	int64_t n = -1;

	assert_ok(sqlite_number(t->c, sql, &n));
	return n;
}

static int64_t number_of(struct fixture *t, const char *format_sql, const char *table,
	const char *column)
{
	/* ? ? in the text: table, column */
	cleanup(sqlite_resetp) sqlite3_stmt *stmt = NULL;
	bool row = false;

	assert_ok(sqlite_prepare(t->c, format_sql, &stmt));
	sqlite_bind_text(stmt, 1, table);
	if (sqlite3_bind_parameter_count(stmt) > 1)
		sqlite_bind_text(stmt, 2, column);
	assert_ok(sqlite_step(t->c, stmt, &row));
	return row ? sqlite3_column_int64(stmt, 0) : -1;
}

static void every_field_has_a_column_and_every_column_a_field(void **state)
{
	struct fixture *t = *state;
	assert_ok(sqlite_migrate(t->c, sqlite_migrations()));
	for (size_t i = 0; i < ARRAY_LEN(stored_types); i++) {
		const struct record_type *type = stored_types[i];
		assert_int_equal(number_of(t, "SELECT count(*) FROM pragma_table_info(?)",
					 type->table, NULL),
			type->n_fields);
		for (size_t k = 0; k < type->n_fields; k++) {
			const struct field *f = &type->fields[k];
			bool text = f->kind == FIELD_TEXT ||
				(f->kind == FIELD_JSON && (f->flags & FIELD_PACKED) == 0);
			int64_t is_text = number_of(t,
				"SELECT type = 'TEXT' FROM pragma_table_info(?) WHERE name = ?",
				type->table, f->name);
			if (is_text != text)
				print_error("%s.%s\n", type->table, f->name);
			assert_int_equal(is_text, text);
			if ((f->flags & FIELD_UNIQUE) == 0)
				continue;
			assert_int_equal(
				number_of(t,
					"SELECT count(*) FROM pragma_index_list(?1) AS l, pragma_index_info(l.name) AS c "
					"WHERE l.\"unique\" AND c.name = ?2 AND "
					"(SELECT count(*) FROM pragma_index_info(l.name)) = 1",
					type->table, f->name),
				1);
		}
	}
}

static void every_enumeration_is_checked_with_all_its_values(void **state)
{
	struct fixture *t = *state;
	assert_ok(sqlite_migrate(t->c, sqlite_migrations()));
	for (size_t i = 0; i < ARRAY_LEN(stored_types); i++) {
		for (size_t k = 0; k < stored_types[i]->n_fields; k++) {
			const struct field *f = &stored_types[i]->fields[k];
			if (f->kind != FIELD_ENUM && f->kind != FIELD_BOOL)
				continue;
			char *check = f->kind == FIELD_BOOL
				? mem_printf("%%CHECK (%s IN (0, 1))%%", f->name)
				: mem_printf("%%CHECK (%s BETWEEN 0 AND %lld)%%", f->name,
					  (long long)enum_count(f->choices) - 1);
			int64_t found = number_of(t,
				"SELECT sql LIKE ?2 FROM sqlite_schema WHERE type = 'table' AND name = ?1",
				stored_types[i]->table, check);
			if (found != 1)
				print_error("%s: no %s\n", stored_types[i]->table, check);
			mem_free(check);
			assert_int_equal(found, 1);
		}
	}
}

static void every_table_is_strict_and_every_reference_has_an_index(void **state)
{
	struct fixture *t = *state;
	assert_ok(sqlite_migrate(t->c, sqlite_migrations()));
	assert_int_equal(
		number(t,
			"SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT strict "
			"AND name NOT LIKE 'sqlite_%'"),
		0);
	assert_int_equal(number(t, "SELECT count(*) FROM pragma_table_list"),
		ARRAY_LEN(stored_types) + 3); /* + schema x2, sequence */
	/* without an index each delete of the referred row reads the whole table */
	assert_int_equal(
		number(t,
			"SELECT count(*) FROM pragma_table_list AS tl, pragma_foreign_key_list(tl.name) AS fk "
			"WHERE NOT EXISTS (SELECT 1 FROM pragma_index_list(tl.name) AS l, pragma_index_info(l.name) AS c "
			"WHERE c.seqno = 0 AND c.name = fk.\"from\")"),
		0);
}

static const struct sqlite_migration v1[] = {
	{1,
		"PRAGMA application_id = 0x6d6b6f31; CREATE TABLE a (id INTEGER PRIMARY KEY, x INTEGER); "
		"CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INTEGER REFERENCES a (id)); "
		"INSERT INTO a VALUES (1, 10); INSERT INTO b VALUES (1, 1);"},
	{0, NULL},
};
/* a column is dropped by making the table anew, although another one refers to it */
static const struct sqlite_migration v3[] = {
	{1, "SELECT 1"},
	{2,
		"CREATE TABLE a2 (id INTEGER PRIMARY KEY, y INTEGER); INSERT INTO a2 SELECT id, x FROM a; DROP TABLE a; "
		"ALTER TABLE a2 RENAME TO a;"},
	{3, "UPDATE a SET y = y + 1;"},
	{0, NULL},
};
static const struct sqlite_migration broken[] = {
	{1, "SELECT 1"},
	{2, "CREATE TABLE c (id INTEGER); UPDATE a SET x = 99;"},
	{3, "this is no SQL"},
	{0, NULL},
};
static const struct sqlite_migration dangling[] = {
	{1, "SELECT 1"},
	{2, "DELETE FROM a"},
	{0, NULL},
};

static void a_migration_keeps_data_and_a_copy_of_the_old_state(void **state)
{
	struct fixture *t = *state;
	struct sqlite_conn *copy = NULL;
	struct stat st;
	assert_ok(sqlite_migrate(t->c, v1));
	char *backup = mem_printf("%s.before-v3", t->path);
	assert_int_equal(stat(backup, &st), -1);
	assert_ok(sqlite_migrate(t->c, v3));
	assert_int_equal(sqlite_schema_version(t->c), 3);
	assert_int_equal(number(t, "SELECT y FROM a"), 11);
	assert_int_equal(number(t, "PRAGMA foreign_keys"), 1);
	assert_int_equal(stat(backup, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_ok(sqlite_connect(backup, &copy));
	int64_t old = 0;
	assert_ok(sqlite_number(copy, "SELECT x FROM a", &old));
	assert_int_equal(old, 10);
	assert_int_equal(sqlite_schema_version(copy), 1);
	sqlite_close(copy);
	/* again: nothing to do, not even a copy */
	assert_int_equal(unlink(backup), 0);
	assert_ok(sqlite_migrate(t->c, v3));
	assert_int_equal(stat(backup, &st), -1);
	assert_int_equal(number(t, "SELECT y FROM a"), 11);
	mem_free(backup);
}

static void a_new_database_needs_no_copy(void **state)
{
	struct fixture *t = *state;
	struct stat st;
	char *backup = mem_printf("%s.before-v1", t->path);
	assert_ok(sqlite_migrate(t->c, v1));
	assert_int_equal(stat(backup, &st), -1);
	mem_free(backup);
}

static void a_migration_that_fails_changes_nothing(void **state)
{
	struct fixture *t = *state;
	assert_ok(sqlite_migrate(t->c, v1));
	struct err *e = sqlite_migrate(t->c, broken);
	assert_non_null(e);
	assert_non_null(strstr(err_message(e), "schema version 3"));
	err_free(e);
	assert_int_equal(sqlite_schema_version(t->c), 1);
	assert_int_equal(number(t, "SELECT x FROM a"), 10);
	assert_int_equal(number(t, "SELECT count(*) FROM sqlite_schema WHERE name = 'c'"), 0);
	/* the next attempt works, over the copy that is there already */
	assert_ok(sqlite_migrate(t->c, v3));
	assert_int_equal(number(t, "SELECT y FROM a"), 11);
}

static void a_migration_that_breaks_references_is_undone(void **state)
{
	struct fixture *t = *state;
	assert_ok(sqlite_migrate(t->c, v1));
	assert_says(sqlite_migrate(t->c, dangling), ERR_INVALID, "refers to a missing row");
	assert_int_equal(number(t, "SELECT count(*) FROM a"), 1);
	assert_int_equal(sqlite_schema_version(t->c), 1);
}

static void an_older_program_refuses_the_newer_schema(void **state)
{
	struct fixture *t = *state;
	assert_ok(sqlite_migrate(t->c, v1));
	assert_ok(sqlite_migrate(t->c, v3));
	assert_says(sqlite_migrate(t->c, v1), ERR_INVALID, "before-v3");
	assert_int_equal(number(t, "SELECT y FROM a"), 11);
}

static void the_check_finds_a_dangling_reference(void **state)
{
	struct fixture *t = *state;
	assert_ok(sqlite_migrate(t->c, v1));
	assert_ok(sqlite_check(t->c));
	assert_ok(sqlite_run(t->c, "PRAGMA foreign_keys = OFF; DELETE FROM a"));
	assert_says(sqlite_check(t->c), ERR_INVALID, "row 1 of b");
}

/* What an index is for must not be lost to a rewording of the SQL. */
static void pages_are_read_through_an_index(void **state)
{
	struct fixture *t = *state;
	static const char *const queries[] = {
		"SELECT id FROM operations ORDER BY created_at, id LIMIT 100",
		"SELECT id FROM operations WHERE (created_at >= 5 AND (created_at > 5 OR id > 7)) ORDER BY created_at, id LIMIT 100",
		"SELECT id FROM operations ORDER BY created_at DESC, id DESC LIMIT 100",
		"SELECT id FROM nodes WHERE (hostname >= 'a' AND (hostname > 'a' OR id > 7)) ORDER BY hostname, id LIMIT 100",
		"SELECT id FROM nodes WHERE cluster_id IS 7 ORDER BY id",
		"SELECT id FROM operations WHERE status IS 0 ORDER BY id",
		"SELECT id FROM events WHERE id > 5 ORDER BY id LIMIT 100",
	};
	assert_ok(sqlite_migrate(t->c, sqlite_migrations()));
	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		cleanup(sqlite_resetp) sqlite3_stmt *stmt = NULL;
		bool row = false;
		char *sql = mem_printf("EXPLAIN QUERY PLAN %s", queries[i]);
		assert_ok(sqlite_prepare(t->c, sql, &stmt));
		mem_free(sql);
		for (assert_ok(sqlite_step(t->c, stmt, &row)); row;
			assert_ok(sqlite_step(t->c, stmt, &row))) {
			const char *plan = (const char *)sqlite3_column_text(stmt, 3);
			if (strstr(plan, "TEMP B-TREE") != NULL)
				print_error("%s: %s\n", queries[i], plan);
			assert_null(strstr(plan, "TEMP B-TREE"));
		}
	}
}

#define SQLITE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
TEST_MAIN(SQLITE_TEST(every_field_has_a_column_and_every_column_a_field),
	SQLITE_TEST(every_enumeration_is_checked_with_all_its_values),
	SQLITE_TEST(every_table_is_strict_and_every_reference_has_an_index),
	SQLITE_TEST(a_migration_keeps_data_and_a_copy_of_the_old_state),
	SQLITE_TEST(a_new_database_needs_no_copy),
	SQLITE_TEST(a_migration_that_fails_changes_nothing),
	SQLITE_TEST(a_migration_that_breaks_references_is_undone),
	SQLITE_TEST(an_older_program_refuses_the_newer_schema),
	SQLITE_TEST(the_check_finds_a_dangling_reference),
	SQLITE_TEST(pages_are_read_through_an_index))
