/* service/schedule: each time once, whatever happens to the server and to the clock. The clock is
 * virtual; nothing runs, since no engine ticks: what counts is which operations are stored. */
#include "testing.h"
#include "testing_err.h"

#include "domain.h"
#include "service/account.h"
#include "service/schedule.h"

static int64_t at(const char *rfc3339)
{
	int64_t ms = 0;
	assert_int_equal(clock_parse(rfc3339, &ms), 0);
	return ms;
}

static void tick_at(struct test_domain *d, const char *when)
{
	d->clock.fake_ms = at(when);
	ok(schedule_tick(&d->svc, NULL));
}

static struct schedule read_schedule(struct test_domain *d)
{
	struct schedule s;
	ok(schedule_find(&d->svc, "s", &s));
	return s;
}

static void add(struct test_domain *d, const char *now, const char *json)
{
	struct schedule s;
	json_t *body = json_loads(json, 0, NULL);
	assert_non_null(body);
	d->clock.fake_ms = at(now);
	TX(d, schedule_create(&d->svc, &test_admin, body, &s));
	json_decref(body);
	record_done(&schedule_type, &s);
}

/* operations that schedules asked for; each is taken out of the way, as if it had ended */
static int64_t operations(struct test_domain *d)
{
	struct store_query q = {0};
	struct store_rows rows = {0};
	int64_t n = 0;
	store_where_number(&q, "requested_via", STORE_EQ, OP_VIA_SCHEDULE);
	ok(store_list(d->svc.store, &operation_type, &q, &rows));
	n = (int64_t)rows.n;
	for (size_t i = 0; i < rows.n; i++) {
		struct operation *op = store_row(&rows, i);
		assert_true(op->schedule_id > 0);
		op->status = OP_SUCCEEDED;
		TX(d, store_update(d->svc.store, &operation_type, op));
	}
	store_rows_done(&rows);
	return n;
}

#define NIGHTLY                                                                                    \
	"\"name\":\"s\",\"cron\":\"0 3 * * *\",\"timezone\":\"UTC\",\"type\":\"node.status\",\"target\":\"n1\""

static void a_time_fires_once_however_often_it_is_looked_at(void **state)
{
	struct test_domain *d = *state;
	int64_t next = 0;
	test_add_node(d, 1, 0);
	add(d, "2026-11-24T12:00:00Z", "{" NIGHTLY "}");
	ok(schedule_tick(&d->svc, &next));
	assert_int_equal(next, at("2026-11-25T03:00:00Z"));
	tick_at(d, "2026-11-25T02:59:59Z");
	assert_int_equal(operations(d), 0);
	tick_at(d, "2026-11-25T03:00:00Z");
	tick_at(d, "2026-11-25T03:00:00Z");
	tick_at(d, "2026-11-25T03:00:30Z");
	assert_int_equal(operations(d), 1);
	struct schedule s = read_schedule(d);
	assert_int_equal(s.last_due_at, at("2026-11-25T03:00:00Z"));
	assert_int_equal(s.next_run_at, at("2026-11-26T03:00:00Z"));
	assert_int_equal(s.runs, 1);
	record_done(&schedule_type, &s);
	tick_at(d, "2026-11-26T03:00:01Z");
	assert_int_equal(operations(d), 2);
}

static void a_restart_neither_loses_nor_doubles_a_run(void **state)
{
	struct test_domain *d = *state;
	test_add_node(d, 1, 0);
	add(d, "2026-11-24T12:00:00Z", "{" NIGHTLY "}");
	for (int day = 25; day < 29; day++) {
		char when[32];
		snprintf(when, sizeof(when), "2026-11-%dT03:00:00Z", day);
		for (int round = 0; round < 3; round++) {
			store_close(d->svc.store); /* killed, started again */
			ok(store_open(scratch_path(d->dir, "mko.db"), &d->svc.store));
			tick_at(d, when);
		}
		assert_int_equal(operations(d), day - 24);
	}
}

static void what_was_missed_is_left_out_or_made_up_for_as_the_schedule_says(void **state)
{
	struct test_domain *d = *state;
	static const struct {
		const char *policy;
		int64_t runs;
	} cases[] = {
		{"\"missed\":\"skip\"", 0},
		{"\"missed\":\"once\"", 1},
		{"\"missed\":\"all\"", 4},
		{"\"missed\":\"all\",\"missed_max\":2", 2},
	};
	int64_t before = 0;
	test_add_node(d, 1, 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *json = mem_printf("{" NIGHTLY ",%s}", cases[i].policy);
		add(d, "2026-11-24T12:00:00Z", json);
		mem_free(json);
		tick_at(d, "2026-11-28T09:00:00Z"); /* no server for four nights */
		int64_t all = operations(d);
		if (all - before != cases[i].runs)
			print_error("%s\n", cases[i].policy);
		assert_int_equal(all - before, cases[i].runs);
		struct schedule s = read_schedule(d);
		assert_int_equal(s.skipped, 4 - cases[i].runs);
		assert_int_equal(s.next_run_at, at("2026-11-29T03:00:00Z"));
		record_done(&schedule_type, &s);
		TX(d, schedule_remove(&d->svc, &test_admin, "s"));
		before = all;
	}
}

