/* The API for commands: encodes paths and queries, decodes replies, turns problem documents into
 * errors. */
#include "cli/client.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "cli/connect.h"

#define PAGE_MAX 1000

static void add_encoded(struct str *s, const char *text)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";

	for (const char *p = text; *p != '\0'; p++) {
		if (strchr(plain, *p) != NULL)
			str_addc(s, *p);
		else
			str_addf(s, "%%%02X", (unsigned char)*p);
	}
}

char *cli_path(const char *first, ...)
{
	struct str path = STR_INIT;
	va_list ap;

	str_adds(&path, "/api");
	va_start(ap, first);
	for (const char *part = first; part != NULL; part = va_arg(ap, const char *)) {
		str_addc(&path, '/');
		if (part == first) { /* a collection: "ups/rules" */
			str_adds(&path, part);
			continue;
		}
		/* "." and ".." would leave the path on their way through a proxy. */
		if (strcmp(part, ".") == 0 || strcmp(part, "..") == 0)
			str_adds(&path, part[1] == '.' ? "%2E%2E" : "%2E");
		else
			add_encoded(&path, part);
	}
	va_end(ap);
	return str_take(&path);
}

void cli_query_add(struct str *query, const char *name, const char *value)
{
	if (query->len > 0)
		str_addc(query, '&');
	add_encoded(query, name);
	str_addc(query, '=');
	add_encoded(query, value);
}

const json_t *cli_json_get(const json_t *object, const char *path)
{
	char key[64];

	while (object != NULL && *path != '\0') {
		size_t len = strcspn(path, ".");
		if (len >= sizeof(key))
			return NULL;
		memcpy(key, path, len);
		key[len] = '\0';
		object = json_object_get(object, key);
		path += len + (path[len] == '.' ? 1 : 0);
	}
	return object;
}

const char *cli_json_text(const json_t *object, const char *path, const char *fallback)
{
	const char *text = json_string_value(cli_json_get(object, path));

	return text != NULL ? text : fallback;
}

int64_t cli_json_i64(const json_t *object, const char *path, int64_t fallback)
{
	const json_t *value = cli_json_get(object, path);

	return json_is_integer(value) ? (int64_t)json_integer_value(value) : fallback;
}

/** What kind of error a status without a problem document is. */
static enum err_code code_of_status(int status)
{
	for (int i = 0; i < ERR_N_; i++)
		if (err_http_status((enum err_code)i) == status && i != ERR_INTERNAL)
			return (enum err_code)i;
	return status >= 500 ? ERR_INTERNAL : status >= 400 ? ERR_USAGE : ERR_PROTOCOL;
}

/** The error of a problem document. @problem may be NULL or of any shape */
static struct err *problem_error(struct cli *cli, const json_t *problem, int status)
{
	const char *slug = cli_json_text(problem, "code", NULL);
	const char *detail = cli_json_text(problem, "detail", NULL);
	const char *hint = cli_json_text(problem, "hint", NULL);
	enum err_code code = slug != NULL ? err_code_from_slug(slug) : code_of_status(status);
	const json_t *item = NULL;
	size_t i = 0;

	if (detail == NULL)
		detail = cli_json_text(problem, "title", NULL);
	struct err *e = detail != NULL
		? err_new(code, "%s", detail)
		: err_new(code, "the server answered with status %d", status);
	json_array_foreach(cli_json_get(problem, "errors"), i, item)
		e = err_field(e, cli_json_text(item, "field", "?"), "%s",
			cli_json_text(item, "message", "is wrong"));
	mem_free(cli->request_id);
	cli->request_id = mem_strdup(cli_json_text(problem, "request_id", NULL));
	return hint != NULL ? err_hint(e, "%s", hint) : e;
}

