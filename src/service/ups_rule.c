/* Owns the rules of power as objects. */
#include "service/ups.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "power/engine.h"
#include "service/alert.h"
#include "service/audit.h"
#include "service/cluster.h"
#include "service/event.h"
#include "service/find.h"
#include "service/workflow.h"

struct err *ups_rule_find(struct service *svc, const char *id_or_name, struct ups_rule *ret)
{
	return err_hint(find_record(svc, &ups_rule_type, id_or_name, ret), "mko ups rules list");
}

int64_t ups_rule_reverse(int64_t action)
{
	static const int64_t reverse[POWER_DO_N_] = {
		[POWER_DO_GRACEFUL_SHUTDOWN] = POWER_DO_STARTUP,
		[POWER_DO_FORCE_SHUTDOWN] = POWER_DO_STARTUP,
		[POWER_DO_SCALE_DOWN] = POWER_DO_SCALE_UP,
		[POWER_DO_PAUSE] = POWER_DO_RESUME,
	};

	return power_action_strength(action) > 0 ? reverse[action] : -1;
}

static char *name_of(struct service *svc, const struct record_type *type, int64_t id)
{
	const struct field *key = record_field(type, "name");
	void *obj = mem_zalloc(type->size);
	struct err *e = id != I64_NONE ? store_get(svc->store, type, id, obj)
				       : err_new(ERR_NOT_FOUND, "none");
	char *name = NULL;

	if (e == NULL) {
		name = mem_strdup(field_text(key, obj));
		record_done(type, obj);
	}
	err_free(e); /* removed in between: no name then */
	mem_free(obj);
	return name;
}

struct err *ups_rule_json(struct service *svc, const struct ups_rule *rule, json_t **ret_json)
{
	cleanup(mem_freep) char *ups = name_of(svc, &ups_device_type, rule->ups_id);
	cleanup(mem_freep) char *cluster = name_of(svc, &cluster_type, rule->cluster_id);
	json_t *json = record_to_json(&ups_rule_type, rule);

	json_object_set_new(json, "ups_name", ups != NULL ? json_string(ups) : json_null());
	json_object_set_new(json, "cluster_name",
		cluster != NULL ? json_string(cluster) : json_null());
	*ret_json = json;
	return NULL;
}

static struct err *changed(struct service *svc, const struct actor *who, const char *action,
	const struct ups_rule *rule)
{
	json_t *json = NULL;
	char object[160];

	TRY(ups_rule_json(svc, rule, &json));
	snprintf(object, sizeof(object), "rule/%lld %s", (long long)rule->id, rule->name);
	struct err *e = audit_write(svc, who, action, object, json_incref(json), "ok");
	if (e == NULL)
		e = event_publish(svc, "ups", action, rule->id, json_incref(json));
	json_decref(json);
	return e;
}

/* ---- checks ---- */

static bool names_field(const struct err *e, const char *name)
{
	const char *message = NULL;

	for (size_t i = 0; e != NULL && i < err_field_count(e); i++)
		if (strcmp(err_field_at(e, i, &message), name) == 0)
			return true;
	return false;
}

/* A name or number of another object becomes its number; one that is not there, 1, so that the rest
 * is still looked at. */
static struct err *resolve(struct service *svc, json_t *body, const char *key,
	const struct record_type *type, struct err *take_err)
{
	const json_t *value = json_object_get(body, key);
	cleanup(mem_freep) char *number = json_is_integer(value)
		? mem_printf("%lld", (long long)json_integer_value(value))
		: NULL;
	const char *text = number != NULL ? number : json_string_value(value);
	void *obj = mem_zalloc(type->size);
	struct err *e = NULL;

	if (text == NULL) { /* absent, or of another kind, which the table tells */
		mem_free(obj);
		return take_err;
	}
	e = find_record(svc, type, text, obj);
	if (e == NULL) {
		json_object_set_new(body, key, json_integer(*(const int64_t *)obj));
		record_done(type, obj);
	} else {
		json_object_set_new(body, key, json_integer(1));
		take_err = err_field(take_err, key, "%s", err_message(e));
		err_free(e);
	}
	mem_free(obj);
	return take_err;
}

