/* The daemon: domain worker + engine ticks + HTTP server around one service. main.c decides what
 * `svc` is and calls daemon_run(). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "service/service.h"

/** What `mko web` was asked to do. Zero-initialise; texts are borrowed for the whole run. */
struct daemon_options {
	const char *listen;      /**< "127.0.0.1:5000", "[::1]:0"; NULL: no TCP listener */
	const char *tls_cert;    /**< PEM file, NULL: no TLS */
	const char *tls_key;     /**< PEM file, goes with tls_cert */
	const char *socket_path; /**< NULL: DATA_DIR/mko.sock */
	bool insecure_http;      /**< allow a non-loopback address without TLS */
	size_t body_max_bytes;   /**< most bytes of a request body, 0 = 1 MiB */
	int64_t request_ms;      /**< most milliseconds of a request on its way, 0 = 30 s */
	/** Called once when requests are answered, on the loop thread. @url
	 * "http://127.0.0.1:5000", NULL without TCP. NULL: not called */
	void (*ready)(void *user, const char *url);
	void *user;
};

/** Serve until SIGTERM or SIGINT; returns after an orderly stop (requests finished, streams ended,
 * runners left alone). The caller holds mko.lock, has opened svc, and lets nobody else use svc
 * meanwhile. Errors: ERR_CONFLICT when the address or socket is taken (exit 4), ERR_INVALID for a
 * refused address, ERR_IO. Main thread. */
struct err *daemon_run(struct service *svc, const struct daemon_options *o) ERR_RESULT;
