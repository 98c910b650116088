/* Owns what "the same request" means: method, path with its query, and body. */
#include "api/idem.h"

#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "service/idempotency.h"

#define KEY_MAX 200

static void request_hash(const struct api_request *req, char hash[static HASH_TEXT_SIZE])
{
	struct str s = STR_INIT;

	str_addf(&s, "%s %s?%s\n", req->method, req->path, req->query != NULL ? req->query : "");
	str_add(&s, req->body != NULL ? req->body : "", req->body_len);
	hash_sha256(str_get(&s), s.len, hash);
	str_done(&s);
}

static struct err *check_key(const char *key)
{
	if (key[0] == '\0' || strlen(key) > KEY_MAX)
		return err_field(NULL, "Idempotency-Key", "must have 1 to %d characters", KEY_MAX);
	struct err *e = check_line(key);
	if (e == NULL)
		return NULL;
	struct err *out = err_field(NULL, "Idempotency-Key", "%s", err_message(e));
	err_free(e);
	return out;
}

/* A row that says which request this is. */
static void describe(const struct call *call, struct idempotency *row)
{
	char hash[HASH_TEXT_SIZE];

	record_init(&idempotency_type, row);
	request_hash(call->req, hash);
	field_set_text(&row->key, call->req->idempotency_key);
	field_set_text(&row->actor, call->actor.name);
	field_set_text(&row->request_hash, hash);
}

struct err *idem_find(struct call *call, bool *ret_found)
{
	struct idempotency wanted, row;

	TRY(check_key(call->req->idempotency_key));
	describe(call, &wanted);
	struct err *e = idempotency_find(call->svc, &wanted, &row, ret_found);
	record_done(&idempotency_type, &wanted);
	if (e != NULL || !*ret_found)
		return e;
	call->reply->status = (int)row.status;
	call->reply->content_type = "application/json";
	str_adds(&call->reply->body, row.reply);
	call->reply->location = mem_strdup(row.location);
	call->reply->replayed = true;
	record_done(&idempotency_type, &row);
	return NULL;
}

struct err *idem_keep(struct call *call)
{
	struct idempotency row;

	if (call->reply->status != call->route->status)
		return NULL; /* a preview */
	describe(call, &row);
	row.status = call->reply->status;
	field_set_text(&row.location, call->reply->location);
	field_set_text(&row.reply, str_get(&call->reply->body));
	struct err *e = idempotency_keep(call->svc, &row);
	record_done(&idempotency_type, &row);
	return e;
}
