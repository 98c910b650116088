/* A terminal's cells and lines: text cut to a width, and a block of lines at the bottom that is
 * drawn again and again in place. */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "base/str.h"

/** How many cells a text takes. UTF-8; what is not counts a cell a byte. Without control
 * characters. */
int term_width(const char *text);
/** Append text cut or filled with spaces to exactly `cells`; a cut one ends with "~". @cells >= 1
 */
void term_add_fit(struct str *out, const char *text, int cells);
/** Append text cut to at most `cells`, without filling. */
void term_add_cut(struct str *out, const char *text, int cells);

/** A block of lines at the bottom of a terminal. Zero-initialise with the stream. */
struct term_block {
	FILE *to;
	size_t lines;     /**< drawn now */
	int64_t drawn_ms; /**< monotonic time of the last drawing, 0 = never */
};
/** Draw a text of whole lines in the place of what was drawn before. */
void term_block_draw(struct term_block *block, const char *text, int64_t now_ms);
/** Remove what was drawn, so that ordinary lines can be written. */
void term_block_clear(struct term_block *block);
