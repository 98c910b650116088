/* The table of snapshots of facts. */
#include "model/facts.h"

#include "base/mem.h"

static const struct field fields[] = {
	ROW_I64(struct facts, id, FIELD_FIND, .help = "Number of the snapshot."),
	ROW_I64(struct facts, node_id, FIELD_FIND, .help = "The node."),
	ROW_I64(struct facts, operation_id, FIELD_FIND, .help = "Operation that read it."),
	ROW_TIME(struct facts, taken_at, FIELD_FIND, .help = "When it was read."),
	ROW_JSON(struct facts, facts, 0, .help = "What the node is: fact and value."),
};

const struct record_type facts_type = {
	.name = "snapshot of facts",
	.table = "node_facts",
	.size = sizeof(struct facts),
	.fields = fields,
	.n_fields = ARRAY_LEN(fields),
};
