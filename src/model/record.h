/* Records: plain structs whose fields are described once in a table. The table gives JSON in both
 * directions, validation with all wrong fields at once, SQL columns, API filters and sorts, CLI
 * columns and the reference pages. No I/O. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/parse.h"

/** A number field without a value (NULL in the store, null in JSON). */
#define I64_NONE INT64_MIN

/** A table of an enumeration: the value is the index, the text its name. */
struct enum_table {
	const char *name;         /**< name of the type in the API, for example "node_status" */
	const char *const *texts; /**< ends with NULL */
};
/** Number of values of an enumeration. */
int64_t enum_count(const struct enum_table *table);
/** Text of a value; NULL when out of range. */
const char *enum_text(const struct enum_table *table, int64_t value);
/** Value of a text, -1 when there is none. */
int enum_value(const struct enum_table *table, const char *text);

/** A validator of JSON (array or object): NULL when good, else ERR_INVALID whose message completes
 * "field: ...". */
typedef struct err *(*check_json_fn)(const json_t *value);
/** check_json_fn: an array of texts of one line, at most 64 bytes each (tags). */
struct err *check_json_tags(const json_t *value) ERR_RESULT;
/** check_json_fn: an object of Kubernetes labels: key to value, or to null for one that shall not
 * be there; at most 64. */
struct err *check_json_labels(const json_t *value) ERR_RESULT;
/** check_json_fn: an array; what is in it is checked later. */
struct err *check_json_list(const json_t *value) ERR_RESULT;
/** check_json_fn: an object. */
struct err *check_json_object(const json_t *value) ERR_RESULT;

/** What a field holds; the C type of the struct member follows from it. */
enum field_kind {
	FIELD_I64,  /**< int64_t, may be I64_NONE */
	FIELD_BOOL, /**< bool */
	FIELD_TEXT, /**< char * owned, NULL = no value */
	FIELD_ENUM, /**< int64_t index into choices */
	FIELD_TIME, /**< int64_t UTC ms, may be I64_NONE; RFC 3339 in JSON */
	FIELD_JSON, /**< json_t * owned (array or object), NULL = no value */
	FIELD_KIND_N_
};

/** What a field may be used for. */
enum field_flag {
	FIELD_CREATE = 1 << 0,   /**< a client may give it on creation */
	FIELD_UPDATE = 1 << 1,   /**< a client may change it */
	FIELD_REQUIRED = 1 << 2, /**< must be given on creation */
	FIELD_FILTER = 1 << 3,   /**< lists can be filtered by equality */
	FIELD_SORT = 1 << 4,     /**< lists can be sorted by it */
	FIELD_SEARCH = 1 << 5,   /**< text search (`q`) looks at it */
	FIELD_HIDDEN = 1 << 6,   /**< never shown to clients (hashes, sealed secrets) */
	FIELD_RELOAD = 1 << 8,   /**< a setting that takes effect without a restart */
	FIELD_PACKED = 1 << 9,   /**< JSON that is large, and stored compressed */
	FIELD_UNIQUE = 1 << 7,   /**< no two rows have the same value; ERR_EXISTS names the field */
};
#define FIELD_EDIT (FIELD_CREATE | FIELD_UPDATE)
#define FIELD_FIND (FIELD_FILTER | FIELD_SORT)

/** One field of a record. */
struct field {
	const char *name; /**< JSON key and SQL column */
	enum field_kind kind;
	size_t offset;  /**< of the member in the struct */
	unsigned flags; /**< enum field_flag */
	/** Range of a number, length of a text in bytes, number of elements of JSON; both 0 = no
	 * limit but 64 KiB. */
	int64_t min, max;
	const struct enum_table *choices; /**< for FIELD_ENUM */
	check_fn check;                   /**< further check of a text, or NULL */
	const char *def;  /**< default as text ("22", "true", "unknown", "[]"), NULL = no value */
	const char *help; /**< purpose in a sentence, with the unit */
	check_json_fn check_json; /**< further check of JSON, or NULL */
	const char *unit;         /**< of a number: "seconds", NULL = none */
};

/** Rows of a field table: ROW_TEXT(struct node, hostname, FIELD_EDIT, .max = 253, .help = "...").
 * The name of the field is that of the member, and a member whose C type does not fit the kind is a
 * compile error. */
#define ROW_I64(strct, member, flags_, ...)                                                        \
	ROW_(strct, member, FIELD_I64, int64_t, flags_, __VA_ARGS__)
#define ROW_BOOL(strct, member, flags_, ...)                                                       \
	ROW_(strct, member, FIELD_BOOL, bool, flags_, __VA_ARGS__)
#define ROW_TEXT(strct, member, flags_, ...)                                                       \
	ROW_(strct, member, FIELD_TEXT, char *, flags_, __VA_ARGS__)
