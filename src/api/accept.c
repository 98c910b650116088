/* Owns the reading of Accept and Accept-Encoding. */
#include "api/accept.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define QUALITY_MAX 1000

/* How exactly a member "text/plain" fits: 0 not, 1 everything, 2 the kind, 3 exactly. */
static int fit(const char *member, size_t len, const char *wanted)
{
	size_t kind = strcspn(wanted, "/");

	if (len == strlen(wanted) && strncasecmp(member, wanted, len) == 0)
		return 3;
	if (len == kind + 2 && strncasecmp(member, wanted, kind + 1) == 0 && member[len - 1] == '*')
		return 2;
	if ((len == 1 && member[0] == '*') || (len == 3 && memcmp(member, "*/*", 3) == 0))
		return 1;
	return 0;
}

/* "0.25" -> 250. What is no number counts as 1: a client that says it badly still says it. */
static int quality_of(const char *text, size_t len)
{
	int value = 0;
	int unit = QUALITY_MAX;

	if (len == 0 || (text[0] != '0' && text[0] != '1'))
		return QUALITY_MAX;
	for (size_t i = 0; i < len && unit > 0; i++) {
		if (i == 1 && text[i] == '.')
			continue;
		if (!isdigit((unsigned char)text[i]))
			break;
		value += (text[i] - '0') * unit;
		unit /= 10;
	}
	return value < QUALITY_MAX ? value : QUALITY_MAX;
}

/* The weight among the parameters of a member: ";q=0.5". */
static int weight(const char *params, size_t len)
{
	for (size_t i = 0; i + 2 < len; i++) {
		if (params[i] != ';')
			continue;
		size_t at = i + 1;
		while (at < len && (params[at] == ' ' || params[at] == '\t'))
			at++;
		if (at + 1 < len && (params[at] == 'q' || params[at] == 'Q') &&
			params[at + 1] == '=')
			return quality_of(params + at + 2, len - at - 2);
	}
	return QUALITY_MAX;
}

int accept_quality(const char *header, const char *wanted)
{
	int best = 0;
	int quality = -1;

	for (const char *at = header; at != NULL && *at != '\0';) {
		at += strspn(at, " \t,");
		size_t len = strcspn(at, ",");
		size_t name = strcspn(at, ",; \t");
		int how = fit(at, name, wanted);
		if (how > best) {
			best = how;
			quality = weight(at + name, len - name);
		}
		at += len;
	}
	return quality;
}
