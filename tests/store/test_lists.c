/* Conformance: lists, filters, search, cursors, counts and deletes of many. */
#include "suite.h"

#include "base/str.h"

/* Names of the rows of a list, "n1 n2 n3"; the caller frees. */
static char *names(const struct store_rows *rows)
{
	struct str s = STR_INIT;

	for (size_t i = 0; i < rows->n; i++) {
		const struct node *n = store_row(rows, i);
		str_addf(&s, "%s%s", i > 0 ? " " : "", n->hostname);
	}
	return str_take(&s);
}

static void assert_names(struct suite *t, const struct store_query *q, const char *want)
{
	struct store_rows rows;

	assert_ok(store_list(t->s, &node_type, q, &rows));
	char *got = names(&rows);
	assert_string_equal(got, want);
	mem_free(got);
	store_rows_done(&rows);
}

/* Nodes n1..n6: cores 4 2 - 8 2 -, notes and states that the tests below look for. */
static void fill(struct suite *t)
{
	static const int64_t cores[] = {4, 2, I64_NONE, 8, 2, I64_NONE};
	static const char *const notes[] = {"Rack A", "100% busy", NULL, "rack_b", "back\\slash",
		""};

	for (int i = 0; i < 6; i++) {
		struct node n = suite_node(i + 1);
		n.cpu_cores = cores[i];
		n.status = i % 2 == 0 ? NODE_ONLINE : NODE_OFFLINE;
		field_set_text(&n.notes, notes[i]);
		assert_ok(store_insert(t->s, &node_type, &n));
		record_done(&node_type, &n);
	}
}

static void an_empty_store_lists_nothing(void **state)
{
	struct suite *t = *state;
	struct store_rows rows;

	assert_ok(store_list(t->s, &node_type, NULL, &rows));
	assert_int_equal(rows.n, 0);
	assert_false(rows.more);
	store_rows_done(&rows);
	assert_int_equal(suite_count(t, &node_type), 0);
}

static void numbers_are_filtered(void **state)
{
	struct suite *t = *state;
	static const struct {
		enum store_cmp cmp;
		int64_t number;
		const char *want;
	} cases[] = {
		{STORE_EQ, 2, "n2 n5"},
		{STORE_NE, 2, "n1 n3 n4 n6"},
		{STORE_LT, 4, "n2 n5"},
		{STORE_LE, 4, "n1 n2 n5"},
		{STORE_GT, 4, "n4"},
		{STORE_GE, 4, "n1 n4"},
		{STORE_IS_NULL, 0, "n3 n6"},
		{STORE_NOT_NULL, 0, "n1 n2 n4 n5"},
		{STORE_EQ, I64_NONE, "n3 n6"},
		{STORE_NE, I64_NONE, "n1 n2 n4 n5"},
	};

	fill(t);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct store_query q = {0};
		store_where_number(&q, "cpu_cores", cases[i].cmp, cases[i].number);
		assert_names(t, &q, cases[i].want);
	}
}

static void add_op(struct suite *t, const char *clusters)
{
	struct operation op;

	record_init(&operation_type, &op);
	field_set_text(&op.type, "node.test");
	op.created_at = 1;
	json_decref(op.clusters);
	op.clusters = json_loads(clusters, 0, NULL);
	assert_ok(store_insert(t->s, &operation_type, &op));
	record_done(&operation_type, &op);
}

/* A number must be in the set; of a list of numbers all must be, and there must be one. */
static void sets_are_filtered(void **state)
{
	struct suite *t = *state;
	static const int64_t set[] = {2, 8};
	static const char *const lists[] = {"[2]", "[8,2]", "[2,3]", "[]", "[3]"};
	struct store_query q = {0}, none = {0}, ops = {0};
	int64_t n = 0;

	fill(t);
	store_where_within(&q, "cpu_cores", set, ARRAY_LEN(set));
	assert_names(t, &q, "n2 n4 n5");
	store_where_within(&none, "cpu_cores", set, 0);
	assert_names(t, &none, "");
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		add_op(t, lists[i]);
	store_where_within(&ops, "clusters", set, ARRAY_LEN(set));
	assert_ok(store_count(t->s, &operation_type, &ops, &n));
	assert_int_equal(n, 2);
	store_where_within(&q, "hostname", set, 1);
	assert_fails(store_count(t->s, &node_type, &q, &n), ERR_INVALID);
}

