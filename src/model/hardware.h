/* Hardware reports of nodes over time. What is in one: hardware/report.h. */
#pragma once

#include "model/record.h"

/** A row of `hardware_reports`. */
struct hardware {
	int64_t id;
	int64_t node_id;
	int64_t operation_id; /**< that read it, I64_NONE once it is pruned */
	int64_t taken_at;
	json_t *report;
};
extern const struct record_type hardware_type;
