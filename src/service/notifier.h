/* Notifiers as objects: adding, changing, showing, trying out. What is sent and when:
 * service/delivery.h. */
#pragma once

#include <jansson.h>

#include "model/notifier.h"
#include "service/service.h"

/** Find by id or name. Errors: ERR_NOT_FOUND with a hint. */
struct err *notifier_find(struct service *svc, const char *id_or_name,
	struct notifier *ret) ERR_RESULT;
/** Check and store a new one. @body also secret; cluster_id may be a name   Errors: ERR_INVALID
 * with every wrong field, ERR_EXISTS. */
struct err *notifier_create(struct service *svc, const struct actor *who, const json_t *body,
	struct notifier *ret) ERR_RESULT;
/** Change the given fields. Errors as above. */
struct err *notifier_edit(struct service *svc, const struct actor *who, const char *id_or_name,
	const json_t *body, struct notifier *ret) ERR_RESULT;
/** Remove; what waits for it is given up. Errors: ERR_NOT_FOUND. */
struct err *notifier_remove(struct service *svc, const struct actor *who,
	const char *id_or_name) ERR_RESULT;
/** As the API shows it: the record and has_secret. Owned. */
json_t *notifier_json(const struct notifier *n);
