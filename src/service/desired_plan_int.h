/* A plan while it is made, shared by those who make parts of it. */
#pragma once

#include "model/desired.h"
#include "service/desired_int.h"

/** A plan being made. */
struct plan {
	const struct desired_state *now;
	const json_t *want;
	const struct desired_options *options;
	const char *name; /* of the cluster, borrowed from want */
	bool running;     /* it was set up */
	json_t *changes, *notes, *steps;
	json_t *join[NODE_ROLE_WORKER + 1]; /* names by role */
	json_t *leave;
	json_t *labels; /* to set, by host name */
	struct err *refused;
};

/** Add a line. @action add, change, remove; NULL for a note. Takes the texts. Any thread. */
void plan_say(json_t *list, const char *action, char *take_object, char *take_reason);
/** "cluster home". Owned. Any thread. */
char *plan_cluster_text(const struct plan *p);
/** A value for people. Owned. Any thread. */
char *plan_value_text(const json_t *value);
/** The file cannot be done as it is. @path where it says so. Any thread. */
void plan_refuse(struct plan *p, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** Add a step that changes the inventory. Takes name and body. Any thread. */
void plan_step_record(struct plan *p, char *take_name, const char *record, const char *target,
	json_t *take_body);
/** Fields of want that a record has otherwise, as a body for a change. @have JSON of the record
 * @ret_text "ssh_port 22 -> 2222, ...": NULL when none does; owned   Returns owned. Any thread. */
json_t *plan_differences(const json_t *want, const json_t *have, const struct desired_word *words,
	char **ret_text);
/** The settings of the cluster and its schedule of backups. Any thread. */
void plan_settings(struct plan *p);
