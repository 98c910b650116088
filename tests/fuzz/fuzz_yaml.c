/* YAML from any bytes: refused with a place, or JSON that can be written again. */
#include <stdint.h>
#include <stdlib.h>

#include "model/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct yaml_file file = {0};
	struct err *e = yaml_read("fuzz", (const char *)data, size, &file);

	if (e == NULL) {
		for (size_t i = 0; i < file.n; i++) {
			char *text = json_dumps(file.docs[i].json, JSON_ENCODE_ANY);
			if (text == NULL)
				abort();
			free(text);
			err_free(yaml_locate(&file, &file.docs[i],
				err_field(NULL, "a.b[0].c", "x")));
		}
	}
	err_free(e);
	yaml_done(&file);
	return 0;
}
