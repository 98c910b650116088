/* Fuzzes what is read of NUT on a machine: its configuration files, systemctl's and nut-scanner's
 * output. Whatever comes, a list comes out. */
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "driver/nut_conf.h"
#include "driver/nut_host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_strndup((const char *)data, size);
	json_t *rows = nut_conf_read(text);
	json_t *units = nut_host_units(text);
	json_t *found = json_array();

	nut_host_scanned(text, found);
	must(json_is_array(rows) && json_is_array(units));
	const char *port = nut_conf_get(rows, "ups", "port");
	must(port == NULL || *port != '\n');
	const char *const pairs[][2] = {{"port", text}};
	char *set = nut_conf_set(text, "mko", pairs, 1);
	char *again = nut_conf_set(set, "mko", pairs, 1);
	must(strcmp(set, again) == 0);
	mem_free(set);
	mem_free(again);
	json_decref(rows);
	json_decref(units);
	json_decref(found);
	mem_free(text);
	return 0;
}
