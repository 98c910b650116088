/* Alerts: raised and resolved by what watches, taken and silenced by people. */
#pragma once

#include <jansson.h>

#include "model/alert_plan.h"
#include "service/service.h"

/** Find one by its number. Errors: ERR_NOT_FOUND with a hint. */
struct err *alert_find(struct service *svc, const char *id, struct alert *ret_alert) ERR_RESULT;
/** As the API shows it: the record and `next`, what to type. Owned. */
json_t *alert_json(const struct alert *alert);
/** Take it: who it is seen by. Errors: ERR_NOT_FOUND, ERR_CONFLICT (it is over). */
struct err *alert_acknowledge(struct service *svc, const struct actor *who, const char *id,
	struct alert *ret_alert) ERR_RESULT;
/** Tell nobody of it for a time. @duration_s 0 = from now on again. Errors as above. */
struct err *alert_silence(struct service *svc, const struct actor *who, const char *id,
	int64_t duration_s, struct alert *ret_alert) ERR_RESULT;

/** Which open alerts are to stay although they are not wanted: nothing can be said of their subject
 * now. */
struct alert_keep {
	bool (*keep)(const void *user, const struct alert *alert);
	const void *user;
};
/** Make what goes on what the plan wants: raise what is missing, resolve what is over.
 * @source whose alerts these are; those of others are left alone   @keep NULL = none stays. Domain
 * worker, in a transaction. */
struct err *alert_sync(struct service *svc, enum alert_source source, const struct alert_plan *plan,
	const struct alert_keep *keep) ERR_RESULT;
/** What is reported of. Borrowed. */
struct alert_subject {
	const char *subject, *name; /**< "node/3", "n3" */
	int64_t cluster_id, node_id;
};
/** What a report says of one rule. Borrowed. */
struct alert_answer {
	enum alert_rule_id rule;
	bool told;          /**< it says something of it; otherwise nothing changes */
	bool wrong;         /**< there shall be an alert */
	const char *reason; /**< of what is wrong */
	json_t *members;    /**< of what is wrong: names of its parts */
};
/** Raise and resolve the alerts of one subject as a report of it says. Domain worker, in a
 * transaction. */
struct err *alert_report(struct service *svc, enum alert_source source,
	const struct alert_subject *of, const struct alert_answer *answers, size_t n) ERR_RESULT;
/** A node is forgotten: nothing of it goes on. Domain worker, in a transaction. */
struct err *alert_forget_node(struct service *svc, int64_t node_id) ERR_RESULT;
/** A subject is forgotten, or what was told of it is over: nothing of it goes on. Domain worker, in
 * a transaction. @subject "ups/3"; one that ends in ':' means all that begin so */
struct err *alert_forget(struct service *svc, const char *subject) ERR_RESULT;
/** Remove what has been over for longer than is kept. @ret_n how many */
struct err *alert_prune(struct service *svc, int64_t *ret_n) ERR_RESULT;
