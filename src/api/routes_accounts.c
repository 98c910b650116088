/* Routes of accounts: set-up, login, users, tokens. Passwords are hashed and checked off the domain
 * worker: a handler that needs it asks for work on its first pass and finishes on the second
 * (struct api_work). */
#include <string.h>

#include "api/auth.h"
#include "api/reply.h"
#include "api/route.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/seal.h"
#include "service/query.h"
#include "service/scope.h"

struct login_body {
	int64_t id;
	char *name, *password;
};
static const struct field login_fields[] = {
	ROW_TEXT(struct login_body, name, FIELD_CREATE | FIELD_REQUIRED, .min = 1, .max = 64,
		.help = "Account"),
	ROW_TEXT(struct login_body, password, FIELD_CREATE | FIELD_REQUIRED, .min = 1,
		.max = ACCOUNT_PASSWORD_MAX, .help = "Password"),
};
static const struct record_type login_body_type = {"login", "login", sizeof(struct login_body),
	NULL, login_fields, ARRAY_LEN(login_fields)};

struct setup_body {
	int64_t id;
	char *code, *name, *password;
};
static const struct field setup_fields[] = {
	ROW_TEXT(struct setup_body, code, FIELD_CREATE, .max = 64,
		.help = "One-time set-up code; not needed on the machine itself"),
	ROW_TEXT(struct setup_body, name, FIELD_CREATE, .min = 1, .max = 32, .check = check_account,
		.def = "admin", .help = "Name of the administrator"),
	ROW_TEXT(struct setup_body, password, FIELD_CREATE, .max = ACCOUNT_PASSWORD_MAX,
		.help = "Password; absent: a random one is made and shown once"),
};
static const struct record_type setup_body_type = {"setup", "setup", sizeof(struct setup_body),
	NULL, setup_fields, ARRAY_LEN(setup_fields)};

struct user_body {
	int64_t id;
	char *name, *password;
	int64_t role;
	json_t *clusters;
	bool disabled;
};
static const struct field user_body_fields[] = {
	ROW_TEXT(struct user_body, name, FIELD_CREATE | FIELD_REQUIRED, .min = 1, .max = 32,
		.check = check_account, .help = "Account name"),
	ROW_TEXT(struct user_body, password, FIELD_CREATE | FIELD_REQUIRED, .min = 1,
		.max = ACCOUNT_PASSWORD_MAX, .help = "Password, at least 12 characters"),
	ROW_ENUM(struct user_body, role, FIELD_CREATE, .choices = &role_table, .def = "viewer",
		.help = "What the account may do"),
	ROW_JSON(struct user_body, clusters, FIELD_CREATE, .check_json = check_json_clusters,
		.help = "Ids or names of the clusters it is limited to; absent or null: all"),
	ROW_BOOL(struct user_body, disabled, FIELD_CREATE, .help = "May not log in"),
};
static const struct record_type user_body_type = {"new_user", "new_user", sizeof(struct user_body),
	NULL, user_body_fields, ARRAY_LEN(user_body_fields)};

struct passwd_body {
	int64_t id;
	char *password, *current_password;
};
static const struct field passwd_fields[] = {
	ROW_TEXT(struct passwd_body, password, FIELD_CREATE | FIELD_REQUIRED, .min = 1,
		.max = ACCOUNT_PASSWORD_MAX, .help = "New password"),
	ROW_TEXT(struct passwd_body, current_password, FIELD_CREATE, .max = ACCOUNT_PASSWORD_MAX,
		.help = "Needed to change one's own over the network"),
};
static const struct record_type passwd_body_type = {"password", "password",
	sizeof(struct passwd_body), NULL, passwd_fields, ARRAY_LEN(passwd_fields)};

struct token_body {
	int64_t id;
	char *name;
	int64_t role;
	json_t *clusters;
	int64_t expires_s, expires_at;
};
static const struct field token_body_fields[] = {
	ROW_TEXT(struct token_body, name, FIELD_CREATE | FIELD_REQUIRED, .min = 1, .max = 63,
		.check = check_name, .help = "Name of the token"),
	ROW_ENUM(struct token_body, role, FIELD_CREATE, .choices = &role_table, .def = "viewer",
		.help = "What its holder may do"),
	ROW_JSON(struct token_body, clusters, FIELD_CREATE, .check_json = check_json_clusters,
		.help = "Ids or names of the clusters it is limited to; absent or null: all"),
	ROW_I64(struct token_body, expires_s, FIELD_CREATE, .min = 0, .max = 315360000, .def = "0",
		.help = "Seconds until it ends, 0: never"),
	ROW_TIME(struct token_body, expires_at, FIELD_CREATE,
		.help = "When it ends, instead of expires_s"),
};
static const struct record_type token_body_type = {"new_token", "new_token",
	sizeof(struct token_body), NULL, token_body_fields, ARRAY_LEN(token_body_fields)};

