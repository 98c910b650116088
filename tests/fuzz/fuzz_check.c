/* Checks of nodes on any bytes: as the report of a node when they are JSON, and as the output of
 * every tool that a check reads. The report is always whole and bounded. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/check/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void evaluate(const json_t *data)
{
	const struct check_node nodes[] =
		{{.name = "n1", .role = "control_plane", .data = data, .address = "10.0.0.1"},
			{.name = "n2", .role = "worker", .data = data}};
	const struct check_run run = {.nodes = nodes, .n = ARRAY_LEN(nodes)};
	const enum check_use uses[] = {CHECK_PREREQUISITE, CHECK_DOCTOR};

	for (size_t i = 0; i < ARRAY_LEN(uses); i++) {
		json_t *items = check_evaluate(&run, uses[i], false);
		const json_t *item = NULL;
		size_t k = 0;
		json_array_foreach(items, k, item) {
			const char *found = json_string_value(json_object_get(item, "found"));
			if (found == NULL || strlen(found) > 1200)
				abort();
		}
		json_decref(items);
	}
}

static void try_one(const struct check *check, const json_t *shape)
{
	char *input = json_dumps(shape, JSON_COMPACT);
	const struct check_vector vector = {.input = input};
	char *found = NULL;

	(void)check_try(check, &vector, &found);
	if (found == NULL || strlen(found) > 1200)
		abort();
	mem_free(found);
	mem_free(input);
}

/* Replace every text in a value by this one. */
static void replace(json_t *value, json_t *text)
{
	const char *key = NULL;
	json_t *one = NULL;
	size_t i = 0;

	json_object_foreach(value, key, one) {
		if (json_is_string(one))
			json_object_set(value, key, text);
		replace(one, text);
	}
	json_array_foreach(value, i, one) {
		if (json_is_string(one))
			json_array_set(value, i, text);
		replace(one, text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
	json_t *text = json_stringn((const char *)data, strnlen((const char *)data, size));

	if (json != NULL)
		evaluate(json);
	/* the shape that a check expects, with these bytes in every place of a text */
	const struct check *check = checks[size > 0 ? data[0] % checks_n : 0];
	for (size_t i = 0; text != NULL && i < check->n_vectors; i++) {
		json_t *shape = check->vectors[i].input != NULL
			? json_loads(check->vectors[i].input, 0, NULL)
			: NULL;
		replace(shape, text);
		if (json_is_object(shape))
			try_one(check, shape);
		json_decref(shape);
	}
	json_decref(json);
	json_decref(text);
	return 0;
}
