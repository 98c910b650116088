/* Owns UPSes as objects. */
#include "service/ups.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/cluster.h"
#include "power/engine.h"
#include "service/alert.h"
#include "service/audit.h"
#include "service/body.h"
#include "service/event.h"
#include "service/find.h"
#include "service/history.h"

struct err *ups_find(struct service *svc, const char *id_or_name, struct ups_device *ret)
{
	return err_hint(find_record(svc, &ups_device_type, id_or_name, ret), "mko ups list");
}

json_t *ups_json(const struct ups_device *ups)
{
	json_t *json = record_to_json(&ups_device_type, ups);

	json_object_set_new(json, "has_nut_password", json_boolean(ups->nut_password != NULL));
	return json;
}

static struct err *changed(struct service *svc, const struct actor *who, const char *action,
	const struct ups_device *ups)
{
	char object[128];

	snprintf(object, sizeof(object), "ups/%lld %s", (long long)ups->id, ups->name);
	TRY(audit_write(svc, who, action, object, ups_json(ups), "ok"));
	return event_publish(svc, "ups", action, ups->id, ups_json(ups));
}

static struct err *check_more(struct err *take_err, const struct ups_device *ups)
{
	struct err *e = take_err;

	if (ups->nut_tls_ca != NULL && ups->nut_tls_pin != NULL)
		e = err_field(e, "nut_tls_pin", "either a CA or the certificate itself");
	if (ups->nut_password != NULL && ups->nut_username == NULL)
		e = err_field(e, "nut_username", "is needed with a password");
	return e;
}

static struct err *read_body(struct service *svc, const json_t *body, enum record_mode mode,
	struct ups_device *ups)
{
	cleanup(seal_wipe_freep) char *password = NULL;
	json_t *copy = json_deep_copy(body);
	struct err *e = body_take_secret(copy, "nut_password", &password);

	e = body_join_errors(e, record_from_json(&ups_device_type, ups, copy, mode));
	json_decref(copy);
	if (password != NULL) {
		mem_free(ups->nut_password);
		ups->nut_password = *password != '\0' ? seal_text(svc->key, password) : NULL;
	}
	e = check_more(e, ups);
	if (e == NULL && ups->nut_name == NULL)
		field_set_text(&ups->nut_name, ups->name);
	ups->updated_at = clock_utc(svc->clock);
	return e;
}

static struct err *check_room(struct service *svc)
{
	int64_t n = 0;

	TRY(store_count(svc->store, &ups_device_type, NULL, &n));
	if (n >= POWER_UPS_MAX)
		return err_new(ERR_PRECONDITION, "no more than %d UPSes can be watched",
			POWER_UPS_MAX);
	return NULL;
}

static struct err *create_in(struct service *svc, const struct actor *who, const json_t *body,
	struct ups_device *ups)
{
	TRY(read_body(svc, body, RECORD_CREATE, ups));
	TRY(check_room(svc));
	ups->id = 0;
	ups->created_at = ups->updated_at;
	store_want(svc->store, STORE_FULL);
	TRY(store_insert(svc->store, &ups_device_type, ups));
	return changed(svc, who, "ups.create", ups);
}

struct err *ups_create(struct service *svc, const struct actor *who, const json_t *body,
	struct ups_device *ret)
{
	struct ups_device ups;

	record_init(&ups_device_type, &ups);
	struct err *e = create_in(svc, who, body, &ups);
	if (e != NULL) {
		record_done(&ups_device_type, &ups);
		return err_wrap(e, "add UPS");
	}
	*ret = ups;
	return NULL;
}

/* Nobody watches it any more: nothing of it goes on. */
static struct err *forget_alerts(struct service *svc, int64_t id)
{
	char subject[64];

	(void)snprintf(subject, sizeof(subject), "ups/%lld", (long long)id);
	TRY(alert_forget(svc, subject));
	(void)snprintf(subject, sizeof(subject), "ups/%lld:", (long long)id);
	return alert_forget(svc, subject);
}

static struct err *edit_in(struct service *svc, const struct actor *who, const json_t *body,
	struct ups_device *ups)
{
	TRY(read_body(svc, body, RECORD_UPDATE, ups));
	store_want(svc->store, STORE_FULL);
	TRY(store_update(svc->store, &ups_device_type, ups));
	if (!ups->enabled)
		TRY(forget_alerts(svc, ups->id));
	return changed(svc, who, "ups.update", ups);
}

struct err *ups_edit(struct service *svc, const struct actor *who, const char *id_or_name,
	const json_t *body, struct ups_device *ret)
{
	struct ups_device ups;

	TRY(ups_find(svc, id_or_name, &ups));
	struct err *e = edit_in(svc, who, body, &ups);
	if (e != NULL) {
		record_done(&ups_device_type, &ups);
		return err_wrap(e, "change UPS %s", id_or_name);
	}
	*ret = ups;
	return NULL;
}

static struct err *remove_rules(struct service *svc, const struct ups_device *ups, bool force)
{
	struct store_query q = {0};
	int64_t n = 0;

	store_where_number(&q, "ups_id", STORE_EQ, ups->id);
	TRY(store_count(svc->store, &ups_rule_type, &q, &n));
	if (n > 0 && !force)
		return err_hint(err_new(ERR_PRECONDITION, "%lld of its rules would go with it",
					(long long)n),
			"mko ups remove %s --force", ups->name);
	return store_delete_where(svc->store, &ups_rule_type, &q, NULL);
}

/* What feeds no cluster any more is in no list. */
static struct err *forget_feed(struct service *svc, struct cluster *c, int64_t ups_id)
{
	for (size_t i = json_array_size(c->feeds); i-- > 0;)
		if (json_integer_value(json_array_get(c->feeds, i)) == ups_id)
			json_array_remove(c->feeds, i);
	if (c->min_feeds > 1 && (size_t)c->min_feeds > json_array_size(c->feeds))
		c->min_feeds = 1;
	return store_update(svc->store, &cluster_type, c);
}

static struct err *forget_feeds(struct service *svc, int64_t ups_id)
{
	struct store_query q = {0};
	struct store_rows rows = {0};

	store_where_within(&q, "feeds", &ups_id, 1);
	struct err *e = store_list(svc->store, &cluster_type, &q, &rows);
	for (size_t i = 0; e == NULL && i < rows.n; i++)
		e = forget_feed(svc, store_row(&rows, i), ups_id);
	store_rows_done(&rows);
	return e;
}

static struct err *remove_in(struct service *svc, const struct actor *who,
	const struct ups_device *ups, bool force)
{
	char object[128];

	TRY(remove_rules(svc, ups, force));
	TRY(forget_feeds(svc, ups->id));
	TRY(forget_alerts(svc, ups->id));
	TRY(history_forget(svc, "ups", ups->id));
	store_want(svc->store, STORE_FULL);
	TRY(store_delete(svc->store, &ups_device_type, ups->id));
	snprintf(object, sizeof(object), "ups/%lld %s", (long long)ups->id, ups->name);
	TRY(audit_write(svc, who, "ups.remove", object, NULL, "ok"));
	return event_publish(svc, "ups", "ups.remove", ups->id,
		json_pack("{s:s}", "name", ups->name));
}

struct err *ups_remove(struct service *svc, const struct actor *who, const char *id_or_name,
	bool force)
{
	struct ups_device ups;

	TRY(ups_find(svc, id_or_name, &ups));
	struct err *e = remove_in(svc, who, &ups, force);
	record_done(&ups_device_type, &ups);
	return err_wrap(e, "remove UPS %s", id_or_name);
}
