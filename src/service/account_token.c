/* Owns credentials that machines and browsers send with each request: API tokens and sessions. Only
 * hashes are stored. */
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "model/idempotency.h"
#include "service/account.h"
#include "service/audit.h"
#include "service/identity_cache.h"
#include "service/scope.h"

#define TOKEN_PREFIX "mko_"
#define TOKEN_RANDOM_LEN 40
#define USED_EVERY_MS 60000 /* last_used_at is written at most once a minute: reads stay reads */
#define IDEMPOTENCY_MS 86400000

void identity_done(struct identity *identity)
{
	mem_freep(&identity->name);
	scope_free(identity->scope);
	identity->scope = NULL;
}

static struct err *refused(void)
{
	return err_hint(err_new(ERR_UNAUTHENTICATED, "the token is not valid"),
		"it is unknown, expired or revoked: mko token create NAME --role ROLE");
}

/* Give a token its owner's name and take away what its owner may not do. */
static struct err *owner_of(struct service *svc, const struct token *token, struct identity *ret)
{
	struct user user;
	enum role role = (enum role)token->role;

	if (token->user_id == I64_NONE) {
		*ret = (struct identity){.name = mem_printf("token:%s", token->name),
			.role = role,
			.user_id = I64_NONE,
			.session_id = I64_NONE,
			.token_id = token->id,
			.scope = scope_new(token->clusters)};
		return NULL;
	}
	TRY(store_get(svc->store, &user_type, token->user_id, &user));
	bool disabled = user.disabled;
	if ((int64_t)role > user.role)
		role = (enum role)user.role;
	if (!disabled)
		*ret = (struct identity){.name = mem_strdup(user.name),
			.role = role,
			.user_id = user.id,
			.session_id = I64_NONE,
			.token_id = token->id,
			.scope = scope_narrow(scope_new(user.clusters), token->clusters)};
	record_done(&user_type, &user);
	return disabled ? refused() : NULL;
}

static bool is_over(const struct service *svc, const struct token *token)
{
	return token->revoked_at != I64_NONE ||
		(token->expires_at != I64_NONE && token->expires_at <= clock_utc(svc->clock));
}

static struct err *use_token(struct service *svc, struct token *token, struct identity *ret)
{
	int64_t now = clock_utc(svc->clock);

	if (is_over(svc, token))
		return refused();
	TRY(owner_of(svc, token, ret));
	if (token->last_used_at != I64_NONE && now - token->last_used_at < USED_EVERY_MS)
		return NULL;
	token->last_used_at = now;
	struct err *e = store_update(svc->store, &token_type, token);
	if (e == NULL || err_code(e) == ERR_UNAVAILABLE) {
		err_ignore(e); /* reading goes on while nothing can be written */
		return NULL;
	}
	identity_done(ret);
	return e;
}

struct err *account_by_token(struct service *svc, const char *text, struct identity *ret)
{
	struct token token;
	char hash[HASH_TEXT_SIZE];

	if (strncmp(text, TOKEN_PREFIX, strlen(TOKEN_PREFIX)) != 0 || strlen(text) > 200)
		return refused();
	hash_sha256(text, strlen(text), hash);
	if (identity_cache_find(svc, hash, ret))
		return NULL;
	struct err *e = store_get_by(svc->store, &token_type, "hash", hash, &token);
	if (e != NULL && err_code(e) == ERR_NOT_FOUND) {
		err_free(e);
		return refused();
	}
	if (e != NULL)
		return e;
	e = use_token(svc, &token, ret);
	if (e == NULL)
		identity_cache_keep(svc, hash, ret, token.expires_at);
	record_done(&token_type, &token);
	return e;
}

static struct err *use_session(struct service *svc, const struct session *session,
	struct identity *ret)
{
	struct user user;

	if (session->expires_at <= clock_utc(svc->clock))
		return err_new(ERR_UNAUTHENTICATED, "the session is over: log in again");
	TRY(store_get(svc->store, &user_type, session->user_id, &user));
	bool disabled = user.disabled;
	if (!disabled)
		*ret = (struct identity){.name = mem_strdup(user.name),
			.role = (enum role)user.role,
			.user_id = user.id,
			.session_id = session->id,
			.token_id = I64_NONE,
			.scope = scope_new(user.clusters)};
	record_done(&user_type, &user);
	return disabled ? err_new(ERR_UNAUTHENTICATED, "the account is disabled") : NULL;
}

struct err *account_by_session(struct service *svc, const char *cookie, struct identity *ret)
{
	struct session session;
	char hash[HASH_TEXT_SIZE];

	hash_sha256(cookie, strlen(cookie), hash);
	if (identity_cache_find(svc, hash, ret))
		return NULL;
	struct err *e = store_get_by(svc->store, &session_type, "hash", hash, &session);
	if (e != NULL && err_code(e) == ERR_NOT_FOUND) {
		err_free(e);
		return err_new(ERR_UNAUTHENTICATED, "the session is over: log in again");
	}
	if (e != NULL)
		return e;
	e = use_session(svc, &session, ret);
	if (e == NULL)
		identity_cache_keep(svc, hash, ret, session.expires_at);
	record_done(&session_type, &session);
	return e;
}

static struct err *token_still(struct service *svc, int64_t id, struct identity *ret)
{
	struct token token;

	TRY(store_get(svc->store, &token_type, id, &token));
	struct err *e = is_over(svc, &token) ? err_new(ERR_UNAUTHENTICATED, "the token has ended")
					     : owner_of(svc, &token, ret);
	record_done(&token_type, &token);
	return e;
}

