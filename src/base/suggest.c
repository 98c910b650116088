/* "Did you mean": optimal string alignment distance on short words. Pure. */
#include "base/suggest.h"

#include <string.h>
#include <strings.h>

#define WORD_MAX 64

struct suggest suggest_start(const char *word)
{
	return (struct suggest){.word = word, .best = NULL, .distance = 0};
}

static size_t min2(size_t a, size_t b)
{
	return a < b ? a : b;
}

static char lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c;
}

static int same(char a, char b)
{
	return lower(a) == lower(b);
}

size_t suggest_distance(const char *a, const char *b)
{
	size_t la = strnlen(a, WORD_MAX);
	size_t lb = strnlen(b, WORD_MAX);
	size_t rows[3][WORD_MAX + 1]; /* of i - 2, i - 1 and i, taken in turn */

	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		const size_t *before = rows[(i + 1) % 3];
		const size_t *above = rows[(i - 1) % 3];
		size_t *row = rows[i % 3];
		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t cost = same(a[i - 1], b[j - 1]) ? 0 : 1;
			row[j] = min2(min2(above[j] + 1, row[j - 1] + 1), above[j - 1] + cost);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				row[j] = min2(row[j], before[j - 2] + 1);
		}
	}
	return rows[la % 3][lb];
}

void suggest_try(struct suggest *s, const char *candidate)
{
	if (candidate == NULL)
		return;
	size_t len = strlen(s->word);
	size_t limit = len <= 3 ? 1 : len <= 7 ? 2 : 3;
	size_t d = suggest_distance(s->word, candidate);
	/* What was typed may be the start of the word: "stat" for "status". */
	if (d > limit && len >= 3 && strncasecmp(candidate, s->word, len) == 0)
		d = limit;
	if (d <= limit && (s->best == NULL || d < s->distance)) {
		s->best = candidate;
		s->distance = d;
	}
}
