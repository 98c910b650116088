/* A UPS, a cluster and a rule under a virtual clock, for tests of the monitor of power. */
#pragma once

#include "testing.h"
#include "testing_err.h"

#include <string.h>

#include "domain.h"
#include "model/alert.h"
#include "service/power.h"
#include "service/ups.h"

static inline int world_make(void **state)
{
	test_domain_make(state);
	struct test_domain *d = *state;
	TX(d, power_start(&d->svc));
	return 0;
}

static inline int world_drop(void **state)
{
	struct test_domain *d = *state;
	power_stop(&d->svc);
	return test_domain_drop(state);
}
#define POWER_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_drop)

/* kill -9 and a new server */
static inline void crash(struct test_domain *d)
{
	power_stop(&d->svc);
	TX(d, power_start(&d->svc));
}

static inline int64_t add_ups(struct test_domain *d, const char *name)
{
	struct ups_device ups;
	json_t *body = json_pack("{s:s}", "name", name);
	TX(d, ups_create(&d->svc, &test_admin, body, &ups));
	json_decref(body);
	int64_t id = ups.id;
	record_done(&ups_device_type, &ups);
	return id;
}

static inline int64_t add_rule(struct test_domain *d, const char *json)
{
	struct ups_rule rule;
	json_t *body = json_loads(json, 0, NULL);
	assert_non_null(body);
	TX(d, ups_rule_create(&d->svc, &test_admin, body, &rule));
	json_decref(body);
	int64_t id = rule.id;
	record_done(&ups_rule_type, &rule);
	return id;
}

/* A UPS, a cluster of one node. */
static inline void site(struct test_domain *d)
{
	test_add_node(d, 1, test_add_cluster(d, "prod", false));
	assert_int_equal(add_ups(d, "rack"), 1);
}

static inline struct power_sample sample(int64_t ups, const char *status, const char *charge)
{
	struct power_sample s = {.ups_id = ups};
	power_reading_init(&s.reading);
	if (strncmp(status, "!", 1) == 0)
		s.miss = status + 1;
	else
		power_reading_set(&s.reading, "ups.status", status);
	power_reading_set(&s.reading, "battery.charge", charge);
	power_reading_set(&s.reading, "battery.runtime", "1800");
	return s;
}

/* One second after the other, each with the same word. */
static inline void say(struct test_domain *d, const char *status, int seconds)
{
	for (int i = 0; i < seconds; i++) {
		struct power_sample s = sample(1, status, "90");
		d->clock.fake_ms += 1000;
		ok(power_tick(&d->svc, &s, 1));
	}
}

static inline int64_t count(struct test_domain *d, const struct record_type *type,
	const char *field, int64_t value)
{
	struct store_query q = {0};
	int64_t n = 0;
	if (field != NULL)
		store_where_number(&q, field, STORE_EQ, value);
	ok(store_count(d->svc.store, type, &q, &n));
	return n;
}

static inline int64_t operations(struct test_domain *d)
{
	return count(d, &operation_type, "requested_via", OP_VIA_RULE);
}

static inline int64_t events(struct test_domain *d, int64_t event)
{
	return count(d, &ups_event_type, "event", event);
}

static inline struct operation newest_operation(struct test_domain *d)
{
	struct store_query q = {.descending = true, .limit = 1};
	struct store_rows rows = {0};
	struct operation op;
	ok(store_list(d->svc.store, &operation_type, &q, &rows));
	assert_int_equal(rows.n, 1);
	record_copy(&operation_type, &op, store_row(&rows, 0));
	store_rows_done(&rows);
	return op;
}

static inline void expect_operation(struct test_domain *d, const char *type)
{
	struct operation op = newest_operation(d);
	assert_string_equal(op.type, type);
	assert_int_equal(op.requested_via, OP_VIA_RULE);
	assert_true(op.rule_id > 0);
	assert_true(op.firing_id > 0);
	record_done(&operation_type, &op);
}

static inline void end_operation(struct test_domain *d, int64_t status)
{
	struct operation op = newest_operation(d);
	op.status = status;
	TX(d, store_update(d->svc.store, &operation_type, &op));
	record_done(&operation_type, &op);
}

static inline void set_cluster(struct test_domain *d, int64_t status)
{
	struct cluster c;
	ok(cluster_find(&d->svc, "prod", &c));
	c.status = status;
	TX(d, store_update(d->svc.store, &cluster_type, &c));
	record_done(&cluster_type, &c);
}

static inline struct ups_firing newest_firing(struct test_domain *d)
{
	struct store_query q = {.descending = true, .limit = 1};
	struct store_rows rows = {0};
	struct ups_firing firing;
	ok(store_list(d->svc.store, &ups_firing_type, &q, &rows));
	assert_int_equal(rows.n, 1);
	record_copy(&ups_firing_type, &firing, store_row(&rows, 0));
	store_rows_done(&rows);
	return firing;
}

static inline void expect_firing(struct test_domain *d, int64_t state, int64_t reason)
{
	struct ups_firing firing = newest_firing(d);
	assert_int_equal(firing.state, state);
	assert_int_equal(firing.reason, reason);
	record_done(&ups_firing_type, &firing);
}

#define RULE                                                                                       \
	"\"ups_id\":\"rack\",\"cluster_id\":\"prod\",\"power_event\":\"power_loss\",\"cluster_action\":\"graceful_shutdown\""
