/* Cluster files from any bytes: refused, or whole; what is whole is written and read again as the
 * same. */
#include <stdint.h>
#include <stdlib.h>

#include "model/desired.h"
#include "model/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const json_t *want)
{
	json_t *doc = desired_write(want);
	json_t *again = NULL;
	struct err *e = desired_read(doc, &again);

	if (e != NULL || !json_equal(want, again))
		abort();
	json_decref(doc);
	json_decref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct yaml_file file = {0};
	json_t *want = NULL;
	struct err *e = yaml_read("fuzz", (const char *)data, size, &file);

	if (e == NULL)
		e = yaml_locate(&file, &file.docs[0], desired_read(file.docs[0].json, &want));
	if (e == NULL)
		check_round_trip(want);
	err_free(e);
	json_decref(want);
	yaml_done(&file);
	return 0;
}
