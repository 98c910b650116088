/* Owns lists of the SQLite backend: turns a checked query into SQL. Names come from the record
 * tables, values are always bound. */
#include "store/store_sqlite_int.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* Filters, one pattern for each searched field, and the position of a page. */
#define ARGS_MAX 64

struct arg {
	bool is_text;
	int64_t number;
	const char *text;
};

/* SQL text that grows together with its arguments. */
struct query {
	struct str sql;
	const char *joint; /* " WHERE " before the first condition, then " AND " */
	struct arg args[ARGS_MAX];
	size_t n_args;
	char *pattern; /* of LIKE */
	struct store_position after;
};

static void query_done(struct query *b)
{
	str_done(&b->sql);
	mem_free(b->pattern);
	store_position_done(&b->after);
}

static void add_arg(struct query *b, const struct arg *arg)
{
	must(b->n_args < ARGS_MAX);
	b->args[b->n_args++] = *arg;
}

static void next_condition(struct query *b)
{
	str_adds(&b->sql, b->joint);
	b->joint = " AND ";
}

/* Numbers cannot break out of SQL text, and a set has no fixed number of places to bind. */
static void add_within(struct query *b, const struct field *f, const struct store_filter *filter)
{
	struct str set = STR_INIT;

	for (size_t i = 0; i < filter->n_set; i++)
		str_addf(&set, "%s%lld", i > 0 ? "," : "", (long long)filter->set[i]);
	if (f->kind == FIELD_JSON)
		str_addf(&b->sql,
			"json_array_length(\"%s\") > 0 AND NOT EXISTS (SELECT 1 FROM json_each(\"%s\") "
			"WHERE json_each.value NOT IN (%s))",
			f->name, f->name, str_get(&set));
	else
		str_addf(&b->sql, "\"%s\" IN (%s)", f->name, str_get(&set));
	str_done(&set);
}

static void add_filter(struct query *b, const struct record_type *type,
	const struct store_filter *filter)
{
	/* IS and IS NOT treat NULL as a value, as store.h promises for EQ and NE */
	static const char *const operators[] = {
		[STORE_EQ] = "IS ?",
		[STORE_NE] = "IS NOT ?",
		[STORE_LT] = "< ?",
		[STORE_LE] = "<= ?",
		[STORE_GT] = "> ?",
		[STORE_GE] = ">= ?",
		[STORE_IS_NULL] = "IS NULL",
		[STORE_NOT_NULL] = "IS NOT NULL",
	};
	const struct field *f = record_field(type, filter->field);
	const struct arg arg = {f->kind == FIELD_TEXT, filter->number, filter->text};

	next_condition(b);
	if (filter->cmp == STORE_WITHIN) {
		add_within(b, f, filter);
		return;
	}
	str_addf(&b->sql, "\"%s\" %s", f->name, operators[filter->cmp]);
	if (filter->cmp != STORE_IS_NULL && filter->cmp != STORE_NOT_NULL)
		add_arg(b, &arg);
}

static char *like_pattern(const char *search)
{
	struct str s = STR_INIT;

	str_addc(&s, '%');
	for (const char *p = search; *p != '\0'; p++) {
		if (strchr("%_\\", *p) != NULL)
			str_addc(&s, '\\');
		str_addc(&s, *p);
	}
	str_addc(&s, '%');
	return str_take(&s);
}

static void add_search(struct query *b, const struct record_type *type, const char *search)
{
	const char *joint = "(";

	b->pattern = like_pattern(search);
	const struct arg arg = {.is_text = true, .text = b->pattern};
	next_condition(b);
	for (size_t i = 0; i < type->n_fields; i++) {
		if ((type->fields[i].flags & FIELD_SEARCH) == 0)
			continue;
		str_addf(&b->sql, "%s\"%s\" LIKE ? ESCAPE '\\'", joint, type->fields[i].name);
		add_arg(b, &arg);
		joint = " OR ";
	}
	/* nothing can be found in a type without searchable fields */
	str_adds(&b->sql, *joint == '(' ? "FALSE" : ")");
}

static void add_where(struct query *b, const struct record_type *type, const struct store_query *q)
{
	b->joint = " WHERE ";
	for (size_t i = 0; i < q->n_filters; i++)
		add_filter(b, type, &q->filters[i]);
	if (q->search != NULL && *q->search != '\0')
		add_search(b, type, q->search);
}

