/* The one string builder: grows, has a maximum length, remembers overflow until it is asked once at
 * the end. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/** A growing string. Zero-initialise (STR_INIT); embedded; str_done() frees. */
struct str {
	char *data;     /**< NUL-ended, or NULL while empty */
	size_t len;     /**< bytes without the NUL */
	size_t cap;     /**< allocated bytes */
	size_t max;     /**< most bytes accepted, 0 = 64 MiB */
	int overflowed; /**< sticky: something was dropped */
};
#define STR_INIT ((struct str){0})
#define STR_MAX_DEFAULT ((size_t)64 << 20)

/** Free what the builder holds; it may be used again. */
void str_done(struct str *s);
/** Forget the content but keep the memory. */
void str_reset(struct str *s);
/** Append bytes. */
void str_add(struct str *s, const char *data, size_t len);
/** Append a NUL-ended text; NULL appends nothing. */
void str_adds(struct str *s, const char *text);
/** Append one character. */
void str_addc(struct str *s, char c);
/** Append by printf. */
void str_addf(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Append by vprintf. */
void str_addv(struct str *s, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/** Append text as a JSON string with its quotes; invalid UTF-8 becomes U+FFFD. */
void str_add_json(struct str *s, const char *text);
/** Append text as a CSV field, quoted when needed; a leading = + - @ is defused with a quote
 * (spreadsheet formulas). */
void str_add_csv(struct str *s, const char *text);
/** Append text so that a person may paste it into a POSIX shell (for --print-command; we never run
 * a shell). */
void str_add_shell(struct str *s, const char *text);
/** Append text for a terminal: control characters and escape sequences are shown as \xNN. */
void str_add_printable(struct str *s, const char *text);
/** The content, never NULL ("" when empty); borrowed until the next change. */
const char *str_get(const struct str *s);
/** Take the content out (caller frees), NULL when it overflowed. The builder is empty afterwards.
 */
char *str_take(struct str *s);
