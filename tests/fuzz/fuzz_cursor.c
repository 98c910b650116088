/* Fuzzes cursors of lists: any text is refused, or it is a position that makes the same cursor
 * again. The first byte chooses fields and direction of the sort. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/node.h"
#include "store/store_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const sorts[] = {"id", "hostname", "cpu_cores", "status", "created_at"};

/* A record at this position. */
static void set_position(const struct store_query *q, struct node *node,
	const struct store_position *pos)
{
	for (size_t i = 0; i < store_sorts(q); i++) {
		const struct field *sort = store_sort_field(&node_type, q, i, NULL);
		const struct store_value *v = &pos->values[i];
		if (sort->kind == FIELD_TEXT)
			field_take(sort, node, mem_strdup(v->text));
		else
			field_set_number(sort, node, v->none ? I64_NONE : v->number);
	}
	node->id = pos->id;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 4096)
		return 0;
	char *text = mem_strndup((const char *)data + 1, size - 1);
	struct store_query q = {.sort = sorts[(data[0] >> 1 & 0x1f) % ARRAY_LEN(sorts)],
		.descending = (data[0] & 1) != 0,
		.more = {{"notes", true}, {"cpu_cores", false}},
		.n_more = data[0] >> 6 == 3 ? 2 : data[0] >> 6 == 2,
		.after = text};
	struct store_position pos = {0};
	struct err *e = store_cursor_parse(&node_type, &q, &pos);

	if (e == NULL) {
		struct node node;
		struct store_position again = {0};
		record_init(&node_type, &node);
		set_position(&q, &node, &pos);
		char *cursor = store_cursor(&node_type, &q, &node);
		q.after = cursor;
		struct err *e2 = store_cursor_parse(&node_type, &q, &again);
		if (e2 != NULL || again.id != pos.id)
			abort();
		store_position_done(&again);
		mem_free(cursor);
		record_done(&node_type, &node);
	}
	err_free(e);
	store_position_done(&pos);
	mem_free(text);
	return 0;
}
