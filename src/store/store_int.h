/* What the front (store.c) and the backends share: checked queries and decoded cursors. Only inside
 * this room. */
#pragma once

#include "store/store.h"

/** Longest text that can be searched for, in bytes. */
#define STORE_SEARCH_MAX 1000

/** Value of a row in one sort field. */
struct store_value {
	bool none;      /**< the row has no value in it */
	int64_t number; /**< for fields that are no texts */
	char *text;     /**< owned, for texts */
};
/** Where a page starts: after the row with this id and these values of the sort fields. */
struct store_position {
	int64_t id;
	struct store_value values[STORE_SORTS_MAX];
};

/** How many keys a query is sorted by, at least 1. */
size_t store_sorts(const struct store_query *q);
/** The i-th key. @ret_descending may be NULL   Returns its field; the query must be checked. */
const struct field *store_sort_field(const struct record_type *type, const struct store_query *q,
	size_t i, bool *ret_descending);
/** Check the names, kinds and sizes in a query. Errors: ERR_INVALID. */
struct err *store_query_check(const struct record_type *type,
	const struct store_query *q) ERR_RESULT;
/** Decode a cursor that was made for this type and sort. @ret free with store_position_done()
 * Errors: ERR_INVALID for anything else. Pure; the text may come from anywhere. */
struct err *store_cursor_parse(const struct record_type *type, const struct store_query *q,
	struct store_position *ret) ERR_RESULT;
/** Free what a position owns; for cleanup(). */
void store_position_done(struct store_position *pos);
