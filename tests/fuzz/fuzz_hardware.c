/* What a collector printed, from any bytes: refused, or a report that can be written as JSON and
 * has no control character. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hardware/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An escape of a control character; a backslash that is told itself is escaped as two. */
static bool has_control(const char *json)
{
	for (; *json != '\0'; json++)
		if (*json == '\\' && *++json == 'u' && strncmp(json, "u00", 3) == 0)
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *report = NULL;

	if (size > 65536)
		return 0;
	struct err *e = hardware_report((const char *)data, size, &report);
	if (e != NULL) {
		err_free(e);
		return 0;
	}
	char *text = json_dumps(report, JSON_COMPACT);
	if (text == NULL || has_control(text))
		abort();
	free(text);
	json_decref(report);
	return 0;
}
