/* Owns what follows from a step: rows of events and firings, the operations that firings ask for,
 * and the state, all in one transaction. So a crash at any moment either has all of it or none, and
 * what has none is derived again from the state: each firing asks for its operation once. */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "model/node.h"
#include "service/event.h"
#include "service/op/op.h"
#include "service/power_int.h"

/* A whole site goes down: pods that are moved find no other place. */
#define DRAIN_TIMEOUT_S 30

static const struct actor nobody = {.name = "power",
	.role = ROLE_ADMIN,
	.via = OP_VIA_RULE,
	.user_id = I64_NONE};

/* ---- rows ---- */

static struct err *read_rule(struct service *svc, const char *engine_id, struct ups_rule *ret)
{
	char number[POWER_ID_SIZE];
	int64_t id = 0;

	(void)snprintf(number, sizeof(number), "%.*s",
		(int)strnlen(engine_id, strspn(engine_id, "0123456789")), engine_id);
	TRY(parse_i64(number, 1, INT64_MAX, &id));
	return store_get(svc->store, &ups_rule_type, id, ret);
}

/* The newest firing of a rule that has not ended. @ret_found false: ret is untouched */
static struct err *open_firing(struct service *svc, const char *engine_id, struct ups_firing *ret,
	bool *ret_found)
{
	struct store_query q = {.limit = 1, .descending = true};
	struct store_rows rows = {0};

	store_where_text(&q, "engine_id", STORE_EQ, engine_id);
	store_where_number(&q, "finished_at", STORE_IS_NULL, 0);
	TRY(store_list(svc->store, &ups_firing_type, &q, &rows));
	*ret_found = rows.n > 0;
	if (rows.n > 0)
		record_copy(&ups_firing_type, ret, store_row(&rows, 0));
	store_rows_done(&rows);
	return NULL;
}

static bool has_ended(int64_t state)
{
	return state != POWER_PENDING && state != POWER_RUNNING;
}

static void new_firing(struct service *svc, const struct power_effect *effect,
	const struct ups_rule *rule, struct ups_firing *firing)
{
	record_init(&ups_firing_type, firing);
	firing->id = 0;
	firing->rule_id = rule->id;
	field_set_text(&firing->rule_name, rule->name);
	firing->ups_id = rule->ups_id;
	firing->cluster_id = rule->cluster_id;
	field_set_text(&firing->engine_id, effect->rule);
	firing->created_at = clock_utc(svc->clock);
}

static void move_firing(struct service *svc, const struct power_effect *effect,
	struct ups_firing *firing)
{
	int64_t now = clock_utc(svc->clock);

	firing->state = effect->state;
	firing->reason = effect->reason;
	firing->action = effect->action;
	firing->episode = effect->episode;
	firing->dry_run = effect->dry_run;
	if (effect->until != I64_NONE)
		firing->due_at = power_utc(svc, effect->until);
	if (effect->state == POWER_RUNNING) {
		firing->attempt = effect->attempt;
		if (firing->started_at == I64_NONE)
			firing->started_at = now;
	}
	if (has_ended(effect->state))
		firing->finished_at = now;
}

/* ---- operations ---- */

static json_t *shutdown_params(const struct ups_rule *rule, bool force)
{
	json_t *params = json_pack("{s:b, s:b}", "force", force, "power_off", rule->power_off);

	if (!force)
		json_object_set_new(params, "drain_timeout_s", json_integer(DRAIN_TIMEOUT_S));
	return params;
}

/* The node.wake of a cluster takes its nodes. */
static struct err *nodes_of(struct service *svc, int64_t cluster_id, json_t **ret_ids)
{
	struct store_query q = {0};
	struct store_rows rows = {0};

	store_where_number(&q, "cluster_id", STORE_EQ, cluster_id);
	TRY(store_list(svc->store, &node_type, &q, &rows));
	*ret_ids = json_array();
	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(*ret_ids,
			json_integer(((const struct node *)store_row(&rows, i))->id));
	store_rows_done(&rows);
	return NULL;
}

