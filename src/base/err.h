/* Errors. A function that can fail returns `struct err *`: NULL is success, else the caller owns
 * the error. Each level adds what *it* was doing with err_wrap(), so the text reads "outer: inner:
 * cause". The table ERR_TABLE is the one place that ties a code to its name, HTTP status and exit
 * code. */
#pragma once

#include <stddef.h>

/* X(enum name, slug, HTTP status, exit code, default text) */
#define ERR_TABLE(X)                                                                               \
	X(INTERNAL, "internal", 500, 70, "internal error")                                         \
	X(INVALID, "invalid", 422, 2, "invalid input")                                             \
	X(USAGE, "usage", 400, 2, "wrong usage")                                                   \
	X(NOT_FOUND, "not_found", 404, 3, "no such object")                                        \
	X(EXISTS, "exists", 409, 4, "already exists")                                              \
	X(CONFLICT, "conflict", 409, 4, "conflict")                                                \
	X(LOCKED, "locked", 409, 4, "target is locked")                                            \
	X(PRECONDITION, "precondition", 412, 4, "precondition failed")                             \
	X(QUORUM, "quorum_at_risk", 412, 4, "quorum at risk")                                      \
	X(NEED_PRECONDITION, "precondition_required", 428, 4, "precondition required")             \
	X(NOT_CONFIRMED, "not_confirmed", 409, 4, "not confirmed")                                 \
	X(UNAUTHENTICATED, "unauthenticated", 401, 5, "not logged in")                             \
	X(FORBIDDEN, "forbidden", 403, 5, "not allowed")                                           \
	X(THROTTLED, "throttled", 429, 5, "too many attempts")                                     \
	X(UNREACHABLE, "unreachable", 502, 6, "unreachable")                                       \
	X(TIMEOUT, "timeout", 504, 7, "timed out")                                                 \
	X(CANCELLED, "cancelled", 409, 8, "cancelled")                                             \
	X(PARTIAL, "partial", 200, 9, "some hosts failed")                                         \
	X(FAILED, "failed", 200, 1, "operation failed")                                            \
	X(TOO_LARGE, "too_large", 413, 2, "too large")                                             \
	X(MEDIA_TYPE, "media_type", 415, 2, "unsupported media type")                              \
	X(NOT_ACCEPTABLE, "not_acceptable", 406, 2, "no form of reply that the client takes")      \
	X(METHOD, "method_not_allowed", 405, 2, "method not allowed")                              \
	X(UNAVAILABLE, "unavailable", 503, 6, "temporarily unavailable")                           \
	X(IO, "io", 500, 70, "input/output error")                                                 \
	X(PROTOCOL, "protocol", 502, 6, "protocol error")

/** Codes of errors; the order is that of ERR_TABLE. */
enum err_code {
#define X(name, slug, http, exit_code, text) ERR_##name,
	ERR_TABLE(X)
#undef X
		ERR_N_
};

/** One error with its chain of messages; opaque. */
struct err;

#define ERR_RESULT __attribute__((warn_unused_result))
#define ERR_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define ERR_NEVER_NULL __attribute__((returns_nonnull))

/** Make an error with the place it was made. Use the macro err_new().
 * @code what kind   @file @line its origin   @fmt a printf format, the sentence without a full stop
 * Returns an owned error, never NULL. Any thread. */
struct err *err_make(enum err_code code, const char *file, int line, const char *fmt, ...)
	ERR_PRINTF(4, 5) ERR_RESULT ERR_NEVER_NULL;
#define err_new(code, ...) err_make((code), __FILE__, __LINE__, __VA_ARGS__)

/** Make an error from an errno value: "fmt: strerror".
 * @errnum positive errno; ENOENT becomes ERR_NOT_FOUND, ENOSPC and EROFS ERR_UNAVAILABLE, the rest
 * ERR_IO. Any thread. */
struct err *err_errno_make(int errnum, const char *file, int line, const char *fmt, ...)
	ERR_PRINTF(4, 5) ERR_RESULT ERR_NEVER_NULL;
#define err_errno(errnum, ...) err_errno_make((errnum), __FILE__, __LINE__, __VA_ARGS__)

/** Put "fmt: " before the message of an error.
 * @take_err owned, may be NULL   Returns it, or NULL when it was NULL. */
struct err *err_wrap(struct err *take_err, const char *fmt, ...) ERR_PRINTF(2, 3) ERR_RESULT;

/** Add what to type or look at next; shown as the third line of an error by the CLI.
 * @take_err owned, may be NULL; an earlier hint is kept. Returns it. */
struct err *err_hint(struct err *take_err, const char *fmt, ...) ERR_PRINTF(2, 3) ERR_RESULT;

#define ERR_FIELDS_MAX 100
/** Add one wrong field (several may be added: all are reported at once, but no more than
 * ERR_FIELDS_MAX: input may have any number of them).
 * @take_err owned or NULL: NULL starts a new ERR_INVALID. @field dotted path. Returns it. */
struct err *err_field(struct err *take_err, const char *field, const char *fmt, ...)
	ERR_PRINTF(3, 4) ERR_RESULT ERR_NEVER_NULL;

/** The code of an error (must not be NULL). */
enum err_code err_code(const struct err *e);
/** The whole message, borrowed. */
const char *err_message(const struct err *e);
/** The hint or NULL, borrowed. */
const char *err_hint_text(const struct err *e);
/** "file:line" of the origin, borrowed; for debug output only. */
const char *err_origin(const struct err *e);
/** How many wrong fields the error names. */
size_t err_field_count(const struct err *e);
/** The i-th wrong field: its path, and its message through ret_message; borrowed. */
const char *err_field_at(const struct err *e, size_t i, const char **ret_message);

/** Change the code (for example when a lower code means another thing to the caller). Returns
 * take_err. */
struct err *err_recode(struct err *take_err, enum err_code code) ERR_RESULT;

/** A new error with the code, message, fields and hint of a kept one. @e may be NULL: NULL. Owned.
 */
struct err *err_copy(const struct err *e) ERR_RESULT;

/** Free an error; NULL is fine. */
void err_free(struct err *e);
/** Free and clear for `cleanup(err_freep)`. */
void err_freep(struct err **e);
/** Drop an error on purpose; say why in a comment where it is called. */
void err_ignore(struct err *take_err);

/** Machine name of a code, for example "not_found". */
const char *err_slug(enum err_code code);
/** HTTP status of a code. */
int err_http_status(enum err_code code);
/** Exit code of the CLI for a code (CONTRACT.md section 2). */
int err_exit_code(enum err_code code);
/** The code with this slug, ERR_INTERNAL for an unknown one. */
enum err_code err_code_from_slug(const char *slug);

/** Return e's error to the caller at once when there is one. */
#define TRY(expr)                                                                                  \
	do {                                                                                       \
		struct err *try_err_ = (expr);                                                     \
		if (try_err_ != NULL)                                                              \
			return try_err_;                                                           \
	} while (0)
/** Like TRY, with context: TRY_WRAP(node_load(id), "load node %s", name). */
#define TRY_WRAP(expr, ...)                                                                        \
	do {                                                                                       \
		struct err *try_err_ = (expr);                                                     \
		if (try_err_ != NULL)                                                              \
			return err_wrap(try_err_, __VA_ARGS__);                                    \
	} while (0)
