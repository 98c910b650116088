/* UPSes and rules as objects: what is refused, and that every wrong field is told at once. */
#include "testing.h"
#include "testing_err.h"

#include <string.h>

#include "domain.h"
#include "service/ups.h"

static struct err *create_ups(struct test_domain *d, const char *json)
{
	struct ups_device ups;
	json_t *body = json_loads(json, 0, NULL);
	assert_non_null(body);
	ok(store_begin(d->svc.store));
	struct err *e = ups_create(&d->svc, &test_admin, body, &ups);
	json_decref(body);
	if (e != NULL) {
		store_rollback(d->svc.store);
		return e;
	}
	record_done(&ups_device_type, &ups);
	ok(store_commit(d->svc.store));
	return NULL;
}

static struct err *create_rule(struct test_domain *d, const char *json)
{
	struct ups_rule rule;
	json_t *body = json_loads(json, 0, NULL);
	assert_non_null(body);
	ok(store_begin(d->svc.store));
	struct err *e = ups_rule_create(&d->svc, &test_admin, body, &rule);
	json_decref(body);
	if (e != NULL) {
		store_rollback(d->svc.store);
		return e;
	}
	record_done(&ups_rule_type, &rule);
	ok(store_commit(d->svc.store));
	return NULL;
}

/* The error names exactly these fields, in any order. */
static void expect_fields(struct err *e, const char *const *fields)
{
	size_t n = 0;
	assert_non_null(e);
	assert_int_equal(err_code(e), ERR_INVALID);
	for (; fields[n] != NULL; n++) {
		bool found = false;
		for (size_t i = 0; i < err_field_count(e); i++) {
			const char *message = NULL;
			found = found || strcmp(err_field_at(e, i, &message), fields[n]) == 0;
		}
		if (!found)
			print_error("not named: %s\n", fields[n]);
		assert_true(found);
	}
	assert_int_equal(err_field_count(e), n);
	err_free(e);
}
#define EXPECT_FIELDS(e, ...) expect_fields((e), (const char *const[]){__VA_ARGS__, NULL})

static void a_ups_tells_every_wrong_field_at_once(void **state)
{
	struct test_domain *d = *state;
	EXPECT_FIELDS(
		create_ups(d,
			"{\"name\":\"A b\",\"nut_host\":\"-x\",\"nut_port\":0,\"nut_name\":\"a b\",\"nut_tls_pin\":\"12\","
			"\"nut_password\":5,\"colour\":1}"),
		"name", "nut_host", "nut_port", "nut_name", "nut_tls_pin", "nut_password",
		"colour");
	EXPECT_FIELDS(create_ups(d, "{}"), "name");
	EXPECT_FIELDS(create_ups(d, "{\"name\":\"a\",\"nut_password\":\"secret\"}"),
		"nut_username");
}

static void a_password_is_sealed_and_never_shown(void **state)
{
	struct test_domain *d = *state;
	struct ups_device ups;
	char *plain = NULL;
	ok(create_ups(d, "{\"name\":\"a\",\"nut_username\":\"u\",\"nut_password\":\"geheim\"}"));
	ok(ups_find(&d->svc, "a", &ups));
	assert_string_equal(ups.nut_name, "a");
	assert_null(strstr(ups.nut_password, "geheim"));
	ok(seal_open_text(d->svc.key, ups.nut_password, &plain));
	assert_string_equal(plain, "geheim");
	seal_wipe_free(plain);
	json_t *json = ups_json(&ups);
	assert_null(json_object_get(json, "nut_password"));
	assert_true(json_is_true(json_object_get(json, "has_nut_password")));
	json_decref(json);
	record_done(&ups_device_type, &ups);
	expect_code(create_ups(d, "{\"name\":\"a\"}"), ERR_EXISTS);
}

