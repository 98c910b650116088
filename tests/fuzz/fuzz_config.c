/* The configuration parser on any bytes: no crash, no leak, and what it accepts is in range. */
#include <stdint.h>
#include <stdlib.h>

#include "app/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config;

	record_init(&config_type, &config);
	struct err *e = config_parse("fuzz", (const char *)data, size, &config);
	if (e == NULL) {
		struct err *wrong = record_check(&config_type, &config);
		if (wrong != NULL)
			abort();
	}
	err_free(e);
	config_done(&config);
	return 0;
}
