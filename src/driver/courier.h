/* Messages on their way: HTTP and SMTP by libcurl, all at once, none waits for another. Blocks:
 * pool threads only. */
#pragma once

#include <stdatomic.h>

#include "base/str.h"
#include "model/message.h"

/** One message. Zeroed but for what is sent; courier_parcel_done() frees. */
struct courier_parcel {
	struct message_request request;
	char *ca_file; /**< NULL: the system's */

	bool sent;
	int64_t status;   /**< of HTTP or SMTP, 0 = none */
	char error[256];  /**< for people; empty when it was sent */
	struct str reply; /**< the begin of the answer */
	size_t read;      /**< bytes of a mail that were taken */
	void *lists[2];   /**< of libcurl */
};

/** Send all. A redirect is not followed: it is a failure. Errors: ERR_UNAVAILABLE (no libcurl);
 * what becomes of each is in it.
 * @timeout_ms of each   @stop as in transfers.h */
struct err *courier_send(struct courier_parcel *parcels, size_t n, int64_t timeout_ms,
	const atomic_bool *stop) ERR_RESULT;
/** Wipe and free what a parcel holds. */
void courier_parcel_done(struct courier_parcel *p);
