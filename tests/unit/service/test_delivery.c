/* Messages wait in the store until they were sent: in order for each notifier, with growing pauses,
 * through quiet hours and restarts. */
#include "testing.h"

#include "domain.h"
#include "service/alert.h"
#include "service/delivery.h"
#include "service/notifier.h"

static void add(struct test_domain *d, const char *text)
{
	json_t *body = json_loads(text, 0, NULL);
	struct notifier n;

	assert_non_null(body);
	TX(d, notifier_create(&d->svc, &test_admin, body, &n));
	json_decref(body);
	record_done(&notifier_type, &n);
}

static void happen(struct test_domain *d, int64_t severity, int64_t cluster_id,
	enum delivery_event event)
{
	struct alert a;

	record_init(&alert_type, &a);
	a.id = 1;
	a.severity = severity;
	a.cluster_id = cluster_id;
	field_set_text(&a.name, "n1");
	field_set_text(&a.title, "Node n1 is down");
	field_set_text(&a.subject, "node/1");
	TX(d, delivery_queue(&d->svc, &a, event));
	record_done(&alert_type, &a);
}

static int64_t count(struct test_domain *d, const char *notifier, int64_t state)
{
	struct store_query q = {.n_filters = 0};
	int64_t n = 0;

	if (notifier != NULL)
		store_where_text(&q, "notifier", STORE_EQ, notifier);
	store_where_number(&q, "state", STORE_EQ, state);
	ok(store_count(d->svc.store, &delivery_type, &q, &n));
	return n;
}

/* How many are due; what was due is answered with this. @ret_wait_ms may be NULL */
static size_t answer(struct test_domain *d, bool sent, int64_t *ret_wait_ms)
{
	json_t *input = NULL;
	json_t *results = json_array();
	const json_t *item = NULL;
	int64_t wait = 0;
	size_t i = 0;

	ok(delivery_due(&d->svc, &input, &wait));
	if (ret_wait_ms != NULL)
		*ret_wait_ms = wait;
	json_array_foreach(json_object_get(input, "items"), i, item)
		json_array_append_new(results,
			json_pack("{s:O, s:b, s:i, s:s?}", "id", json_object_get(item, "id"),
				"sent", sent, "status", sent ? 200 : 500, "error",
				sent ? NULL : "it answers 500: no"));
	size_t n = json_array_size(results);
	json_t *output = json_pack("{s:o}", "results", results);
	TX(d, delivery_take(&d->svc, output));
	json_decref(output);
	json_decref(input);
	return n;
}

static void pass(struct test_domain *d, int64_t ms)
{
	d->clock = clock_fake(clock_utc(&d->clock) + ms);
}

#define HOOK "{\"name\":\"hook\",\"kind\":\"webhook\",\"url\":\"https://h.example/\""

static void who_wants_what(void **state)
{
	struct test_domain *d = *state;

	add(d, HOOK "}");
	add(d, "{\"name\":\"pager\",\"kind\":\"ntfy\",\"url\":\"https://n.example/t\",\"min_severity\":\"critical\",\"recovered\":false}");
	add(d, "{\"name\":\"off\",\"kind\":\"ntfy\",\"url\":\"https://n.example/t\",\"enabled\":false}");
	(void)test_add_cluster(d, "prod", false);
	add(d, "{\"name\":\"prod\",\"kind\":\"slack\",\"url\":\"https://s.example/t\",\"cluster_id\":\"prod\"}");
	happen(d, ALERT_WARNING, I64_NONE, DELIVERY_FIRING);
	happen(d, ALERT_CRITICAL, 1, DELIVERY_FIRING);
	happen(d, ALERT_CRITICAL, 1, DELIVERY_RESOLVED);
	assert_int_equal(count(d, "hook", DELIVERY_WAITING), 3);
	assert_int_equal(count(d, "pager", DELIVERY_WAITING), 1);
	assert_int_equal(count(d, "off", DELIVERY_WAITING), 0);
	assert_int_equal(count(d, "prod", DELIVERY_WAITING), 2);
}

