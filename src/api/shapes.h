/* Replies that are not just a record: a record with computed keys, or an object of its own.
 * OpenAPI, the generated types and the contract test read them; a reply that has another form than
 * its shape fails that test. */
#pragma once

#include <jansson.h>

#include "model/record.h"

/** One shape. */
struct shape {
	const char *name;               /**< of the schema in OpenAPI */
	const struct record_type *base; /**< its fields come first, NULL = none */
	const char *const
		*without; /**< fields of base that are not shown; ends with NULL, NULL = all */
	/** JSON object of further properties, all of them always there but those with
	 * "x-optional":true. {"$ref":"#/components/schemas/NAME"} names another shape. */
	const char *more;
};

extern const struct shape shape_backup, shape_desired_file, shape_desired_plan, shape_facts,
	shape_facts_diff, shape_node, shape_cluster, shape_cluster_status, shape_operation,
	shape_operation_host, shape_preview, shape_operation_types, shape_pruned, shape_playbook,
	shape_playbook_text, shape_schedule, shape_schedule_preview, shape_ups, shape_ups_status,
	shape_ups_rule, shape_ups_firing, shape_ups_monitor, shape_ups_outages, shape_ups_scan,
	shape_ups_services, shape_ups_configured, shape_health, shape_version, shape_settings,
	shape_settings_change, shape_inventory, shape_openapi, shape_audit_report, shape_check,
	shape_finding, shape_health_report, shape_health_status, shape_history, shape_alert,
	shape_notifier, shape_hardware, shape_hardware_history, shape_hardware_diff,
	shape_hardware_totals, shape_notifier_test, shape_delivery, shape_login, shape_me,
	shape_setup, shape_setup_code, shape_new_token;

/** Shapes that others refer to; ends with NULL. */
extern const struct shape *const shapes_shared[];

/** The JSON schema of a shape. Owned. Any thread. */
json_t *shape_schema(const struct shape *shape);