struct logout_query {
	int64_t id;
	bool everywhere;
};
static const struct field logout_fields[] = {
	ROW_BOOL(struct logout_query, everywhere, FIELD_CREATE,
		.help = "End every session of the account"),
};
static const struct record_type logout_query_type = {"logout_query", "logout_query",
	sizeof(struct logout_query), NULL, logout_fields, ARRAY_LEN(logout_fields)};

/* Ask for a hash of `password`, or for its check against `take_stored`. */
static struct err *ask_work(struct call *call, const char *password, char *take_stored)
{
	struct api_work *work = mem_zalloc(sizeof(*work));

	work->password = mem_strdup(password);
	work->stored = take_stored;
	call->reply->work = work;
	return NULL;
}

/* The hash that the work made. */
static struct err *worked_hash(const struct call *call, const char **ret_hash)
{
	*ret_hash = call->req->work->hash;
	return *ret_hash != NULL ? NULL
				 : err_new(ERR_UNAVAILABLE, "not enough memory to hash a password");
}

static void set_cookie(struct call *call, const char *value, int64_t max_age_s)
{
	call->reply->set_cookie = mem_printf(AUTH_COOKIE
		"=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s",
		value, (long long)max_age_s, call->req->secure ? "; Secure" : "");
}

static json_t *user_brief(const struct user *user)
{
	return json_pack("{sI ss ss}", "id", (json_int_t)user->id, "name", user->name, "role",
		enum_text(&role_table, user->role));
}

static struct err *finish_login(struct call *call, const char *name)
{
	struct user user;
	char *cookie = NULL;

	if (!call->req->work->matches)
		return account_login_failed(call->svc, &call->actor, name);
	TRY(account_login_end(call->svc, &call->actor, name, &cookie, &user));
	set_cookie(call, cookie, call->svc->config->web_session_hours * 3600);
	seal_wipe_free(cookie);
	struct err *e = call_json(call, json_pack("{so}", "user", user_brief(&user)));
	record_done(&user_type, &user);
	return e;
}

static struct err *login(struct call *call)
{
	struct login_body body;
	char *stored = NULL;

	record_init(&login_body_type, &body);
	struct err *e = call_body(call, &body);
	if (e == NULL && call->req->origin != NULL && !auth_own_origin(call->req))
		e = err_new(ERR_FORBIDDEN,
			"logins from another site's pages are refused"); /* login CSRF */
	if (e == NULL && call->req->work == NULL) {
		e = account_login_begin(call->svc, &call->actor, body.name, &stored,
			&call->reply->retry_after_s);
		if (e == NULL)
			e = ask_work(call, body.password, stored);
	} else if (e == NULL) {
		e = finish_login(call, body.name);
	}
	record_done(&login_body_type, &body);
	return e;
}

static struct err *logout(struct call *call)
{
	struct logout_query query;

	record_init(&logout_query_type, &query);
	TRY(call_query(call, &query));
	if (call->session_id == I64_NONE)
		return err_new(ERR_CONFLICT,
			"this request carries no session: there is nothing to log out from");
	set_cookie(call, "", 0);
	return account_logout(call->svc, &call->actor,
		query.everywhere ? I64_NONE : call->session_id);
}

static struct err *get_me(struct call *call)
{
	json_t *id = call->actor.user_id != I64_NONE ? json_integer(call->actor.user_id)
						     : json_null();
	json_t *clusters = scope_json(call->svc->scope);

	return call_json(call,
		json_pack("{so ss ss so so}", "id", id, "name", call->actor.name, "role",
			enum_text(&role_table, call->actor.role), "clusters",
			clusters != NULL ? clusters : json_null(), "session_id",
			call->session_id != I64_NONE ? json_integer(call->session_id)
						     : json_null()));
}

static struct err *finish_setup(struct call *call, const struct setup_body *body, const char *code)
{
	struct user user;
	const char *hash = NULL;

	TRY(worked_hash(call, &hash));
	TRY(account_setup(call->svc, &call->actor,
		&(struct account_setup){.code = code, .name = body->name, .hash = hash}, &user));
	json_t *json = json_pack("{so}", "user", user_brief(&user));
	if (body->password == NULL)
		json_object_set_new(json, "password", json_string(call->req->work->password));
	struct err *e = call_created(call, "users", user.id, json);
	record_done(&user_type, &user);
	return e;
}