/* The rows after a position; @ is the sort field, ? its value, # the id. NULL comes first, so last
 * when descending. The simple comparison stands outside the OR so that an index can be used. */
static const char *const position_sql[2][2] = {
	/* ascending: after a value, after NULL */
	{"(@ >= ? AND (@ > ? OR \"id\" > #))", "(@ IS NOT NULL OR \"id\" > #)"},
	/* descending */
	{"((@ <= ? AND (@ < ? OR \"id\" < #)) OR @ IS NULL)", "(@ IS NULL AND \"id\" < #)"},
};

static void add_pattern(struct query *b, const char *sql, const char *name)
{
	for (const char *p = sql; *p != '\0'; p++) {
		if (*p == '@')
			str_addf(&b->sql, "\"%s\"", name);
		else
			str_addc(&b->sql, (char)(*p == '#' ? '?' : *p));
	}
}

/* A pattern about the i-th sort field, with its value for each question mark. */
static void add_key(struct query *b, const struct field *sort, size_t i, const char *sql)
{
	const struct store_value *v = &b->after.values[i];
	const struct arg value = {sort->kind == FIELD_TEXT, v->number, v->text};

	add_pattern(b, sql, sort->name);
	for (const char *p = strchr(sql, '?'); p != NULL; p = strchr(p + 1, '?'))
		add_arg(b, &value);
}

/* Rows after the position in one field alone; NULL is the lowest value. */
static const char *const after_sql[2][2] = {
	{"@ > ?", "@ IS NOT NULL"}, /* ascending: after a value, after NULL */
	{"(@ < ? OR @ IS NULL)", "FALSE"},
};

/* Several keys: after in the first, or equal in it and after in the second, and so on; the last is
 * the id. */
static void add_position_of_keys(struct query *b, const struct record_type *type,
	const struct store_query *q)
{
	size_t n = store_sorts(q);
	const struct arg id = {.number = b->after.id};

	for (size_t last = 0; last <= n; last++) {
		str_adds(&b->sql, last > 0 ? " OR (" : "((");
		for (size_t i = 0; i <= last && i < n; i++) {
			bool descending = false;
			const struct field *sort = store_sort_field(type, q, i, &descending);
			bool none = b->after.values[i].none;
			if (i < last)
				add_key(b, sort, i, none ? "@ IS NULL AND " : "@ = ? AND ");
			else
				add_key(b, sort, i, after_sql[descending][none]);
		}
		if (last == n) {
			str_addf(&b->sql, "\"id\" %c ?", q->descending ? '<' : '>');
			add_arg(b, &id);
		}
		str_addc(&b->sql, ')');
	}
	str_addc(&b->sql, ')');
}

static void add_position_of_one(struct query *b, const struct field *sort, bool descending)
{
	const struct arg id = {.number = b->after.id};

	if (strcmp(sort->name, "id") == 0)
		str_addf(&b->sql, "\"id\" %c ?", descending ? '<' : '>');
	else
		add_key(b, sort, 0, position_sql[descending][b->after.values[0].none]);
	add_arg(b, &id);
}

static struct err *add_position(struct query *b, const struct record_type *type,
	const struct store_query *q)
{
	if (q->after == NULL)
		return NULL;
	TRY(store_cursor_parse(type, q, &b->after));
	next_condition(b);
	if (q->n_more > 0)
		add_position_of_keys(b, type, q);
	else
		add_position_of_one(b, store_sort_field(type, q, 0, NULL), q->descending);
	return NULL;
}

static void add_order(struct query *b, const struct record_type *type, const struct store_query *q,
	int64_t limit)
{
	const struct arg arg = {.number = limit};

	str_adds(&b->sql, " ORDER BY ");
	for (size_t i = 0; i < store_sorts(q); i++) {
		bool descending = false;
		const struct field *sort = store_sort_field(type, q, i, &descending);
		if (q->n_more > 0 || strcmp(sort->name, "id") != 0)
			str_addf(&b->sql, "\"%s\"%s, ", sort->name, descending ? " DESC" : "");
	}
	str_addf(&b->sql, "\"id\"%s", q->descending ? " DESC" : "");
	if (q->limit == 0)
		return;
	str_adds(&b->sql, " LIMIT ?");
	add_arg(b, &arg);
}

