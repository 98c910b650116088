/* Records as JSON text, written straight into a string: the same value as record_to_json(), several
 * times cheaper. For a reader in this process they become values instead, which saves it the
 * parsing. begin, then any of the others, then end. No I/O. */
#pragma once

#include "base/str.h"
#include "model/record.h"

/** Where one object is written to. */
struct record_writer {
	struct str *out;         /**< appended to */
	json_t *items;           /**< an array that gets the objects, instead of out; borrowed */
	const char *const *only; /**< names of the keys to write, NULL = all */
	size_t n_only;
	bool any;       /**< the object has a key already */
	json_t *object; /**< the last one of items; borrowed */
	/** What was looked up for earlier objects, for example names by ID: made by who needs it,
	 * freed by who made the writer. */
	json_t *seen;
};

/** Open an object. Any thread, as all below. */
void record_write_begin(struct record_writer *w);
/** True when a key of this name would be written. */
bool record_write_wants(const struct record_writer *w, const char *name);
/** All fields of a record but hidden ones, in table order. */
void record_write_fields(struct record_writer *w, const struct record_type *type, const void *obj);
/** One more key. @text NULL = null; what is no UTF-8 is replaced */
void record_write_text(struct record_writer *w, const char *name, const char *text);
/** One more key. */
void record_write_bool(struct record_writer *w, const char *name, bool value);
/** All keys of a JSON object. */
void record_write_object(struct record_writer *w, const json_t *object);
/** Close the object. */
void record_write_end(struct record_writer *w);
