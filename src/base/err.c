/* Owns the representation of errors and the table of codes. Knows nothing of HTTP or the CLI but
 * their numbers. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/mem.h"

struct err_field {
	char *path;
	char *message;
};

struct err {
	enum err_code code;
	char *message;
	char *hint;
	char *origin;
	struct err_field *fields;
	size_t n_fields;
};

static const struct {
	const char *slug;
	int http;
	int exit_code;
	const char *text;
} err_rows[] = {
#define X(name, slug, http, exit_code, text) {slug, http, exit_code, text},
	ERR_TABLE(X)
#undef X
};

static struct err *err_make_va(enum err_code code, const char *file, int line, char *take_message)
{
	struct err *e = mem_zalloc(sizeof(*e));
	const char *slash = strrchr(file, '/');

	e->code = code;
	e->message = take_message;
	e->origin = mem_printf("%s:%d", slash != NULL ? slash + 1 : file, line);
	return e;
}

struct err *err_make(enum err_code code, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *message = mem_vprintf(fmt, ap);
	va_end(ap);
	return err_make_va(code, file, line, message);
}

static enum err_code code_of_errno(int errnum)
{
	static const struct {
		int errnum;
		enum err_code code;
	} rows[] = {
		{ENOENT, ERR_NOT_FOUND},
		{ENOSPC, ERR_UNAVAILABLE},
		{EDQUOT, ERR_UNAVAILABLE},
		{EROFS, ERR_UNAVAILABLE},
		{EACCES, ERR_FORBIDDEN},
		{EPERM, ERR_FORBIDDEN},
		{ECONNREFUSED, ERR_UNREACHABLE},
		{ETIMEDOUT, ERR_TIMEOUT},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].errnum == errnum)
			return rows[i].code;
	return ERR_IO;
}

struct err *err_errno_make(int errnum, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *what = mem_vprintf(fmt, ap);
	va_end(ap);
	char reason[128];
	char *message = mem_printf("%s: %s", what, strerror_r(errnum, reason, sizeof(reason)));
	mem_free(what);
	return err_make_va(code_of_errno(errnum), file, line, message);
}

struct err *err_wrap(struct err *take_err, const char *fmt, ...)
{
	if (take_err == NULL)
		return NULL;
	va_list ap;

	va_start(ap, fmt);
	char *outer = mem_vprintf(fmt, ap);
	va_end(ap);
	char *joined = mem_printf("%s: %s", outer, take_err->message);
	mem_free(outer);
	mem_free(take_err->message);
	take_err->message = joined;
	return take_err;
}

struct err *err_hint(struct err *take_err, const char *fmt, ...)
{
	if (take_err == NULL || take_err->hint != NULL)
		return take_err;
	va_list ap;

	va_start(ap, fmt);
	take_err->hint = mem_vprintf(fmt, ap);
	va_end(ap);
	return take_err;
}

struct err *err_field(struct err *take_err, const char *field, const char *fmt, ...)
{
	struct err *e = take_err;
	va_list ap;

	if (e != NULL && e->n_fields >= ERR_FIELDS_MAX)
		return e;
	va_start(ap, fmt);
	char *message = mem_vprintf(fmt, ap);
	va_end(ap);
	if (e == NULL)
		e = err_new(ERR_INVALID, "%s: %s", field, message);
	else if (e->n_fields > 0) {
		char *joined = mem_printf("%s; %s: %s", e->message, field, message);
		mem_free(e->message);
		e->message = joined;
	}
	e->fields = mem_realloc_array(e->fields, e->n_fields + 1, sizeof(*e->fields));
	e->fields[e->n_fields].path = mem_strdup(field);
	e->fields[e->n_fields].message = message;
	e->n_fields++;
	return e;
}

enum err_code err_code(const struct err *e)
{
	return e->code;
}

const char *err_message(const struct err *e)
{
	return e->message;
}

const char *err_hint_text(const struct err *e)
{
	return e->hint;
}

const char *err_origin(const struct err *e)
{
	return e->origin;
}

size_t err_field_count(const struct err *e)
{
	return e->n_fields;
}

const char *err_field_at(const struct err *e, size_t i, const char **ret_message)
{
	must(i < e->n_fields);
	*ret_message = e->fields[i].message;
	return e->fields[i].path;
}

struct err *err_recode(struct err *take_err, enum err_code code)
{
	if (take_err != NULL)
		take_err->code = code;
	return take_err;
}

struct err *err_copy(const struct err *e)
{
	struct err *copy = NULL;
	const char *hint = e != NULL ? err_hint_text(e) : NULL;

	if (e == NULL)
		return NULL;
	for (size_t i = 0; i < err_field_count(e); i++) {
		const char *message = NULL;
		const char *field = err_field_at(e, i, &message);
		copy = err_field(copy, field, "%s", message);
	}
	if (copy == NULL)
		copy = err_new(err_code(e), "%s", err_message(e));
	return hint != NULL ? err_hint(copy, "%s", hint) : copy;
}

void err_free(struct err *e)
{
	if (e == NULL)
		return;
	for (size_t i = 0; i < e->n_fields; i++) {
		mem_free(e->fields[i].path);
		mem_free(e->fields[i].message);
	}
	mem_free(e->fields);
	mem_free(e->message);
	mem_free(e->hint);
	mem_free(e->origin);
	mem_free(e);
}

void err_freep(struct err **e)
{
	err_free(*e);
	*e = NULL;
}

void err_ignore(struct err *take_err)
{
	err_free(take_err);
}

const char *err_slug(enum err_code code)
{
	must(code < ERR_N_);
	return err_rows[code].slug;
}

int err_http_status(enum err_code code)
{
	must(code < ERR_N_);
	return err_rows[code].http;
}

int err_exit_code(enum err_code code)
{
	must(code < ERR_N_);
	return err_rows[code].exit_code;
}

enum err_code err_code_from_slug(const char *slug)
{
	for (int i = 0; i < ERR_N_; i++)
		if (strcmp(err_rows[i].slug, slug) == 0)
			return (enum err_code)i;
	return ERR_INTERNAL;
}
