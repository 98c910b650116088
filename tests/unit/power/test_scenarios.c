/* The traces of tests/power/scenarios.json: the engine prints exactly the expected lines, also when
 * its state is saved and loaded between steps. One test each. */
#include "testing.h"

#include <stdlib.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "power/simulate.h"
#include "testing_err.h"

#define SCENARIOS 58

static void collect(void *user, const json_t *line)
{
	(void)json_array_append(user, (json_t *)(uintptr_t)line);
}

/** The trace as text, a line each. */
static char *lines_of(const json_t *trace)
{
	struct str text = STR_INIT;
	size_t i;
	const json_t *line;

	json_array_foreach(trace, i, line) {
		char *one = json_dumps(line, JSON_COMPACT);
		str_adds(&text, one);
		str_addc(&text, '\n');
		mem_free(one);
	}
	return str_take(&text);
}

static void play(const json_t *scenario, int64_t reload_every)
{
	const json_t *want = json_object_get(scenario, "want");
	struct power_config config = power_config_default();
	char *trace = lines_of(json_object_get(scenario, "trace"));
	char *rules = json_dumps(json_object_get(scenario, "rules"), 0);
	json_t *got = json_array();
	const struct power_simulation simulation = {.trace = trace,
		.rules = rules,
		.config = &config,
		.reload_every = reload_every,
		.line = collect,
		.user = got};

	assert_ok(power_simulate(&simulation));
	if (!json_equal(got, want)) {
		char *text = json_dumps(got, JSON_INDENT(1));
		print_error("%s, reloaded every %lld steps, gives %s\n",
			json_string_value(json_object_get(scenario, "summary")),
			(long long)reload_every, text);
		mem_free(text);
		fail();
	}
	json_decref(got);
	mem_free(trace);
	mem_free(rules);
}

static void prints_exactly_the_expected_lines(void **state)
{
	play(*state, 0);
	play(*state, 3);
}

int main(void)
{
	struct CMUnitTest tests[SCENARIOS];
	char *text = NULL;
	size_t i;
	json_t *scenario;

	check_ok(fs_read("tests/power/scenarios.json", 1 << 20, &text, NULL), "read", __FILE__,
		__LINE__);
	json_t *all = json_loads(text, 0, NULL);
	if (json_array_size(all) != SCENARIOS)
		return EXIT_FAILURE;
	json_array_foreach(all, i, scenario) {
		tests[i] = (struct CMUnitTest){.name = json_string_value(json_object_get(scenario,
						       "id")),
			.test_func = prints_exactly_the_expected_lines,
			.initial_state = scenario};
	}
	int failed = _cmocka_run_group_tests("scenarios", tests, SCENARIOS, NULL, NULL);
	json_decref(all);
	mem_free(text);
	return failed;
}
