/* Files: bounded reads, atomic writes, locks. All descriptors are close-on-exec. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/** Read a whole file. @max most bytes accepted   @ret_text owned, NUL-ended   @ret_len may be NULL
 * Errors: ERR_NOT_FOUND, ERR_FORBIDDEN, ERR_TOO_LARGE, ERR_IO. */
struct err *fs_read(const char *path, size_t max, char **ret_text, size_t *ret_len) ERR_RESULT;
/** Replace a file at once: temporary file in the same folder, fsync, rename, fsync of the folder.
 * @mode for example 0600 */
struct err *fs_write_atomic(const char *path, const char *data, size_t len, mode_t mode) ERR_RESULT;
/** Rights of a file. */
struct fs_owner {
	mode_t mode;
	uid_t uid; /**< -1 = as it comes */
	gid_t gid; /**< -1 = as it comes */
};
/** fs_write_atomic() for a file that is not (only) ours. */
struct err *fs_write_atomic_as(const char *path, const char *data, size_t len,
	const struct fs_owner *owner) ERR_RESULT;
/** Create a file that must not exist yet; errors: ERR_EXISTS, ERR_IO. */
struct err *fs_write_new(const char *path, const char *data, size_t len, mode_t mode) ERR_RESULT;
/** Write all bytes to a descriptor, retrying short writes. */
struct err *fs_write_all(int fd, const char *data, size_t len) ERR_RESULT;
/** Make a folder and its parents. @mode of folders that are made */
struct err *fs_mkdirs(const char *path, mode_t mode) ERR_RESULT;
/** Remove a file or a folder with all in it, without following links; absent is fine. */
struct err *fs_remove_tree(const char *path) ERR_RESULT;
/** Open (create 0600) a lock file and take an exclusive flock without waiting.
 * @ret_fd owned: closing it frees the lock   Errors: ERR_LOCKED when another holds it, ERR_IO. */
struct err *fs_lock(const char *path, int *ret_fd) ERR_RESULT;
/** Close *fd when it is >= 0 and set it to -1; for cleanup(fs_closep). */
void fs_closep(int *fd);
/** Join two path parts with one slash. The caller frees. */
char *fs_join(const char *dir, const char *name);
