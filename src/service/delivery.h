/* Deliveries: what notifiers are told, kept in the store until it was sent. Each notifier gets its
 * messages in order; one that does not answer holds up nobody else. */
#pragma once

#include <jansson.h>
#include <stdatomic.h>

#include "model/notifier.h"
#include "service/service.h"

/** Queue what happened to an alert for all notifiers that want it. Domain worker, in the
 * transaction of the change. */
struct err *delivery_queue(struct service *svc, const struct alert *alert,
	enum delivery_event event) ERR_RESULT;
/** Give up what waits for a notifier. @why for the log */
struct err *delivery_give_up(struct service *svc, int64_t notifier_id, const char *why) ERR_RESULT;
/** Find one by its number. Errors: ERR_NOT_FOUND with a hint. */
struct err *delivery_find(struct service *svc, const char *id, struct delivery *ret) ERR_RESULT;
/** Send one that has ended once more. Errors: ERR_NOT_FOUND, ERR_CONFLICT (it waits, or its
 * notifier is gone). */
struct err *delivery_again(struct service *svc, const struct actor *who, const char *id,
	struct delivery *ret) ERR_RESULT;

/** What is due now: the oldest of each notifier. @ret_input of delivery_send(), NULL: nothing;
 * secrets stay sealed   @ret_wait_ms until something may be due, I64_NONE: nothing waits. */
struct err *delivery_due(struct service *svc, json_t **ret_input, int64_t *ret_wait_ms) ERR_RESULT;
/** A test message to one notifier, for delivery_send(). @ret_input owned */
struct err *delivery_test_input(struct service *svc, const struct notifier *n,
	json_t **ret_input) ERR_RESULT;
/** Task: send.
 * @ret_output {"results":[{"id", "sent", "status", "error"}]}, owned. Errors: of the sealing key.
 * Any thread; at most 20 s. */
struct err *delivery_send(const json_t *input, json_t **ret_output) ERR_RESULT;
/** The same, given up when another thread sets the flag. */
struct err *delivery_send_until(const json_t *input, const atomic_bool *stop,
	json_t **ret_output) ERR_RESULT;
/** Take the results: sent, tried again later, or given up after two days. In a transaction. */
struct err *delivery_take(struct service *svc, const json_t *output) ERR_RESULT;
/** Remove what ended longer ago than alerts are kept. */
struct err *delivery_prune(struct service *svc) ERR_RESULT;
