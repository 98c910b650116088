/* Cron expressions and windows from any bytes: refused, or the next time lies after the moment. */
#include <stdint.h>
#include <stdlib.h>

#include "base/cron.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cron c;
	struct cron_window w;
	char *text = mem_strndup((const char *)data, size);
	const int64_t now = 1774749600; /* just before clocks go forward in Europe */

	struct err *e = cron_parse(text, &c);
	if (e == NULL && cron_next(&c, NULL, now) <= now)
		abort();
	err_free(e);
	e = cron_window_parse(text, &w);
	if (e == NULL && cron_window_next(&w, NULL, now) < now)
		abort();
	err_free(e);
	mem_free(text);
	return 0;
}