const char *power_operation_of(int64_t action)
{
	static const char *const types[POWER_DO_N_] = {
		[POWER_DO_GRACEFUL_SHUTDOWN] = "cluster.shutdown",
		[POWER_DO_FORCE_SHUTDOWN] = "cluster.shutdown",
		[POWER_DO_STARTUP] = "cluster.startup",
		[POWER_DO_SCALE_DOWN] = "cluster.scale_down",
		[POWER_DO_SCALE_UP] = "cluster.scale_up",
		[POWER_DO_PAUSE] = "cluster.pause",
		[POWER_DO_RESUME] = "cluster.resume",
		[POWER_DO_WAKE] = "node.wake",
	};

	return types[action];
}

/* What of a rule asks for an operation. */
struct asking {
	const struct ups_rule *rule;
	const struct ups_firing *firing;
	int64_t action;
	const char *workflow; /**< in place of the action's own operation, NULL = that */
};

static struct err *submit(struct service *svc, const struct asking *ask, struct operation *ret_op)
{
	bool force = ask->action == POWER_DO_FORCE_SHUTDOWN;
	bool down = force || ask->action == POWER_DO_GRACEFUL_SHUTDOWN;
	json_t *params = down ? shutdown_params(ask->rule, force) : json_object();
	json_t *nodes = NULL;
	char target[POWER_ID_SIZE];
	struct op_request req = {.type = power_operation_of(ask->action),
		.target = target,
		.timeout_s = ask->rule->action_timeout,
		.rule_id = ask->rule->id,
		.firing_id = ask->firing->id,
		.priority = OP_PRIORITY_POWER};
	struct actor who = nobody;
	struct err *e = NULL;

	who.name = ask->rule->name;
	power_id(target, ask->rule->cluster_id);
	if (ask->workflow != NULL) {
		json_decref(params);
		params = json_pack("{s:s}", "workflow", ask->workflow);
		req.type = "workflow.run";
		req.target = NULL;
	} else if (ask->action == POWER_DO_WAKE) {
		req.target = NULL;
		e = nodes_of(svc, ask->rule->cluster_id, &nodes);
	}
	req.params = params;
	req.nodes = nodes;
	if (e == NULL)
		e = op_submit(svc, &who, &req, ret_op);
	json_decref(params);
	json_decref(nodes);
	return e;
}

/* What was refused is undone alone; the firing says why. */
static struct err *ask_for(struct service *svc, const struct asking *ask, int64_t *ret_id,
	char **ret_error)
{
	struct operation op;

	*ret_id = I64_NONE;
	TRY(store_savepoint(svc->store));
	struct err *e = submit(svc, ask, &op);
	struct err *broken = store_release(svc->store, e == NULL);
	if (broken != NULL) {
		if (e == NULL)
			record_done(&operation_type, &op);
		err_free(e);
		return broken;
	}
	if (e == NULL) {
		*ret_id = op.id;
		log_warn("power: rule %s started operation %lld: %s", ask->rule->name,
			(long long)op.id, op.name);
		record_done(&operation_type, &op);
		return NULL;
	}
	if (err_code(e) == ERR_UNAVAILABLE || err_code(e) == ERR_IO)
		return e;
	log_error("power: rule %s could not start its operation: %s", ask->rule->name,
		err_message(e));
	*ret_error = mem_strdup(err_message(e));
	err_free(e);
	return NULL;
}

/* @ret_started whether it had begun to run; may be NULL */
static struct err *cancel(struct service *svc, int64_t id, bool *ret_started)
{
	struct operation op;

	if (ret_started != NULL)
		*ret_started = false;
	if (id == I64_NONE)
		return NULL;
	struct err *e = op_cancel(svc, &nobody, id, &op);
	if (e != NULL && (err_code(e) == ERR_CONFLICT || err_code(e) == ERR_NOT_FOUND)) {
		err_ignore(e); /* it has ended by itself */
		return NULL;
	}
	TRY(e);
	if (ret_started != NULL)
		*ret_started = op.started_at != I64_NONE;
	record_done(&operation_type, &op);
	return NULL;
}

