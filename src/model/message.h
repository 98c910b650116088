/* What a notifier is sent: a message as each kind wants it. Pure; any thread. Everything in a
 * message may come from a node and is escaped as its place wants. */
#pragma once

#include <jansson.h>

#include "model/notifier.h"

#define MESSAGE_HEADERS_MAX 8
/** What is to be sent. Owned texts; message_request_done() frees. */
struct message_request {
	char *url;
	char *body;
	char *headers[MESSAGE_HEADERS_MAX]; /**< "Name: value"; of HTTP */
	size_t n_headers;
	bool mail; /**< by SMTP, to recipients, from sender, with username and password */
	char *sender;
	char **recipients;
	size_t n_recipients;
	char *username, *password; /**< password wiped when freed */
};
/** Wipe and free. */
void message_request_done(struct message_request *request);

/** Check that a notifier has what its kind needs. @has_secret one is stored or given   Errors:
 * ERR_INVALID with all fields. */
struct err *message_check(const struct notifier *n, bool has_secret) ERR_RESULT;
/** Render a message.
 * @message {"id" of the delivery, "event", "title", "reason", "severity", "name", "rule", "since",
 * "next", "at", "alert_id"}: all texts but id and alert_id; missing ones are empty
 * @secret in clear, NULL = none   @now_s Unix time of the sending, for signature and Date
 * @ret owned. Errors: ERR_INVALID (the notifier lacks what its kind needs). */
struct err *message_render(const struct notifier *n, const char *secret, const json_t *message,
	int64_t now_s, struct message_request *ret) ERR_RESULT;
