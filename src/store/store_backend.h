/* The contract of a backend: one struct of functions, in the words of store.h. Registered in the
 * list of src/store/meson.build. */
#pragma once

#include "store/store.h"

/** A storage backend. Every function works on the backend's own connection struct. */
struct store_backend {
	const char *name; /**< scheme of the url */
	struct err *(*open)(const char *url, void **ret_conn);
	void (*close)(void *conn);
	struct err *(*begin)(void *conn, bool writes);
	struct err *(*commit)(void *conn, enum store_durability durability);
	void (*rollback)(void *conn);
	struct err *(*savepoint)(void *conn);
	struct err *(*release)(void *conn, bool keep);
	struct err *(*insert)(void *conn, const struct record_type *type, void *obj);
	struct err *(*get)(void *conn, const struct record_type *type,
		const struct store_filter *key, void *ret_obj);
	struct err *(*update)(void *conn, const struct record_type *type, const void *obj);
	struct err *(*remove)(void *conn, const struct record_type *type, int64_t id);
	struct err *(*list)(void *conn, const struct record_type *type, const struct store_query *q,
		struct store_rows *ret_rows);
	struct err *(*count)(void *conn, const struct record_type *type,
		const struct store_query *q, int64_t *ret);
	struct err *(*remove_where)(void *conn, const struct record_type *type,
		const struct store_query *q, int64_t *ret_n);
	struct err *(*table_version)(void *conn, const struct record_type *type, int64_t *ret);
	struct err *(*backup)(void *conn, const char *path);
	struct err *(*check)(void *conn);
	int (*schema_version)(const void *conn);
};

/** All backends, generated from the list, ends with NULL; the first one also opens plain paths. */
extern const struct store_backend *const store_backends[];
/** How many there are. */
extern const size_t store_backends_n;
