/* Cells and redrawing. Uses only four ANSI sequences: up, erase line, erase below, carriage return.
 */
#include "cli/term.h"

#include <string.h>
#include <wchar.h>

/** Decode one character; its bytes, and its cells through ret. */
static size_t next_char(const char *p, int *ret_cells)
{
	wchar_t wide = 0;
	mbstate_t state = {0};
	size_t n = mbrtowc(&wide, p, strlen(p), &state);

	if (n == 0 || n > 8) { /* not a character of the locale: a cell for what looks like one in
				  UTF-8 */
		for (n = 1; ((unsigned char)p[0] & 0xc0) == 0xc0 &&
			((unsigned char)p[n] & 0xc0) == 0x80 && n < 4;)
			n++;
		*ret_cells = 1;
		return n;
	}
	int cells = wcwidth(wide);
	*ret_cells = cells < 0 ? 1 : cells;
	return n;
}

int term_width(const char *text)
{
	int width = 0;

	while (*text != '\0') {
		int cells = 0;
		text += next_char(text, &cells);
		width += cells;
	}
	return width;
}

static int add_cut(struct str *out, const char *text, int cells)
{
	int used = 0;
	int limit = term_width(text) > cells ? cells - 1 : cells;

	while (*text != '\0') {
		int wide = 0;
		size_t n = next_char(text, &wide);
		if (used + wide > limit) {
			str_addc(out, '~');
			return used + 1;
		}
		str_add(out, text, n);
		used += wide;
		text += n;
	}
	return used;
}

void term_add_cut(struct str *out, const char *text, int cells)
{
	if (cells > 0)
		(void)add_cut(out, text, cells);
}

void term_add_fit(struct str *out, const char *text, int cells)
{
	int used = add_cut(out, text, cells);

	if (used < cells)
		str_addf(out, "%*s", cells - used, "");
}

static void go_up(const struct term_block *block)
{
	if (block->lines > 0)
		(void)fprintf(block->to, "\033[%zuA\r", block->lines);
}

void term_block_draw(struct term_block *block, const char *text, int64_t now_ms)
{
	size_t before = block->lines;

	go_up(block);
	block->lines = 0;
	for (const char *p = text; *p != '\0';) {
		size_t len = strcspn(p, "\n");
		(void)fprintf(block->to, "%.*s\033[K\n", (int)len, p);
		block->lines++;
		p += len + (p[len] == '\n' ? 1 : 0);
	}
	if (block->lines < before)
		(void)fputs("\033[J", block->to);
	(void)fflush(block->to);
	block->drawn_ms = now_ms;
}

void term_block_clear(struct term_block *block)
{
	if (block->lines == 0)
		return;
	go_up(block);
	(void)fputs("\033[J", block->to);
	block->lines = 0;
	block->drawn_ms = 0;
}