static void a_year_away_is_over_at_once(void **state)
{
	struct test_domain *d = *state;
	test_add_node(d, 1, 0);
	add(d, "2026-01-01T00:00:00Z",
		"{\"name\":\"s\",\"cron\":\"* * * * *\",\"timezone\":\"UTC\",\"type\":\"node.status\",\"missed\":\"all\"}");
	tick_at(d, "2027-01-01T00:00:30Z");
	assert_int_equal(operations(d), 10);
	struct schedule s = read_schedule(d);
	assert_int_equal(s.next_run_at, at("2027-01-01T00:01:00Z"));
	record_done(&schedule_type, &s);
}

static void a_run_is_left_out_while_the_one_before_is_not_over(void **state)
{
	struct test_domain *d = *state;
	struct store_query q = {0};
	int64_t n = 0;
	test_add_node(d, 1, 0);
	add(d, "2026-11-24T12:00:00Z", "{" NIGHTLY "}");
	tick_at(d, "2026-11-25T03:00:00Z");
	tick_at(d, "2026-11-26T03:00:00Z");
	ok(store_count(d->svc.store, &operation_type, &q, &n));
	assert_int_equal(n, 1);
	struct schedule s = read_schedule(d);
	assert_non_null(strstr(s.last_outcome, "is not over"));
	assert_int_equal(s.skipped, 1);
	record_done(&schedule_type, &s);
	operations(d);
	tick_at(d, "2026-11-27T03:00:00Z");
	assert_int_equal(operations(d), 2);
}

static void a_clock_that_steps_doubles_nothing_and_never_waits_for_years(void **state)
{
	struct test_domain *d = *state;
	test_add_node(d, 1, 0);
	add(d, "2026-11-24T12:00:00Z", "{" NIGHTLY "}");
	tick_at(d, "2026-11-25T03:00:00Z");
	tick_at(d, "2026-11-25T02:30:00Z"); /* half an hour back, over the time again */
	tick_at(d, "2026-11-25T03:00:00Z");
	assert_int_equal(operations(d), 1);
	tick_at(d, "2040-01-01T00:00:00Z"); /* a dead battery: the year is wrong, then put right */
	assert_int_equal(operations(d), 2);
	tick_at(d, "2026-11-25T12:00:00Z");
	tick_at(d, "2026-11-26T03:00:00Z");
	assert_int_equal(operations(d), 3);
}

static void a_window_holds_runs_back_until_it_opens(void **state)
{
	struct test_domain *d = *state;
	test_add_node(d, 1, 0);
	add(d, "2026-11-24T12:00:00Z",
		"{\"name\":\"s\",\"cron\":\"0 * * * *\",\"timezone\":\"UTC\",\"window\":\"02:30-04:30\",\"type\":\"node.status\"}");
	struct schedule s = read_schedule(d);
	assert_int_equal(s.next_run_at, at("2026-11-25T02:30:00Z"));
	record_done(&schedule_type, &s);
	static const char *const inside[] = {"2026-11-25T02:30:00Z", "2026-11-25T03:00:00Z",
		"2026-11-25T04:00:00Z"};
	for (size_t i = 0; i < ARRAY_LEN(inside); i++) {
		tick_at(d, inside[i]);
		assert_int_equal(operations(d), i + 1);
	}
	tick_at(d, "2026-11-25T05:00:00Z");
	assert_int_equal(operations(d), 3);
	/* missed in the window, seen outside of it: made up for in the next one, not now */
	tick_at(d, "2026-11-26T09:00:00Z");
	assert_int_equal(operations(d), 3);
	tick_at(d, "2026-11-27T02:30:00Z");
	assert_int_equal(operations(d), 4);
}

static void clocks_that_go_forward_and_back_fire_once_each_day(void **state)
{
	struct test_domain *d = *state;
	test_add_node(d, 1, 0);
	add(d, "2026-03-28T12:00:00Z",
		"{\"name\":\"s\",\"cron\":\"30 2 * * *\",\"timezone\":\"Europe/Berlin\",\"type\":\"node.status\"}");
	int64_t from = at("2026-03-29T00:00:00Z");
	for (int64_t minute = 0; minute < 24 * 60; minute += 5) {
		d->clock.fake_ms = from + minute * 60000;
		ok(schedule_tick(&d->svc, NULL));
	}
	assert_int_equal(operations(d), 1);
	d->clock.fake_ms = at("2026-10-24T12:00:00Z");
	ok(schedule_tick(&d->svc, NULL)); /* all the days between: made up for once */
	int64_t before = operations(d);
	from = at("2026-10-24T22:00:00Z");
	for (int64_t minute = 0; minute < 25 * 60; minute += 5) {
		d->clock.fake_ms = from + minute * 60000;
		ok(schedule_tick(&d->svc, NULL));
	}
	assert_int_equal(operations(d), before + 1);
}

