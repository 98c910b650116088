/* Owns the tables of notifiers and deliveries. */
#include "model/notifier.h"

#include <string.h>

#include "base/cron.h"
#include "base/mem.h"
#include "base/zone.h"

static const char *const kind_texts[] = {"webhook", "mail", "ntfy", "slack", "discord", "telegram",
	NULL};
const struct enum_table notifier_kind_table = {"notifier_kind", kind_texts};
static const char *const event_texts[] = {"firing", "resolved", "test", NULL};
const struct enum_table delivery_event_table = {"delivery_event", event_texts};
static const char *const state_texts[] = {"waiting", "sent", "failed", NULL};
const struct enum_table delivery_state_table = {"delivery_state", state_texts};

/* A URL of one line of printable ASCII with a scheme of ours and a host, and no user in it. */
static struct err *check_url(const char *text)
{
	static const char *const schemes[] = {"https://", "http://", "smtps://", "smtp://"};
	const char *host = NULL;

	for (size_t i = 0; host == NULL && i < ARRAY_LEN(schemes); i++)
		if (strncmp(text, schemes[i], strlen(schemes[i])) == 0)
			host = text + strlen(schemes[i]);
	if (host == NULL || host[strspn(host, "/")] == '\0')
		return err_new(ERR_INVALID,
			"must begin with https://, http://, smtps:// or smtp:// and name a host");
	for (const char *p = text; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			return err_new(ERR_INVALID, "must be ASCII without spaces");
	if (memchr(host, '@', strcspn(host, "/")) != NULL)
		return err_new(ERR_INVALID,
			"must hold no user or password: they have fields of their own");
	return NULL;
}

#define N struct notifier
static const struct field notifier_fields[] = {
	ROW_I64(N, id, FIELD_FIND, .help = "Number of the notifier, never reused."),
	ROW_TEXT(N, name, FIELD_EDIT | FIELD_REQUIRED | FIELD_FIND | FIELD_SEARCH | FIELD_UNIQUE,
		.min = 1, .max = 63, .check = check_name, .help = "Name."),
	ROW_ENUM(N, kind, FIELD_CREATE | FIELD_REQUIRED | FIELD_FIND,
		.choices = &notifier_kind_table, .def = "webhook", .help = "How it is reached."),
	ROW_BOOL(N, enabled, FIELD_EDIT | FIELD_FIND, .def = "true",
		.help = "Whether it is told anything."),
	ROW_TEXT(N, url, FIELD_EDIT, .max = 2000, .check = check_url,
		.help = "Where: the URL of the webhook, of the ntfy topic, or smtp://HOST:PORT or smtps://HOST:PORT of a mail server."),
	ROW_TEXT(N, recipient, FIELD_EDIT | FIELD_SEARCH, .max = 1000, .check = check_line,
		.help = "Addresses of a mail, with commas; chat of Telegram."),
	ROW_TEXT(N, sender, FIELD_EDIT, .max = 253, .check = check_line,
		.help = "Address from which a mail is sent."),
	ROW_TEXT(N, username, FIELD_EDIT, .max = 253, .check = check_line,
		.help = "User at the mail server; then the connection must be encrypted."),
	ROW_TEXT(N, secret, FIELD_HIDDEN, .max = 4096, .help = "Sealed secret."),
	ROW_TEXT(N, ca_file, FIELD_EDIT, .max = 500, .check = check_line,
		.help = "File of a CA that signed the server's certificate; without it the system's."),
	ROW_ENUM(N, min_severity, FIELD_EDIT | FIELD_FIND, .choices = &alert_severity_table,
		.def = "warning", .help = "Least severity of what is told."),
	ROW_I64(N, cluster_id, FIELD_EDIT | FIELD_FIND, .min = 1, .max = INT64_MAX,
		.help = "Only alerts of this cluster."),
	ROW_BOOL(N, recovered, FIELD_EDIT, .def = "true",
		.help = "Also told when an alert is over."),
	ROW_TEXT(N, quiet, FIELD_EDIT, .max = 100, .check = cron_window_check,
		.help = "Quiet hours, [DAYS] HH:MM-HH:MM: what is not critical waits until they end."),
	ROW_TEXT(N, timezone, FIELD_EDIT, .max = 64, .check = zone_check,
		.help = "Time zone of the quiet hours; without it that of the server."),
	ROW_TEXT(N, text, FIELD_EDIT, .max = 2000, .check = check_text,
		.help = "Template of the text: {title} {reason} {severity} {event} {name} {rule} {since} {next}."),
	ROW_TIME(N, created_at, FIELD_FIND, .help = "When it was added."),
	ROW_TIME(N, updated_at, FIELD_FIND, .help = "When it was last changed."),
};
const struct record_type notifier_type = {
	.name = "notifier",
	.table = "notifiers",
	.size = sizeof(struct notifier),
	.key = "name",
	.fields = notifier_fields,
	.n_fields = ARRAY_LEN(notifier_fields),
};

#define D struct delivery
static const struct field delivery_fields[] = {
	ROW_I64(D, id, FIELD_FIND, .help = "Number of the delivery, never reused."),
	ROW_I64(D, notifier_id, FIELD_FIND, .help = "Number of the notifier."),
	ROW_TEXT(D, notifier, FIELD_FIND | FIELD_SEARCH, .help = "Its name then."),
	ROW_I64(D, alert_id, FIELD_FIND, .help = "Number of the alert; none: a test."),
	ROW_ENUM(D, event, FIELD_FIND, .choices = &delivery_event_table, .def = "firing",
		.help = "What is told."),
	ROW_ENUM(D, state, FIELD_FIND, .choices = &delivery_state_table, .def = "waiting",
		.help = "Whether it was sent."),
	ROW_JSON(D, message, 0, .def = "{}", .help = "What is told."),
	ROW_I64(D, attempts, FIELD_SORT, .def = "0", .help = "Attempts so far."),
	ROW_TIME(D, next_at, FIELD_FIND, .help = "When the next attempt is due."),
	ROW_I64(D, status, 0, .help = "Status of HTTP or SMTP of the last attempt."),
	ROW_TEXT(D, error, FIELD_SEARCH, .max = 1000, .help = "Why the last attempt failed."),
	ROW_TIME(D, created_at, FIELD_FIND, .help = "When it was asked for."),
	ROW_TIME(D, finished_at, FIELD_FIND, .help = "When it was sent or given up."),
};
const struct record_type delivery_type = {
	.name = "delivery",
	.table = "deliveries",
	.size = sizeof(struct delivery),
	.key = NULL,
	.fields = delivery_fields,
	.n_fields = ARRAY_LEN(delivery_fields),
};