/* Passwords that nobody chose have 100 bits. */
static struct err *begin_setup(struct call *call, const struct setup_body *body, const char *code)
{
	bool ready = false;

	TRY(account_ready(call->svc, &ready));
	if (ready)
		return err_hint(err_new(ERR_CONFLICT, "set-up is over: an administrator exists"),
			"log in at /api/login");
	if (code != NULL && code[0] == '\0')
		return err_field(NULL, "code",
			"is required: mko system setup-code shows it, and so does the server's log");
	/* before the hash is made, which costs a core for long */
	if (code != NULL)
		TRY(account_setup_check(call->svc, &call->actor, code,
			&call->reply->retry_after_s));
	if (body->password != NULL)
		TRY(password_check("password", body->name, body->password));
	cleanup(mem_freep) char *random = rand_text(20);
	return ask_work(call, body->password != NULL ? body->password : random, NULL);
}

static struct err *setup(struct call *call)
{
	struct setup_body body;

	record_init(&setup_body_type, &body);
	struct err *e = call_body(call, &body);
	const char *code = call->req->door == API_DOOR_LOCAL ? NULL
		: body.code != NULL                          ? body.code
							     : "";
	if (e == NULL)
		e = call->req->work == NULL ? begin_setup(call, &body, code)
					    : finish_setup(call, &body, code);
	record_done(&setup_body_type, &body);
	return e;
}

static struct err *get_setup_code(struct call *call)
{
	char *code = NULL;

	TRY(account_setup_code(call->svc, &code));
	struct err *e = call_json(call, json_pack("{ss}", "code", code));
	seal_wipe_free(code);
	return e;
}

static struct err *list_users(struct call *call)
{
	return call_list(call, NULL, NULL);
}

/* Answer with a user and free it. */
static struct err *reply_user(struct call *call, struct user *user)
{
	json_t *json = record_to_json(&user_type, user);
	int64_t id = user->id;

	record_done(&user_type, user);
	return call->route->status == 201 ? call_created(call, "users", id, json)
					  : call_json(call, json);
}

static struct err *finish_create(struct call *call, const struct user_body *body)
{
	struct user wish, user;
	const char *hash = NULL;

	TRY(worked_hash(call, &hash));
	record_init(&user_type, &wish);
	field_set_text(&wish.name, body->name);
	wish.role = body->role;
	wish.disabled = body->disabled;
	wish.clusters = json_incref(body->clusters);
	struct err *e = account_user_create(call->svc, &call->actor, &wish, hash, &user);
	record_done(&user_type, &wish);
	return e != NULL ? e : reply_user(call, &user);
}

static struct err *create_user(struct call *call)
{
	struct user_body body;

	record_init(&user_body_type, &body);
	struct err *e = scope_resolve(call->svc, call->body);
	if (e == NULL)
		e = call_body(call, &body);
	if (e == NULL && call->req->work == NULL) {
		e = password_check("password", body.name, body.password);
		if (e == NULL)
			e = ask_work(call, body.password, NULL);
	} else if (e == NULL) {
		e = finish_create(call, &body);
	}
	record_done(&user_body_type, &body);
	return e;
}

static struct err *get_user(struct call *call)
{
	struct user user;

	TRY(account_user_find(call->svc, call->params[0], &user));
	return reply_user(call, &user);
}

static struct err *edit_user(struct call *call)
{
	struct user user;

	TRY(account_user_edit(call->svc, &call->actor, call->params[0], call->body, &user));
	return reply_user(call, &user);
}

static struct err *remove_user(struct call *call)
{
	return account_user_remove(call->svc, &call->actor, call->params[0]);
}

/* Accounts belong to no cluster: administrators of some clusters have to do with their own only. */
static bool sees_all_accounts(const struct call *call)
{
	return call->actor.role == ROLE_ADMIN && call->svc->scope == NULL;
}

/* Own password: anybody who logs in, and proves the old one unless at a local door; another's:
 * administrators. */
static struct err *may_set(const struct call *call, const struct user *user,
	const struct passwd_body *body)
{
	if (user->id != call->actor.user_id && !sees_all_accounts(call))
		return err_new(ERR_FORBIDDEN, "only an administrator may set another's password");
	if (user->id == call->actor.user_id && body->current_password == NULL)
		return err_field(NULL, "current_password",
			"is required to change one's own password");
	return password_check("password", user->name, body->password);
}

