/* Lines of NUT's text protocol: words, quoted where they hold blanks. Pure. */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

#define NUT_WORDS_MAX 8
#define NUT_LINE_MAX 2048

/** Split a line in place into words; `"` quotes, `\` escapes. Words beyond NUT_WORDS_MAX are an
 * error. @ret_words borrowed parts of line   Errors: ERR_PROTOCOL. Any thread. */
struct err *nut_line_split(char *line, char *ret_words[static NUT_WORDS_MAX],
	size_t *ret_n) ERR_RESULT;
/** Append a word, quoted when it must be. */
void nut_line_add(struct str *line, const char *word);
