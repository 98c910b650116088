/* What can be asked of the store. Synchronous; only the domain worker calls it (one connection).
 * Backends implement struct store_backend; no backend's name appears outside store/<backend>*.c.
 * The conformance suite (tests/store) runs on each. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "model/record.h"

struct store;

/** Open (and migrate) a store. @url a path of a SQLite file, or BACKEND://...   @ret_store owned,
 * close with store_close() Errors: ERR_FORBIDDEN, ERR_UNAVAILABLE (disk full, read-only, locked by
 * a stranger), ERR_INVALID (newer schema, damaged). */
struct err *store_open(const char *url, struct store **ret_store) ERR_RESULT;
/** Close; NULL is fine. */
void store_close(struct store *s);

/** How durable a transaction must be when committed. */
enum store_durability {
	STORE_NORMAL, /**< survives a crash of the process; a power cut may lose the last second,
			 never consistency */
	STORE_FULL    /**< on disk before commit returns (operations, locks, audit, accounts) */
};
/** Begin the outer transaction. Not nested. */
struct err *store_begin(struct store *s) ERR_RESULT;
/** Begin one that will mostly read: it neither waits for another process that writes nor holds one
 * up. A write in it may fail at once (ERR_UNAVAILABLE) where store_begin() would have waited. */
struct err *store_begin_read(struct store *s) ERR_RESULT;
/** Ask that the current transaction be committed with at least this durability (the strongest asked
 * for wins). */
void store_want(struct store *s, enum store_durability durability);
/** Commit. On error everything since store_begin() is rolled back; only when the disk itself fails
 * while a STORE_FULL commit is flushed (ERR_IO, "may be lost") is the work done but its durability
 * unknown. */
struct err *store_commit(struct store *s) ERR_RESULT;
/** Roll the outer transaction back. */
void store_rollback(struct store *s);
/** Open a savepoint inside the transaction: one job of a batch. */
struct err *store_savepoint(struct store *s) ERR_RESULT;
/** Keep (keep = true) or undo the work since the savepoint. */
struct err *store_release(struct store *s, bool keep) ERR_RESULT;

/** Insert; sets obj's id. Errors: ERR_EXISTS with the field (FIELD_UNIQUE), ERR_CONFLICT (reference
 * to a missing row). */
struct err *store_insert(struct store *s, const struct record_type *type, void *obj) ERR_RESULT;
/** Read by id into uninitialised memory; on error obj is untouched. Errors: ERR_NOT_FOUND "no node
 * 7". */
struct err *store_get(struct store *s, const struct record_type *type, int64_t id,
	void *ret_obj) ERR_RESULT;
/** Read the first row whose field equals the text (ERR_NOT_FOUND: `no node "x"`). */
struct err *store_get_by(struct store *s, const struct record_type *type, const char *field,
	const char *text, void *ret_obj) ERR_RESULT;
/** Write all fields of the row with obj's id. Errors: ERR_NOT_FOUND, ERR_EXISTS, ERR_CONFLICT. */
struct err *store_update(struct store *s, const struct record_type *type,
	const void *obj) ERR_RESULT;
/** Delete by id. Errors: ERR_NOT_FOUND; ERR_CONFLICT when other rows refer to it. */
struct err *store_delete(struct store *s, const struct record_type *type, int64_t id) ERR_RESULT;

/** How a filter compares. A row without a value differs from every value: STORE_NE finds it;
 * STORE_EQ with I64_NONE or a NULL text finds the rows without a value. */
enum store_cmp {
	STORE_EQ,
	STORE_NE,
	STORE_LT,
	STORE_LE,
	STORE_GT,
	STORE_GE,
	STORE_IS_NULL,
	STORE_NOT_NULL,
	STORE_WITHIN /**< a number of the set; JSON: a non-empty array of numbers of the set */
};
#define STORE_FILTERS_MAX 16
/** One condition; all of a query must hold. Numbers, enums (index), times and booleans use number,
 * texts use text. */
struct store_filter {
	const char *field;
	enum store_cmp cmp;
	int64_t number;
	const char *text;
	const int64_t *set; /**< STORE_WITHIN: n_set numbers, borrowed */
	size_t n_set;
};
#define STORE_SORTS_MAX 4
/** One key of a sort order. */
struct store_sort {
	const char *field;
	bool descending;
};
/** A list query. Zero-initialise; borrowed texts. */
struct store_query {
	struct store_filter filters[STORE_FILTERS_MAX];
	size_t n_filters;
	const char *search; /**< in any FIELD_SEARCH field, case-insensitive for a-z, NULL = no */
	const char *sort;   /**< field, NULL = id */
	bool descending;
	struct store_sort more[STORE_SORTS_MAX - 1]; /**< further keys, for rows that are equal in
							`sort`; id is always the last one */
	size_t n_more;
	int64_t limit;     /**< 0 = no limit */
	const char *after; /**< cursor of an earlier page (store_cursor), NULL = from the start */
};
/** Add a numeric condition to a query. */
void store_where_number(struct store_query *q, const char *field, enum store_cmp cmp,
	int64_t number);
/** Add a text condition to a query; the text is borrowed. */
void store_where_text(struct store_query *q, const char *field, enum store_cmp cmp,
	const char *text);

/** Add the condition STORE_WITHIN. @field FIELD_I64 or FIELD_JSON   @set borrowed; n may be 0: no
 * row fits */
void store_where_within(struct store_query *q, const char *field, const int64_t *set, size_t n);

/** Rows of a list: an array of n records of type->size bytes. Free with store_rows_done(). */
struct store_rows {
	const struct record_type *type;
	unsigned char *data;
	size_t n;
	bool more; /**< the limit cut the list */
};
/** Read a list; q NULL = everything. Rows without a value in the sort field come first (last when
 * descending). Errors: ERR_INVALID for an unknown field, a bad cursor. */
struct err *store_list(struct store *s, const struct record_type *type, const struct store_query *q,
	struct store_rows *ret_rows) ERR_RESULT;
/** The i-th record of a list, borrowed. */
void *store_row(const struct store_rows *rows, size_t i);
/** Free the rows. */
void store_rows_done(struct store_rows *rows);
/** Count rows that match the filters and the search (limit and cursor are ignored). */
struct err *store_count(struct store *s, const struct record_type *type,
	const struct store_query *q, int64_t *ret) ERR_RESULT;
/** Opaque cursor that continues after this record under the query's sort; stays right while rows
 * come and go. Caller frees. */
char *store_cursor(const struct record_type *type, const struct store_query *q,
	const void *last_obj);
/** Delete every row that matches the filters and the search (at most limit ones, the first in the
 * sort order); @ret_n how many, may be NULL. Errors: ERR_CONFLICT when other rows refer to one. */
struct err *store_delete_where(struct store *s, const struct record_type *type,
	const struct store_query *q, int64_t *ret_n) ERR_RESULT;

/** A number that changes with each committed change of this table (for ETags and cheap polling); it
 * also differs after each open. */
struct err *store_table_version(struct store *s, const struct record_type *type,
	int64_t *ret) ERR_RESULT;
/** Copy the whole store into a new file (0600) while it is in use; what is not committed yet is not
 * in it. Errors: ERR_EXISTS, ERR_UNAVAILABLE. */
struct err *store_backup(struct store *s, const char *path) ERR_RESULT;
/** Check the integrity of the store. Errors: ERR_INVALID with what is damaged. */
struct err *store_check(struct store *s) ERR_RESULT;
/** Version of the schema. */
int store_schema_version(const struct store *s);
