/* Owns the hash chain of `audit`: hash = SHA-256 over the previous hash and every other column,
 * each with its length, so that no two different rows give the same input. */
#include "service/audit.h"

#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"
#include "model/operation.h"

#define PAGE 1000

static void add_text(struct str *s, const char *text)
{
	if (text == NULL)
		str_adds(s, "-;");
	else
		str_addf(s, "%zu:%s;", strlen(text), text);
}

/* The hash that a row must have after this predecessor. */
static void row_hash(const struct audit *a, char hash[static HASH_TEXT_SIZE])
{
	struct str s = STR_INIT;
	cleanup(mem_freep) char *detail =
		a->detail != NULL ? json_dumps(a->detail, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	str_addf(&s, "%lld;", (long long)a->at);
	add_text(&s, a->prev_hash);
	add_text(&s, a->actor);
	add_text(&s, a->via);
	add_text(&s, a->address);
	add_text(&s, a->action);
	add_text(&s, a->object);
	add_text(&s, detail);
	add_text(&s, a->outcome);
	add_text(&s, a->request_id);
	hash_sha256(str_get(&s), s.len, hash);
	str_done(&s);
}

/* Hash of the last row, "" when there is none. */
static struct err *chain_end(struct service *svc, char **ret_hash)
{
	struct store_query q = {.descending = true, .limit = 1};
	struct store_rows rows;

	TRY(store_list(svc->store, &audit_type, &q, &rows));
	const struct audit *last = rows.n > 0 ? store_row(&rows, 0) : NULL;
	*ret_hash = mem_strdup(last != NULL && last->hash != NULL ? last->hash : "");
	store_rows_done(&rows);
	return NULL;
}

static void fill(struct audit *a, const struct service *svc, const struct actor *who)
{
	a->at = clock_utc(svc->clock);
	field_set_text(&a->actor, who->name);
	field_set_text(&a->via, enum_text(&op_via_table, who->via));
	field_set_text(&a->address, who->address);
	field_set_text(&a->request_id, who->request_id);
}

/* NOLINTNEXTLINE(readability-function-size): each is a column, and every caller gives all */
struct err *audit_write(struct service *svc, const struct actor *who, const char *action,
	const char *object, json_t *take_detail, const char *outcome)
{
	struct audit a;
	char hash[HASH_TEXT_SIZE];

	record_init(&audit_type, &a);
	fill(&a, svc, who);
	field_set_text(&a.action, action);
	field_set_text(&a.object, object);
	field_set_text(&a.outcome, outcome);
	json_decref(a.detail);
	a.detail = take_detail;
	mem_freep(&a.prev_hash);
	struct err *e = chain_end(svc, &a.prev_hash);
	if (e == NULL) {
		row_hash(&a, hash);
		field_set_text(&a.hash, hash);
		e = store_insert(svc->store, &audit_type, &a);
	}
	record_done(&audit_type, &a);
	store_want(svc->store, STORE_FULL);
	return err_wrap(e, "write audit log");
}

/* Compare one row with the chain so far; NULL when it fits. */
static const char *misfit(const struct audit *a, const struct audit_report *r)
{
	char hash[HASH_TEXT_SIZE];

	if (a->prev_hash == NULL || strcmp(a->prev_hash, r->head) != 0)
		return "it does not follow the row before it: rows were removed, added or swapped";
	row_hash(a, hash);
	return a->hash != NULL && strcmp(a->hash, hash) == 0 ? NULL : "its content was changed";
}

static bool verify_page(const struct store_rows *rows, int64_t *last_id, struct audit_report *r)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct audit *a = store_row(rows, i);
		r->rows++;
		r->reason = misfit(a, r);
		if (r->reason != NULL) {
			r->bad_id = a->id;
			return false;
		}
		memcpy(r->head, a->hash, HASH_TEXT_SIZE);
		*last_id = a->id;
	}
	return true;
}

struct err *audit_verify(struct service *svc, struct audit_report *ret_report)
{
	struct audit_report r = {.bad_id = I64_NONE};
	int64_t last_id = 0;
	bool more = true;

	while (more) {
		struct store_query q = {.limit = PAGE};
		struct store_rows rows;
		store_where_number(&q, "id", STORE_GT, last_id);
		TRY(store_list(svc->store, &audit_type, &q, &rows));
		more = verify_page(&rows, &last_id, &r) && rows.more;
		store_rows_done(&rows);
	}
	*ret_report = r;
	return NULL;
}
