/* Accounts: users, passwords, web sessions, API tokens, the throttle of logins. Secrets are kept as
 * hashes only; passwords are hashed and checked by the caller off the domain worker (password_hash,
 * password_matches). */
#pragma once

#include <jansson.h>

#include "model/account.h"
#include "service/service.h"

#define ACCOUNT_PASSWORD_MIN 12 /**< characters; NIST 800-63B: length instead of composition */
#define ACCOUNT_PASSWORD_MAX 1024

/** argon2id hash of a password (libsodium, interactive limits: 64 MiB, about 60 ms). Any thread.
 * @ret_hash caller frees   Errors: ERR_UNAVAILABLE without memory. */
struct err *password_hash(const char *password, char **ret_hash) ERR_RESULT;
/** True when the password belongs to the hash. Same cost. Any thread. */
bool password_matches(const char *hash, const char *password);
/** Rules: length, not the account's name, not a well-known one. Errors: ERR_INVALID that names
 * `field`. Any thread. */
struct err *password_check(const char *field, const char *name, const char *password) ERR_RESULT;

/** Who credentials belong to. */
struct identity {
	char *name;     /**< owned: identity_done() */
	enum role role; /**< what the request may do: the lesser of user and token */
	int64_t user_id;
	int64_t session_id;  /**< I64_NONE for tokens */
	int64_t token_id;    /**< I64_NONE for sessions */
	struct scope *scope; /**< owned: clusters it is limited to, NULL: all */
};
/** Free what an identity owns. */
void identity_done(struct identity *identity);
/** Whose token this is. Errors: ERR_UNAUTHENTICATED (unknown, expired, revoked, user disabled).
 * Domain worker, in a transaction. */
struct err *account_by_token(struct service *svc, const char *text,
	struct identity *ret) ERR_RESULT;
/** Whose session cookie this is. Errors: ERR_UNAUTHENTICATED. */
struct err *account_by_session(struct service *svc, const char *cookie,
	struct identity *ret) ERR_RESULT;

/** Whether credentials that were accepted still are, and see as many clusters as then. @token_id,
 * @session_id of the identity   @scope its clusters   Errors: ERR_UNAUTHENTICATED, ERR_FORBIDDEN
 * (limited to fewer clusters), whose message is the reason. Domain worker, in a transaction. */
struct err *account_still(struct service *svc, int64_t token_id, int64_t session_id,
	const struct scope *scope) ERR_RESULT;

/** First step of a login: the throttle, then the hash to check the password against (a dummy for an
 * unknown or disabled account, so that both cost the same). @ret_hash caller frees
 * @ret_retry_after_s set with ERR_THROTTLED */
struct err *account_login_begin(struct service *svc, const struct actor *who, const char *name,
	char **ret_hash, int64_t *ret_retry_after_s) ERR_RESULT;
/** Second step after a right password: make a session.
 * @ret_cookie secret text for the cookie, caller frees   @ret_user record_done()   Errors:
 * ERR_UNAUTHENTICATED (the account went meanwhile). */
struct err *account_login_end(struct service *svc, const struct actor *who, const char *name,
	char **ret_cookie, struct user *ret_user) ERR_RESULT;
/** Second step after a wrong password: count it. Returns the ERR_UNAUTHENTICATED for the client. */
struct err *account_login_failed(struct service *svc, const struct actor *who,
	const char *name) ERR_RESULT;
/** End one session, or all of the user when session_id is I64_NONE. */
struct err *account_logout(struct service *svc, const struct actor *who,
	int64_t session_id) ERR_RESULT;

/** End one session: one's own, or any when `all`. Errors: ERR_NOT_FOUND (also for those of others).
 */
struct err *account_session_end(struct service *svc, const struct actor *who, int64_t id,
	bool all) ERR_RESULT;
/** End every session of a user. Errors: ERR_NOT_FOUND. */
struct err *account_sign_out(struct service *svc, const struct actor *who,
	const char *id_or_name) ERR_RESULT;