static void texts_and_enumerations_are_filtered_together(void **state)
{
	struct suite *t = *state;
	struct store_query q = {0};

	fill(t);
	store_where_number(&q, "status", STORE_EQ, NODE_ONLINE);
	assert_names(t, &q, "n1 n3 n5");
	store_where_text(&q, "hostname", STORE_GT, "n1");
	assert_names(t, &q, "n3 n5");
	store_where_text(&q, "notes", STORE_NE, "back\\slash");
	assert_names(t, &q, "n3");
	q.n_filters = 0;
	store_where_text(&q, "hostname", STORE_EQ, "' OR 1=1 --");
	assert_names(t, &q, "");
}

static void search_takes_its_text_literally(void **state)
{
	struct suite *t = *state;
	static const struct {
		const char *search, *want;
	} cases[] = {
		{"rack", "n1 n4"},
		{"RACK", "n1 n4"},
		{"%", "n2"},
		{"0% b", "n2"},
		{"_", "n4"},
		{"\\", "n5"},
		{"n3", "n3"},
		{"10.0.0.4", "n4"},
		{"'", ""},
		{"", "n1 n2 n3 n4 n5 n6"},
	};

	fill(t);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct store_query q = {.search = cases[i].search};
		int64_t n = -1;
		size_t words = *cases[i].want != '\0';
		assert_names(t, &q, cases[i].want);
		for (const char *p = cases[i].want; *p != '\0'; p++)
			words += *p == ' ';
		assert_ok(store_count(t->s, &node_type, &q, &n));
		assert_int_equal(n, words);
	}
	char long_text[1200];
	memset(long_text, 'a', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	struct store_query q = {.search = long_text};
	struct store_rows rows;
	assert_fails(store_list(t->s, &node_type, &q, &rows), ERR_INVALID);
}

static void a_type_without_searchable_fields_finds_nothing(void **state)
{
	struct suite *t = *state;
	struct store_query q = {.search = "x"};
	struct store_rows rows;

	assert_ok(store_list(t->s, &event_type, &q, &rows));
	assert_int_equal(rows.n, 0);
	store_rows_done(&rows);
}

static void lists_are_sorted_and_rows_without_a_value_come_first(void **state)
{
	struct suite *t = *state;
	struct store_query q = {.sort = "cpu_cores"};

	fill(t);
	assert_names(t, &q, "n3 n6 n2 n5 n1 n4");
	q.descending = true;
	assert_names(t, &q, "n4 n1 n5 n2 n6 n3");
	q.sort = NULL;
	assert_names(t, &q, "n6 n5 n4 n3 n2 n1");
}

/* Read all pages of this size and join the names. */
static char *read_pages(struct suite *t, struct store_query *q, int64_t limit)
{
	struct str s = STR_INIT;
	char *after = NULL;
	bool more = true;

	q->limit = limit;
	while (more) {
		struct store_rows rows;
		q->after = after;
		assert_ok(store_list(t->s, &node_type, q, &rows));
		more = rows.more;
		assert_true(rows.n <= (size_t)limit);
		assert_true(!more || rows.n == (size_t)limit);
		char *page = names(&rows);
		str_addf(&s, "%s%s", s.len > 0 && *page != '\0' ? " " : "", page);
		mem_free(page);
		mem_free(after);
		after = more ? store_cursor(&node_type, q, store_row(&rows, rows.n - 1)) : NULL;
		store_rows_done(&rows);
	}
	mem_free(after);
	q->after = NULL;
	q->limit = 0;
	return str_take(&s);
}

