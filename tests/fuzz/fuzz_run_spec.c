/* Fuzzes reading a run spec: it is taken or refused; one that passes its check has no value that
 * ssh or a template would understand as something else. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "driver/run_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void harmless(const char *text)
{
	if (text != NULL &&
		(text[0] == '-' || strstr(text, "{{") != NULL || strchr(text, '\n') != NULL))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 8192)
		return 0;
	json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	if (json == NULL)
		return 0;
	struct run_spec spec = {0};
	struct err *e = run_spec_from_json(json, &spec);
	if (e == NULL)
		e = run_spec_check(&spec);
	for (size_t i = 0; e == NULL && i < spec.n_hosts; i++) {
		harmless(spec.hosts[i].hostname);
		harmless(spec.hosts[i].address);
		harmless(spec.hosts[i].user);
	}
	err_free(e);
	run_spec_done(&spec);
	json_decref(json);
	return 0;
}
