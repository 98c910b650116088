/* UPSes and the rules of power as objects: adding, changing, showing. What watches and acts on them
 * is service/power.h. */
#pragma once

#include <jansson.h>

#include "model/ups.h"
#include "service/service.h"

/** Find a UPS by id or name. Errors: ERR_NOT_FOUND with a hint. */
struct err *ups_find(struct service *svc, const char *id_or_name,
	struct ups_device *ret) ERR_RESULT;
/** Check and store a new UPS. @body also nut_password   Errors: ERR_INVALID (fields), ERR_EXISTS,
 * ERR_PRECONDITION (too many). */
struct err *ups_create(struct service *svc, const struct actor *who, const json_t *body,
	struct ups_device *ret) ERR_RESULT;
/** Change the given fields. Errors as ups_create(). */
struct err *ups_edit(struct service *svc, const struct actor *who, const char *id_or_name,
	const json_t *body, struct ups_device *ret) ERR_RESULT;
/** Remove. @force also its rules; what they wait for is cancelled. Errors: ERR_NOT_FOUND,
 * ERR_PRECONDITION (it has rules). */
struct err *ups_remove(struct service *svc, const struct actor *who, const char *id_or_name,
	bool force) ERR_RESULT;
/** As the API shows it: the record and has_nut_password. Owned. */
json_t *ups_json(const struct ups_device *ups);

/** Find a rule by id or name. Errors: ERR_NOT_FOUND with a hint. */
struct err *ups_rule_find(struct service *svc, const char *id_or_name,
	struct ups_rule *ret) ERR_RESULT;
/** Check and store a new rule. @body ups_id and cluster_id may be names   Errors: ERR_INVALID with
 * every wrong field, ERR_EXISTS, ERR_PRECONDITION (too many). */
struct err *ups_rule_create(struct service *svc, const struct actor *who, const json_t *body,
	struct ups_rule *ret) ERR_RESULT;
/** Change the given fields; what waits follows at once. Errors as ups_rule_create(). */
struct err *ups_rule_edit(struct service *svc, const struct actor *who, const char *id_or_name,
	const json_t *body, struct ups_rule *ret) ERR_RESULT;
/** Remove; what waits is cancelled. Errors: ERR_NOT_FOUND. */
struct err *ups_rule_remove(struct service *svc, const struct actor *who,
	const char *id_or_name) ERR_RESULT;
/** As the API shows it: the record, ups_name, cluster_name. Owned. */
struct err *ups_rule_json(struct service *svc, const struct ups_rule *rule,
	json_t **ret_json) ERR_RESULT;
/** What a rule does when it is reversed (startup for a shutdown), -1: nothing. */
int64_t ups_rule_reverse(int64_t action);
