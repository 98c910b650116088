/* Simulations: what is read, how mistakes are told, dry runs. */
#include "testing.h"

#include "base/mem.h"
#include "base/str.h"
#include "power/simulate.h"
#include "testing_err.h"

#define RULES                                                                                      \
	"{\"rules\":[{\"id\":\"R1\",\"ups\":\"A\",\"cluster\":\"c1\",\"event\":\"power_loss\","    \
	"\"action\":\"graceful_shutdown\"}]}"
#define OL "{\"t\":0,\"ups\":\"A\",\"status\":\"OL\"}\n"

static void collect(void *user, const json_t *line)
{
	char *text = json_dumps(line, JSON_COMPACT);

	str_adds(user, text);
	str_addc(user, '\n');
	mem_free(text);
}

static struct err *simulate(const char *trace, const char *rules, struct str *out)
{
	static struct power_config config;
	config = power_config_default();
	const struct power_simulation simulation = {.trace = trace,
		.rules = rules,
		.config = &config,
		.line = collect,
		.user = out};
	return power_simulate(&simulation);
}

static void mistakes_are_told_with_their_place(void **state)
{
	(void)state;
	static const struct {
		const char *trace, *rules, *text;
	} cases[] = {
		{"", RULES, "empty"},
		{OL "nonsense", RULES, "line 2"},
		{OL "[]", RULES, "line 2: must be an object"},
		{OL "{\"t\":-1,\"ups\":\"A\",\"status\":\"OB\"}", RULES, "t must be seconds"},
		{OL "{\"ups\":\"A\",\"status\":\"OB\"}", RULES, "t must be seconds"},
		{OL "{\"t\":1,\"status\":\"OB\"}", RULES, "ups must be a name"},
		{OL "{\"t\":1,\"ups\":\"A\"}", RULES, "wants status, miss"},
		{OL "{\"t\":1,\"engine\":\"off\"}", RULES, "up or down"},
		{OL "{\"t\":1,\"edit\":{\"rule\":\"R9\",\"delay\":1}}", RULES, "R9"},
		{OL "{\"t\":1,\"edit\":{\"rule\":\"R1\",\"delay\":\"x\"}}", RULES, "line 2"},
		{OL, "{", "no JSON"},
		{OL, "{}", "rules must be an array"},
		{OL, "{\"rules\":[{}]}", "rule 1: id"},
		{OL, "{\"rules\":[{\"id\":\"R1\",\"ups\":\"A\",\"cluster\":\"c\",\"event\":\"power_loss\"}]}",
			"an event and an action"},
		{OL, "{\"rules\":[{\"id\":\"R1\",\"ups\":\"A\",\"cluster\":\"c\",\"event\":\"power_loss\",\"action\":\"startup\"}]}",
			"does not fit"},
		{OL, "{\"clusters\":{\"c1\":{\"policy\":\"some\"}},\"rules\":[]}", "any or all"},
		{OL, "{\"clusters\":{\"c1\":{\"feeds\":\"A\"}},\"rules\":[]}", "feeds"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str out = STR_INIT;
		assert_says(simulate(cases[i].trace, cases[i].rules, &out), ERR_INVALID,
			cases[i].text);
		assert_string_equal(str_get(&out), "");
		str_done(&out);
	}
}

static void numbers_may_be_raw_texts(void **state)
{
	(void)state;
	struct str out = STR_INIT;

	assert_ok(simulate(OL
		"{\"t\":10,\"ups\":\"A\",\"status\":\"OB\",\"charge\":\" 9.0 \",\"runtime\":\"60\"}\n"
		"{\"t\":14,\"end\":true}",
		"{\"rules\":[{\"id\":1,\"ups\":\"A\",\"cluster\":\"c1\",\"event\":\"critical_battery\",\"action\":\"force_shutdown\"}]}",
		&out));
	assert_string_equal(str_get(&out),
		"{\"t\":13,\"ups\":\"A\",\"event\":\"power_loss\"}\n"
		"{\"t\":13,\"rule\":\"1\",\"state\":\"running\"}\n");
	str_done(&out);
}

static void a_dry_run_has_the_same_timeline_and_says_so(void **state)
{
	(void)state;
	static const char trace[] = OL
		"{\"t\":10,\"ups\":\"A\",\"status\":\"OB\"}\n{\"t\":80,\"end\":true}";
	struct str out = STR_INIT;

	assert_ok(simulate(trace,
		"{\"rules\":[{\"id\":\"R1\",\"ups\":\"A\",\"cluster\":\"c1\",\"event\":\"power_loss\",\"action\":\"graceful_shutdown\",\"dry_run\":true},"
		"{\"id\":\"R2\",\"ups\":\"A\",\"cluster\":\"c1\",\"event\":\"power_loss\",\"action\":\"scale_down\",\"delay\":20}]}",
		&out));
	/* The dry run does not stand in the way of the real rule. */
	assert_string_equal(str_get(&out),
		"{\"t\":13,\"ups\":\"A\",\"event\":\"power_loss\"}\n"
		"{\"t\":13,\"rule\":\"R2\",\"state\":\"pending\",\"until\":30}\n"
		"{\"t\":13,\"rule\":\"R1\",\"state\":\"running\",\"dry_run\":true}\n"
		"{\"t\":30,\"rule\":\"R2\",\"state\":\"running\"}\n"
		"{\"t\":73,\"rule\":\"R1\",\"state\":\"done\",\"dry_run\":true}\n");
	str_done(&out);
}

TEST_MAIN(cmocka_unit_test(mistakes_are_told_with_their_place),
	cmocka_unit_test(numbers_may_be_raw_texts),
	cmocka_unit_test(a_dry_run_has_the_same_timeline_and_says_so))