static struct err *set_password(struct call *call, const struct user *user,
	const struct passwd_body *body)
{
	const char *hash = NULL;
	bool own = user->id == call->actor.user_id;

	TRY(may_set(call, user, body));
	if (call->req->work == NULL) {
		if (own)
			TRY(account_proof_begin(call->svc, &call->actor, user->name,
				&call->reply->retry_after_s));
		TRY(ask_work(call, body->password, NULL));
		if (own) {
			call->reply->work->old_password = mem_strdup(body->current_password);
			call->reply->work->stored = mem_strdup(user->password_hash);
		}
		return NULL;
	}
	if (own)
		TRY(account_proof_end(call->svc, &call->actor, user->name, "current_password",
			call->req->work->matches));
	TRY(worked_hash(call, &hash));
	return account_password_set(call->svc, &call->actor, user->id, hash);
}

static struct err *change_password(struct call *call)
{
	struct passwd_body body;
	struct user user;

	TRY(account_user_find(call->svc, call->params[0], &user));
	record_init(&passwd_body_type, &body);
	struct err *e = call_body(call, &body);
	if (e == NULL)
		e = set_password(call, &user, &body);
	record_done(&passwd_body_type, &body);
	record_done(&user_type, &user);
	return e;
}

/* Rows that belong to an account: everybody sees the own ones, administrators all. */
static struct err *list_own(struct call *call)
{
	struct store_query base = {.n_filters = 0};
	const struct scope *scope = call->svc->scope;

	if (!sees_all_accounts(call))
		store_where_number(&base, "user_id", STORE_EQ,
			call->actor.user_id != I64_NONE ? call->actor.user_id : 0);
	call->svc->scope = NULL; /* narrowed to the caller's own instead */
	struct err *e = call_list(call, &base, NULL);
	call->svc->scope = scope;
	return e;
}

static struct err *end_session(struct call *call)
{
	int64_t id = 0;
	struct err *e = parse_i64(call->params[0], 1, INT64_MAX, &id);

	if (e != NULL)
		return err_recode(err_wrap(e, "no session %s", call->params[0]), ERR_NOT_FOUND);
	return account_session_end(call->svc, &call->actor, id, sees_all_accounts(call));
}

static struct err *sign_out(struct call *call)
{
	return account_sign_out(call->svc, &call->actor, call->params[0]);
}

static struct err *reply_token(struct call *call, struct token *token, const char *text)
{
	json_t *json = json_object();
	json_t *row = record_to_json(&token_type, token);
	int64_t id = token->id;

	if (text != NULL)
		json_object_set_new(json, "token", json_string(text));
	json_object_update_missing(json, row);
	json_decref(row);
	record_done(&token_type, token);
	return call->route->status == 201 ? call_created(call, "tokens", id, json)
					  : call_json(call, json);
}

static struct err *create_token(struct call *call)
{
	struct token_body body;
	struct token wish, token;
	char *text = NULL;

	record_init(&token_body_type, &body);
	record_init(&token_type, &wish);
	struct err *e = scope_resolve(call->svc, call->body);
	if (e == NULL)
		e = call_body(call, &body);
	if (e == NULL) {
		wish.clusters = json_incref(body.clusters);
		field_set_text(&wish.name, body.name);
		wish.role = body.role;
		wish.expires_at = body.expires_at;
		if (body.expires_s > 0)
			wish.expires_at = clock_utc(call->svc->clock) + body.expires_s * 1000;
		e = account_token_create(call->svc, &call->actor, &wish, &text, &token);
	}
	record_done(&token_type, &wish);
	record_done(&token_body_type, &body);
	if (e == NULL)
		e = reply_token(call, &token, text);
	seal_wipe_free(text);
	return e;
}

static struct err *get_token(struct call *call)
{
	struct token token;

	TRY(account_token_find(call->svc, call->params[0], &token));
	if (sees_all_accounts(call) ||
		(call->actor.user_id != I64_NONE && token.user_id == call->actor.user_id))
		return reply_token(call, &token, NULL);
	record_done(&token_type, &token);
	return err_new(ERR_FORBIDDEN, "the token belongs to somebody else");
}

static struct err *revoke_token(struct call *call)
{
	return account_token_revoke(call->svc, &call->actor, call->params[0]);
}

