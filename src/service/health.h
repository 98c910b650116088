/* Health on demand: one round of questions to nodes and API servers, without SSH logins and without
 * Ansible. */
#pragma once

#include <jansson.h>
#include <stdatomic.h>

#include "service/service.h"

/** Collect whom the task asks: nodes and clusters that this request may see. Secrets stay sealed.
 * @cluster name or ID, NULL = all   @ret_input owned. Errors: ERR_NOT_FOUND. Domain worker. */
struct err *health_input(struct service *svc, const char *cluster, json_t **ret_input) ERR_RESULT;
/** Task: ask everybody and judge.
 * @ret_output {"clusters":[{name state reason nodes nodes_well planes planes_ready
 * voters quorum_margin}], "nodes":[{name cluster state reason ssh agent api ready cordoned
 * heartbeat_s}]}, owned. Errors: ERR_UNAVAILABLE (no libcurl), of the sealing key. Any thread;
 * seconds. */
struct err *health_run(const json_t *input, json_t **ret_output) ERR_RESULT;
/** The same, given up within 200 ms when another thread sets the flag. Errors also:
 * ERR_CANCELLED. */
struct err *health_run_until(const json_t *input, const atomic_bool *stop,
	json_t **ret_output) ERR_RESULT;
