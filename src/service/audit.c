/* Owns the hash chain of `audit`: hash = SHA-256 over the previous hash and every other column,
 * each with its length, so that no two different rows give the same input. Two sealed marks outside
 * the table hold its ends: the newest row (so that a cut-off end is found), and the last row that
 * retention removed (so that what is left still has a beginning). A third one stands in logs that
 * are older than the marks: the row from which on they prove anything. Ids have no gaps. */
#include "service/audit.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"
#include "model/operation.h"
#include "service/query.h"

#define PAGE 1000
#define DAY_MS 86400000

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

/* One end of the chain. */
struct mark {
	int64_t id; /* 0: no row */
	char hash[HASH_TEXT_SIZE];
};
#define HEAD_KEY "audit_head"
#define BASE_KEY "audit_base"
#define FROM_KEY "audit_from"
#define UNSEALED_KEY "audit_unsealed" /* left by the migration that found rows without marks */

static struct err *mark_parse(const char *text, struct mark *ret)
{
	const char *space = strchr(text, ' ');
	struct mark m = {.id = 0};

	if (space == NULL || strlen(space + 1) != sizeof(m.hash) - 1)
		return err_new(ERR_INVALID, "is no mark");
	cleanup(mem_freep) char *number = mem_strndup(text, (size_t)(space - text));
	TRY(parse_i64(number, 0, INT64_MAX, &m.id));
	memcpy(m.hash, space + 1, sizeof(m.hash));
	*ret = m;
	return NULL;
}

/* Read a mark; one that is not there, or that was not sealed by this program, says "no row".
 * @ret_row the stored row, id 0 when there is none; record_done() */
static struct err *mark_read(struct service *svc, const char *key, struct mark *ret,
	struct configuration *ret_row)
{
	char *plain = NULL;

	*ret = (struct mark){.id = 0};
	struct err *e = store_get_by(svc->store, &configuration_type, "key", key, ret_row);
	if (e != NULL && err_code(e) == ERR_NOT_FOUND) {
		err_free(e);
		record_init(&configuration_type, ret_row);
		ret_row->id = 0;
		field_set_text(&ret_row->key, key);
		return NULL;
	}
	if (e != NULL)
		return e;
	e = seal_open_text(svc->key, ret_row->value != NULL ? ret_row->value : "", &plain);
	if (e == NULL)
		e = mark_parse(plain, ret);
	err_ignore(e); /* forged: then the chain does not fit, which audit_verify() tells */
	seal_wipe_free(plain);
	return NULL;
}

static struct err *mark_get(struct service *svc, const char *key, struct mark *ret)
{
	struct configuration row;

	TRY(mark_read(svc, key, ret, &row));
	record_done(&configuration_type, &row);
	return NULL;
}

/* Seal a mark into its row, which mark_read() gave. */
static struct err *mark_write(struct service *svc, const struct mark *m, struct configuration *row)
{
	cleanup(mem_freep) char *plain = mem_printf("%lld %s", (long long)m->id, m->hash);

	mem_free(row->value);
	row->value = seal_text(svc->key, plain);
	row->updated_at = clock_utc(svc->clock);
	return row->id == 0 ? store_insert(svc->store, &configuration_type, row)
			    : store_update(svc->store, &configuration_type, row);
}

static void fill(struct audit *a, const struct service *svc, const struct actor *who)
{
	a->at = clock_utc(svc->clock);
	field_set_text(&a->actor, who->name);
	field_set_text(&a->via, enum_text(&op_via_table, who->via));
	field_set_text(&a->address, who->address);
	field_set_text(&a->request_id, who->request_id);
}

/* Chain a row to the newest one and move the mark to it. */
static struct err *append(struct service *svc, struct audit *a)
{
	struct configuration row;
	struct mark head;

	TRY(mark_read(svc, HEAD_KEY, &head, &row));
	field_set_text(&a->prev_hash, head.hash);
	row_hash(a, head.hash);
	field_set_text(&a->hash, head.hash);
	struct err *e = store_insert(svc->store, &audit_type, a);
	head.id = a->id;
	if (e == NULL)
		e = mark_write(svc, &head, &row);
	record_done(&configuration_type, &row);
	return e;
}

/* NOLINTNEXTLINE(readability-function-size): each is a column, and every caller gives all */
struct err *audit_write(struct service *svc, const struct actor *who, const char *action,
	const char *object, json_t *take_detail, const char *outcome)
{
	struct audit a;

	record_init(&audit_type, &a);
	fill(&a, svc, who);
	field_set_text(&a.action, action);
	field_set_text(&a.object, object);
	field_set_text(&a.outcome, outcome);
	json_decref(a.detail);
	a.detail = take_detail;
	struct err *e = append(svc, &a);
	record_done(&audit_type, &a);
	store_want(svc->store, STORE_FULL);
	return err_wrap(e, "write audit log");
}

