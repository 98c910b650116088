/* Asserts for functions that return `struct err *`; include after testing.h. Each frees the error.
 */
#pragma once

#include "testing.h"

#include <string.h>

#include "base/err.h"

static inline void check_ok(struct err *take_err, const char *expr, const char *file, int line)
{
	if (take_err == NULL)
		return;
	print_error("%s: %s (%s, from %s)\n", expr, err_message(take_err),
		err_slug(err_code(take_err)), err_origin(take_err));
	err_free(take_err);
	_fail(file, line);
}

/* The text must be in the message or the hint; NULL: any. */
static inline void check_fails(struct err *take_err, enum err_code code, const char *text,
	const char *file, int line)
{
	if (take_err == NULL) {
		print_error("no error, expected %s\n", err_slug(code));
		_fail(file, line);
		return;
	}
	const char *hint = err_hint_text(take_err);
	int found = text == NULL || strstr(err_message(take_err), text) != NULL ||
		(hint != NULL && strstr(hint, text) != NULL);
	int good = err_code(take_err) == code && found;
	if (!good)
		print_error("got %s \"%s\", expected %s \"%s\"\n", err_slug(err_code(take_err)),
			err_message(take_err), err_slug(code), text != NULL ? text : "");
	err_free(take_err);
	if (!good)
		_fail(file, line);
}

/* The call succeeds. */
#define assert_ok(expr) check_ok((expr), #expr, __FILE__, __LINE__)
/* The call fails with this code. */
#define assert_fails(expr, code) check_fails((expr), (code), NULL, __FILE__, __LINE__)
/* The call fails with this code and says this text. */
#define assert_says(expr, code, text) check_fails((expr), (code), (text), __FILE__, __LINE__)
