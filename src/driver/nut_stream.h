/* Lines over a TCP connection that never blocks, with TLS begun in the middle (STARTTLS). Knows
 * nothing of NUT's commands. */
#pragma once

#include "base/err.h"
#include "loop/loop.h"

/** How TLS is verified: by a CA, or by the server's certificate itself. There is no unverified
 * mode. */
struct nut_tls {
	const char *ca_file;    /**< PEM, NULL = pinned */
	const char *host_name;  /**< that the certificate must be for, with ca_file */
	const char *pin_sha256; /**< of the certificate (DER) in lower-case hex, NULL = by CA */
};

/** What happens; each is the last thing its event does. */
struct nut_stream_handler {
	void (*opened)(void *user);           /**< connected, or TLS is there */
	void (*line)(void *user, char *line); /**< one line without its end; may be changed */
	void (*closed)(void *user, struct err *take_err); /**< never again anything else */
};

/** A connection; opaque. */
struct nut_stream;

/** Where to. */
struct nut_endpoint {
	const char *address; /**< numeric, IPv4 or IPv6 */
	int port;
};

/** Connect. @handler borrowed
 * Errors: ERR_INVALID (no address), ERR_IO, ERR_UNREACHABLE. Loop only. */
struct err *nut_stream_open(struct loop *loop, const struct nut_endpoint *to,
	const struct nut_stream_handler *handler, void *user, struct nut_stream **ret) ERR_RESULT;
/** Send text; what cannot be sent at once is kept (at most 64 KiB, more closes). */
void nut_stream_send(struct nut_stream *stream, const char *text);
/** Begin TLS; opened() tells when it is there. Errors: ERR_INVALID, ERR_NOT_FOUND (the CA file),
 * ERR_PROTOCOL (text came before TLS). */
struct err *nut_stream_starttls(struct nut_stream *stream, const struct nut_tls *tls) ERR_RESULT;
/** Close and free, without closed(). Also within a callback. NULL is fine. */
void nut_stream_free(struct nut_stream *stream);
