/* Status words, numbers and limits as they come from UPSes and people. */
#include "testing.h"

#include "base/mem.h"
#include "power/engine.h"
#include "power/number.h"
#include "testing_err.h"

static void status_words_are_whole_and_of_any_case(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t want;
	} cases[] = {
		{NULL, 0},
		{"", 0},
		{"  \t", 0},
		{"OL", POWER_OL},
		{"ol", POWER_OL},
		{" OB  DISCHRG ", POWER_OB | POWER_DISCHRG},
		{"OB LB FSD", POWER_OB | POWER_LB | POWER_FSD},
		{"BOLB", POWER_OTHER},
		{"OLB", POWER_OTHER},
		{"WAIT", POWER_WAIT},
		{"OL OB", POWER_OL | POWER_OB},
		{"OL NEWWORD", POWER_OL | POWER_OTHER},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(power_tokens(cases[i].text), cases[i].want);
	assert_string_equal(power_token_text(POWER_FSD), "FSD");
	assert_null(power_token_text(POWER_OTHER));
}

static void only_plain_decimals_in_range_are_numbers(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t want;
	} cases[] = {
		{NULL, I64_NONE},
		{"", I64_NONE},
		{"42", 42000},
		{" 42.5\t", 42500},
		{"0", 0},
		{"100", 100000},
		{"100.0", 100000},
		{"100.0001", I64_NONE},
		{"099", 99000},
		{"99.99999", 99999},
		{"101", I64_NONE},
		{"255", I64_NONE},
		{"-1", I64_NONE},
		{"+1", I64_NONE},
		{"1e1", I64_NONE},
		{"0x10", I64_NONE},
		{".5", I64_NONE},
		{"5.", I64_NONE},
		{"5 %", I64_NONE},
		{"nan", I64_NONE},
		{"99999999999999999999999999", I64_NONE},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(power_charge(cases[i].text), cases[i].want);
	assert_int_equal(power_runtime_ms("604800"), 604800000);
	assert_int_equal(power_runtime_ms("3932100"), I64_NONE);
}

static void limits_have_names_and_ranges(void **state)
{
	(void)state;
	struct power_config config = power_config_default();

	assert_ok(power_config_set(&config, "ob_confirm", "0"));
	assert_int_equal(config.ob_confirm, 0);
	assert_ok(power_config_set(&config, "crit_charge", "12.5"));
	assert_int_equal(config.crit_charge, 12500);
	assert_ok(power_config_set(&config, "flap_count", "2"));
	assert_int_equal(config.flap_count, 2);
	assert_ok(power_config_set(&config, "ignore_lb", "yes"));
	assert_true(config.ignore_lb);
	assert_says(power_config_set(&config, "ob_confrim", "1"), ERR_INVALID, "ob_confirm");
	assert_says(power_config_set(&config, "crit_charge", "101"), ERR_INVALID, "0 to 100");
	assert_fails(power_config_set(&config, "flap_count", "2.5"), ERR_INVALID);
	assert_fails(power_config_set(&config, "ob_confirm", "-3"), ERR_INVALID);
}

static void an_action_fits_its_event(void **state)
{
	(void)state;
	assert_ok(power_action_check(POWER_ON_LOSS, POWER_DO_GRACEFUL_SHUTDOWN));
	assert_ok(power_action_check(POWER_ON_RESTORED, POWER_DO_STARTUP));
	assert_ok(power_action_check(POWER_ON_COMMS_LOST, POWER_DO_NOTIFY));
	assert_fails(power_action_check(POWER_ON_LOSS, POWER_DO_STARTUP), ERR_INVALID);
	assert_fails(power_action_check(POWER_ON_RESTORED, POWER_DO_PAUSE), ERR_INVALID);
	assert_says(power_action_check(POWER_ON_COMMS_LOST, POWER_DO_FORCE_SHUTDOWN), ERR_INVALID,
		"only notify");
}

TEST_MAIN(cmocka_unit_test(status_words_are_whole_and_of_any_case),
	cmocka_unit_test(only_plain_decimals_in_range_are_numbers),
	cmocka_unit_test(limits_have_names_and_ranges), cmocka_unit_test(an_action_fits_its_event))
