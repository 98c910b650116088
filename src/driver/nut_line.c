/* Splitting and quoting of protocol lines. Source: NUT docs/net-protocol.txt. */
#include "driver/nut_line.h"

#include <stdbool.h>
#include <string.h>

/** Read one word in place; returns what follows, NULL when a quote is not closed. */
static char *read_word(char *p)
{
	char *to = p;
	bool quoted = false;

	for (; *p != '\0' && (quoted || *p != ' '); p++) {
		if (*p == '"') {
			quoted = !quoted;
			continue;
		}
		if (*p == '\\' && p[1] != '\0')
			p++;
		*to++ = *p;
	}
	if (quoted)
		return NULL;
	char *next = *p == '\0' ? p : p + 1;
	*to = '\0';
	return next;
}

struct err *nut_line_split(char *line, char *ret_words[static NUT_WORDS_MAX], size_t *ret_n)
{
	size_t n = 0;
	char *p = line + strspn(line, " ");

	while (*p != '\0') {
		if (n == NUT_WORDS_MAX)
			return err_new(ERR_PROTOCOL, "a line has too many words");
		ret_words[n] = p;
		p = read_word(p);
		if (p == NULL)
			return err_new(ERR_PROTOCOL, "a line has an open quote");
		n++;
		p += strspn(p, " ");
	}
	*ret_n = n;
	return NULL;
}

void nut_line_add(struct str *line, const char *word)
{
	bool plain = word[0] != '\0' && strpbrk(word, " \"\\\t\r\n") == NULL;

	if (line->len > 0)
		str_addc(line, ' ');
	if (!plain)
		str_addc(line, '"');
	for (const char *p = word; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			str_addc(line, '\\');
		if (*p != '\n' && *p != '\r') /* a line stays one */
			str_addc(line, *p);
	}
	if (!plain)
		str_addc(line, '"');
}
