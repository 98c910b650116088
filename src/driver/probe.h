/* Questions to many machines at once over TCP and HTTPS, without SSH: is it there, what does it
 * say. Blocks: pool threads only. By libcurl. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/** How we are known to an API server, and it to us. Borrowed. */
struct probe_identity {
	const char *ca;         /**< PEM: only a server that it signed is believed */
	const char *cert, *key; /**< PEM: what we show, NULL = nothing */
	const char *token;      /**< of the header Authorization, NULL = none */
};

/** What became of a question. */
enum probe_outcome {
	PROBE_NOT_ASKED,
	PROBE_ANSWERED,    /**< a connection, or an HTTP status */
	PROBE_REFUSED,     /**< the machine is there, nobody listens */
	PROBE_SILENT,      /**< nothing within the time */
	PROBE_UNREACHABLE, /**< no way there */
	PROBE_UNTRUSTED,   /**< another certificate than that of the identity's CA, or it does not
			      take ours */
	PROBE_FAILED,      /**< something else: `error` */
};

/** One question. Zeroed but for what is asked; probe_done() frees. */
struct probe {
	char *url;    /**< "https://10.0.0.1:25000/health"; owned */
	bool connect; /**< only whether a connection can be made */
	/** NULL: any certificate is taken and none is shown */
	const struct probe_identity *identity;
	size_t body_max;       /**< bytes of the answer that are wanted; 0 = 4096 */
	bool want_certificate; /**< when the certificate that it shows ends is wanted */

	enum probe_outcome outcome;
	int64_t status; /**< of HTTP, 0 = none */
	struct str body;
	int64_t certificate_ends; /**< UTC ms; 0 = not known */
	char error[256];          /**< for people; empty when it answered */
	int64_t took_ms;
};

/** Ask all, a few at once. Errors: ERR_UNAVAILABLE (no libcurl); what becomes of each question is
 * in it.
 * @timeout_ms of each   @at_once most connections at a time   @stop set by another thread: give up
 * within 200 ms, what is open stays PROBE_NOT_ASKED; NULL = never */
struct err *probe_all(struct probe *probes, size_t n, int64_t timeout_ms, size_t at_once,
	const atomic_bool *stop) ERR_RESULT;
/** Free what a question holds. */
void probe_done(struct probe *p);
