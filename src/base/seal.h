/* Sealing of secrets at rest with the data directory's secret.key (libsodium secretbox, base64
 * text). */
#pragma once

#include "base/err.h"

/** A loaded key; opaque, locked in memory, wiped when freed. */
struct seal_key;

/** Load secret.key, or create it (0600) when the file does not exist.
 * @path of the key file   @ret_key owned by the caller
 * Errors: ERR_FORBIDDEN when others may read it, ERR_INVALID when it is not a key, ERR_IO. Any
 * thread. */
struct err *seal_key_open(const char *path, struct seal_key **ret_key) ERR_RESULT;
/** Wipe and free; NULL is fine. */
void seal_key_free(struct seal_key *key);
/** Seal a text. Returns base64 text, the caller frees. Any thread. */
char *seal_text(const struct seal_key *key, const char *plain);
/** Open a sealed text. @ret_plain the caller wipes and frees with seal_wipe_free().
 * Errors: ERR_INVALID when it was not sealed with this key or was changed. */
struct err *seal_open_text(const struct seal_key *key, const char *sealed,
	char **ret_plain) ERR_RESULT;
/** Wipe a secret text and free it; NULL is fine. */
void seal_wipe_free(char *plain);
/** The same for `cleanup(seal_wipe_freep)`. */
void seal_wipe_freep(char **plain);
