/* Owns authentication and authorisation of one request. Order: an Authorization header, a session
 * cookie, the local door. */
#include "api/auth.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "model/operation.h"

/* "Bearer mko_..." -> "mko_..."; the scheme's case does not matter (RFC 7235). */
static struct err *bearer_of(const char *header, const char **ret_token)
{
	if (strncasecmp(header, "Bearer ", 7) != 0)
		return err_hint(err_new(ERR_UNAUTHENTICATED, "unknown kind of credentials"),
			"send the header \"Authorization: Bearer mko_...\"");
	*ret_token = header + 7 + strspn(header + 7, " ");
	return NULL;
}

static bool is_change(const char *method)
{
	return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
}

bool auth_own_origin(const struct api_request *req)
{
	cleanup(mem_freep) char *own = mem_printf("%s://%s", req->secure ? "https" : "http",
		req->host != NULL ? req->host : "");

	return req->origin != NULL && strcasecmp(req->origin, own) == 0;
}

/* A browser sends our cookie with requests that another site made it send: those carry that site's
 * Origin. */
static struct err *check_origin(const struct api_request *req)
{
	if (!is_change(req->method))
		return NULL;
	if (auth_own_origin(req))
		return NULL;
	return err_new(ERR_FORBIDDEN,
		"a change with the session cookie must come from this server's own pages (Origin)");
}

static struct err *by_cookie(struct call *call, const char *cookie, struct identity *ret)
{
	struct identity identity;

	TRY(account_by_session(call->svc, cookie, &identity));
	struct err *e = check_origin(call->req);
	if (e != NULL) {
		identity_done(&identity);
		return e;
	}
	*ret = identity;
	call->actor.via = OP_VIA_WEB;
	return NULL;
}

static void as_local(struct call *call)
{
	call->actor.name = call->req->local_user != NULL ? call->req->local_user : "local";
	call->actor.role = ROLE_ADMIN;
	call->actor.user_id = I64_NONE;
}

/* Fills *identity when the request carries credentials; leaves name NULL for nobody. */
static struct err *identify(struct call *call, struct identity *identity)
{
	const struct api_request *req = call->req;
	const char *token = NULL;

	if (req->authorization != NULL) {
		TRY(bearer_of(req->authorization, &token));
		return account_by_token(call->svc, token, identity);
	}
	if (req->door == API_DOOR_LOCAL)
		return NULL;
	cleanup(mem_freep) char *cookie = decode_cookie(req->cookie, AUTH_COOKIE);
	return cookie != NULL ? by_cookie(call, cookie, identity) : NULL;
}

static enum role needed_role(const struct call *call)
{
	if (call->op != NULL && call->op->role > call->route->role)
		return call->op->role;
	return call->route->role;
}

/* A route that does not say that it knows limits is closed to accounts that have one. */
static struct err *check_scope(const struct call *call, enum role needed)
{
	if (call->svc->scope == NULL || needed == ROLE_NONE ||
		(call->route->flags & ROUTE_ANY_SCOPE) != 0)
		return NULL;
	return err_new(ERR_FORBIDDEN, "%s is limited to some clusters: this is about all of them",
		call->actor.name);
}

struct err *auth_call(struct call *call, struct identity *ret_identity)
{
	enum role needed = needed_role(call);
	struct err *e = identify(call, ret_identity);

	if (e != NULL && needed > ROLE_NONE)
		return e;
	err_ignore(e); /* a page with an old cookie must still be able to log in */
	if (ret_identity->name != NULL) {
		call->actor.name = ret_identity->name;
		call->actor.role = ret_identity->role;
		call->actor.user_id = ret_identity->user_id;
		call->session_id = ret_identity->session_id;
	} else if (call->req->door == API_DOOR_LOCAL && call->req->authorization == NULL) {
		as_local(call);
	}
	call->svc->scope = ret_identity->scope;
	if (call->actor.role >= needed)
		return check_scope(call, needed);
	if (call->actor.role == ROLE_NONE)
		return err_hint(err_new(ERR_UNAUTHENTICATED, "not logged in"),
			"send a token (mko token create) or log in at /api/login");
	return err_new(ERR_FORBIDDEN, "this needs the role %s; %s has %s",
		enum_text(&role_table, needed), call->actor.name,
		enum_text(&role_table, call->actor.role));
}
