/* Reading the growing files of an operation: events.jsonl (lines with rising "seq") and log.txt.
 * Bounded; any thread. */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/** Append whole lines whose seq is above `after`, at most `limit` lines and about 4 MiB. A file
 * that does not exist yet has no lines. The first such line is found by bisection, so polling a
 * large file costs little. @ret_offset end of the last line read, may be NULL */
struct err *opfile_lines(const char *path, int64_t after, int64_t limit, struct str *out,
	int64_t *ret_offset) ERR_RESULT;
/** Append bytes from an offset on, at most `max`. Beyond the end: nothing. */
struct err *opfile_bytes(const char *path, int64_t offset, int64_t max, struct str *out) ERR_RESULT;
/** The "seq" of one event line, -1 when it has none. Pure. */
int64_t opfile_seq(const char *line, size_t len);
