/* Owns the form of replies: JSON bodies, RFC 9457 problems, ETags. */
#include "api/reply.h"

#include <ctype.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/seal.h"
#include "service/scope.h"

static int add_to_str(const char *data, size_t len, void *user)
{
	str_add(user, data, len);
	return 0;
}

void reply_json(struct api_reply *reply, int status, json_t *take_json)
{
	str_reset(&reply->body);
	must(json_dump_callback(take_json, add_to_str, &reply->body, JSON_COMPACT) == 0);
	json_decref(take_json);
	reply->status = status;
	reply->content_type = "application/json";
}

void reply_etag(struct api_reply *reply)
{
	char hash[HASH_SHORT_TEXT_SIZE];

	if (reply->etag != NULL)
		return;
	hash_short(str_get(&reply->body), reply->body.len, hash);
	reply->etag = mem_printf("\"%s\"", hash);
}

/* A tag without its "-gz": the compressed form of a reply has a tag of its own and means the same
 * object. */
static bool same_tag(const char *tag, size_t len, const char *etag)
{
	static const char mark[] = "-gz\"";
	size_t etag_len = strlen(etag);
	size_t mark_len = sizeof(mark) - 1;

	if (len == etag_len)
		return memcmp(tag, etag, len) == 0;
	return len == etag_len + mark_len - 1 && memcmp(tag, etag, etag_len - 1) == 0 &&
		memcmp(tag + len - mark_len, mark, mark_len) == 0;
}

bool reply_etag_listed(const char *header, const char *etag, bool weak)
{
	for (const char *at = header; *at != '\0';) {
		at += strspn(at, " \t,");
		size_t len = strcspn(at, ",");
		size_t trimmed = len;
		while (trimmed > 0 && (at[trimmed - 1] == ' ' || at[trimmed - 1] == '\t'))
			trimmed--;
		const char *tag = at;
		if (weak && trimmed > 2 && strncmp(tag, "W/", 2) == 0) {
			tag += 2;
			trimmed -= 2;
		}
		if (trimmed == 1 && *tag == '*')
			return true;
		if (same_tag(tag, trimmed, etag))
			return true;
		at += len;
	}
	return false;
}

void reply_clear(struct api_reply *reply)
{
	api_reply_done(reply);
	*reply = (struct api_reply){0};
}

void api_reply_done(struct api_reply *reply)
{
	str_done(&reply->body);
	json_decref(reply->json);
	reply->json = NULL;
	mem_freep(&reply->location);
	mem_freep(&reply->etag);
	mem_freep(&reply->set_cookie);
	mem_freep(&reply->allow);
	mem_freep(&reply->cache_control);
	mem_freep(&reply->streaming.topics);
	mem_freep(&reply->streaming.path);
	scope_free(reply->streaming.scope);
	reply->streaming.scope = NULL;
	api_work_free(reply->work);
	reply->work = NULL;
}

/* "not_found" -> "Not found" */
static json_t *title_of(enum err_code code)
{
	char title[64];
	const char *slug = err_slug(code);
	size_t n = 0;

	for (; slug[n] != '\0' && n + 1 < sizeof(title); n++)
		title[n] = (char)(slug[n] == '_' ? ' ' : slug[n]);
	title[n] = '\0';
	title[0] = (char)toupper((unsigned char)title[0]);
	return json_string(title);
}

/* What the client may read: causes inside the server stay in its log, except for the administrator
 * at a local door. */
static const char *detail_of(const struct api_request *req, const struct err *e)
{
	enum err_code code = err_code(e);

	if ((code == ERR_INTERNAL || code == ERR_IO) && req->door != API_DOOR_LOCAL)
		return "internal error: the server's log says more under this request ID";
	return err_message(e);
}

/* Messages may quote what a client sent; jansson takes valid UTF-8 only. */
static json_t *text_json(const char *text)
{
	json_t *json = json_string(text);

	return json != NULL ? json : json_string("(text that is not UTF-8)");
}

static json_t *field_errors(const struct err *e)
{
	json_t *errors = json_array();

	for (size_t i = 0; i < err_field_count(e); i++) {
		const char *message = NULL;
		const char *field = err_field_at(e, i, &message);
		json_t *row = json_object();
		json_object_set_new(row, "field", text_json(field));
		json_object_set_new(row, "message", text_json(message));
		json_array_append_new(errors, row);
	}
	return errors;
}

static json_t *problem_json(const struct api_request *req, const struct err *e, int status)
{
	enum err_code code = err_code(e);
	json_t *problem = json_object();

	json_object_set_new(problem, "type", json_sprintf("urn:mko:error:%s", err_slug(code)));
	json_object_set_new(problem, "title", title_of(code));
	json_object_set_new(problem, "status", json_integer(status));
	json_object_set_new(problem, "detail", text_json(detail_of(req, e)));
	json_object_set_new(problem, "code", json_string(err_slug(code)));
	json_object_set_new(problem, "request_id",
		json_string(req->request_id != NULL ? req->request_id : ""));
	json_object_set_new(problem, "errors", field_errors(e));
	if (err_hint_text(e) != NULL)
		json_object_set_new(problem, "hint", text_json(err_hint_text(e)));
	return problem;
}

void api_reply_error(const struct api_request *req, struct err *take_err, struct api_reply *reply)
{
	enum err_code code = err_code(take_err);
	int status = err_http_status(code);
	int64_t retry_after_s = reply->retry_after_s;
	char *allow = MOVE(reply->allow);
	const char *route = reply->route;

	/* Codes of operations that ran ("failed", "partial") have no error status of their own. */
	if (status < 400)
		status = 500;
	if (status == 500)
		log_error("request=%s %s %s: %s (%s)",
			req->request_id != NULL ? req->request_id : "-", req->method, req->path,
			err_message(take_err), err_origin(take_err));
	reply_clear(reply);
	reply_json(reply, status, problem_json(req, take_err, status));
	reply->content_type = "application/problem+json";
	reply->cache_control = mem_strdup("no-store");
	reply->allow = allow;
	reply->route = route;
	reply->retry_after_s = retry_after_s;
	if (code == ERR_UNAVAILABLE && retry_after_s == 0)
		reply->retry_after_s = 1;
	reply->failed = true;
	err_free(take_err);
}

void api_work_free(struct api_work *work)
{
	if (work == NULL)
		return;
	seal_wipe_free(work->password);
	seal_wipe_free(work->old_password);
	mem_free(work->stored);
	mem_free(work->hash);
	json_decref(work->input);
	json_decref(work->output);
	err_free(work->error);
	mem_free(work);
}