/** The JSON of a reply; the caller owns it. */
static json_t *parse_reply(const struct cli_response *response)
{
	if (response->json != NULL)
		return json_incref(response->json);
	if (response->body.len == 0)
		return NULL;
	return json_loadb(response->body.data, response->body.len,
		JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
}

/** Send a request and check the status. @ret_response zeroed; done by the caller */
static struct err *send(struct cli *cli, struct cli_request *req, const json_t *body,
	struct cli_response *ret_response)
{
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;

	req->body = text;
	req->body_len = text != NULL ? strlen(text) : 0;
	struct err *e = cli_connect(cli);
	if (e == NULL)
		e = cli->transport->call(cli->transport, req, ret_response);
	if (text != NULL) {
		explicit_bzero(text, strlen(text)); /* may hold a password */
		free(text);
	}
	if (e != NULL)
		return e;
	if (ret_response->status >= 200 && ret_response->status < 300)
		return NULL;
	json_t *problem = parse_reply(ret_response);
	e = problem_error(cli, problem, ret_response->status);
	json_decref(problem);
	return e;
}

static struct err *call_json(struct cli *cli, struct cli_request *req, const json_t *body,
	json_t **ret_json)
{
	struct cli_response response = {.status = 0};

	req->takes_json = ret_json != NULL;
	struct err *e = send(cli, req, body, &response);
	if (e == NULL && ret_json != NULL) {
		*ret_json = parse_reply(&response);
		if (*ret_json == NULL && response.body.len > 0)
			e = err_new(ERR_PROTOCOL, "the reply to %s %s is not JSON", req->method,
				req->path);
	}
	cli_response_done(&response);
	return e;
}

struct err *cli_call(struct cli *cli, const char *method, const char *path, const json_t *body,
	json_t **ret_json)
{
	const char *mark = strchr(path, '?');
	cleanup(mem_freep) char *plain = mem_strndup(path, strcspn(path, "?"));
	struct cli_request req = {.method = method,
		.path = plain,
		.query = mark != NULL ? mark + 1 : NULL};

	return call_json(cli, &req, body, ret_json);
}

struct err *cli_get(struct cli *cli, const char *path, const char *query, json_t **ret_json)
{
	struct cli_request req = {.method = "GET", .path = path, .query = query};

	return call_json(cli, &req, NULL, ret_json);
}

struct err *cli_post(struct cli *cli, const char *path, const char *query, const json_t *body,
	json_t **ret_json)
{
	cleanup(mem_freep) char *key = rand_text(24);
	struct cli_request req = {.method = "POST",
		.path = path,
		.query = query,
		.idempotency_key = key};

	return call_json(cli, &req, body, ret_json);
}

struct err *cli_get_etag(struct cli *cli, const char *path, char **ret_etag)
{
	struct cli_request req = {.method = "GET", .path = path};
	struct cli_response response = {.status = 0};
	struct err *e = send(cli, &req, NULL, &response);

	if (e == NULL)
		*ret_etag = MOVE(response.etag);
	cli_response_done(&response);
	return e;
}

struct err *cli_patch(struct cli *cli, const char *path, const char *etag, const json_t *body,
	json_t **ret_json)
{
	struct cli_request req = {.method = "PATCH", .path = path, .if_match = etag};

	return call_json(cli, &req, body, ret_json);
}

struct err *cli_get_text(struct cli *cli, const char *path, const char *query, char **ret_text,
	size_t *ret_len)
{
	struct cli_request req = {.method = "GET", .path = path, .query = query};
	struct cli_response response = {.status = 0};
	struct err *e = send(cli, &req, NULL, &response);

	if (e == NULL) {
		if (ret_len != NULL)
			*ret_len = response.body.len;
		*ret_text = str_take(&response.body);
		if (*ret_text == NULL)
			*ret_text = mem_strdup("");
	}
	cli_response_done(&response);
	return e;
}

/** One page. @ret_next cursor of the next one, NULL at the end; owned */
static struct err *get_page(struct cli *cli, const char *path, const char *query, json_t *items,
	char **ret_next)
{
	json_t *page = NULL;

	TRY(cli_get(cli, path, query, &page));
	json_t *more = json_object_get(page, "items");
	struct err *e = NULL;
	if (!json_is_array(more))
		e = err_new(ERR_PROTOCOL, "the reply to GET %s has no items", path);
	else
		(void)json_array_extend(items, more);
	*ret_next = mem_strdup(cli_json_text(page, "next_cursor", NULL));
	json_decref(page);
	return e;
}

struct err *cli_get_list(struct cli *cli, const char *collection, const char *query, int64_t limit,
	json_t **ret_items)
{
	cleanup(mem_freep) char *path = mem_printf("/api/%s", collection);
	cleanup(mem_freep) char *cursor = NULL;
	json_t *items = json_array();
	struct err *e = NULL;

	do {
		cleanup(str_done) struct str q = STR_INIT;
		char count[32];
		int64_t left = limit > 0 ? limit - (int64_t)json_array_size(items) : PAGE_MAX;
		str_adds(&q, query);
		(void)snprintf(count, sizeof(count), "%lld",
			(long long)(left < PAGE_MAX ? left : PAGE_MAX));
		cli_query_add(&q, "limit", count);
		if (cursor != NULL)
			cli_query_add(&q, "cursor", cursor);
		mem_freep(&cursor);
		size_t before = json_array_size(items);
		e = get_page(cli, path, str_get(&q), items, &cursor);
		if (json_array_size(items) == before)
			break; /* a cursor without items leads nowhere */
	} while (e == NULL && cursor != NULL &&
		(limit == 0 || (int64_t)json_array_size(items) < limit));
	if (e != NULL) {
		json_decref(items);
		return e;
	}
	*ret_items = items;
	return NULL;
}

struct err *cli_idle(struct cli *cli, int64_t max_ms)
{
	TRY(cli_connect(cli));
	return cli->transport->idle(cli->transport, max_ms);
}

bool cli_is_local(const struct cli *cli)
{
	return cli->transport != NULL && cli->transport->local;
}
