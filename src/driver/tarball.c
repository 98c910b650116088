/* Owns the use of libarchive. */
#include "driver/tarball.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

#define BLOCK ((size_t)64 << 10)
#define FILES_MAX 2000
#define NAME_MAX_BYTES ((size_t)200)

struct tarball {
	struct archive *archive;
	struct str bytes;
};

static struct err *trouble(struct archive *a, const char *what)
{
	const char *why = archive_error_string(a);

	return err_new(ERR_IO, "%s: %s", what, why != NULL ? why : "libarchive does not say why");
}

static la_ssize_t collect(struct archive *a, void *context, const void *data, size_t len)
{
	struct tarball *t = context;

	(void)a;
	str_add(&t->bytes, data, len);
	return (la_ssize_t)len;
}

struct err *tarball_new(struct tarball **ret_tarball)
{
	struct tarball *t = mem_zalloc(sizeof(*t));

	t->archive = archive_write_new();
	must(t->archive != NULL);
	if (archive_write_set_format_pax_restricted(t->archive) != ARCHIVE_OK ||
		archive_write_add_filter_gzip(t->archive) != ARCHIVE_OK ||
		archive_write_set_bytes_in_last_block(t->archive, 1) != ARCHIVE_OK ||
		archive_write_open(t->archive, t, NULL, collect, NULL) != ARCHIVE_OK) {
		struct err *e = trouble(t->archive, "begin an archive");
		tarball_free(t);
		return e;
	}
	*ret_tarball = t;
	return NULL;
}

struct err *tarball_add(struct tarball *t, const char *name, const char *data, size_t len,
	int64_t time_ms)
{
	struct archive_entry *entry = archive_entry_new();
	struct err *e = NULL;

	must(entry != NULL);
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0600);
	archive_entry_set_size(entry, (la_int64_t)len);
	archive_entry_set_mtime(entry, (time_t)(time_ms / 1000), 0);
	if (archive_write_header(t->archive, entry) != ARCHIVE_OK ||
		archive_write_data(t->archive, data, len) != (la_ssize_t)len)
		e = err_wrap(trouble(t->archive, "write an archive"), "%s", name);
	archive_entry_free(entry);
	return e;
}

struct err *tarball_end(struct tarball *take_tarball, struct str *out)
{
	struct err *e = NULL;

	if (archive_write_close(take_tarball->archive) != ARCHIVE_OK)
		e = trouble(take_tarball->archive, "end an archive");
	str_add(out, str_get(&take_tarball->bytes), take_tarball->bytes.len);
	if (e == NULL && (take_tarball->bytes.overflowed || out->overflowed))
		e = err_new(ERR_FAILED, "the archive has more than %zu MiB",
			(out->max != 0 ? out->max : STR_MAX_DEFAULT) >> 20);
	tarball_free(take_tarball);
	return e;
}

void tarball_free(struct tarball *t)
{
	if (t == NULL)
		return;
	archive_write_free(t->archive);
	str_done(&t->bytes);
	mem_free(t);
}

/* ---- reading ---- */

/* The name as it may stand in a path: nothing that leads out or that a terminal takes for more. */
static char *plain_name(const char *name)
{
	struct str s = STR_INIT;

	for (const char *c = name; *c != '\0' && s.len < NAME_MAX_BYTES; c++) {
		bool fine = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			(*c >= '0' && *c <= '9') || strchr("_-", *c) != NULL ||
			(*c == '.' && c[1] != '.') || (*c == '/' && s.len > 0);
		if (fine || *c != '/')
			str_addc(&s, (char)(fine ? *c : '_'));
	}
	return s.len > 0 ? str_take(&s) : mem_strdup("_");
}

/* Read what is wanted of the entry. */
static struct err *read_entry(struct archive *a, size_t max, struct str *data)
{
	cleanup(mem_freep) char *block = mem_zalloc(BLOCK);
	la_ssize_t n = 0;

	data->max = max;
	while (!data->overflowed && (n = archive_read_data(a, block, BLOCK)) > 0) {
		size_t room = max - data->len;
		str_add(data, block, (size_t)n < room ? (size_t)n : room);
		if ((size_t)n > room)
			data->overflowed = 1;
	}
	return n < 0 ? trouble(a, "read an archive") : NULL;
}

static struct err *read_files(struct archive *a, size_t file_max, size_t total_max,
	tarball_take_fn take, void *context)
{
	struct archive_entry *entry = NULL;
	size_t total = 0;
	int rc = ARCHIVE_OK;

	for (int i = 0; i < FILES_MAX && total < total_max; i++) {
		cleanup(str_done) struct str data = STR_INIT;
		rc = archive_read_next_header(a, &entry);
		if (rc != ARCHIVE_OK)
			break;
		const char *name = archive_entry_pathname(entry);
		if (archive_entry_filetype(entry) != AE_IFREG || name == NULL)
			continue;
		size_t left = total_max - total;
		struct err *e = read_entry(a, left < file_max ? left : file_max, &data);
		cleanup(mem_freep) char *plain = plain_name(name);
		take(context, plain, str_get(&data), data.len, data.overflowed != 0 || e != NULL);
		total += data.len;
		if (e != NULL)
			return e;
	}
	return rc == ARCHIVE_OK || rc == ARCHIVE_EOF ? NULL : trouble(a, "read an archive");
}

struct err *tarball_read(const char *path, size_t file_max, size_t total_max, tarball_take_fn take,
	void *context)
{
	struct archive *a = archive_read_new();
	struct err *e = NULL;

	must(a != NULL);
	archive_read_support_filter_gzip(a);
	archive_read_support_format_tar(a);
	if (archive_read_open_filename(a, path, BLOCK) != ARCHIVE_OK)
		e = trouble(a, "open an archive");
	if (e == NULL)
		e = read_files(a, file_max, total_max, take, context);
	archive_read_free(a);
	return e != NULL ? err_wrap(e, "%s", path) : NULL;
}
