/* Fuzzes reading JSON into each type of record: it is taken or refused with all wrong fields, and
 * what was taken comes out of JSON again as it went in. The first byte chooses the type and the
 * mode. */
#include <jansson.h>
#include <stdlib.h>

#include "base/mem.h"
#include "model/account.h"
#include "model/cluster.h"
#include "model/node.h"
#include "model/operation.h"
#include "model/record_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct record_type *const types[] = {&user_type, &token_type, &cluster_type,
	&node_type, &operation_type};

/* Both ways of writing say the same. */
static void written_and_read(const struct record_type *type, const void *obj)
{
	struct str text = STR_INIT;
	struct record_writer w = {.out = &text};
	json_t *json = record_to_json(type, obj);

	record_write_begin(&w);
	record_write_fields(&w, type, obj);
	record_write_end(&w);
	json_t *again = json_loadb(str_get(&text), text.len, JSON_REJECT_DUPLICATES, NULL);
	if (again == NULL || !json_equal(json, again))
		abort();
	json_decref(again);
	str_done(&text);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 8192)
		return 0;
	const struct record_type *type = types[(data[0] >> 1) % (sizeof(types) / sizeof(types[0]))];
	enum record_mode mode = (data[0] & 1) != 0 ? RECORD_UPDATE : RECORD_CREATE;
	json_t *json = json_loadb((const char *)data + 1, size - 1, JSON_REJECT_DUPLICATES, NULL);
	if (json == NULL)
		return 0;
	void *obj = mem_zalloc(type->size);
	record_init(type, obj);
	struct err *e = record_from_json(type, obj, json, mode);
	if (e == NULL)
		written_and_read(type, obj);
	err_free(e);
	record_done(type, obj);
	mem_free(obj);
	json_decref(json);
	return 0;
}
