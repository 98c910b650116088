/* Archives of texts: tar with gzip, in memory. By libarchive. Any thread; one tarball in one
 * thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/** An archive that is being written. */
struct tarball;

/** Begin one. @ret_tarball tarball_end() or tarball_free() it. Errors: ERR_IO. */
struct err *tarball_new(struct tarball **ret_tarball) ERR_RESULT;
/** Add a file (0600). @name relative path of letters, digits and "._-/"   @time_ms of the file */
struct err *tarball_add(struct tarball *t, const char *name, const char *data, size_t len,
	int64_t time_ms) ERR_RESULT;
/** Finish. @take_tarball freed in any case   @out its bytes are appended. Errors: ERR_TOO_LARGE
 * when out's maximum was reached, ERR_IO. */
struct err *tarball_end(struct tarball *take_tarball, struct str *out) ERR_RESULT;
/** Give one up; NULL is fine. */
void tarball_free(struct tarball *t);

/** Takes one file of an archive. @data at most the limit; @cut there was more */
typedef void (*tarball_take_fn)(void *context, const char *name, const char *data, size_t len,
	bool cut);
/** Read the regular files of an archive that somebody else made; nothing is written anywhere. Names
 * are made plain (letters, digits, "._-/", no "..").
 * @file_max bytes of one file that are wanted   @total_max bytes of all; what comes after is left
 * out Errors: ERR_IO, ERR_INVALID (no archive); what came before was taken. */
struct err *tarball_read(const char *path, size_t file_max, size_t total_max, tarball_take_fn take,
	void *context) ERR_RESULT;