static void a_notifier_that_answers_500_is_tried_for_two_days_and_holds_up_nobody(void **state)
{
	struct test_domain *d = *state;
	int64_t wait = 0;
	int attempts = 0;

	add(d, HOOK "}");
	happen(d, ALERT_WARNING, I64_NONE, DELIVERY_FIRING);
	happen(d, ALERT_WARNING, I64_NONE, DELIVERY_RESOLVED);
	assert_int_equal(answer(d, false, NULL), 1); /* the second waits for the first */
	assert_int_equal(answer(d, false, &wait), 0);
	assert_int_equal(wait, 10000);
	add(d, "{\"name\":\"good\",\"kind\":\"slack\",\"url\":\"https://s.example/t\"}");
	happen(d, ALERT_WARNING, I64_NONE, DELIVERY_FIRING);
	assert_int_equal(answer(d, true, NULL), 1);
	assert_int_equal(count(d, "good", DELIVERY_SENT), 1);
	for (int64_t hours = 0; hours < 47 * 12; hours++) {
		pass(d, 300000);
		attempts += (int)answer(d, false, NULL);
	}
	assert_in_range(attempts, 90, 110);
	assert_int_equal(count(d, "hook", DELIVERY_FAILED), 0);
	pass(d, 7200000);
	assert_int_equal(answer(d, false, NULL), 1);
	assert_int_equal(count(d, "hook", DELIVERY_FAILED), 1);
	assert_int_equal(answer(d, true, NULL), 1);
	assert_int_equal(answer(d, true, NULL), 1);
	assert_int_equal(count(d, NULL, DELIVERY_WAITING), 0);
}

static void quiet_hours_hold_back_what_is_not_critical(void **state)
{
	struct test_domain *d = *state;
	int64_t wait = 0;

	d->clock = clock_fake(1700000000000); /* 22:13:20 UTC */
	add(d, HOOK ",\"quiet\":\"22:00-07:00\",\"timezone\":\"UTC\"}");
	happen(d, ALERT_WARNING, I64_NONE, DELIVERY_FIRING);
	assert_int_equal(answer(d, true, &wait), 0);
	assert_int_equal(wait, (8 * 3600 + 46 * 60 + 40) * 1000);
	pass(d, wait);
	assert_int_equal(answer(d, true, NULL), 1);
	pass(d, 16 * 3600000);
	happen(d, ALERT_CRITICAL, I64_NONE, DELIVERY_FIRING);
	assert_int_equal(answer(d, true, NULL), 1);
}

static void what_was_sent_can_be_sent_again(void **state)
{
	struct test_domain *d = *state;
	struct delivery one;

	add(d, HOOK "}");
	happen(d, ALERT_WARNING, I64_NONE, DELIVERY_FIRING);
	TX_FAILS(d, delivery_again(&d->svc, &test_admin, "1", &one), ERR_CONFLICT);
	assert_int_equal(answer(d, true, NULL), 1);
	TX(d, delivery_again(&d->svc, &test_admin, "1", &one));
	record_done(&delivery_type, &one);
	assert_int_equal(answer(d, true, NULL), 1);
	TX(d, notifier_remove(&d->svc, &test_admin, "hook"));
	TX_FAILS(d, delivery_again(&d->svc, &test_admin, "1", &one), ERR_CONFLICT);
}

static void a_removed_notifier_gets_nothing_more(void **state)
{
	struct test_domain *d = *state;

	add(d, HOOK "}");
	happen(d, ALERT_WARNING, I64_NONE, DELIVERY_FIRING);
	TX(d, notifier_remove(&d->svc, &test_admin, "hook"));
	assert_int_equal(answer(d, true, NULL), 0);
	assert_int_equal(count(d, "hook", DELIVERY_FAILED), 1);
}

static void secrets_lie_sealed_and_are_not_shown(void **state)
{
	struct test_domain *d = *state;
	struct notifier n;

	add(d, HOOK ",\"secret\":\"correct horse\"}");
	ok(notifier_find(&d->svc, "hook", &n));
	assert_null(strstr(n.secret, "horse"));
	json_t *json = notifier_json(&n);
	assert_null(json_object_get(json, "secret"));
	assert_true(json_is_true(json_object_get(json, "has_secret")));
	json_decref(json);
	record_done(&notifier_type, &n);
}

static void wrong_fields_are_told_at_once(void **state)
{
	struct test_domain *d = *state;
	json_t *body = json_loads(
		"{\"name\":\"x\",\"kind\":\"mail\",\"url\":\"ftp://x\",\"cluster_id\":\"none\"}", 0,
		NULL);
	struct notifier n;

	ok(store_begin(d->svc.store));
	struct err *e = notifier_create(&d->svc, &test_admin, body, &n);
	store_rollback(d->svc.store);
	assert_int_equal(err_code(e), ERR_INVALID);
	assert_int_equal(err_field_count(e), 2);
	err_free(e);
	json_decref(body);
}

TEST_MAIN(DOMAIN_TEST(who_wants_what),
	DOMAIN_TEST(a_notifier_that_answers_500_is_tried_for_two_days_and_holds_up_nobody),
	DOMAIN_TEST(quiet_hours_hold_back_what_is_not_critical),
	DOMAIN_TEST(what_was_sent_can_be_sent_again),
	DOMAIN_TEST(a_removed_notifier_gets_nothing_more),
	DOMAIN_TEST(secrets_lie_sealed_and_are_not_shown),
	DOMAIN_TEST(wrong_fields_are_told_at_once))