static struct err *session_still(struct service *svc, int64_t id, struct identity *ret)
{
	struct session session;

	TRY(store_get(svc->store, &session_type, id, &session));
	struct err *e = use_session(svc, &session, ret);
	record_done(&session_type, &session);
	return e;
}

struct err *account_still(struct service *svc, int64_t token_id, int64_t session_id,
	const struct scope *scope)
{
	struct identity now = {.name = NULL};

	if (token_id == I64_NONE && session_id == I64_NONE)
		return NULL; /* a local door */
	struct err *e = token_id != I64_NONE ? token_still(svc, token_id, &now)
					     : session_still(svc, session_id, &now);
	if (e != NULL && err_code(e) == ERR_NOT_FOUND) {
		err_free(e); /* it went, perhaps with its account */
		return err_new(ERR_UNAUTHENTICATED, "the %s has ended",
			token_id != I64_NONE ? "token" : "session");
	}
	if (e == NULL && scope_narrower(now.scope, scope))
		e = err_new(ERR_FORBIDDEN, "the account is now limited to fewer clusters");
	identity_done(&now);
	return e;
}

/* Audit without the secret; tokens are on disk before their text is shown. */
static struct err *note(struct service *svc, const struct actor *who, const char *action,
	const struct token *token)
{
	cleanup(mem_freep) char *object =
		mem_printf("token/%lld %s", (long long)token->id, token->name);

	store_want(svc->store, STORE_FULL);
	return audit_write(svc, who, action, object, record_to_json(&token_type, token), "ok");
}

/* A token sees no more than its maker. */
static struct err *limit_token(const struct service *svc, struct token *row)
{
	if (svc->scope == NULL)
		return NULL;
	if (row->clusters == NULL)
		row->clusters = scope_json(svc->scope);
	else if (!scope_has_all(svc->scope, row->clusters))
		return err_new(ERR_FORBIDDEN, "a token cannot see more clusters than its maker");
	return NULL;
}

static struct err *insert_token(struct service *svc, const struct actor *who, const char *text,
	struct token *row)
{
	char hash[HASH_TEXT_SIZE];

	if (row->role == ROLE_NONE)
		return err_field(NULL, "role", "must be viewer, operator or admin");
	if (row->role > (int64_t)who->role)
		return err_new(ERR_FORBIDDEN, "a token cannot do more than its maker (%s)",
			enum_text(&role_table, who->role));
	TRY(limit_token(svc, row));
	hash_sha256(text, strlen(text), hash);
	field_set_text(&row->hash, hash);
	row->user_id = who->user_id;
	row->created_at = clock_utc(svc->clock);
	if (row->expires_at != I64_NONE && row->expires_at <= row->created_at)
		return err_field(NULL, "expires_at", "must be in the future");
	TRY(record_check(&token_type, row));
	TRY(store_insert(svc->store, &token_type, row));
	return note(svc, who, "token.create", row);
}

struct err *account_token_create(struct service *svc, const struct actor *who,
	const struct token *wish, char **ret_text, struct token *ret_token)
{
	struct token row;
	cleanup(mem_freep) char *random = rand_text(TOKEN_RANDOM_LEN);
	cleanup(mem_freep) char *text = mem_printf(TOKEN_PREFIX "%s", random);

	record_copy(&token_type, &row, wish);
	struct err *e = insert_token(svc, who, text, &row);
	if (e != NULL) {
		record_done(&token_type, &row);
		return e;
	}
	*ret_token = row;
	*ret_text = MOVE(text);
	return NULL;
}

struct err *account_token_find(struct service *svc, const char *id_or_name, struct token *ret_token)
{
	int64_t id = 0;

	if (id_or_name[strspn(id_or_name, "0123456789")] != '\0')
		return store_get_by(svc->store, &token_type, "name", id_or_name, ret_token);
	TRY(parse_i64(id_or_name, 1, INT64_MAX, &id));
	return store_get(svc->store, &token_type, id, ret_token);
}

struct err *account_token_revoke(struct service *svc, const struct actor *who,
	const char *id_or_name)
{
	struct token token;
	struct err *e = NULL;

	TRY(account_token_find(svc, id_or_name, &token));
	bool all = who->role == ROLE_ADMIN && svc->scope == NULL;
	if (!all && (who->user_id == I64_NONE || token.user_id != who->user_id))
		e = err_new(ERR_FORBIDDEN,
			"only an administrator may revoke a token of somebody else");
	if (e == NULL && token.revoked_at == I64_NONE) {
		token.revoked_at = clock_utc(svc->clock);
		svc->rights_epoch++;
		e = store_update(svc->store, &token_type, &token);
		if (e == NULL)
			e = note(svc, who, "token.revoke", &token);
	}
	record_done(&token_type, &token);
	return e;
}

struct err *account_expire(struct service *svc)
{
	struct store_query sessions = {.n_filters = 0};
	struct store_query keys = {.n_filters = 0};
	int64_t now = clock_utc(svc->clock);

	store_where_number(&sessions, "expires_at", STORE_LE, now);
	store_where_number(&keys, "created_at", STORE_LE, now - IDEMPOTENCY_MS);
	TRY(store_delete_where(svc->store, &session_type, &sessions, NULL));
	return store_delete_where(svc->store, &idempotency_type, &keys, NULL);
}