static const struct route routes_accounts_rows[] = {
	{"POST", "/api/login", ROLE_NONE, ROUTE_AUDIT_ERRORS | ROUTE_NO_STORE, 200,
		ROUTE_REPLY_OBJECT, .shape = &shape_login, .body_type = &login_body_type,
		.summary = "Log in: sets the session cookie",
		.example = "{\"name\":\"admin\",\"password\":\"correct horse battery\"}",
		.handle = login},
	{"POST", "/api/logout", ROLE_VIEWER,
		ROUTE_ANY_SCOPE | ROUTE_BODY_FREE | ROUTE_BODY_OPTIONAL, 204,
		.query = &logout_query_type, .summary = "End the session", .handle = logout},
	{"POST", "/api/setup", ROLE_NONE, ROUTE_AUDIT_ERRORS | ROUTE_NO_STORE | ROUTE_BODY_OPTIONAL,
		201, ROUTE_REPLY_OBJECT, .shape = &shape_setup, .body_type = &setup_body_type,
		.summary = "Make the first administrator",
		.example =
			"{\"code\":\"abcdefghijklmnop\",\"name\":\"admin\",\"password\":\"correct horse battery\"}",
		.handle = setup},
	{"GET", "/api/setup-code", ROLE_ADMIN, ROUTE_NO_STORE, 200, ROUTE_REPLY_OBJECT,
		.shape = &shape_setup_code, .summary = "The one-time code for /api/setup",
		.handle = get_setup_code},
	{"GET", "/api/me", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_OBJECT, .shape = &shape_me, .summary = "Who the caller is",
		.handle = get_me},
	{"GET", "/api/users", ROLE_ADMIN, .status = 200, .reply = ROUTE_REPLY_LIST,
		.reply_type = &user_type, .list_of = &user_type, .summary = "List users",
		.handle = list_users},
	{"POST", "/api/users", ROLE_ADMIN, ROUTE_NO_STORE, 201, ROUTE_REPLY_OBJECT, &user_type,
		.body_type = &user_body_type, .summary = "Add a user",
		.example =
			"{\"name\":\"ann\",\"password\":\"correct horse battery\",\"role\":\"operator\"}",
		.handle = create_user},
	{"GET", "/api/users/{id}", ROLE_ADMIN, .status = 200, .reply = ROUTE_REPLY_OBJECT,
		.reply_type = &user_type, .summary = "Show a user", .handle = get_user},
	{"PATCH", "/api/users/{id}", ROLE_ADMIN, ROUTE_BODY_FREE | ROUTE_NEED_MATCH, 200,
		ROUTE_REPLY_OBJECT, &user_type, .body_type = &user_type, .body_mode = RECORD_UPDATE,
		.summary = "Change a user's role, or disable it",
		.example = "{\"role\":\"viewer\"}", .handle = edit_user},
	{"DELETE", "/api/users/{id}", ROLE_ADMIN, .status = 204,
		.summary = "Remove a user with sessions and tokens", .handle = remove_user},
	{"POST", "/api/users/{id}/password", ROLE_VIEWER, ROUTE_ANY_SCOPE | ROUTE_NO_STORE, 204,
		.body_type = &passwd_body_type,
		.summary = "Set a password; ends all sessions of the user",
		.example = "{\"password\":\"a new and longer one\"}", .handle = change_password},
	{"DELETE", "/api/users/{id}/sessions", ROLE_ADMIN, .status = 204,
		.summary = "Sign a user out everywhere", .handle = sign_out},
	{"GET", "/api/sessions", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_LIST, .reply_type = &session_type, .list_of = &session_type,
		.summary = "List web sessions: the own ones, administrators see all",
		.handle = list_own},
	{"DELETE", "/api/sessions/{id}", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 204,
		.summary = "End a session", .handle = end_session},
	{"GET", "/api/tokens", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_LIST, .reply_type = &token_type, .list_of = &token_type,
		.summary = "List API tokens: the own ones, administrators see all",
		.handle = list_own},
	{"POST", "/api/tokens", ROLE_VIEWER, ROUTE_ANY_SCOPE | ROUTE_NO_STORE, 201,
		ROUTE_REPLY_OBJECT, &token_type, .body_type = &token_body_type,
		.shape = &shape_new_token, .summary = "Make an API token; its text is shown once",
		.example = "{\"name\":\"ci\",\"role\":\"operator\",\"expires_s\":2592000}",
		.handle = create_token},
	{"GET", "/api/tokens/{id}", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_OBJECT, .reply_type = &token_type, .summary = "Show a token",
		.handle = get_token},
	{"DELETE", "/api/tokens/{id}", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 204,
		.summary = "Revoke a token", .handle = revoke_token},
};
ROUTE_LIST(routes_accounts, "accounts");
