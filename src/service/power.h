/* The monitor of power: what UPSes say goes through the rule engine, what comes out is stored and
 * done. It lives in a server only (svc->power); a command without a server never watches. ADR 9. */
#pragma once

#include <jansson.h>

#include "model/ups.h"
#include "power/reading.h"
#include "service/service.h"

struct power_monitor;

/** What one poll of one UPS gave. */
struct power_sample {
	int64_t ups_id;
	const char *miss; /**< why nothing was heard; NULL: it was. Borrowed for the call */
	struct power_reading reading;
};

/** How a UPS is reached. Owned texts. */
struct power_link {
	int64_t ups_id;
	char *host;
	int64_t port;
	char *nut_name, *username, *password, *tls_ca, *tls_pin;
};
/** All that are to be polled. */
struct power_links {
	struct power_link *items;
	size_t n;
	uint64_t version; /**< changes with the list */
};
/** Wipe and free what a link owns. */
void power_link_done(struct power_link *link);
/** Copy into uninitialised memory. */
void power_link_copy(struct power_link *ret, const struct power_link *from);
/** True when both lead to the same UPS in the same way. */
bool power_link_same(const struct power_link *a, const struct power_link *b);
/** Wipe and free; the struct may be used again. */
void power_links_done(struct power_links *links);
/** Copy the list when it is another than this one. @links changed in place; returns true when it
 * was. Domain worker. */
bool power_links_follow(const struct service *svc, struct power_links *links);

/** Read what the engine remembers and make svc->power. After a boot its times go on where they
 * were. A state that cannot be read is told and begun anew. Errors: of the store. Domain worker, in
 * a transaction. */
struct err *power_start(struct service *svc) ERR_RESULT;
/** Free svc->power; NULL is fine. */
void power_stop(struct service *svc);
/** One step: configuration, samples and ends of operations go in; events, firings, the operations
 * that they ask for and the state come out, in one transaction. When that fails nothing is lost:
 * the next tick does it. Errors: of the store. Domain worker, outside of a transaction. */
struct err *power_tick(struct service *svc, const struct power_sample *samples,
	size_t n) ERR_RESULT;

/** True when no outage may be going on and nothing waits: then a step a second is enough. Domain
 * worker. */
bool power_is_calm(const struct service *svc);

/** The outages of a UPS, the newest first, from its events that are kept: [{ups, ups_id, number,
 * began, ended, length_s, charge_begin, charge_end, depth_percent, critical}]; what goes on has no
 * end. @ret_list owned. Errors: of the store. */
struct err *power_outages(struct service *svc, int64_t ups_id, json_t **ret_list) ERR_RESULT;
/** Set the metrics of UPSes. Errors: of the store. Domain worker. */
struct err *power_metrics(struct service *svc) ERR_RESULT;
/** A UPS with its live values, for /api/ups/{id}/status. @ret_json owned */
struct err *power_status_json(struct service *svc, const struct ups_device *ups,
	json_t **ret_json) ERR_RESULT;
/** What the monitor does: running, stopped, why, rules that wait. @ret_json owned */
struct err *power_monitor_json(struct service *svc, json_t **ret_json) ERR_RESULT;
/** Start or stop the monitor; this outlives restarts. Errors: ERR_UNAVAILABLE without a server. */
struct err *power_monitor_set(struct service *svc, const struct actor *who, bool run) ERR_RESULT;
