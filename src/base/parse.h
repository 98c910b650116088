/* Parsers and validators of everything that comes from outside: pure functions on text,
 * locale-free, bounded. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/** Parse a decimal integer, the whole text, within [min, max].
 * Errors: ERR_INVALID ("not a number", "must be between min and max"). Any thread. */
struct err *parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret) ERR_RESULT;
/** Parse a duration: "250ms", "30s", "5m", "2h", "7d", or a plain number of seconds; @ret_ms in [0,
 * 10 years]. */
struct err *parse_duration_ms(const char *text, int64_t *ret_ms) ERR_RESULT;
/** Parse a size: plain bytes or with k, M, G, T (powers of 1024, optional "iB" or "B"). */
struct err *parse_size(const char *text, int64_t *ret_bytes) ERR_RESULT;
/** Parse yes/no, true/false, on/off, 1/0. */
struct err *parse_bool(const char *text, bool *ret) ERR_RESULT;

/** A validator of text: NULL when good, else ERR_INVALID whose message completes "field: ...". */
typedef struct err *(*check_fn)(const char *text);

/** Kubernetes node name: RFC 1123 subdomain, lower case, at most 63 a label and 253 in all, not all
 * digits and dots. */
struct err *check_hostname(const char *text) ERR_RESULT;
/** An address to reach a node: IPv4 or IPv6 literal, not unspecified, multicast, broadcast or
 * loopback of another family (loopback is allowed: a node may be this machine). */
struct err *check_ip(const char *text) ERR_RESULT;
/** IPv4 or IPv6 network in prefix form whose host bits are zero, for example 10.1.0.0/16. */
struct err *check_cidr(const char *text) ERR_RESULT;
/** Login name on a node: ^[a-z_][a-z0-9_-]{0,31}$ . */
struct err *check_user(const char *text) ERR_RESULT;
/** Name of an object of ours (cluster, playbook): ^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$ and not all
 * digits (those are IDs). */
struct err *check_name(const char *text) ERR_RESULT;
/** Account name: ^[a-z][a-z0-9._-]{0,31}$ . */
struct err *check_account(const char *text) ERR_RESULT;
/** Snap channel TRACK[/RISK[/BRANCH]], for example 1.32/stable or 1.32-strict/stable; risk of
 * stable, candidate, beta, edge. */
struct err *check_channel(const char *text) ERR_RESULT;
/** Absolute path or one that starts with ~/, without control characters and "..", at most 500
 * bytes. */
struct err *check_key_path(const char *text) ERR_RESULT;
/** MAC address aa:bb:cc:dd:ee:ff. */
struct err *check_mac(const char *text) ERR_RESULT;
/** Name of a MicroK8s addon, optionally REPOSITORY/NAME. */
struct err *check_addon(const char *text) ERR_RESULT;
/** Key of a Kubernetes label: NAME or PREFIX/NAME. */
struct err *check_label_key(const char *text) ERR_RESULT;
/** Value of a Kubernetes label: at most 63 characters, may be empty. */
struct err *check_label_value(const char *text) ERR_RESULT;
/** Free text of one line: valid UTF-8 without control characters. */
struct err *check_line(const char *text) ERR_RESULT;
/** Free text: valid UTF-8 without control characters but tab and newline. */
struct err *check_text(const char *text) ERR_RESULT;
/** True when the two networks (already checked) share an address. */
bool cidr_overlap(const char *a, const char *b);