/* Compare one row with the chain so far; NULL when it fits. */
static const char *misfit(const struct audit *a, const struct mark *last)
{
	char hash[HASH_TEXT_SIZE];

	if (a->id != last->id + 1 || a->prev_hash == NULL || strcmp(a->prev_hash, last->hash) != 0)
		return "it does not follow the row before it: rows were removed, added or swapped";
	row_hash(a, hash);
	return a->hash != NULL && strcmp(a->hash, hash) == 0 ? NULL : "its content was changed";
}

static bool verify_page(const struct store_rows *rows, struct mark *last, struct audit_report *r)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct audit *a = store_row(rows, i);
		r->rows++;
		r->reason = misfit(a, last);
		if (r->reason != NULL) {
			r->bad_id = a->id;
			return false;
		}
		memcpy(last->hash, a->hash, HASH_TEXT_SIZE);
		last->id = a->id;
	}
	return true;
}

/* Follow the chain from what retention left up to a row. */
static struct err *follow(struct service *svc, int64_t up_to, struct mark *ret_last,
	struct audit_report *ret_report)
{
	struct audit_report r = {.bad_id = I64_NONE};
	struct mark from;
	bool more = true;

	TRY(mark_get(svc, BASE_KEY, ret_last));
	r.pruned = ret_last->id;
	TRY(mark_get(svc, FROM_KEY, &from));
	if (from.id > ret_last->id) {
		r.unproven = from.id;
		*ret_last = from;
	}
	while (more) {
		struct store_query q = {.limit = PAGE};
		struct store_rows rows;
		store_where_number(&q, "id", STORE_GT, ret_last->id);
		store_where_number(&q, "id", STORE_LE, up_to);
		TRY(store_list(svc->store, &audit_type, &q, &rows));
		more = verify_page(&rows, ret_last, &r) && rows.more;
		store_rows_done(&rows);
	}
	memcpy(r.head, ret_last->hash, HASH_TEXT_SIZE);
	*ret_report = r;
	return NULL;
}

/* The seal of an old log pins its newest row of then. */
static struct err *check_unproven(struct service *svc, struct audit_report *r)
{
	struct audit a;
	struct mark from;

	if (r->unproven == 0)
		return NULL;
	TRY(mark_get(svc, FROM_KEY, &from));
	struct err *e = store_get(svc->store, &audit_type, from.id, &a);
	if (e != NULL && err_code(e) != ERR_NOT_FOUND)
		return e;
	bool same = e == NULL && a.hash != NULL && strcmp(a.hash, from.hash) == 0;
	if (e == NULL)
		record_done(&audit_type, &a);
	err_ignore(e);
	if (!same) {
		r->bad_id = from.id;
		r->reason = "it is not the row that was there when the log was sealed";
	}
	return NULL;
}

/* What lies below the beginning does not belong there either. */
static struct err *check_below(struct service *svc, int64_t base, struct audit_report *r)
{
	struct store_query q = {.n_filters = 0};
	int64_t n = 0;

	store_where_number(&q, "id", STORE_LE, base);
	TRY(store_count(svc->store, &audit_type, &q, &n));
	if (n > 0) {
		r->bad_id = base;
		r->reason = "rows stand where retention had removed all";
	}
	return NULL;
}

struct err *audit_verify(struct service *svc, struct audit_report *ret_report)
{
	struct mark last, head;

	TRY(follow(svc, INT64_MAX, &last, ret_report));
	if (ret_report->reason != NULL)
		return NULL;
	TRY(mark_get(svc, HEAD_KEY, &head));
	if (head.id != last.id || strcmp(head.hash, last.hash) != 0) {
		ret_report->bad_id = head.id > last.id ? head.id : last.id;
		ret_report->reason = head.id > last.id
			? "the newest rows were removed: the sealed mark names a later one"
			: "the sealed mark of the newest row is missing or does not fit";
		return NULL;
	}
	TRY(check_below(svc, ret_report->pruned, ret_report));
	return ret_report->reason == NULL ? check_unproven(svc, ret_report) : NULL;
}

static struct err *mark_put(struct service *svc, const char *key, const struct mark *m)
{
	struct configuration row;
	struct mark old;

