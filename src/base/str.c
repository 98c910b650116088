/* Owns string building and the quoting of text for JSON, CSV, shells and terminals. */
#include "base/str.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

void str_done(struct str *s)
{
	mem_free(s->data);
	*s = STR_INIT;
}

void str_reset(struct str *s)
{
	s->len = 0;
	s->overflowed = 0;
	if (s->data != NULL)
		s->data[0] = '\0';
}

static int str_reserve(struct str *s, size_t more)
{
	size_t max = s->max > 0 ? s->max : STR_MAX_DEFAULT;

	if (s->overflowed || more > max || s->len > max - more) {
		s->overflowed = 1;
		return 0;
	}
	size_t need = s->len + more + 1;
	if (need <= s->cap)
		return 1;
	size_t cap = s->cap > 0 ? s->cap : 64;
	while (cap < need)
		cap *= 2;
	if (cap > max + 1)
		cap = max + 1; /* so what fits, may */
	s->data = mem_realloc_array(s->data, cap, 1);
	s->cap = cap;
	return 1;
}

void str_add(struct str *s, const char *data, size_t len)
{
	if ((s->overflowed || len >= s->cap - s->len) && !str_reserve(s, len))
		return;
	if (len > 0)
		memcpy(s->data + s->len, data, len);
	s->len += len;
	s->data[s->len] = '\0';
}

void str_adds(struct str *s, const char *text)
{
	if (text != NULL)
		str_add(s, text, strlen(text));
}

void str_addc(struct str *s, char c)
{
	str_add(s, &c, 1);
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	str_addv(s, fmt, ap);
	va_end(ap);
}

void str_addv(struct str *s, const char *fmt, va_list ap)
{
	char *text = mem_vprintf(fmt, ap);

	str_adds(s, text);
	mem_free(text);
}

/* Length of the valid UTF-8 sequence at p (1 to 4), 0 when there is none. RFC 3629. */
static size_t utf8_len(const unsigned char *p)
{
	static const struct {
		unsigned char lead_min, lead_max, second_min, second_max;
		size_t len;
	} rows[] = {
		{0x01, 0x7f, 0, 0, 1},
		{0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (p[0] < rows[i].lead_min || p[0] > rows[i].lead_max)
			continue;
		if (rows[i].len > 1 && (p[1] < rows[i].second_min || p[1] > rows[i].second_max))
			return 0;
		for (size_t k = 2; k < rows[i].len; k++)
			if (p[k] < 0x80 || p[k] > 0xbf)
				return 0;
		return rows[i].len;
	}
	return 0;
}

static void add_json_ascii(struct str *s, unsigned char c)
{
	static const char named[] =
		{['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};

	if (c == '"' || c == '\\')
		str_addf(s, "\\%c", c);
	else if (c < sizeof(named) && named[c] != '\0')
		str_addf(s, "\\%c", named[c]);
	else if (c < 0x20 || c == 0x7f)
		str_addf(s, "\\u%04x", c);
	else
		str_addc(s, (char)c);
}

/* How many bytes from p on stand for themselves in JSON: nearly all of nearly every text. */
static size_t plain_len(const unsigned char *p)
{
	size_t n = 0;

	while (p[n] >= 0x20 && p[n] < 0x7f && p[n] != '"' && p[n] != '\\')
		n++;
	return n;
}

void str_add_json(struct str *s, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	str_addc(s, '"');
	while (*p != '\0') {
		size_t plain = plain_len(p);
		if (plain > 0) {
			str_add(s, (const char *)p, plain);
			p += plain;
			continue;
		}
		size_t n = utf8_len(p);
		if (n == 1)
			add_json_ascii(s, *p);
		else if (n > 1)
			str_add(s, (const char *)p, n);
		else
			str_adds(s, "\xef\xbf\xbd");
		p += n > 0 ? n : 1;
	}
	str_addc(s, '"');
}

void str_add_csv(struct str *s, const char *text)
{
	int formula = *text != '\0' && strchr("=+-@\t\r", *text) != NULL;

	if (!formula && strpbrk(text, ",\"\r\n") == NULL) {
		str_adds(s, text);
		return;
	}
	str_adds(s, formula ? "\"'" : "\"");
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '"')
			str_addc(s, '"');
		str_addc(s, *p);
	}
	str_addc(s, '"');
}

void str_add_shell(struct str *s, const char *text)
{
	static const char safe[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";

	if (*text != '\0' && strspn(text, safe) == strlen(text)) {
		str_adds(s, text);
		return;
	}
	str_addc(s, '\'');
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\'')
			str_adds(s, "'\\''");
		else
			str_addc(s, *p);
	}
	str_addc(s, '\'');
}

void str_add_printable(struct str *s, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	while (*p != '\0') {
		size_t n = utf8_len(p);
		/* C1 controls (U+0080..U+009F) act as escape sequences on some terminals */
		int c1 = n == 2 && p[0] == 0xc2 && p[1] < 0xa0;
		if (n == 0 || c1 || (n == 1 && (*p < 0x20 || *p == 0x7f))) {
			str_addf(s, "\\x%02x", *p);
			n = 1;
		} else {
			str_add(s, (const char *)p, n);
		}
		p += n;
	}
}

const char *str_get(const struct str *s)
{
	return s->data != NULL ? s->data : "";
}

char *str_take(struct str *s)
{
	char *data = s->overflowed ? NULL : s->data;

	if (data == NULL && !s->overflowed)
		data = mem_strdup("");
	if (s->overflowed)
		mem_free(s->data);
	*s = STR_INIT;
	return data;
}
