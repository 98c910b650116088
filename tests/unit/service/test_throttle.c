/* Guessing gets slower; owners are not locked out by strangers. */
#include "testing.h"

#include <stdio.h>

#include "base/rand.h"
#include "service/throttle.h"

static int make(void **state)
{
	rand_init();
	*state = throttle_new();
	return 0;
}

static int drop(void **state)
{
	throttle_free(*state);
	return 0;
}

static void waits_double_after_five(void **state)
{
	struct throttle *t = *state;
	int64_t now = 1000000;

	for (int i = 0; i < 4; i++)
		throttle_fail(t, "ann", "10.0.0.1", now);
	assert_int_equal(throttle_wait_s(t, "ann", "10.0.0.1", now), 0);
	throttle_fail(t, "ann", "10.0.0.1", now);
	assert_int_equal(throttle_wait_s(t, "ann", "10.0.0.1", now), 1);
	throttle_fail(t, "ann", "10.0.0.1", now);
	assert_int_equal(throttle_wait_s(t, "ann", "10.0.0.1", now), 2);
	for (int i = 0; i < 100; i++)
		throttle_fail(t, "ann", "10.0.0.1", now);
	assert_int_equal(throttle_wait_s(t, "ann", "10.0.0.1", now), 900);
	assert_int_equal(throttle_wait_s(t, "ann", "10.0.0.1", now + 900000), 0);
	assert_int_equal(throttle_wait_s(t, "ann", "10.0.0.2", now),
		30); /* elsewhere, the account's own short wait */
}

static void success_forgets_the_pair(void **state)
{
	struct throttle *t = *state;

	for (int i = 0; i < 8; i++)
		throttle_fail(t, "ann", "10.0.0.1", 1000);
	throttle_clear(t, "ann", "10.0.0.1");
	assert_int_equal(throttle_wait_s(t, "ann", "10.0.0.1", 1000), 0);
}

static void one_address_cannot_try_all_accounts(void **state)
{
	struct throttle *t = *state;

	for (int i = 0; i < 20; i++) {
		char name[16];
		snprintf(name, sizeof(name), "user%d", i);
		throttle_fail(t, name, "10.0.0.1", 1000);
	}
	assert_true(throttle_wait_s(t, "fresh", "10.0.0.1", 1000) > 0);
	assert_int_equal(throttle_wait_s(t, "fresh", "10.0.0.2", 1000), 0);
}

static void a_quiet_hour_forgets(void **state)
{
	struct throttle *t = *state;

	for (int i = 0; i < 30; i++)
		throttle_fail(t, "ann", "10.0.0.1", 1000);
	assert_int_equal(throttle_wait_s(t, "ann", "10.0.0.1", 1000 + 3600001), 0);
	throttle_fail(t, "ann", "10.0.0.1", 1000 + 3600001);
	assert_int_equal(throttle_wait_s(t, "ann", "10.0.0.1", 1000 + 3600001), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
TEST_MAIN(T(waits_double_after_five), T(success_forgets_the_pair),
	T(one_address_cannot_try_all_accounts), T(a_quiet_hour_forgets))