static bool stands_in_way(const struct operation *op, int64_t cluster_id)
{
	size_t i = 0;
	const json_t *id = NULL;

	if (op->check_mode)
		return false;
	json_array_foreach(op->clusters, i, id)
		if (json_integer_value(id) == cluster_id)
			return true;
	return false;
}

/* A shutdown outranks: what else works on the cluster, or waits to, is cancelled. */
static struct err *clear_way(struct service *svc, int64_t cluster_id)
{
	static const int64_t open[] = {OP_QUEUED, OP_RUNNING};
	struct err *e = NULL;

	for (size_t k = 0; e == NULL && k < ARRAY_LEN(open); k++) {
		struct store_query q = {0};
		struct store_rows rows = {0};
		store_where_number(&q, "status", STORE_EQ, open[k]);
		e = store_list(svc->store, &operation_type, &q, &rows);
		for (size_t i = 0; e == NULL && i < rows.n; i++) {
			const struct operation *op = store_row(&rows, i);
			if (stands_in_way(op, cluster_id))
				e = cancel(svc, op->id, NULL);
		}
		store_rows_done(&rows);
	}
	return e;
}

static struct err *begin_action(struct service *svc, const struct ups_rule *rule,
	struct ups_firing *firing)
{
	bool reverse = strchr(firing->engine_id, POWER_REVERSE) != NULL;
	const struct asking ask = {.rule = rule,
		.firing = firing,
		.action = firing->action,
		.workflow = reverse ? NULL : rule->workflow};
	int strength = power_action_strength(firing->action);
	char *error = NULL;

	if (firing->dry_run || firing->action == POWER_DO_NOTIFY)
		return NULL;
	if (strength >= power_action_strength(POWER_DO_GRACEFUL_SHUTDOWN))
		TRY(clear_way(svc, rule->cluster_id));
	TRY(ask_for(svc, &ask, &firing->operation_id, &error));
	mem_free(firing->error);
	firing->error = error;
	return NULL;
}

/* Mains came back while the action could still be undone: what it did is taken back. */
static struct err *undo_action(struct service *svc, const struct ups_rule *rule,
	struct ups_firing *firing)
{
	const struct asking ask = {.rule = rule,
		.firing = firing,
		.action = ups_rule_reverse(firing->action)};
	int64_t id = I64_NONE;
	char *error = NULL;

	if (firing->action != rule->cluster_action || ask.action < 0 || rule->workflow != NULL)
		return NULL;
	TRY(ask_for(svc, &ask, &id, &error));
	mem_free(firing->error);
	firing->error = error;
	return NULL;
}

static struct err *end_action(struct service *svc, const struct power_effect *effect,
	const struct ups_rule *rule, struct ups_firing *firing)
{
	bool started = false;

	if (!effect->was_running || effect->state == POWER_DONE || effect->state == POWER_FAILED)
		return NULL;
	TRY(cancel(svc, firing->operation_id, &started));
	if (started && effect->state == POWER_ABORTED && effect->reason == POWER_WHY_RESTORED)
		return undo_action(svc, rule, firing);
	return NULL;
}

/* ---- firings ---- */

static struct err *tell_firing(struct service *svc, const struct ups_firing *firing)
{
	json_t *json = record_to_json(&ups_firing_type, firing);

	log_warn("power: rule %s is %s%s%s (%s, outage %lld)%s", firing->rule_name,
		enum_text(&power_state_table, firing->state),
		firing->reason != POWER_NO_REASON ? ": " : "",
		firing->reason != POWER_NO_REASON ? enum_text(&power_reason_table, firing->reason)
						  : "",
		enum_text(&power_action_table, firing->action), (long long)firing->episode,
		firing->dry_run ? " [dry run]" : "");
	return event_publish(svc, "ups", "ups.firing", firing->id, json);
}

