/* Owns queries as data: building, checking, and cursors. A cursor names the last row seen by (sort
 * values, id), so a page neither repeats nor skips a row when others come and go. Text form:
 * DIRECTION FIELD '.' ID '.' VALUE, then for each further key ',' DIRECTION FIELD '.' VALUE, with
 * DIRECTION a or d and VALUE '-' (none), n NUMBER, or t and the text in hex. Clients treat it as
 * opaque. */
#include "store/store_int.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/suggest.h"

static struct store_filter *new_filter(struct store_query *q, const char *field, enum store_cmp cmp)
{
	must(q->n_filters < STORE_FILTERS_MAX);
	struct store_filter *f = &q->filters[q->n_filters++];
	*f = (struct store_filter){.field = field, .cmp = cmp};
	return f;
}

void store_where_number(struct store_query *q, const char *field, enum store_cmp cmp,
	int64_t number)
{
	new_filter(q, field, cmp)->number = number;
}

void store_where_text(struct store_query *q, const char *field, enum store_cmp cmp,
	const char *text)
{
	new_filter(q, field, cmp)->text = text;
}

void store_where_within(struct store_query *q, const char *field, const int64_t *set, size_t n)
{
	struct store_filter *f = new_filter(q, field, STORE_WITHIN);

	f->set = set;
	f->n_set = n;
}

static struct err *find_field(const struct record_type *type, const char *name,
	const struct field **ret)
{
	struct suggest near = suggest_start(name);

	*ret = record_field(type, name);
	if (*ret != NULL)
		return NULL;
	for (size_t i = 0; i < type->n_fields; i++)
		if ((type->fields[i].flags & FIELD_HIDDEN) == 0)
			suggest_try(&near, type->fields[i].name);
	struct err *e = err_new(ERR_INVALID, "a %s has no field \"%s\"", type->name, name);
	return near.best != NULL ? err_hint(e, "did you mean %s?", near.best) : e;
}

size_t store_sorts(const struct store_query *q)
{
	return 1 + q->n_more;
}

static struct store_sort sort_at(const struct store_query *q, size_t i)
{
	if (i > 0)
		return q->more[i - 1];
	return (struct store_sort){q->sort != NULL ? q->sort : "id", q->descending};
}

const struct field *store_sort_field(const struct record_type *type, const struct store_query *q,
	size_t i, bool *ret_descending)
{
	struct store_sort sort = sort_at(q, i);
	const struct field *f = record_field(type, sort.field);

	must(f != NULL);
	if (ret_descending != NULL)
		*ret_descending = sort.descending;
	return f;
}

static struct err *check_filter(const struct record_type *type, const struct store_filter *filter)
{
	const struct field *f = NULL;
	bool unary = filter->cmp == STORE_IS_NULL || filter->cmp == STORE_NOT_NULL;

	TRY(find_field(type, filter->field, &f));
	if (filter->cmp == STORE_WITHIN)
		return f->kind == FIELD_I64 || f->kind == FIELD_JSON
			? NULL
			: err_new(ERR_INVALID, "%s holds no number", f->name);
	if (f->kind == FIELD_JSON && !unary)
		return err_new(ERR_INVALID, "%s cannot be compared", f->name);
	return NULL;
}

struct err *store_query_check(const struct record_type *type, const struct store_query *q)
{
	must(q->n_filters <= STORE_FILTERS_MAX && q->n_more < STORE_SORTS_MAX);
	for (size_t i = 0; i < q->n_filters; i++)
		TRY(check_filter(type, &q->filters[i]));
	for (size_t i = 0; i < store_sorts(q); i++) {
		const struct field *sort = NULL;
		TRY(find_field(type, sort_at(q, i).field, &sort));
		if (sort->kind == FIELD_JSON)
			return err_new(ERR_INVALID, "cannot sort by %s", sort->name);
	}
	if (q->limit < 0)
		return err_new(ERR_INVALID, "the limit must not be negative");
	if (q->search != NULL && strlen(q->search) > STORE_SEARCH_MAX)
		return err_new(ERR_INVALID, "the text to search for has more than %d bytes",
			STORE_SEARCH_MAX);
	return NULL;
}

static void add_value(struct str *s, const struct field *sort, const void *obj)
{
	if (field_is_none(sort, obj)) {
		str_addc(s, '-');
	} else if (sort->kind == FIELD_TEXT) {
		str_addc(s, 't');
		for (const char *p = field_text(sort, obj); *p != '\0'; p++)
			str_addf(s, "%02x", (unsigned)(unsigned char)*p);
	} else {
		str_addf(s, "n%lld", (long long)field_number(sort, obj));
	}
}