static struct err *check_thresholds(struct err *take_err, const struct ups_rule *rule)
{
	struct err *e = take_err;
	bool low = rule->power_event == POWER_ON_LOW;
	bool runtime = rule->power_event == POWER_ON_RUNTIME;

	if (rule->battery_threshold != I64_NONE && !low)
		e = err_field(e, "battery_threshold", "is only for the event low_battery");
	if (rule->runtime_threshold != I64_NONE && !low && !runtime)
		e = err_field(e, "runtime_threshold",
			"is only for the events low_battery and runtime_below");
	if (runtime && rule->runtime_threshold == I64_NONE)
		e = err_field(e, "runtime_threshold", "is required for the event runtime_below");
	return e;
}

static struct err *check_action(struct err *take_err, const struct ups_rule *rule)
{
	struct err *e = take_err;
	struct err *wrong = power_action_check(rule->power_event, rule->cluster_action);

	if (wrong != NULL)
		e = err_field(e, "cluster_action", "%s", err_message(wrong));
	err_free(wrong);
	if (rule->auto_reverse && ups_rule_reverse(rule->cluster_action) < 0)
		e = err_field(e, "auto_reverse", "%s has no opposite",
			enum_text(&power_action_table, rule->cluster_action));
	if (rule->on_fail == UPS_FAIL_ESCALATE &&
		rule->cluster_action != POWER_DO_GRACEFUL_SHUTDOWN)
		e = err_field(e, "on_fail", "only a graceful shutdown can be forced");
	if (rule->just_in_time &&
		(rule->power_event != POWER_ON_LOSS || rule->workflow != NULL ||
			power_action_strength(rule->cluster_action) == 0))
		e = err_field(e, "just_in_time",
			"is only for the event power_loss with an action that takes a cluster down, and no workflow");
	if (rule->workflow != NULL && rule->cluster_action == POWER_DO_NOTIFY)
		e = err_field(e, "workflow", "notify runs nothing");
	return e;
}

static struct err *check_workflow(struct service *svc, struct err *take_err,
	const struct ups_rule *rule)
{
	struct workflow workflow;

	if (rule->workflow == NULL)
		return take_err;
	struct err *e = workflow_find(svc, rule->workflow, &workflow);
	if (e == NULL) {
		record_done(&workflow_type, &workflow);
		return take_err;
	}
	take_err = err_field(take_err, "workflow", "%s", err_message(e));
	err_free(e);
	return take_err;
}

static struct err *check_more(struct service *svc, struct err *take_err,
	const struct ups_rule *rule)
{
	struct err *e = take_err;

	if (!names_field(e, "power_event"))
		e = check_thresholds(e, rule);
	if (!names_field(e, "power_event") && !names_field(e, "cluster_action"))
		e = check_action(e, rule);
	if (rule->cluster_id == I64_NONE && !names_field(e, "cluster_id") &&
		!names_field(e, "cluster_action") && rule->cluster_action != POWER_DO_NOTIFY)
		e = err_field(e, "cluster_id", "is required: the cluster that it acts on");
	return check_workflow(svc, e, rule);
}

static void name_it(struct service *svc, struct ups_rule *rule)
{
	cleanup(mem_freep) char *ups = name_of(svc, &ups_device_type, rule->ups_id);
	cleanup(mem_freep) char *cluster = name_of(svc, &cluster_type, rule->cluster_id);

	if (rule->name == NULL)
		rule->name = mem_printf("%.20s %s %s%s%.20s", ups,
			enum_text(&power_trigger_table, rule->power_event),
			enum_text(&power_action_table, rule->cluster_action),
			cluster != NULL ? " " : "", cluster != NULL ? cluster : "");
}

static struct err *read_body(struct service *svc, const json_t *body, enum record_mode mode,
	struct ups_rule *rule)
{
	json_t *copy = json_deep_copy(body);
	struct err *e = resolve(svc, copy, "ups_id", &ups_device_type, NULL);