static struct err *note_rule(struct service *svc, const struct ups_firing *firing,
	struct ups_rule *rule)
{
	rule->state = has_ended(firing->state) ? POWER_ARMED : firing->state;
	mem_free(rule->last_outcome);
	rule->last_outcome = mem_printf("%s%s%s", enum_text(&power_state_table, firing->state),
		firing->reason != POWER_NO_REASON ? ": " : "",
		firing->reason != POWER_NO_REASON ? enum_text(&power_reason_table, firing->reason)
						  : "");
	if (firing->state == POWER_RUNNING) {
		rule->fired += firing->attempt == 1;
		rule->last_fired_at = clock_utc(svc->clock);
		rule->last_operation_id = firing->operation_id;
	}
	return store_update(svc->store, &ups_rule_type, rule);
}

static struct err *move(struct service *svc, const struct power_effect *effect,
	struct ups_rule *rule, bool rule_is_there, struct ups_firing *firing)
{
	move_firing(svc, effect, firing);
	if (firing->id == 0)
		TRY(store_insert(svc->store, &ups_firing_type, firing));
	if (effect->state == POWER_RUNNING && rule_is_there)
		TRY(begin_action(svc, rule, firing));
	else
		TRY(end_action(svc, effect, rule, firing));
	TRY(store_update(svc->store, &ups_firing_type, firing));
	TRY(tell_firing(svc, firing));
	TRY(power_alert_rule(svc, firing, rule));
	return rule_is_there ? note_rule(svc, firing, rule) : NULL;
}

/* A rule that was removed still ends what it began. */
static struct err *rule_or_memory(struct service *svc, const struct power_effect *effect,
	struct ups_rule *ret, bool *ret_there)
{
	struct err *e = read_rule(svc, effect->rule, ret);

	*ret_there = e == NULL;
	if (e == NULL || err_code(e) != ERR_NOT_FOUND)
		return e;
	err_ignore(e);
	record_init(&ups_rule_type, ret);
	field_set_text(&ret->name, "a rule that was removed");
	return NULL;
}

struct err *power_carry_out(struct service *svc, const struct power_effect *effect)
{
	struct ups_rule rule;
	struct ups_firing firing;
	bool there = false;
	bool found = false;

	TRY(rule_or_memory(svc, effect, &rule, &there));
	struct err *e = open_firing(svc, effect->rule, &firing, &found);
	if (e == NULL && !found && !there) { /* nothing was ever begun, nothing can be */
		record_done(&ups_rule_type, &rule);
		return NULL;
	}
	if (e == NULL && !found)
		new_firing(svc, effect, &rule, &firing);
	if (e == NULL) {
		e = move(svc, effect, &rule, there, &firing);
		record_done(&ups_firing_type, &firing);
	}
	record_done(&ups_rule_type, &rule);
	return err_wrap(e, "rule %s of power", effect->rule);
}

struct err *power_stop_further(struct service *svc, const struct power_effect *effect)
{
	struct ups_firing firing;
	bool found = false;

	TRY(open_firing(svc, effect->rule, &firing, &found));
	if (!found)
		return NULL;
	struct err *e = cancel(svc, firing.operation_id, NULL);
	if (e == NULL) {
		/* This also tells its end from one that a person made. */
		field_set_text(&firing.error,
			"stopped: mains is back, no further machine goes off");
		e = store_update(svc->store, &ups_firing_type, &firing);
	}
	if (e == NULL)
		e = tell_firing(svc, &firing);
	record_done(&ups_firing_type, &firing);
	return e;
}

/* ---- UPSes ---- */

static int64_t whole(int64_t thousandths)
{
	return thousandths == I64_NONE ? I64_NONE : thousandths / 1000;
}

static struct err *write_event(struct service *svc, const struct power_effect *effect,
	const struct ups_device *ups)
{
	const struct power_word *word = power_word_of(svc->power, ups->id);
	struct ups_event event;

	record_init(&ups_event_type, &event);
	event.at = clock_utc(svc->clock);
	event.ups_id = ups->id;
	field_set_text(&event.ups_name, ups->name);
	event.event = effect->event;
	event.reason = effect->reason;
	event.since = power_utc(svc, effect->since);
	event.episode = effect->episode;
	if (word != NULL && word->ever) {
		field_set_text(&event.status, word->reading.status);
		event.charge = whole(word->reading.values[POWER_CHARGE]);
		event.runtime = whole(word->reading.values[POWER_RUNTIME]);
	}
	struct err *e = store_insert(svc->store, &ups_event_type, &event);
	if (e == NULL)
		e = event_publish(svc, "ups", "ups.event", ups->id,
			record_to_json(&ups_event_type, &event));
	record_done(&ups_event_type, &event);
	return e;
}

