/* The table of hardware reports. */
#include "model/hardware.h"

#include "base/mem.h"

static const struct field fields[] = {
	ROW_I64(struct hardware, id, FIELD_FIND, .help = "Number of the report."),
	ROW_I64(struct hardware, node_id, FIELD_FIND, .help = "The node."),
	ROW_I64(struct hardware, operation_id, FIELD_FIND, .help = "Operation that read it."),
	ROW_TIME(struct hardware, taken_at, FIELD_FIND, .help = "When it was read."),
	ROW_JSON(struct hardware, report, FIELD_PACKED, .help = "What the machine is made of."),
};

const struct record_type hardware_type = {
	.name = "hardware report",
	.table = "hardware_reports",
	.size = sizeof(struct hardware),
	.fields = fields,
	.n_fields = ARRAY_LEN(fields),
};