#define ROW_ENUM(strct, member, flags_, ...)                                                       \
	ROW_(strct, member, FIELD_ENUM, int64_t, flags_, __VA_ARGS__)
#define ROW_TIME(strct, member, flags_, ...)                                                       \
	ROW_(strct, member, FIELD_TIME, int64_t, flags_, __VA_ARGS__)
#define ROW_JSON(strct, member, flags_, ...)                                                       \
	ROW_(strct, member, FIELD_JSON, json_t *, flags_, __VA_ARGS__)
#define ROW_(strct, member, kind_, ctype, flags_, ...)                                             \
	{                                                                                          \
		.name = #member, .kind = (kind_),                                                  \
		.offset = offsetof(strct, member) + 0 * sizeof(struct {                            \
			int unused;                                                                \
			_Static_assert(__builtin_types_compatible_p(__typeof__(((strct *)NULL)     \
										       ->member),  \
					       ctype),                                             \
				#member " has a C type that does not fit its kind");               \
		}),                                                                                \
		.flags = (flags_), __VA_ARGS__                                                     \
	}

/** One type of record. The first member of each struct is `int64_t id`. */
struct record_type {
	const char *name;  /**< singular, for messages: "node" */
	const char *table; /**< SQL table and API collection: "nodes" */
	size_t size;       /**< of the struct */
	const char *key; /**< field that names an object for people ("hostname"), NULL when there is
			    none */
	const struct field *fields;
	size_t n_fields;
	/** Field that says to which cluster a row belongs (FIELD_I64), or to which ones
	 * (FIELD_JSON: an array of ids). Accounts limited to clusters see only rows whose clusters
	 * all are theirs. NULL: the type belongs to no cluster, and such accounts get no list of
	 * it. */
	const char *scope;
};

/** Set every field to its default; obj is uninitialised memory of type->size bytes. */
void record_init(const struct record_type *type, void *obj);
/** Free what the fields own; obj may be used again after record_init(). */
void record_done(const struct record_type *type, void *obj);
/** Deep copy into uninitialised memory. */
void record_copy(const struct record_type *type, void *obj, const void *from);
/** The field with this name, NULL when there is none. */
const struct field *record_field(const struct record_type *type, const char *name);

/** Why JSON is read into a record. */
enum record_mode { RECORD_CREATE, RECORD_UPDATE };
/** Read a JSON object into an initialised record (RECORD_UPDATE: only the keys that are there
 * change). Errors: ERR_INVALID with every wrong field: unknown key (with "did you mean"),
 * read-only, wrong type, out of range, missing, check failed. obj may be partly changed on error.
 */
struct err *record_from_json(const struct record_type *type, void *obj, const json_t *json,
	enum record_mode mode) ERR_RESULT;
/** Validate all fields of a record (as after reading from a file). */
struct err *record_check(const struct record_type *type, const void *obj) ERR_RESULT;
/** A new JSON object of all fields but hidden ones; keys in table order; owned by the caller. */
json_t *record_to_json(const struct record_type *type, const void *obj);
/** The value of one field as JSON; owned by the caller. */
json_t *field_to_json(const struct field *f, const void *obj);
/** Set a field from JSON (null = its default, which mostly is no value).
 * Errors: ERR_INVALID with a message that completes "field: ..."; the field is unchanged then. */
struct err *field_from_json(const struct field *f, void *obj, const json_t *value) ERR_RESULT;
/** Set a field from text as a person writes it: "22", "true", "online", RFC 3339, JSON text. Errors
 * as field_from_json(). */
struct err *field_from_text(const struct field *f, void *obj, const char *text) ERR_RESULT;
/** The value of a number, truth value, enumeration or time. */
int64_t field_number(const struct field *f, const void *obj);
/** Set a number, truth value, enumeration or time, unchecked. */
void field_set_number(const struct field *f, void *obj, int64_t value);
/** The value of a text field, borrowed, NULL = no value. */
const char *field_text(const struct field *f, const void *obj);
/** The value of a JSON field, borrowed, NULL = no value. */
json_t *field_json(const struct field *f, const void *obj);
/** Free what a text or JSON field holds and set it to an owned value (a char * or json_t *, may be
 * NULL). */
void field_take(const struct field *f, void *obj, void *take_value);
/** True when the field has no value (never for truth values and enumerations). */
bool field_is_none(const struct field *f, const void *obj);
/** Set a text field to a copy. */
void field_set_text(char **field, const char *text);

/** JSON schema (2020-12) of a record for OpenAPI. @mode which keys   @with_readonly reply schema:
 * all shown fields. Owned. */
json_t *record_schema(const struct record_type *type, enum record_mode mode, bool with_readonly);