static struct err *tell_ups(struct service *svc, const struct power_effect *effect)
{
	struct ups_device ups;
	int64_t id = 0;

	TRY(parse_i64(effect->ups, 1, INT64_MAX, &id));
	struct err *e = store_get(svc->store, &ups_device_type, id, &ups);
	if (e != NULL && err_code(e) == ERR_NOT_FOUND) {
		err_ignore(e); /* removed in the same moment */
		return NULL;
	}
	TRY(e);
	log_warn("power: UPS %s: %s%s%s", ups.name, enum_text(&power_event_table, effect->event),
		effect->reason != POWER_NO_REASON ? ": " : "",
		effect->reason != POWER_NO_REASON ? enum_text(&power_reason_table, effect->reason)
						  : "");
	e = write_event(svc, effect, &ups);
	if (e == NULL)
		e = power_forget_notices(svc, ups.id);
	record_done(&ups_device_type, &ups);
	return e;
}

static struct err *note_status(struct service *svc, const struct power_word *word,
	struct ups_device *ups)
{
	if (ups->status == word->status)
		return NULL;
	ups->status = word->status;
	ups->status_since = clock_utc(svc->clock);
	TRY(store_update(svc->store, &ups_device_type, ups));
	return event_publish(svc, "ups", "ups.status", ups->id, ups_json(ups));
}

/* The list of UPSes shows what the engine thinks, also what is no event: the first word. */
static struct err *note_word(struct service *svc, const struct power_word *word)
{
	struct ups_device ups;

	struct err *e = store_get(svc->store, &ups_device_type, word->ups_id, &ups);
	if (e != NULL && err_code(e) == ERR_NOT_FOUND) {
		err_ignore(e); /* removed in the same moment */
		return NULL;
	}
	TRY(e);
	e = note_status(svc, word, &ups);
	if (e == NULL && word->alarms != word->told)
		e = power_alert_ups(svc, word, &ups);
	record_done(&ups_device_type, &ups);
	return e;
}

/* ---- the transaction ---- */

static struct err *carry_out(struct service *svc, const struct power_effect *effect)
{
	switch (effect->kind) {
	case POWER_TELL_UPS:
		return tell_ups(svc, effect);
	case POWER_TELL_RULE:
		return power_carry_out(svc, effect);
	case POWER_STOP_FURTHER:
		return power_stop_further(svc, effect);
	case POWER_HOLD_WAKES:
		/* cluster.startup cannot be held: it is cancelled once the outage is confirmed. */
		return NULL;
	}
	return NULL;
}

static struct err *settle_in(struct service *svc)
{
	const struct power_effects *owed = &svc->power->owed;

	store_want(svc->store, owed->n > 0 ? STORE_FULL : STORE_NORMAL);
	for (size_t i = 0; i < owed->n; i++)
		TRY(carry_out(svc, &owed->items[i]));
	for (size_t i = 0; i < svc->power->n_words; i++)
		if (svc->power->words[i].status != svc->power->words[i].stored ||
			svc->power->words[i].alarms != svc->power->words[i].told)
			TRY(note_word(svc, &svc->power->words[i]));
	return power_save(svc);
}

struct err *power_settle(struct service *svc)
{
	struct power_monitor *m = svc->power;

	TRY(store_begin(svc->store));
	struct err *e = settle_in(svc);
	if (e != NULL) {
		store_rollback(svc->store);
		return e;
	}
	TRY(store_commit(svc->store));
	power_effects_done(&m->owed);
	for (size_t i = 0; i < m->n_words; i++) {
		m->words[i].stored = m->words[i].status;
		m->words[i].told = m->words[i].alarms;
	}
	return NULL;
}
