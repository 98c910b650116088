/* Owns plain file access. */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

void fs_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

struct err *fs_read(const char *path, size_t max, char **ret_text, size_t *ret_len)
{
	cleanup(fs_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	cleanup(mem_freep) char *text = NULL;
	size_t len = 0;
	size_t cap = 4096;

	if (fd < 0)
		return err_errno(errno, "open %s", path);
	for (;;) {
		text = mem_realloc_array(text, cap + 1, 1);
		ssize_t n = read(fd, text + len, cap - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(errno, "read %s", path);
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max)
			return err_new(ERR_TOO_LARGE, "%s has more than %zu bytes", path, max);
		if (len == cap)
			cap *= 2;
	}
	text[len] = '\0';
	if (ret_len != NULL)
		*ret_len = len;
	*ret_text = MOVE(text);
	return NULL;
}

struct err *fs_write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(errno, "write");
		data += n;
		len -= (size_t)n;
	}
	return NULL;
}

static struct err *write_and_sync(int fd, const char *data, size_t len, mode_t mode)
{
	TRY(fs_write_all(fd, data, len));
	if (fchmod(fd, mode) != 0)
		return err_errno(errno, "chmod");
	if (fsync(fd) != 0)
		return err_errno(errno, "fsync");
	return NULL;
}

static void sync_folder_of(const char *path)
{
	cleanup(mem_freep) char *copy = mem_strdup(path);
	cleanup(fs_closep) int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		(void)fsync(fd); /* best effort: the content itself is already safe */
}

struct err *fs_write_atomic(const char *path, const char *data, size_t len, mode_t mode)
{
	const struct fs_owner owner = {.mode = mode, .uid = (uid_t)-1, .gid = (gid_t)-1};

	return fs_write_atomic_as(path, data, len, &owner);
}

struct err *fs_write_atomic_as(const char *path, const char *data, size_t len,
	const struct fs_owner *owner)
{
	cleanup(mem_freep) char *temp = mem_printf("%s.XXXXXX", path);
	cleanup(fs_closep) int fd = mkostemp(temp, O_CLOEXEC);

	if (fd < 0)
		return err_errno(errno, "create %s", temp);
	struct err *e = fchown(fd, owner->uid, owner->gid) != 0 ? err_errno(errno, "chown") : NULL;
	if (e == NULL)
		e = write_and_sync(fd, data, len, owner->mode);
	if (e == NULL && rename(temp, path) != 0)
		e = err_errno(errno, "rename");
	if (e != NULL) {
		(void)unlink(temp);
		return err_wrap(e, "write %s", path);
	}
	sync_folder_of(path);
	return NULL;
}

struct err *fs_write_new(const char *path, const char *data, size_t len, mode_t mode)
{
	cleanup(fs_closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0 && errno == EEXIST)
		return err_new(ERR_EXISTS, "%s exists", path);
	if (fd < 0)
		return err_errno(errno, "create %s", path);
	struct err *e = write_and_sync(fd, data, len, mode);
	if (e != NULL)
		(void)unlink(path);
	return err_wrap(e, "write %s", path);
}

struct err *fs_mkdirs(const char *path, mode_t mode)
{
	cleanup(mem_freep) char *copy = mem_strdup(path);
	struct stat st;

	if (*path == '\0')
		return err_new(ERR_INVALID, "a folder without a name");
	for (char *p = copy + 1;; p++) {
		p += strcspn(p, "/");
		char end = *p;
		*p = '\0';
		if (mkdir(copy, mode) != 0 && errno != EEXIST)
			return err_errno(errno, "create folder %s", copy);
		if (stat(copy, &st) == 0 && !S_ISDIR(st.st_mode))
			return err_errno(ENOTDIR, "create folder %s", copy);
		if (end == '\0')
			return NULL;
		*p = end;
	}
}

struct err *fs_remove_tree(const char *path)
{
	char *roots[] = {mem_strdup(path), NULL};
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	struct err *e = NULL;
	const FTSENT *entry;

	must(fts != NULL);
	while (e == NULL && (entry = fts_read(fts)) != NULL) {
		if (entry->fts_info == FTS_D)
			continue;
		if (entry->fts_info == FTS_NS && entry->fts_errno == ENOENT)
			continue;
		if (remove(entry->fts_path) != 0 && errno != ENOENT)
			e = err_errno(errno, "remove %s", entry->fts_path);
	}
	fts_close(fts);
	mem_free(roots[0]);
	return e;
}

struct err *fs_lock(const char *path, int *ret_fd)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_errno(errno, "open %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		*ret_fd = fd;
		return NULL;
	}
	int errnum = errno;
	close(fd);
	if (errnum == EWOULDBLOCK)
		return err_new(ERR_LOCKED, "%s is held by another process", path);
	return err_errno(errnum, "lock %s", path);
}

char *fs_join(const char *dir, const char *name)
{
	size_t n = strlen(dir);

	return mem_printf("%s%s%s", dir, n > 0 && dir[n - 1] == '/' ? "" : "/", name);
}