static void pages_join_to_the_whole_list(void **state)
{
	struct suite *t = *state;
	static const char *const sorts[] = {NULL, "id", "hostname", "cpu_cores", "status",
		"created_at", "notes"};

	fill(t);
	for (size_t i = 0; i < ARRAY_LEN(sorts) * 2; i++) {
		struct store_query q = {.sort = sorts[i / 2], .descending = i % 2 == 1};
		struct store_rows rows;
		assert_ok(store_list(t->s, &node_type, &q, &rows));
		char *whole = names(&rows);
		store_rows_done(&rows);
		for (int64_t limit = 1; limit <= 7; limit++) {
			char *pages = read_pages(t, &q, limit);
			assert_string_equal(pages, whole);
			mem_free(pages);
		}
		mem_free(whole);
	}
}

static void a_cursor_stays_right_while_rows_come_and_go(void **state)
{
	struct suite *t = *state;
	struct store_query q = {.sort = "cpu_cores", .limit = 3};
	struct store_rows rows;

	fill(t);
	assert_ok(store_list(t->s, &node_type, &q, &rows)); /* n3 n6 n2 */
	assert_true(rows.more);
	const struct node *last = store_row(&rows, 2);
	char *after = store_cursor(&node_type, &q, last);
	/* the row of the cursor itself, one before and one after it go; one comes before it and one
	 * after */
	assert_ok(store_delete(t->s, &node_type, last->id));
	assert_ok(store_delete(t->s, &node_type, ((struct node *)store_row(&rows, 0))->id));
	store_rows_done(&rows);
	struct node n = suite_node(7);
	n.cpu_cores = 1;
	assert_ok(store_insert(t->s, &node_type, &n));
	record_done(&node_type, &n);
	n = suite_node(8);
	n.cpu_cores = 5;
	assert_ok(store_insert(t->s, &node_type, &n));
	record_done(&node_type, &n);
	q.after = after;
	q.limit = 0;
	assert_names(t, &q, "n5 n1 n8 n4");
	mem_free(after);
}

static void rows_that_are_equal_are_sorted_by_the_next_key(void **state)
{
	struct suite *t = *state;
	struct store_query q = {.sort = "status", .more = {{"cpu_cores", true}}, .n_more = 1};

	fill(t);
	assert_names(t, &q, "n1 n5 n3 n4 n2 n6");
	q.descending = true;
	q.more[0].descending = false;
	assert_names(t, &q, "n6 n2 n4 n3 n5 n1");
	q.more[0].field = "tags";
	struct store_rows rows;
	assert_fails(store_list(t->s, &node_type, &q, &rows), ERR_INVALID);
	q.more[0].field = "hostnam";
	assert_fails(store_list(t->s, &node_type, &q, &rows), ERR_INVALID);
}

/* A walk over all pages of a list while a random half of the rows comes and goes. */
#define WALK_ROWS 60
#define WALK_NAMES (WALK_ROWS * 5)
struct walk {
	struct suite *t;
	unsigned seed;
	int next_name;
	bool stays[WALK_NAMES]; /* by the number in the name: was there all the time */
	int seen[WALK_NAMES];
};

static unsigned roll(struct walk *w, unsigned n)
{
	return (unsigned)rand_r(&w->seed) % n;
}

static void walk_insert(struct walk *w, bool stays)
{
	struct node n = suite_node(w->next_name);

	n.cpu_cores = roll(w, 3) == 0 ? I64_NONE : 1 + roll(w, 3);
	n.status = roll(w, 3);
	field_set_text(&n.notes, roll(w, 2) == 0 ? NULL : "x");
	assert_ok(store_insert(w->t->s, &node_type, &n));
	w->stays[w->next_name++] = stays;
	record_done(&node_type, &n);
}

/* "n17" -> 17 */
static int64_t walk_number(const struct node *n)
{
	int64_t number = 0;

	assert_ok(parse_i64(n->hostname + 1, 1, WALK_NAMES - 1, &number));
	return number;
}

static void walk_disturb(struct walk *w)
{
	struct store_rows rows;

	for (unsigned i = roll(w, 4); i > 0 && w->next_name < WALK_NAMES; i--)
		walk_insert(w, false);
	assert_ok(store_list(w->t->s, &node_type, NULL, &rows));
	for (unsigned i = roll(w, 6); i > 0; i--) {
		const struct node *victim = store_row(&rows, roll(w, (unsigned)rows.n));
		if (!w->stays[walk_number(victim)])
			err_free(store_delete(w->t->s, &node_type,
				victim->id)); /* or it is gone already */
	}
	store_rows_done(&rows);
}

