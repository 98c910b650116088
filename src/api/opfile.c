/* Owns reading of files that a runner may be writing at the same moment: only bytes up to the last
 * newline count as lines. */
#include "api/opfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

#define READ_MAX ((int64_t)4 << 20)
#define CHUNK ((size_t)64 << 10)
#define LINE_MAX_                                                                                  \
	((int64_t)1 << 20) /* a line of events.jsonl is far smaller: the runner bounds its texts   \
			    */

int64_t opfile_seq(const char *line, size_t len)
{
	static const char key[] = "\"seq\":";
	const char *at = memmem(line, len, key, sizeof(key) - 1);
	int64_t seq = 0;

	if (at == NULL)
		return -1;
	at += sizeof(key) - 1;
	while (at < line + len && *at == ' ')
		at++;
	if (at == line + len || *at < '0' || *at > '9')
		return -1;
	for (; at < line + len && *at >= '0' && *at <= '9' && seq < INT64_MAX / 10 - 1; at++)
		seq = seq * 10 + (*at - '0');
	return seq;
}

/* Open and size; *ret_fd stays -1 when the file is not there (yet). */
static struct err *open_file(const char *path, int *ret_fd, int64_t *ret_size)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return NULL;
	if (fd < 0 || fstat(fd, &st) != 0) {
		int saved = errno;
		fs_closep(&fd);
		return err_errno(saved, "read %s", path);
	}
	*ret_fd = fd;
	*ret_size = st.st_size;
	return NULL;
}

/* Read the line that starts at or after `offset` (at 0, or after the first newline from there): its
 * seq and its start. False when no whole line is there. */
static bool probe(int fd, int64_t offset, char *buffer, int64_t *ret_start, int64_t *ret_seq)
{
	ssize_t n = pread(fd, buffer, CHUNK, offset);
	const char *start = buffer;

	if (n <= 0)
		return false;
	if (offset > 0) {
		start = memchr(buffer, '\n', (size_t)n);
		if (start == NULL)
			return false;
		start++;
	}
	const char *end = memchr(start, '\n', (size_t)(buffer + n - start));
	if (end == NULL)
		return false;
	*ret_start = offset + (start - buffer);
	*ret_seq = opfile_seq(start, (size_t)(end - start));
	return *ret_seq >= 0;
}

/* An offset at the start of a line at or before the first line with seq > after. */
static int64_t bisect(int fd, int64_t size, int64_t after)
{
	cleanup(mem_freep) char *buffer = mem_zalloc(CHUNK);
	int64_t low = 0; /* start of a line with seq <= after, or 0 */
	int64_t high = size;

	while (after > 0 && high - low > (int64_t)CHUNK) {
		int64_t middle = low + (high - low) / 2, start, seq;
		if (!probe(fd, middle, buffer, &start, &seq) || seq > after)
			high = middle;
		else
			low = start;
	}
	return low;
}

/* Append those lines of a chunk that are wanted; returns how many bytes of it were whole lines, or
 * -1 when the limit is reached. */
static ssize_t take_lines(const char *data, size_t len, int64_t after, int64_t *limit,
	struct str *out)
{
	const char *at = data;
	const char *end;

	while ((end = memchr(at, '\n', len - (size_t)(at - data))) != NULL) {
		int64_t seq = opfile_seq(at, (size_t)(end - at));
		if (seq > after) {
			if (*limit == 0)
				break;
			str_add(out, at, (size_t)(end - at) + 1);
			(*limit)--;
		}
		at = end + 1;
	}
	return at - data;
}

struct err *opfile_lines(const char *path, int64_t after, int64_t limit, struct str *out,
	int64_t *ret_offset)
{
	int64_t size = 0;
	cleanup(fs_closep) int fd = -1;

	if (ret_offset != NULL)
		*ret_offset = 0;
	TRY(open_file(path, &fd, &size));
	if (fd < 0)
		return NULL;
	int64_t offset = bisect(fd, size, after);
	size_t room = CHUNK;
	cleanup(mem_freep) char *buffer = mem_zalloc(room);
	size_t begin = out->len;
	while (limit > 0 && out->len - begin < (size_t)READ_MAX) {
		ssize_t n = pread(fd, buffer, room, offset);
		if (n < 0)
			return err_errno(errno, "read %s", path);
		ssize_t used = take_lines(buffer, (size_t)n, after, &limit, out);
		offset += used;
		if (used == 0 && (size_t)n == room && (int64_t)room < LINE_MAX_) {
			room *= 2; /* one line longer than the buffer */
			buffer = mem_realloc_array(buffer, room, 1);
		} else if (used == 0) {
			break;
		}
	}
	if (ret_offset != NULL)
		*ret_offset = offset;
	return NULL;
}

struct err *opfile_bytes(const char *path, int64_t offset, int64_t max, struct str *out)
{
	int64_t size = 0;
	cleanup(fs_closep) int fd = -1;

	TRY(open_file(path, &fd, &size));
	if (fd < 0 || offset >= size)
		return NULL;
	cleanup(mem_freep) char *buffer = mem_zalloc(CHUNK);
	while (max > 0) {
		ssize_t n = pread(fd, buffer, max < (int64_t)CHUNK ? (size_t)max : CHUNK, offset);
		if (n < 0)
			return err_errno(errno, "read %s", path);
		if (n == 0)
			break;
		str_add(out, buffer, (size_t)n);
		offset += n;
		max -= n;
	}
	return NULL;
}
