/* Owns the way of one request: route, caller, query, body, preconditions, handler, reply. What a
 * failed request did is undone. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/accept.h"
#include "api/auth.h"
#include "api/idem.h"
#include "api/reply.h"
#include "base/log.h"
#include "base/mem.h"
#include "service/audit.h"
#include "service/query.h"
#include "service/scope.h"

static const char *const list_words[] = {"limit", "cursor", "sort", "q", "fields"};

/* 404, or 405 with Allow, or the answer to OPTIONS. */
static struct err *find_route(struct call *call)
{
	TRY(decode_path_parse(call->req->path, &call->path));
	struct route_found found = route_find(call->lists, call->req->method, &call->path);
	if (found.route != NULL) {
		call->route = found.route;
		call->op = found.op;
		memcpy(call->params, found.params, sizeof(call->params));
		return NULL;
	}
	call->reply->allow = found.allow;
	if (found.allow == NULL)
		return err_hint(err_new(ERR_NOT_FOUND, "no such route: %s", call->req->path),
			"GET /api/openapi.json lists all");
	if (strcmp(call->req->method, "OPTIONS") != 0)
		return err_new(ERR_METHOD, "%s is not possible here", call->req->method);
	call->reply->status = 204;
	return NULL;
}

static bool known_parameter(const struct route *route, const char *name)
{
	const struct field *f = NULL;

	if (route->query != NULL && record_field(route->query, name) != NULL)
		return true;
	if (route->list_of == NULL)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(list_words); i++)
		if (strcmp(name, list_words[i]) == 0)
			return true;
	f = record_field(route->list_of, name);
	return f != NULL && (f->flags & FIELD_FILTER) != 0 && (f->flags & FIELD_HIDDEN) == 0;
}

static struct err *read_query(struct call *call)
{
	struct err *all = NULL;

	TRY(decode_query_parse(call->req->query, &call->query));
	for (size_t i = 0; i < call->query.n; i++)
		if (!known_parameter(call->route, call->query.pairs[i].name))
			all = err_field(all, call->query.pairs[i].name, "unknown query parameter");
	return all;
}

static bool is_json_type(const char *type)
{
	static const char *const types[] = {"application/json", "application/merge-patch+json"};
	size_t len = type != NULL ? strcspn(type, "; \t") : 0;

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strlen(types[i]) == len && strncasecmp(type, types[i], len) == 0)
			return true;
	return false;
}

static struct err *read_body(struct call *call)
{
	const struct api_request *req = call->req;
	const struct route *route = call->route;
	bool wanted = route->body_type != NULL || (route->flags & ROUTE_BODY_FREE) != 0;

	if (req->body_len == 0 && wanted && (route->flags & ROUTE_BODY_OPTIONAL)) {
		call->body = json_object();
		return NULL;
	}
	if (!wanted)
		return req->body_len > 0 ? err_new(ERR_USAGE, "this request takes no body") : NULL;
	if (req->body_len == 0)
		return err_new(ERR_USAGE, "this request needs a JSON body");
	if (!is_json_type(req->content_type))
		return err_hint(err_new(ERR_MEDIA_TYPE, "the body must be JSON"),
			"send the header \"Content-Type: application/json\"");
	return decode_json_object(req->body, req->body_len, &call->body);
}

/* A client that takes no form of the reply is told so before anything happens. */
static struct err *check_accept(const struct call *call)
{
	const char *accept = call->req->accept;
	const char *media = route_media(call->route->reply);

	if (accept == NULL || accept[0] == '\0' || media == NULL ||
		accept_quality(accept, media) > 0)
		return NULL;
	return err_hint(err_new(ERR_NOT_ACCEPTABLE, "the reply to this request is %s", media),
		"send the header \"Accept: %s\", or none", media);
}

/* The ETag that GET on the same path has now. */
static struct err *current_etag(const struct call *call, char **ret_etag)
{
	struct api_reply reply = {.status = 0};
	struct call get = *call;
	struct route_found found = route_find(call->lists, "GET", &call->path);

	mem_free(found.allow);
	if (found.route == NULL)
		return err_new(ERR_PRECONDITION, "nothing here has an ETag");
	get.body = NULL;
	get.query.n = 0;
	get.reply = &reply;
	get.route = found.route;
	memcpy(get.params, found.params, sizeof(get.params));
	struct err *e = get.route->handle(&get);
	if (e == NULL) {
		reply_etag(&reply);
		*ret_etag = MOVE(reply.etag);
	}
	api_reply_done(&reply);
	return e;
}

static struct err *check_match(const struct call *call)
{
	const struct api_request *req = call->req;
	cleanup(mem_freep) char *etag = NULL;

	if (req->if_match == NULL) {
		if ((call->route->flags & ROUTE_NEED_MATCH) && req->door == API_DOOR_HTTP)
			return err_hint(err_new(ERR_NEED_PRECONDITION, "a change needs If-Match"),
				"send the ETag of your last GET, or \"If-Match: *\" to change whatever is there");
		return NULL;
	}
	if (strcmp(req->method, "PATCH") != 0 && strcmp(req->method, "DELETE") != 0)
		return NULL;
	TRY(current_etag(call, &etag));
	if (reply_etag_listed(req->if_match, etag, false))
		return NULL;
	return err_hint(err_new(ERR_PRECONDITION, "the object was changed meanwhile"),
		"GET it again and repeat the change on what is there now");
}