static void walk_order(struct walk *w, struct store_query *q)
{
	static const char *const sorts[] = {"id", "hostname", "cpu_cores", "status", "notes"};

	*q = (struct store_query){.sort = sorts[roll(w, ARRAY_LEN(sorts))],
		.descending = roll(w, 2) == 1,
		.n_more = roll(w, STORE_SORTS_MAX),
		.limit = 1 + roll(w, 9)};
	for (size_t i = 0; i < q->n_more; i++)
		q->more[i] = (struct store_sort){sorts[roll(w, ARRAY_LEN(sorts))], roll(w, 2) == 1};
}

static void walk_pages(struct walk *w, struct store_query *q)
{
	char *after = NULL;

	for (bool more = true; more;) {
		struct store_rows rows;
		q->after = after;
		assert_ok(store_list(w->t->s, &node_type, q, &rows));
		for (size_t i = 0; i < rows.n; i++)
			w->seen[walk_number(store_row(&rows, i))]++;
		more = rows.more;
		mem_free(after);
		after = more ? store_cursor(&node_type, q, store_row(&rows, rows.n - 1)) : NULL;
		store_rows_done(&rows);
		walk_disturb(w);
	}
	mem_free(after);
}

static void every_row_that_stays_is_seen_once_whatever_comes_and_goes(void **state)
{
	struct suite *t = *state;
	const char *given = getenv("MKO_TEST_SEED");
	int64_t seed = getpid();

	if (given != NULL)
		assert_ok(parse_i64(given, 0, UINT32_MAX, &seed));

	print_message("# seed %lld\n", (long long)seed);
	for (int round = 0; round < 20; round++) {
		struct walk w = {.t = t, .seed = (unsigned)seed + (unsigned)round, .next_name = 1};
		struct store_query q;
		assert_ok(store_delete_where(t->s, &node_type, &(struct store_query){0}, NULL));
		for (int i = 0; i < WALK_ROWS; i++)
			walk_insert(&w, roll(&w, 2) == 0);
		walk_order(&w, &q);
		walk_pages(&w, &q);
		for (size_t i = 0; i < WALK_NAMES; i++) {
			assert_true(w.seen[i] <= 1);
			assert_true(!w.stays[i] || w.seen[i] == 1);
		}
	}
}

static void cursors_from_elsewhere_are_refused(void **state)
{
	struct suite *t = *state;
	static const char *const bad[] = {"", "a", "x", "ahostname", "ahostname.", "ahostname.1",
		"ahostname.1.", "ahostname.1.x", "ahostname.1.n5", "ahostname.1.t6",
		"ahostname.1.tzz", "ahostname.1.t00", "ahostname.0.t61", "ahostname.-1.t61",
		"ahostname.99999999999999999999.t61", "dhostname.1.t61", "aid.1.n1",
		"ahostname.1.t61 ", "ahostname.1.-x", "ahostname'.1.t61"};
	struct store_rows rows;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct store_query q = {.sort = "hostname", .after = bad[i]};
		assert_says(store_list(t->s, &node_type, &q, &rows), ERR_INVALID, "cursor");
	}
	struct store_query never_none = {.sort = "status", .after = "astatus.1.-"};
	assert_fails(store_list(t->s, &node_type, &never_none, &rows), ERR_INVALID);
	struct store_query good = {.sort = "hostname", .after = "ahostname.1.t61"};
	assert_names(t, &good, "");
}

static void unknown_fields_are_refused(void **state)
{
	struct suite *t = *state;
	struct store_rows rows;
	struct store_query q = {.sort = "hostnam"};

	assert_says(store_list(t->s, &node_type, &q, &rows), ERR_INVALID, "did you mean hostname?");
	q = (struct store_query){0};
	store_where_number(&q, "no\" OR 1=1 --", STORE_EQ, 1);
	assert_fails(store_list(t->s, &node_type, &q, &rows), ERR_INVALID);
	assert_fails(store_delete_where(t->s, &node_type, &q, NULL), ERR_INVALID);
	q = (struct store_query){.sort = "tags"};
	assert_fails(store_list(t->s, &node_type, &q, &rows), ERR_INVALID);
	q = (struct store_query){.limit = -1};
	assert_fails(store_list(t->s, &node_type, &q, &rows), ERR_INVALID);
}

