/* Fuzzes nut_line_split(): any line is split or refused, and a word that is quoted again reads the
 * same. */
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "driver/nut_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = mem_strndup((const char *)data, size < NUT_LINE_MAX ? size : NUT_LINE_MAX - 1);
	char *words[NUT_WORDS_MAX];
	char *again[NUT_WORDS_MAX];
	size_t n = 0;
	size_t m = 0;
	struct str quoted = STR_INIT;
	struct err *e = nut_line_split(line, words, &n);

	for (size_t i = 0; e == NULL && i < n; i++)
		nut_line_add(&quoted, words[i]);
	if (e == NULL && strpbrk(str_get(&quoted), "\r\n") == NULL) {
		char *copy = mem_strdup(str_get(&quoted));
		struct err *e2 = nut_line_split(copy, again, &m);
		must(e2 == NULL && m == n);
		mem_free(copy);
	}
	err_free(e);
	str_done(&quoted);
	mem_free(line);
	return 0;
}
