/* Notifiers: where alerts are sent to; deliveries: what was sent, and what waits. CONTRACT.md
 * section 4. */
#pragma once

#include "model/alert.h"

/** How a notifier is reached; the rows of the table in message.c. */
enum notifier_kind {
	NOTIFIER_WEBHOOK,
	NOTIFIER_MAIL,
	NOTIFIER_NTFY,
	NOTIFIER_SLACK,
	NOTIFIER_DISCORD,
	NOTIFIER_TELEGRAM,
	NOTIFIER_KIND_N_
};
extern const struct enum_table notifier_kind_table;

/** A row of `notifiers`. */
struct notifier {
	int64_t id;
	char *name;
	int64_t kind; /**< enum notifier_kind */
	bool enabled;
	char *url;       /**< http(s), or smtp(s) of a mail server; NULL: the kind's own */
	char *recipient; /**< addresses of a mail with commas; chat of Telegram */
	char *sender;    /**< address of a mail's From */
	char *username;  /**< at a mail server */
	char *secret; /**< sealed, hidden: password, token, or key of the signature of a webhook */
	char *ca_file;
	int64_t min_severity; /**< enum alert_severity */
	int64_t cluster_id;   /**< only what concerns it; I64_NONE: all */
	bool recovered;       /**< also when an alert is over */
	char *quiet;          /**< "[DAYS] HH:MM-HH:MM": what is not critical waits until its end */
	char *timezone;       /**< of quiet; NULL: the server's */
	char *text;           /**< template of the text, NULL: ours */
	int64_t created_at, updated_at;
};
extern const struct record_type notifier_type;

/** What is told. */
enum delivery_event { DELIVERY_FIRING, DELIVERY_RESOLVED, DELIVERY_TEST };
extern const struct enum_table delivery_event_table;
/** Life of a delivery. */
enum delivery_state { DELIVERY_WAITING, DELIVERY_SENT, DELIVERY_FAILED };
extern const struct enum_table delivery_state_table;

/** A row of `deliveries`. */
struct delivery {
	int64_t id;
	int64_t notifier_id;
	char *notifier; /**< its name then */
	int64_t alert_id;
	int64_t event;   /**< enum delivery_event */
	int64_t state;   /**< enum delivery_state */
	json_t *message; /**< what message_render() takes */
	int64_t attempts;
	int64_t next_at; /**< of the next attempt; I64_NONE: none */
	int64_t status;  /**< of HTTP or SMTP, I64_NONE */
	char *error;     /**< of the last attempt */
	int64_t created_at, finished_at;
};
extern const struct record_type delivery_type;
