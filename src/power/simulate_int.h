/* What the simulation reads. */
#pragma once

#include "power/engine.h"
#include "power/simulate.h"

/** Kinds of lines in a trace. */
enum trace_kind { TRACE_SAMPLE, TRACE_MISS, TRACE_DOWN, TRACE_UP, TRACE_EDIT, TRACE_END };

/** One line of a trace. */
struct trace_line {
	enum trace_kind kind;
	int64_t t;                  /**< ms */
	char name[POWER_NAME_SIZE]; /**< UPS, or rule of an edit */
	int64_t tokens, charge, runtime;
	json_t *edit; /**< owned */
};
/** A trace; trace_done() frees. */
struct trace {
	struct trace_line *lines;
	size_t n, cap;
};
/** Read a trace. Errors: ERR_INVALID with the number of the line. ret_trace is to be freed also
 * then. */
struct err *trace_read(const char *text, struct trace *ret_trace) ERR_RESULT;
/** Free. */
void trace_done(struct trace *trace);

/** Rules and clusters of a simulation. */
struct plan {
	struct power_cluster_spec clusters[POWER_CLUSTERS_MAX];
	struct power_rule_spec rules[POWER_RULES_MAX];
	int64_t durations[POWER_RULES_MAX]; /**< ms each action takes */
	size_t n_clusters, n_rules;
};
/** Read rules. Errors: ERR_INVALID naming each wrong member. */
struct err *plan_read(const char *text, struct plan *ret_plan) ERR_RESULT;
/** Change a rule of a plan. Errors: ERR_INVALID. */
struct err *plan_edit(const json_t *edit, struct power_rule_spec *rule) ERR_RESULT;
/** Index of a rule, -1 when there is none. */
int plan_find(const struct plan *plan, const char *id);
