/* One lost answer changes nothing; what comes and goes wakes nobody. */
#include "testing.h"

#include "model/health_track.h"

/* Hear a row of letters (u, d, g = degraded), a second apart; how often the belief changed. */
static int hear(struct health_track *t, const char *heard)
{
	int changes = 0;

	for (int64_t i = 0; heard[i] != '\0'; i++)
		changes += health_track_take(t,
			heard[i] == 'u'           ? HEALTH_UP
				: heard[i] == 'd' ? HEALTH_DOWN
						  : HEALTH_DEGRADED,
			1000 * i);
	return changes;
}

static void three_silent_rounds_are_down_and_two_answers_up(void **state)
{
	struct health_track t = {.known = false};

	(void)state;
	assert_int_equal(hear(&t, "u"), 1);
	assert_int_equal(hear(&t, "dd"), 0);
	assert_int_equal(hear(&t, "d"), 1);
	assert_int_equal(t.state, HEALTH_DOWN);
	assert_int_equal(hear(&t, "u"), 0);
	assert_int_equal(hear(&t, "u"), 1);
	assert_int_equal(t.state, HEALTH_UP);
}

static void it_is_down_since_the_first_silence(void **state)
{
	struct health_track t = {.known = false};

	(void)state;
	(void)hear(&t, "uuddd");
	assert_int_equal(t.since, 2000);
}

static void a_flapping_node_changes_nothing(void **state)
{
	struct health_track t = {.known = false};

	(void)state;
	assert_int_equal(hear(&t, "ududududududdududu"), 2); /* it is up, and it flaps */
	assert_int_equal(t.state, HEALTH_UP);
	(void)hear(&t, "ddd");
	assert_int_equal(hear(&t, "ududududud"), 0);
	assert_int_equal(t.state, HEALTH_DOWN);
}

static void what_comes_and_goes_is_told_until_it_has_come_to_rest(void **state)
{
	struct health_track t = {.known = false};

	(void)state;
	(void)hear(&t, "uuuududud");
	assert_false(t.flapping);
	(void)hear(&t, "uduu");
	assert_true(t.flapping);
	assert_int_equal(t.flapping_since, 2000); /* the third is the eighth change */
	(void)hear(&t, "uuuuuuuuuuuu");
	assert_true(t.flapping);
	assert_int_equal(hear(&t, "uuuuuu"), 1);
	assert_false(t.flapping);
	assert_int_equal(t.state, HEALTH_UP);
}

static void going_down_and_coming_back_is_no_flapping(void **state)
{
	struct health_track t = {.known = false};

	(void)state;
	(void)hear(&t, "uuuuuddddduuuuudddduuuuu");
	assert_false(t.flapping);
}

static void after_a_start_a_silent_node_is_not_known_at_once(void **state)
{
	struct health_track t = {.known = false};

	(void)state;
	assert_int_equal(hear(&t, "dd"), 0);
	assert_false(t.known);
	assert_int_equal(hear(&t, "d"), 1);
}

static void from_bad_to_worse_and_back(void **state)
{
	struct health_track t = {.known = false};

	(void)state;
	(void)hear(&t, "uggg");
	assert_int_equal(t.state, HEALTH_DEGRADED);
	assert_int_equal(hear(&t, "du"), 0); /* the ways differ: neither is believed */
	assert_int_equal(hear(&t, "u"), 1);
	assert_int_equal(t.state, HEALTH_UP);
}

TEST_MAIN(cmocka_unit_test(three_silent_rounds_are_down_and_two_answers_up),
	cmocka_unit_test(it_is_down_since_the_first_silence),
	cmocka_unit_test(a_flapping_node_changes_nothing),
	cmocka_unit_test(what_comes_and_goes_is_told_until_it_has_come_to_rest),
	cmocka_unit_test(going_down_and_coming_back_is_no_flapping),
	cmocka_unit_test(after_a_start_a_silent_node_is_not_known_at_once),
	cmocka_unit_test(from_bad_to_worse_and_back))
