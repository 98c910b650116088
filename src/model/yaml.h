/* YAML files that people write, read into JSON, with the place of every value, so that what is
 * wrong is told by line and column. A subset: no anchors, aliases, tags or duplicate keys; numbers
 * are whole (1.32 is a text). No I/O. */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

#define YAML_BYTES_MAX ((size_t)1 << 20)
#define YAML_DOCS_MAX 64

struct yaml_place;
/** One document of a file. */
struct yaml_doc {
	json_t *json; /**< owned by the file */
	struct yaml_place *places;
	size_t n_places;
};
/** A file. yaml_done() frees. */
struct yaml_file {
	char *name; /**< for messages */
	struct yaml_doc *docs;
	size_t n;
};

/** Read a file's text. @name for messages   @ret_file yaml_done() it
 * Errors: ERR_INVALID with a field "NAME:LINE:COLUMN". Any thread. */
struct err *yaml_read(const char *name, const char *text, size_t len,
	struct yaml_file *ret_file) ERR_RESULT;
/** Free; a zeroed one is fine. */
void yaml_done(struct yaml_file *file);
/** Turn the wrong fields of an error ("spec.nodes[2].role") into places ("cluster.yaml:12:7
 * spec.nodes[2].role"); what is missing is told at what it is missing from. @take_err owned, may be
 * NULL   Returns the new error, or NULL. */
struct err *yaml_locate(const struct yaml_file *file, const struct yaml_doc *doc,
	struct err *take_err) ERR_RESULT;

/** Put "prefix" before every wrong field of an error. @take_err owned, may be NULL; added to all
 * @take_all owned, may be NULL. Returns all of both. An error without fields is given one: the
 * prefix itself. Its hint stays. */
struct err *yaml_join(struct err *take_all, const char *prefix, struct err *take_err) ERR_RESULT;