static void count_ignores_limit_and_cursor(void **state)
{
	struct suite *t = *state;
	struct store_query q = {.limit = 1, .after = "aid.4.n4"};
	int64_t n = -1;

	fill(t);
	assert_ok(store_count(t->s, &node_type, &q, &n));
	assert_int_equal(n, 6);
	store_where_number(&q, "cpu_cores", STORE_EQ, 2);
	assert_ok(store_count(t->s, &node_type, &q, &n));
	assert_int_equal(n, 2);
}

static void delete_where_removes_what_matches(void **state)
{
	struct suite *t = *state;
	struct store_query q = {0};
	int64_t n = -1;

	fill(t);
	store_where_number(&q, "cpu_cores", STORE_EQ, 2);
	assert_ok(store_delete_where(t->s, &node_type, &q, &n));
	assert_int_equal(n, 2);
	assert_names(t, NULL, "n1 n3 n4 n6");
	assert_ok(store_delete_where(t->s, &node_type, &q, &n));
	assert_int_equal(n, 0);
	q = (struct store_query){.search = "rack", .limit = 1};
	assert_ok(store_delete_where(t->s, &node_type, &q, &n));
	assert_int_equal(n, 1);
	assert_names(t, NULL, "n3 n4 n6");
	q = (struct store_query){.limit = 2, .descending = true};
	assert_ok(store_delete_where(t->s, &node_type, &q, NULL));
	assert_names(t, NULL, "n3");
}

static void all_filters_fit(void **state)
{
	struct suite *t = *state;
	struct store_query q = {.search = "n",
		.sort = "hostname",
		.after = "ahostname.1.t61",
		.limit = 5};

	fill(t);
	for (int i = 0; i < STORE_FILTERS_MAX; i++)
		store_where_number(&q, "ssh_port", STORE_EQ, 22);
	assert_names(t, &q, "n1 n2 n3 n4 n5");
}

/* Count by this field with each comparison. */
static void count_by(struct suite *t, const struct field *f)
{
	for (int cmp = STORE_EQ; cmp <= STORE_GE; cmp++) {
		struct store_query q = {0};
		int64_t n = -1;
		if (f->kind == FIELD_TEXT)
			store_where_text(&q, f->name, (enum store_cmp)cmp, "a");
		else
			store_where_number(&q, f->name, (enum store_cmp)cmp, 1);
		assert_ok(store_count(t->s, &node_type, &q, &n));
	}
}

static void more_kinds_of_lists_than_are_cached_work(void **state)
{
	struct suite *t = *state;

	fill(t);
	for (size_t i = 0; i < node_type.n_fields * 2; i++) {
		const struct field *f = &node_type.fields[i % node_type.n_fields];
		if (f->kind != FIELD_JSON)
			count_by(t, f);
	}
}

SUITE_MAIN(SUITE_TEST(an_empty_store_lists_nothing), SUITE_TEST(numbers_are_filtered),
	SUITE_TEST(sets_are_filtered), SUITE_TEST(texts_and_enumerations_are_filtered_together),
	SUITE_TEST(search_takes_its_text_literally),
	SUITE_TEST(a_type_without_searchable_fields_finds_nothing),
	SUITE_TEST(lists_are_sorted_and_rows_without_a_value_come_first),
	SUITE_TEST(pages_join_to_the_whole_list),
	SUITE_TEST(a_cursor_stays_right_while_rows_come_and_go),
	SUITE_TEST(rows_that_are_equal_are_sorted_by_the_next_key),
	SUITE_TEST(every_row_that_stays_is_seen_once_whatever_comes_and_goes),
	SUITE_TEST(cursors_from_elsewhere_are_refused), SUITE_TEST(unknown_fields_are_refused),
	SUITE_TEST(count_ignores_limit_and_cursor), SUITE_TEST(delete_where_removes_what_matches),
	SUITE_TEST(all_filters_fit), SUITE_TEST(more_kinds_of_lists_than_are_cached_work))