/* Prepare the text and bind its arguments; they must live until the statement is reset. */
static struct err *query_start(struct sqlite_conn *c, const struct query *b, sqlite3_stmt **ret)
{
	TRY(sqlite_prepare(c, str_get(&b->sql), ret));
	for (size_t i = 0; i < b->n_args; i++) {
		if (b->args[i].is_text)
			sqlite_bind_text(*ret, (int)i + 1, b->args[i].text);
		else
			sqlite_bind_number(*ret, (int)i + 1, b->args[i].number);
	}
	return NULL;
}

/* Read all rows that the statement gives, at most limit (0 = no limit). */
static struct err *read_rows(struct sqlite_conn *c, sqlite3_stmt *stmt, int64_t limit,
	struct store_rows *rows)
{
	size_t cap = 0;
	bool row = false;

	for (;;) {
		TRY(sqlite_step(c, stmt, &row));
		if (!row)
			return NULL;
		rows->more = limit > 0 && rows->n == (size_t)limit;
		if (rows->more)
			return NULL;
		if (rows->n == cap) {
			cap = cap > 0 ? cap * 2 : 16;
			rows->data = mem_realloc_array(rows->data, cap, rows->type->size);
		}
		TRY(sqlite_read_row(stmt, rows->type, rows->data + rows->n * rows->type->size));
		rows->n++;
	}
}

struct err *sqlite_list(void *conn, const struct record_type *type, const struct store_query *q,
	struct store_rows *ret_rows)
{
	struct sqlite_conn *c = conn;
	cleanup(query_done) struct query b = {0};
	cleanup(sqlite_resetp) sqlite3_stmt *stmt = NULL;
	cleanup(store_rows_done) struct store_rows rows = {.type = type};

	str_addf(&b.sql, "SELECT %s FROM \"%s\"", sqlite_table(c, type)->columns, type->table);
	add_where(&b, type, q);
	TRY(add_position(&b, type, q));
	add_order(&b, type, q,
		q->limit < INT64_MAX ? q->limit + 1
				     : q->limit); /* one more shows that there is more */
	TRY(query_start(c, &b, &stmt));
	TRY_WRAP(read_rows(c, stmt, q->limit, &rows), "list %s", type->table);
	*ret_rows = rows;
	rows = (struct store_rows){0};
	return NULL;
}

struct err *sqlite_count(void *conn, const struct record_type *type, const struct store_query *q,
	int64_t *ret)
{
	struct sqlite_conn *c = conn;
	cleanup(query_done) struct query b = {0};
	cleanup(sqlite_resetp) sqlite3_stmt *stmt = NULL;
	bool row = false;

	str_addf(&b.sql, "SELECT count(*) FROM \"%s\"", type->table);
	add_where(&b, type, q);
	TRY(query_start(c, &b, &stmt));
	TRY_WRAP(sqlite_step(c, stmt, &row), "count %s", type->table);
	*ret = sqlite3_column_int64(stmt, 0);
	return NULL;
}

struct err *sqlite_remove_where(void *conn, const struct record_type *type,
	const struct store_query *q, int64_t *ret_n)
{
	struct sqlite_conn *c = conn;
	cleanup(query_done) struct query b = {0};
	cleanup(sqlite_resetp) sqlite3_stmt *stmt = NULL;
	bool row = false;

	str_addf(&b.sql, "DELETE FROM \"%s\"", type->table);
	if (q->limit > 0)
		str_addf(&b.sql, " WHERE \"id\" IN (SELECT \"id\" FROM \"%s\"", type->table);
	add_where(&b, type, q);
	if (q->limit > 0) {
		add_order(&b, type, q, q->limit);
		str_addc(&b.sql, ')');
	}
	TRY(query_start(c, &b, &stmt));
	struct err *e = sqlite_step(c, stmt, &row);
	if (e != NULL && (sqlite3_extended_errcode(c->db) & 0xff) == SQLITE_CONSTRAINT) {
		err_free(e);
		return err_new(ERR_CONFLICT, "one of the %s is still used by others", type->table);
	}
	TRY_WRAP(e, "delete %s", type->table);
	*ret_n = sqlite3_changes64(c->db);
	return NULL;
}
