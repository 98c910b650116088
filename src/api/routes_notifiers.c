/* Routes of notifiers and of what they were told. Only administrators: the URL of a chat is a
 * secret.
 */
#include "api/route.h"
#include "base/mem.h"
#include "service/delivery.h"
#include "service/notifier.h"

static struct err *notifier_item(struct service *svc, const void *obj, struct record_writer *w)
{
	json_t *json = notifier_json(obj);

	(void)svc;
	record_write_object(w, json);
	json_decref(json);
	return NULL;
}

static struct err *list_notifiers(struct call *call)
{
	return call_list(call, NULL, notifier_item);
}

/* Answer with a notifier and free it. */
static struct err *reply_notifier(struct call *call, struct notifier *n)
{
	json_t *json = notifier_json(n);
	int64_t id = n->id;

	record_done(&notifier_type, n);
	return call->route->status == 201 ? call_created(call, "notifiers", id, json)
					  : call_json(call, json);
}

static struct err *create_notifier(struct call *call)
{
	struct notifier n;

	TRY(notifier_create(call->svc, &call->actor, call->body, &n));
	return reply_notifier(call, &n);
}

static struct err *get_notifier(struct call *call)
{
	struct notifier n;

	TRY(notifier_find(call->svc, call->params[0], &n));
	return reply_notifier(call, &n);
}

static struct err *edit_notifier(struct call *call)
{
	struct notifier n;

	TRY(notifier_edit(call->svc, &call->actor, call->params[0], call->body, &n));
	return reply_notifier(call, &n);
}

static struct err *remove_notifier(struct call *call)
{
	return notifier_remove(call->svc, &call->actor, call->params[0]);
}

static struct err *test_notifier(struct call *call)
{
	struct notifier n;
	json_t *input = NULL;
	json_t *output = NULL;

	TRY(notifier_find(call->svc, call->params[0], &n));
	struct err *e = delivery_test_input(call->svc, &n, &input);
	record_done(&notifier_type, &n);
	if (e == NULL)
		e = call_task(call, delivery_send, input, &output);
	if (e != NULL || output == NULL)
		return e;
	json_t *result = json_copy(json_array_get(json_object_get(output, "results"), 0));
	json_decref(output);
	json_object_del(result, "id");
	return call_json(call, result);
}

/* ---- deliveries ---- */

static struct err *list_deliveries(struct call *call)
{
	return call_list(call, NULL, NULL);
}

static struct err *reply_delivery(struct call *call, struct delivery *d)
{
	json_t *json = record_to_json(&delivery_type, d);

	record_done(&delivery_type, d);
	return call_json(call, json);
}

static struct err *get_delivery(struct call *call)
{
	struct delivery d;

	TRY(delivery_find(call->svc, call->params[0], &d));
	return reply_delivery(call, &d);
}

static struct err *send_again(struct call *call)
{
	struct delivery d;

	TRY(delivery_again(call->svc, &call->actor, call->params[0], &d));
	return reply_delivery(call, &d);
}

static const struct route routes_notifiers_rows[] = {
	{"GET", "/api/notifiers", ROLE_ADMIN, .status = 200, .reply = ROUTE_REPLY_LIST,
		.reply_type = &notifier_type, .list_of = &notifier_type, .shape = &shape_notifier,
		.summary = "List notifiers: where alerts are sent to", .handle = list_notifiers},
	{"POST", "/api/notifiers", ROLE_ADMIN, ROUTE_BODY_FREE | ROUTE_IDEMPOTENT, 201,
		ROUTE_REPLY_OBJECT, &notifier_type, .body_type = &notifier_type,
		.body_mode = RECORD_CREATE, .shape = &shape_notifier, .summary = "Add a notifier",
		.example =
			"{\"name\":\"phone\",\"kind\":\"ntfy\",\"url\":\"https://ntfy.sh/my-topic\"}",
		.handle = create_notifier},
	{"GET", "/api/notifiers/{id}", ROLE_ADMIN, .status = 200, .reply = ROUTE_REPLY_OBJECT,
		.reply_type = &notifier_type, .shape = &shape_notifier,
		.summary = "Show a notifier", .handle = get_notifier},
	{"PATCH", "/api/notifiers/{id}", ROLE_ADMIN, ROUTE_BODY_FREE | ROUTE_NEED_MATCH, 200,
		ROUTE_REPLY_OBJECT, &notifier_type, .body_type = &notifier_type,
		.body_mode = RECORD_UPDATE, .shape = &shape_notifier,
		.summary = "Change a notifier", .example = "{\"enabled\":false}",
		.handle = edit_notifier},
	{"DELETE", "/api/notifiers/{id}", ROLE_ADMIN, .status = 204,
		.summary = "Remove a notifier; what waits for it is given up, the log stays",
		.handle = remove_notifier},
	{"POST", "/api/notifiers/{id}/test", ROLE_ADMIN, ROUTE_BODY_FREE | ROUTE_BODY_OPTIONAL, 200,
		ROUTE_REPLY_OBJECT, .shape = &shape_notifier_test,
		.summary = "Send a test message now and say what became of it",
		.handle = test_notifier},
	{"GET", "/api/deliveries", ROLE_ADMIN, .status = 200, .reply = ROUTE_REPLY_LIST,
		.reply_type = &delivery_type, .list_of = &delivery_type, .shape = &shape_delivery,
		.summary = "List what notifiers were told, and what waits",
		.handle = list_deliveries},
	{"GET", "/api/deliveries/{id}", ROLE_ADMIN, .status = 200, .reply = ROUTE_REPLY_OBJECT,
		.reply_type = &delivery_type, .shape = &shape_delivery,
		.summary = "Show a delivery", .handle = get_delivery},
	{"POST", "/api/deliveries/{id}/again", ROLE_ADMIN, ROUTE_BODY_FREE | ROUTE_BODY_OPTIONAL,
		200, ROUTE_REPLY_OBJECT, &delivery_type, .shape = &shape_delivery,
		.summary = "Send a delivery that has ended once more", .handle = send_again},
};
ROUTE_LIST(routes_notifiers, "notifiers");