char *store_cursor(const struct record_type *type, const struct store_query *q,
	const void *last_obj)
{
	const struct field *id = record_field(type, "id");
	struct str s = STR_INIT;

	for (size_t i = 0; i < store_sorts(q); i++) {
		bool descending = false;
		const struct field *sort = store_sort_field(type, q, i, &descending);
		str_addf(&s, "%s%c%s.", i > 0 ? "," : "", descending ? 'd' : 'a', sort->name);
		if (i == 0)
			str_addf(&s, "%lld.", (long long)field_number(id, last_obj));
		add_value(&s, sort, last_obj);
	}
	return str_take(&s);
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c != '\0' ? strchr(digits, c) : NULL;

	return p != NULL ? (int)(p - digits) : -1;
}

/* The text written in hex, NULL when it is not hex or contains NUL. */
static char *hex_decode(const char *hex)
{
	size_t n = strlen(hex);
	char *text = mem_zalloc(n / 2 + 1);
	bool good = n % 2 == 0;

	for (size_t i = 0; good && i < n / 2; i++) {
		int high = hex_digit(hex[2 * i]);
		int low = hex_digit(hex[2 * i + 1]);
		good = high >= 0 && low >= 0 && high + low > 0;
		text[i] = (char)(high * 16 + low);
	}
	if (!good) {
		mem_free(text);
		return NULL;
	}
	return text;
}

static bool parse_value(const struct field *sort, const char *value, struct store_value *ret)
{
	bool always = sort->kind == FIELD_BOOL || sort->kind == FIELD_ENUM ||
		strcmp(sort->name, "id") == 0;

	ret->none = strcmp(value, "-") == 0;
	if (ret->none)
		return !always;
	if (sort->kind == FIELD_TEXT && value[0] == 't') {
		ret->text = hex_decode(value + 1);
		return ret->text != NULL;
	}
	if (sort->kind == FIELD_TEXT || value[0] != 'n')
		return false;
	struct err *e = parse_i64(value + 1, INT64_MIN + 1, INT64_MAX, &ret->number);
	bool good = e == NULL;
	err_free(e);
	return good;
}

/* "ID." at *at; moves behind it. */
static bool parse_id(const char **at, int64_t *ret_id)
{
	char id[24] = "";
	size_t len = strcspn(*at, ".");

	if (len >= sizeof(id) || (*at)[len] != '.')
		return false;
	memcpy(id, *at, len);
	*at += len + 1;
	struct err *e = parse_i64(id, 1, INT64_MAX, ret_id);
	bool good = e == NULL;
	err_free(e);
	return good;
}

/* One key: the text up to the next comma. */
static bool parse_key(const struct record_type *type, const struct store_query *q, size_t i,
	const char *p, struct store_position *ret)
{
	bool descending = false;
	const struct field *sort = store_sort_field(type, q, i, &descending);
	size_t n = strlen(sort->name);

	if (*p++ != (descending ? 'd' : 'a') || strncmp(p, sort->name, n) != 0 || p[n] != '.')
		return false;
	p += n + 1;
	if (i == 0 && !parse_id(&p, &ret->id))
		return false;
	return parse_value(sort, p, &ret->values[i]);
}

static bool parse_position(const struct record_type *type, const struct store_query *q,
	struct store_position *ret)
{
	const char *at = q->after;

	for (size_t i = 0; i < store_sorts(q); i++) {
		if (at == NULL)
			return false;
		size_t len = strcspn(at, ",");
		cleanup(mem_freep) char *key = mem_strndup(at, len);
		if (!parse_key(type, q, i, key, ret))
			return false;
		at = at[len] == ',' ? at + len + 1 : NULL;
	}
	return at == NULL;
}

struct err *store_cursor_parse(const struct record_type *type, const struct store_query *q,
	struct store_position *ret)
{
	struct store_position pos = {0};

	if (!parse_position(type, q, &pos)) {
		store_position_done(&pos);
		return err_hint(err_new(ERR_INVALID, "the cursor does not belong to this list"),
			"start again without a cursor");
	}
	*ret = pos;
	return NULL;
}

void store_position_done(struct store_position *pos)
{
	for (size_t i = 0; i < STORE_SORTS_MAX; i++)
		mem_freep(&pos->values[i].text);
}