static void finish_get(struct call *call)
{
	const struct route *route = call->route;
	struct api_reply *reply = call->reply;

	if (reply->cache_control == NULL)
		reply->cache_control = mem_strdup((route->flags & ROUTE_NO_STORE)
				? "no-store"
				: "private, no-cache");
	if (strcmp(route->method, "GET") != 0 || reply->status != 200 || reply->stream ||
		reply->json != NULL)
		return;
	if (route->reply != ROUTE_REPLY_OBJECT && route->reply != ROUTE_REPLY_LIST)
		return;
	reply_etag(reply);
	if (call->req->if_none_match != NULL &&
		reply_etag_listed(call->req->if_none_match, reply->etag, true)) {
		str_reset(&reply->body);
		reply->status = 304;
	}
}

static struct err *run(struct call *call)
{
	const struct route *route = call->route;
	bool keeps = (route->flags & ROUTE_IDEMPOTENT) != 0 && call->req->idempotency_key != NULL;
	bool found = false;

	TRY(check_accept(call));
	TRY(read_query(call));
	TRY(read_body(call));
	TRY(check_match(call));
	if (keeps)
		TRY(idem_find(call, &found));
	if (!found) {
		call->reply->status = route->status;
		TRY(route->handle(call));
		if (keeps && call->reply->work == NULL)
			TRY(idem_keep(call));
	}
	finish_get(call);
	return NULL;
}

/* A job of its own: what a refused request did must not stay. Reading needs no savepoint. */
static struct err *run_job(struct call *call)
{
	if (strcmp(call->route->method, "GET") == 0)
		return run(call);
	TRY(tx_job_begin(call->svc));
	struct err *e = run(call);
	struct err *end = tx_job_end(call->svc, e == NULL);
	if (e == NULL)
		return end;
	err_ignore(end); /* the request failed anyhow; a broken transaction shows at commit */
	return e;
}

/* Refusals are part of the record. Anonymous callers cannot fill it: only who has credentials, or
 * fails at a login, is written down. */
static void audit_refusal(struct call *call, const struct err *e)
{
	bool forbidden = err_code(e) == ERR_FORBIDDEN && call->actor.role != ROLE_NONE;
	bool login = call->route != NULL && (call->route->flags & ROUTE_AUDIT_ERRORS) != 0 &&
		err_code(e) != ERR_THROTTLED;

	if (call->route == NULL || (!forbidden && !login))
		return;
	cleanup(mem_freep) char *action =
		mem_printf("%s %s", call->route->method, call->route->path);
	struct err *failed = audit_write(call->svc, &call->actor, action, call->req->path, NULL,
		err_slug(err_code(e)));
	if (failed != NULL)
		log_warn("request=%s refusal not in the audit log: %s, ignoring",
			call->req->request_id, err_message(failed));
	err_free(failed);
}

static struct err *serve(struct call *call, struct identity *identity)
{
	TRY(find_route(call));
	if (call->route == NULL)
		return NULL; /* OPTIONS */
	TRY(auth_call(call, identity));
	return run_job(call);
}

/* A stream outlives its request: it remembers for whom it is. */
static void keep_caller(const struct service *svc, const struct identity *identity,
	struct api_stream *stream)
{
	bool known = identity->name != NULL;

	stream->scope = scope_copy(svc->scope);
	stream->token_id = known ? identity->token_id : I64_NONE;
	stream->session_id = known ? identity->session_id : I64_NONE;
	stream->rights_epoch = svc->rights_epoch;
}

void route_serve(const struct route_list *const *lists, struct service *svc,
	const struct api_request *req, struct api_reply *ret_reply)
{
	struct identity identity = {.name = NULL};
	struct call call = {
		.svc = svc,
		.req = req,
		.reply = ret_reply,
		.lists = lists,
		.session_id = I64_NONE,
		.actor = {.name = "anonymous",
			.via = req->via,
			.address = req->address,
			.request_id = req->request_id,
			.user_id = I64_NONE},
	};
	struct err *e = serve(&call, &identity);

	if (e != NULL) {
		audit_refusal(&call, e);
		api_reply_error(req, e, ret_reply);
	}
	json_decref(call.body);
	decode_query_done(&call.query);
	ret_reply->route = call.route != NULL ? call.route->path : NULL;
	decode_path_done(&call.path);
	if (ret_reply->stream)
		keep_caller(svc, &identity, &ret_reply->streaming);
	svc->scope = NULL;
	identity_done(&identity);
}

void api_serve(struct service *svc, const struct api_request *req, struct api_reply *ret_reply)
{
	route_serve(route_lists, svc, req, ret_reply);
}

static void dispatch_once(struct service *svc, const struct api_request *req,
	struct api_reply *ret_reply)
{
	struct err *e = tx_begin(svc);

	if (e == NULL) {
		api_serve(svc, req, ret_reply);
		e = tx_commit(svc);
	}
	if (e != NULL)
		api_reply_error(req,
			err_recode(err_wrap(e, "%s %s", req->method, req->path), ERR_UNAVAILABLE),
			ret_reply);
}

void api_dispatch(struct service *svc, const struct api_request *req, struct api_reply *ret_reply)
{
	dispatch_once(svc, req, ret_reply);
	if (ret_reply->work == NULL)
		return;
	struct api_work *work = MOVE(ret_reply->work);
	struct api_request again = *req;

	reply_clear(ret_reply);
	api_work_run(work);
	again.work = work;
	dispatch_once(svc, &again, ret_reply);
	api_work_free(work);
}

void api_work_run(struct api_work *work)
{
	if (work->task != NULL) {
		work->error = work->task(work->input, &work->output);
		return;
	}
	if (work->stored != NULL)
		work->matches = password_matches(work->stored,
			work->old_password != NULL ? work->old_password : work->password);
	if (work->stored == NULL || (work->old_password != NULL && work->matches))
		err_ignore(password_hash(work->password,
			&work->hash)); /* no hash: the second pass answers 503 */
}