	e = resolve(svc, copy, "cluster_id", &cluster_type, e);
	struct err *wrong = record_from_json(&ups_rule_type, rule, copy, mode);
	json_decref(copy);
	for (size_t i = 0; wrong != NULL && i < err_field_count(wrong); i++) {
		const char *message = NULL;
		const char *field = err_field_at(wrong, i, &message);
		e = err_field(e, field, "%s", message);
	}
	if (wrong != NULL && err_field_count(wrong) == 0) {
		err_free(e);
		return wrong;
	}
	err_free(wrong);
	return check_more(svc, e, rule);
}

static struct err *check_room(struct service *svc)
{
	int64_t n = 0;

	TRY(store_count(svc->store, &ups_rule_type, NULL, &n));
	/* Each may stand for two in the engine: itself and its reverse. */
	if (n >= POWER_RULES_MAX / 2)
		return err_new(ERR_PRECONDITION, "no more than %d rules can be watched",
			POWER_RULES_MAX / 2);
	return NULL;
}

static void sign(struct service *svc, const struct actor *who, struct ups_rule *rule)
{
	field_set_text(&rule->owner, who->name);
	rule->updated_at = clock_utc(svc->clock);
}

static struct err *create_in(struct service *svc, const struct actor *who, const json_t *body,
	struct ups_rule *rule)
{
	TRY(read_body(svc, body, RECORD_CREATE, rule));
	TRY(check_room(svc));
	name_it(svc, rule);
	sign(svc, who, rule);
	rule->id = 0;
	rule->created_at = rule->updated_at;
	store_want(svc->store, STORE_FULL);
	TRY(store_insert(svc->store, &ups_rule_type, rule));
	return changed(svc, who, "rule.create", rule);
}

struct err *ups_rule_create(struct service *svc, const struct actor *who, const json_t *body,
	struct ups_rule *ret)
{
	struct ups_rule rule;

	record_init(&ups_rule_type, &rule);
	struct err *e = create_in(svc, who, body, &rule);
	if (e != NULL) {
		record_done(&ups_rule_type, &rule);
		return err_wrap(e, "add rule");
	}
	*ret = rule;
	return NULL;
}

static struct err *edit_in(struct service *svc, const struct actor *who, const json_t *body,
	struct ups_rule *rule)
{
	TRY(read_body(svc, body, RECORD_UPDATE, rule));
	name_it(svc, rule);
	sign(svc, who, rule);
	store_want(svc->store, STORE_FULL);
	TRY(store_update(svc->store, &ups_rule_type, rule));
	return changed(svc, who, "rule.update", rule);
}

struct err *ups_rule_edit(struct service *svc, const struct actor *who, const char *id_or_name,
	const json_t *body, struct ups_rule *ret)
{
	struct ups_rule rule;

	TRY(ups_rule_find(svc, id_or_name, &rule));
	struct err *e = edit_in(svc, who, body, &rule);
	if (e != NULL) {
		record_done(&ups_rule_type, &rule);
		return err_wrap(e, "change rule %s", id_or_name);
	}
	*ret = rule;
	return NULL;
}

static struct err *remove_in(struct service *svc, const struct actor *who,
	const struct ups_rule *rule)
{
	char object[160];

	store_want(svc->store, STORE_FULL);
	TRY(store_delete(svc->store, &ups_rule_type, rule->id));
	snprintf(object, sizeof(object), "rule/%lld", (long long)rule->id);
	TRY(alert_forget(svc, object));
	snprintf(object, sizeof(object), "rule/%lld %s", (long long)rule->id, rule->name);
	TRY(audit_write(svc, who, "rule.remove", object, NULL, "ok"));
	return event_publish(svc, "ups", "rule.remove", rule->id,
		json_pack("{s:s}", "name", rule->name));
}

struct err *ups_rule_remove(struct service *svc, const struct actor *who, const char *id_or_name)
{
	struct ups_rule rule;

	TRY(ups_rule_find(svc, id_or_name, &rule));
	struct err *e = remove_in(svc, who, &rule);
	record_done(&ups_rule_type, &rule);
	return err_wrap(e, "remove rule %s", id_or_name);
}
