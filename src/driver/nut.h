/* A client of one upsd: one connection that is kept, polls with a deadline, back-off, TLS, LOGIN
 * held. Never blocks; a server that is slow, silent, hostile or gone costs its own polls only. Why
 * not libupsclient: facts/nut.md 0 and 1.5. */
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "driver/nut_stream.h"
#include "loop/loop.h"
#include "power/reading.h"

#define NUT_DEADLINE_MS 2000
#define NUT_ROWS_MAX 2000
#define NUT_QUEUE_MAX 256

/** How a upsd is reached. Texts are copied. */
struct nut_options {
	const char *address; /**< numeric: names are looked up by the caller, not in an outage */
	int port;
	const char *user, *password; /**< NULL = not told */
	const char *login;           /**< UPS to hold a LOGIN on, NULL = none */
	const struct nut_tls *tls;   /**< NULL = no TLS */
	int64_t deadline_ms;         /**< of each request, 0 = NUT_DEADLINE_MS */
	/** The connection is ready (e NULL) or lost; e is borrowed. May be NULL. */
	void (*on_state)(void *user, const struct err *e);
	void *user_data;
};

/** What a poll or list gave. Borrowed for the call. */
struct nut_reply {
	const struct err *err; /**< NULL = good; ERR_UNAVAILABLE: upsd answered ERR, its word is the
				  message */
	const char *ups;
	const struct power_reading *reading; /**< of a poll or of nut_variables() */
	const json_t *rows;                  /**< of a list: object of names and texts */
};
/** Called once for each request, perhaps before the request function returns. Must not free the
 * client. */
typedef void (*nut_reply_fn)(void *user, const struct nut_reply *reply);

/** A client; opaque. */
struct nut_client;

/** Make a client and begin to connect; it goes on trying until it is freed. Loop only. */
struct nut_client *nut_client_new(struct loop *loop, const struct nut_options *options);
/** Close; requests that wait get an error. NULL is fine. */
void nut_client_free(struct nut_client *client);
/** True when requests can be answered. */
bool nut_client_is_ready(const struct nut_client *client);

/** Read the variables of power_reading_poll[] of one UPS. A client that is not ready answers at
 * once with what is wrong. */
void nut_poll(struct nut_client *client, const char *ups, nut_reply_fn fn, void *user);
/** List the UPSes: names and descriptions. */
void nut_list_ups(struct nut_client *client, nut_reply_fn fn, void *user);
/** All variables of a UPS, at most NUT_ROWS_MAX. */
void nut_variables(struct nut_client *client, const char *ups, nut_reply_fn fn, void *user);