	TRY(mark_read(svc, key, &old, &row));
	struct err *e = mark_write(svc, m, &row);
	record_done(&configuration_type, &row);
	return e;
}

/* The newest row of a log, as a mark. */
static struct err *newest_row(struct service *svc, struct mark *ret)
{
	struct store_query q = {.limit = 1, .sort = "id", .descending = true};
	struct store_rows rows;

	*ret = (struct mark){.id = 0};
	TRY(store_list(svc->store, &audit_type, &q, &rows));
	if (rows.n > 0) {
		const struct audit *a = store_row(&rows, 0);
		ret->id = a->id;
		(void)snprintf(ret->hash, sizeof(ret->hash), "%s", a->hash);
	}
	store_rows_done(&rows);
	return NULL;
}

/* Marks for rows that have none; the entry tells everybody who reads the log. */
static struct err *seal_old(struct service *svc)
{
	static const struct actor system = {.name = "system",
		.role = ROLE_ADMIN,
		.via = OP_VIA_CLI,
		.user_id = I64_NONE};
	struct mark newest, head;

	TRY(mark_get(svc, HEAD_KEY, &head));
	TRY(newest_row(svc, &newest));
	if (head.id != 0 || newest.id == 0)
		return NULL; /* sealed: a seal is never replaced */
	TRY(mark_put(svc, FROM_KEY, &newest));
	TRY(mark_put(svc, HEAD_KEY, &newest));
	return audit_write(svc, &system, "audit.seal", "audit",
		json_pack("{s:I, s:s}", "unproven_to", (json_int_t)newest.id, "hash", newest.hash),
		"ok");
}

struct err *audit_adopt(struct service *svc)
{
	struct store_query q = {.n_filters = 0};
	int64_t n = 0;

	store_where_text(&q, "key", STORE_EQ, UNSEALED_KEY);
	TRY(store_count(svc->store, &configuration_type, &q, &n));
	if (n == 0)
		return NULL;
	TRY(tx_begin(svc));
	struct err *e = seal_old(svc);
	if (e == NULL)
		e = store_delete_where(svc->store, &configuration_type, &q, NULL);
	if (e == NULL)
		return tx_commit(svc);
	tx_rollback(svc);
	return err_wrap(e, "seal the old audit log");
}

/* The last row that may go: the one before the first that is to stay; the newest always stays. */
static struct err *last_to_prune(struct service *svc, int64_t before, int64_t *ret_id)
{
	struct store_query q = {.limit = 1};
	struct store_rows rows;
	struct mark head;

	TRY(mark_get(svc, HEAD_KEY, &head));
	store_where_number(&q, "at", STORE_GE, before);
	TRY(store_list(svc->store, &audit_type, &q, &rows));
	*ret_id = rows.n > 0 ? ((const struct audit *)store_row(&rows, 0))->id - 1 : head.id - 1;
	store_rows_done(&rows);
	return NULL;
}

/* Remove the rows up to `last`, whose part of the chain was found whole. */
static struct err *cut(struct service *svc, const struct actor *who, const struct mark *last,
	int64_t *ret_n)
{
	struct store_query q = {.n_filters = 0};
	struct configuration row;
	struct mark old;
	cleanup(mem_freep) char *object = mem_printf("audit/1-%lld", (long long)last->id);

	TRY(mark_read(svc, BASE_KEY, &old, &row));
	struct err *e = mark_write(svc, last, &row);
	record_done(&configuration_type, &row);
	if (e != NULL)
		return e;
	store_where_number(&q, "id", STORE_LE, last->id);
	TRY(store_delete_where(svc->store, &audit_type, &q, ret_n));
	return audit_write(svc, who, "audit.prune", object,
		json_pack("{s:I, s:I, s:s}", "removed", (json_int_t)*ret_n, "last_id",
			(json_int_t)last->id, "last_hash", last->hash),
		"ok");
}

struct err *audit_prune(struct service *svc, const struct actor *who, int64_t keep_days,
	int64_t *ret_n)
{
	struct audit_report report;
	struct mark last;
	int64_t up_to = 0;

	*ret_n = 0;
	if (keep_days <= 0)
		return NULL;
	TRY(last_to_prune(svc, clock_utc(svc->clock) - keep_days * DAY_MS, &up_to));
	TRY(follow(svc, up_to, &last, &report));
	if (report.reason != NULL)
		return err_hint(err_new(ERR_CONFLICT, "the audit log is not pruned: entry %lld: %s",
					(long long)report.bad_id, report.reason),
			"mko audit verify");
	if (report.rows == 0)
		return NULL;
	return cut(svc, who, &last, ret_n);
}
