/* Owns notifiers as objects. */
#include "service/notifier.h"

#include <stdio.h>

#include "base/mem.h"
#include "model/cluster.h"
#include "model/message.h"
#include "service/audit.h"
#include "service/body.h"
#include "service/cluster.h"
#include "service/delivery.h"
#include "service/event.h"
#include "service/find.h"

struct err *notifier_find(struct service *svc, const char *id_or_name, struct notifier *ret)
{
	return err_hint(find_record(svc, &notifier_type, id_or_name, ret), "mko notify list");
}

json_t *notifier_json(const struct notifier *n)
{
	json_t *json = record_to_json(&notifier_type, n);

	json_object_set_new(json, "has_secret", json_boolean(n->secret != NULL));
	return json;
}

static struct err *changed(struct service *svc, const struct actor *who, const char *action,
	const struct notifier *n)
{
	char object[128];

	(void)snprintf(object, sizeof(object), "notifier/%lld %s", (long long)n->id, n->name);
	TRY(audit_write(svc, who, action, object, notifier_json(n), "ok"));
	return event_publish(svc, "notifiers", action, n->id, notifier_json(n));
}

/* A name of a cluster becomes its number. */
static struct err *take_cluster(struct service *svc, json_t *body)
{
	const char *name = json_string_value(json_object_get(body, "cluster_id"));
	struct cluster c;

	if (name == NULL)
		return NULL;
	struct err *e = cluster_find(svc, name, &c);
	if (e != NULL) {
		err_free(e);
		e = err_field(NULL, "cluster_id", "no cluster \"%s\"", name);
		json_object_del(body, "cluster_id");
		return e;
	}
	json_object_set_new(body, "cluster_id", json_integer(c.id));
	record_done(&cluster_type, &c);
	return NULL;
}

static struct err *read_body(struct service *svc, const json_t *body, enum record_mode mode,
	struct notifier *n)
{
	cleanup(seal_wipe_freep) char *secret = NULL;
	json_t *copy = json_deep_copy(body);
	struct err *e = body_take_secret(copy, "secret", &secret);

	e = body_join_errors(e, take_cluster(svc, copy));
	e = body_join_errors(e, record_from_json(&notifier_type, n, copy, mode));
	json_decref(copy);
	if (secret != NULL) {
		mem_free(n->secret);
		n->secret = *secret != '\0' ? seal_text(svc->key, secret) : NULL;
	}
	n->updated_at = clock_utc(svc->clock);
	return e != NULL ? e : message_check(n, n->secret != NULL);
}

static struct err *create_in(struct service *svc, const struct actor *who, const json_t *body,
	struct notifier *n)
{
	TRY(read_body(svc, body, RECORD_CREATE, n));
	n->id = 0;
	n->created_at = n->updated_at;
	store_want(svc->store, STORE_FULL);
	TRY(store_insert(svc->store, &notifier_type, n));
	return changed(svc, who, "notifier.create", n);
}

struct err *notifier_create(struct service *svc, const struct actor *who, const json_t *body,
	struct notifier *ret)
{
	record_init(&notifier_type, ret);
	struct err *e = create_in(svc, who, body, ret);
	if (e != NULL)
		record_done(&notifier_type, ret);
	return err_wrap(e, "add notifier");
}

static struct err *edit_in(struct service *svc, const struct actor *who, const json_t *body,
	struct notifier *n)
{
	TRY(read_body(svc, body, RECORD_UPDATE, n));
	store_want(svc->store, STORE_FULL);
	TRY(store_update(svc->store, &notifier_type, n));
	return changed(svc, who, "notifier.update", n);
}

struct err *notifier_edit(struct service *svc, const struct actor *who, const char *id_or_name,
	const json_t *body, struct notifier *ret)
{
	TRY(notifier_find(svc, id_or_name, ret));
	struct err *e = edit_in(svc, who, body, ret);
	if (e != NULL)
		record_done(&notifier_type, ret);
	return err_wrap(e, "change notifier %s", id_or_name);
}

static struct err *remove_in(struct service *svc, const struct actor *who, const struct notifier *n)
{
	char object[128];

	TRY(delivery_give_up(svc, n->id, "its notifier was removed"));
	store_want(svc->store, STORE_FULL);
	TRY(store_delete(svc->store, &notifier_type, n->id));
	(void)snprintf(object, sizeof(object), "notifier/%lld %s", (long long)n->id, n->name);
	TRY(audit_write(svc, who, "notifier.remove", object, NULL, "ok"));
	return event_publish(svc, "notifiers", "notifier.remove", n->id,
		json_pack("{s:s}", "name", n->name));
}

struct err *notifier_remove(struct service *svc, const struct actor *who, const char *id_or_name)
{
	struct notifier n;

	TRY(notifier_find(svc, id_or_name, &n));
	struct err *e = remove_in(svc, who, &n);
	record_done(&notifier_type, &n);
	return err_wrap(e, "remove notifier %s", id_or_name);
}