static void what_cannot_start_is_told_and_stops_nothing(void **state)
{
	struct test_domain *d = *state;
	test_add_node(d, 1, 0);
	add(d, "2026-11-24T12:00:00Z", "{" NIGHTLY "}");
	TX(d, node_remove(&d->svc, &test_admin, "n1", false));
	tick_at(d, "2026-11-25T03:00:00Z");
	assert_int_equal(operations(d), 0);
	struct schedule s = read_schedule(d);
	assert_non_null(strstr(s.last_outcome, "could not start: no node \"n1\""));
	assert_int_equal(s.next_run_at, at("2026-11-26T03:00:00Z"));
	/* a zone that this machine lost, as after a restore on another one */
	field_set_text(&s.timezone, "Europe/Atlantis");
	TX(d, store_update(d->svc.store, &schedule_type, &s));
	record_done(&schedule_type, &s);
	tick_at(d, "2026-11-26T03:00:00Z");
	s = read_schedule(d);
	assert_non_null(strstr(s.last_outcome, "cannot be planned"));
	record_done(&schedule_type, &s);
}

static void an_operation_has_no_more_rights_than_its_owner_still_has(void **state)
{
	struct test_domain *d = *state;
	struct user user;
	struct schedule s;
	char name[] = "eve";
	const struct user wish = {.name = name, .role = ROLE_OPERATOR};
	test_add_node(d, 1, 0);
	TX(d, account_user_create(&d->svc, &test_admin, &wish, "hash", &user));
	const struct actor eve = {.name = "eve",
		.role = ROLE_OPERATOR,
		.via = OP_VIA_API,
		.user_id = user.id};
	json_t *body = json_loads("{" NIGHTLY "}", 0, NULL);
	d->clock.fake_ms = at("2026-11-24T12:00:00Z");
	TX(d, schedule_create(&d->svc, &eve, body, &s));
	json_decref(body);
	record_done(&schedule_type, &s);
	tick_at(d, "2026-11-25T03:00:00Z");
	assert_int_equal(operations(d), 1);
	user.disabled = true;
	TX(d, store_update(d->svc.store, &user_type, &user));
	tick_at(d, "2026-11-26T03:00:00Z");
	assert_int_equal(operations(d), 1);
	s = read_schedule(d);
	assert_non_null(strstr(s.last_outcome, "its owner eve is disabled"));
	record_done(&schedule_type, &s);
	record_done(&user_type, &user);
}

static void wrong_schedules_are_refused_with_every_reason(void **state)
{
	struct test_domain *d = *state;
	static const struct {
		const char *json;
		enum err_code code;
	} cases[] = {
		{"{\"name\":\"s\",\"cron\":\"61 * * * *\",\"type\":\"node.status\"}", ERR_INVALID},
		{"{\"name\":\"s\",\"cron\":\"@daily\",\"type\":\"node.nothing\"}", ERR_INVALID},
		{"{\"name\":\"s\",\"cron\":\"@daily\",\"type\":\"cluster.scan\"}", ERR_INVALID},
		{"{\"name\":\"s\",\"cron\":\"@daily\",\"type\":\"cluster.scan\",\"target\":\"none\"}",
			ERR_NOT_FOUND},
		{"{\"name\":\"s\",\"cron\":\"@daily\",\"type\":\"node.status\",\"params\":{\"x\":1}}",
			ERR_INVALID},
		{"{\"name\":\"s\",\"cron\":\"@daily\",\"type\":\"node.status\",\"timezone\":\"Mars\"}",
			ERR_INVALID},
		{"{\"name\":\"s\",\"cron\":\"@daily\",\"type\":\"node.status\",\"window\":\"nights\"}",
			ERR_INVALID},
		{"{\"name\":\"s\",\"cron\":\"@daily\",\"type\":\"node.status\",\"next_run_at\":\"2026-01-01T00:00:00Z\"}",
			ERR_INVALID},
	};
	struct schedule s;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *body = json_loads(cases[i].json, 0, NULL);
		TX_FAILS(d, schedule_create(&d->svc, &test_admin, body, &s), cases[i].code);
		json_decref(body);
	}
}

TEST_MAIN(DOMAIN_TEST(a_time_fires_once_however_often_it_is_looked_at),
	DOMAIN_TEST(a_restart_neither_loses_nor_doubles_a_run),
	DOMAIN_TEST(what_was_missed_is_left_out_or_made_up_for_as_the_schedule_says),
	DOMAIN_TEST(a_year_away_is_over_at_once),
	DOMAIN_TEST(a_run_is_left_out_while_the_one_before_is_not_over),
	DOMAIN_TEST(a_clock_that_steps_doubles_nothing_and_never_waits_for_years),
	DOMAIN_TEST(a_window_holds_runs_back_until_it_opens),
	DOMAIN_TEST(clocks_that_go_forward_and_back_fire_once_each_day),
	DOMAIN_TEST(what_cannot_start_is_told_and_stops_nothing),
	DOMAIN_TEST(an_operation_has_no_more_rights_than_its_owner_still_has),
	DOMAIN_TEST(wrong_schedules_are_refused_with_every_reason))
