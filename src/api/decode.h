/* Decoding of what clients send: paths, queries, JSON bodies. Pure, bounded, strict functions;
 * fuzzed (tests/fuzz/fuzz_request.c). */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define DECODE_SEGMENTS_MAX 8
#define DECODE_PAIRS_MAX 32
#define DECODE_TEXT_MAX 4096 /**< bytes of one decoded segment, name or value */
#define DECODE_DEPTH_MAX 32  /**< levels of nested arrays and objects */

/** The parts of a path between slashes, decoded. */
struct decode_path {
	char *parts[DECODE_SEGMENTS_MAX];
	size_t n;
};
/** The pairs of a query, decoded, in their order; no name occurs twice. */
struct decode_query {
	struct {
		char *name, *value;
	} pairs[DECODE_PAIRS_MAX];
	size_t n;
};

/** Decode %XX strictly. @plus_is_space as in queries of forms   @ret_text owned
 * Errors: ERR_USAGE: bad escape, control character, invalid UTF-8, too long. Any thread. */
struct err *decode_percent(const char *text, size_t len, bool plus_is_space,
	char **ret_text) ERR_RESULT;
/** Split "/api/nodes/n%31" into its parts. Empty parts ("//", a slash at the end), "." and ".." are
 * refused.
 * @ret_path decode_path_done() frees. Errors: ERR_USAGE, ERR_NOT_FOUND (too many parts: no such
 * route). Any thread. */
struct err *decode_path_parse(const char *path, struct decode_path *ret_path) ERR_RESULT;
/** Free the parts. */
void decode_path_done(struct decode_path *path);
/** Split "a=1&b=x%20y". @text NULL = none   @ret_query decode_query_done() frees
 * Errors: ERR_USAGE: a name that comes twice or is empty, too many pairs, bad escapes. Any thread.
 */
struct err *decode_query_parse(const char *text, struct decode_query *ret_query) ERR_RESULT;
/** The value of a name, NULL when it is absent; borrowed. */
const char *decode_query_get(const struct decode_query *query, const char *name);
/** Free the pairs. */
void decode_query_done(struct decode_query *query);
/** Read a JSON object. Duplicate keys, more than DECODE_DEPTH_MAX levels, NUL characters and
 * anything after it are refused.
 * @ret_json owned   Errors: ERR_USAGE with line and column. Any thread. */
struct err *decode_json_object(const char *text, size_t len, json_t **ret_json) ERR_RESULT;
/** Value of a cookie in a Cookie header. @header NULL = none. Returns it (caller frees), NULL when
 * absent. Any thread. */
char *decode_cookie(const char *header, const char *name);
