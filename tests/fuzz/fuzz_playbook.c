/* Playbook metadata from any bytes: refused, or whole. */
#include <stdint.h>
#include <stdlib.h>

#include "model/playbook.h"
#include "model/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct yaml_file file = {0};
	struct playbook_meta meta;
	struct err *e = yaml_read("fuzz", (const char *)data, size, &file);

	if (e == NULL)
		e = yaml_locate(&file, &file.docs[0], playbook_meta_read(file.docs[0].json, &meta));
	if (e == NULL) {
		if (meta.title == NULL || meta.timeout_s < 1)
			abort();
		playbook_meta_done(&meta);
	}
	err_free(e);
	yaml_done(&file);
	return 0;
}