/** Whether an administrator exists, that is: set-up is over. */
struct err *account_ready(struct service *svc, bool *ret) ERR_RESULT;
/** The one-time code for set-up over HTTP; made on first use, the same until set-up is done.
 * @ret_code caller frees   Errors: ERR_CONFLICT when an administrator exists. */
struct err *account_setup_code(struct service *svc, char **ret_code) ERR_RESULT;
/** Check the one-time code. Errors: ERR_CONFLICT (set-up is over), ERR_FORBIDDEN (wrong, counted by
 * the throttle), ERR_THROTTLED. @ret_retry_after_s set with ERR_THROTTLED */
struct err *account_setup_check(struct service *svc, const struct actor *who, const char *code,
	int64_t *ret_retry_after_s) ERR_RESULT;
/** What set-up is given; borrowed texts. */
struct account_setup {
	const char *code; /**< compared when it is not NULL (NULL: a local door) */
	const char *name;
	const char *hash; /**< of the password */
};
/** Make the first administrator.
 * Errors: ERR_CONFLICT (exists), ERR_FORBIDDEN (wrong code, counted by the throttle),
 * ERR_THROTTLED, ERR_INVALID (name). */
struct err *account_setup(struct service *svc, const struct actor *who,
	const struct account_setup *setup, struct user *ret_user) ERR_RESULT;

/** Find a user by id or name. Errors: ERR_NOT_FOUND. */
struct err *account_user_find(struct service *svc, const char *id_or_name,
	struct user *ret_user) ERR_RESULT;
/** Store a new user. @user name, role, disabled are used   @hash of the password. Errors:
 * ERR_INVALID, ERR_EXISTS. */
struct err *account_user_create(struct service *svc, const struct actor *who,
	const struct user *user, const char *hash, struct user *ret_user) ERR_RESULT;
/** Change role, name or disabled. Errors: ERR_NOT_FOUND, ERR_INVALID, ERR_PRECONDITION (last
 * administrator). */
struct err *account_user_edit(struct service *svc, const struct actor *who, const char *id_or_name,
	const json_t *body, struct user *ret_user) ERR_RESULT;
/** Remove a user with sessions and tokens. Errors: ERR_NOT_FOUND, ERR_PRECONDITION (last
 * administrator). */
struct err *account_user_remove(struct service *svc, const struct actor *who,
	const char *id_or_name) ERR_RESULT;
/** Whether a user may prove the old password now. @user its name. @ret_retry_after_s set with
 * ERR_THROTTLED */
struct err *account_proof_begin(struct service *svc, const struct actor *who, const char *user,
	int64_t *ret_retry_after_s) ERR_RESULT;
/** Count a proof of the old password as a login is counted. Errors: ERR_INVALID that names
 * `field` when it does not match. */
struct err *account_proof_end(struct service *svc, const struct actor *who, const char *user,
	const char *field, bool matches) ERR_RESULT;
/** Set a password and end all sessions of the user. */
struct err *account_password_set(struct service *svc, const struct actor *who, int64_t user_id,
	const char *hash) ERR_RESULT;

/** Make an API token that belongs to the caller, or to no user when a local door asks. @wish name,
 * role and expires_at are used
 * @ret_text the secret "mko_...", shown once, caller frees. Errors: ERR_INVALID, ERR_EXISTS,
 * ERR_FORBIDDEN (role above one's own). */
struct err *account_token_create(struct service *svc, const struct actor *who,
	const struct token *wish, char **ret_text, struct token *ret_token) ERR_RESULT;
/** Find a token by id or name. Errors: ERR_NOT_FOUND. */
struct err *account_token_find(struct service *svc, const char *id_or_name,
	struct token *ret_token) ERR_RESULT;
/** Revoke a token; it stays in the list. */
struct err *account_token_revoke(struct service *svc, const struct actor *who,
	const char *id_or_name) ERR_RESULT;

/** Remove expired sessions and old idempotency keys; called by the daemon now and then. */
struct err *account_expire(struct service *svc) ERR_RESULT;
/** Forget the throttle's memory at the end of the process; NULL state is fine. */
void account_done(struct service *svc);