static void a_rule_tells_every_wrong_field_at_once(void **state)
{
	struct test_domain *d = *state;
	ok(create_ups(d, "{\"name\":\"rack\"}"));
	test_add_cluster(d, "prod", false);
	EXPECT_FIELDS(
		create_rule(d,
			"{\"ups_id\":\"none\",\"cluster_id\":7,\"power_event\":\"power_los\",\"cluster_action\":\"startup\","
			"\"action_delay\":-1,\"workflow\":\"w\",\"x\":1}"),
		"ups_id", "cluster_id", "power_event", "action_delay", "workflow", "x");
	EXPECT_FIELDS(
		create_rule(d,
			"{\"ups_id\":\"rack\",\"power_event\":\"runtime_below\",\"cluster_action\":\"pause\","
			"\"battery_threshold\":20,\"on_fail\":\"escalate\"}"),
		"cluster_id", "battery_threshold", "runtime_threshold", "on_fail");
	EXPECT_FIELDS(
		create_rule(d,
			"{\"ups_id\":1,\"cluster_id\":1,\"power_event\":\"comms_lost\",\"cluster_action\":\"force_shutdown\"}"),
		"cluster_action");
	EXPECT_FIELDS(
		create_rule(d,
			"{\"ups_id\":1,\"cluster_id\":1,\"power_event\":\"power_restored\",\"cluster_action\":\"startup\","
			"\"auto_reverse\":true}"),
		"auto_reverse");
	EXPECT_FIELDS(create_rule(d, "{}"), "ups_id", "power_event", "cluster_action");
}

static void a_rule_takes_names_and_gets_one(void **state)
{
	struct test_domain *d = *state;
	struct ups_rule rule;
	json_t *json = NULL;
	ok(create_ups(d, "{\"name\":\"rack\"}"));
	test_add_cluster(d, "prod", false);
	ok(create_rule(d,
		"{\"ups_id\":\"rack\",\"cluster_id\":\"prod\",\"power_event\":\"low_battery\",\"cluster_action\":\"force_shutdown\"}"));
	ok(ups_rule_find(&d->svc, "rack low_battery force_shutdown prod", &rule));
	ok(ups_rule_json(&d->svc, &rule, &json));
	assert_string_equal(json_string_value(json_object_get(json, "cluster_name")), "prod");
	assert_string_equal(json_string_value(json_object_get(json, "ups_name")), "rack");
	json_decref(json);
	record_done(&ups_rule_type, &rule);
}

static void a_ups_with_rules_goes_only_by_force_and_takes_them_along(void **state)
{
	struct test_domain *d = *state;
	int64_t n = 0;
	ok(create_ups(d, "{\"name\":\"rack\"}"));
	ok(create_rule(d,
		"{\"ups_id\":1,\"power_event\":\"power_loss\",\"cluster_action\":\"notify\"}"));
	TX_FAILS(d, ups_remove(&d->svc, &test_admin, "rack", false), ERR_PRECONDITION);
	TX(d, ups_remove(&d->svc, &test_admin, "rack", true));
	ok(store_count(d->svc.store, &ups_rule_type, NULL, &n));
	assert_int_equal(n, 0);
}

static void rules_go_with_their_cluster(void **state)
{
	struct test_domain *d = *state;
	int64_t n = 0;
	ok(create_ups(d, "{\"name\":\"rack\"}"));
	test_add_cluster(d, "prod", false);
	ok(create_rule(d,
		"{\"ups_id\":1,\"cluster_id\":1,\"power_event\":\"power_loss\",\"cluster_action\":\"pause\"}"));
	TX(d, cluster_remove(&d->svc, &test_admin, "prod", true));
	ok(store_count(d->svc.store, &ups_rule_type, NULL, &n));
	assert_int_equal(n, 0);
}

TEST_MAIN(DOMAIN_TEST(a_ups_tells_every_wrong_field_at_once),
	DOMAIN_TEST(a_password_is_sealed_and_never_shown),
	DOMAIN_TEST(a_rule_tells_every_wrong_field_at_once),
	DOMAIN_TEST(a_rule_takes_names_and_gets_one),
	DOMAIN_TEST(a_ups_with_rules_goes_only_by_force_and_takes_them_along),
	DOMAIN_TEST(rules_go_with_their_cluster))
