/* Readings of real devices (tests/power/nut-ddl.txt) and of broken ones: sane, or "cannot tell",
 * and never a power event that is none. */
#include "testing.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "power/reading.h"
#include "testing_err.h"

#define DUMPS 366

/** One dump: its name, what its status tells, the reading. */
struct dump {
	const char *name, *line;
	struct power_reading reading;
};

static struct dump *dumps;
static size_t n_dumps;

static void take_line(char *line)
{
	char *colon = strchr(line, ':');

	if (line[0] == '@') {
		char *space = strchr(line, ' ');
		*space = '\0';
		dumps[n_dumps] = (struct dump){.name = line + 1, .line = space + 1};
		power_reading_init(&dumps[n_dumps++].reading);
	} else if (line[0] != '#' && colon != NULL) {
		*colon = '\0';
		power_reading_set(&dumps[n_dumps - 1].reading, line, colon + 1);
	}
}

static int load(void **state)
{
	static char *text;

	(void)state;
	assert_ok(fs_read("tests/power/nut-ddl.txt", 1 << 20, &text, NULL));
	dumps = mem_zalloc(DUMPS * sizeof(*dumps));
	for (char *line = text, *next = NULL; *line != '\0'; line = next) {
		next = line + strcspn(line, "\n");
		if (*next != '\0')
			*next++ = '\0';
		take_line(line);
	}
	*state = text;
	return n_dumps == DUMPS ? 0 : -1;
}

static int unload(void **state)
{
	mem_free(*state);
	mem_free(dumps);
	return 0;
}

static void add_rule(struct power_engine *engine, const char *id, int trigger)
{
	struct power_rule_spec rule = power_rule_spec_default();
	struct power_effects effects = {.n = 0};

	memcpy(rule.id, id, strlen(id) + 1);
	memcpy(rule.ups, "A", 2);
	memcpy(rule.cluster, "c", 2);
	rule.trigger = trigger;
	rule.action = POWER_DO_FORCE_SHUTDOWN;
	rule.charge_below = 100000;
	const struct power_command command = {.kind = POWER_SET_RULE, .rule = &rule};
	const struct power_input input = {.commands = &command, .n_commands = 1};
	power_step(engine, &input, &effects);
	power_effects_done(&effects);
}

/** What ten minutes of one reading lead to. */
struct outcome {
	bool loss, fired;
};

static struct outcome watch(const struct power_reading *reading)
{
	struct power_engine *engine = power_engine_new();
	struct power_effects effects = {.n = 0};
	char identity[POWER_IDENTITY_SIZE];
	const struct power_observation o = power_reading_observation(reading, "A", identity);
	struct outcome outcome = {.loss = false};

	add_rule(engine, "R1", POWER_ON_LOSS);
	add_rule(engine, "R2", POWER_ON_LOW);
	add_rule(engine, "R3", POWER_ON_CRITICAL);
	add_rule(engine, "R4", POWER_ON_UPS_SHUTDOWN);
	for (int64_t t = 0; t < 600000; t += 1000) {
		const struct power_input input = {.now = t,
			.observations = &o,
			.n_observations = 1};
		power_step(engine, &input, &effects);
	}
	for (size_t i = 0; i < effects.n; i++) {
		const struct power_effect *e = &effects.items[i];
		outcome.loss = outcome.loss ||
			(e->kind == POWER_TELL_UPS &&
				(e->event == POWER_EVENT_LOSS || e->event == POWER_EVENT_CRITICAL));
		outcome.fired = outcome.fired ||
			(e->kind == POWER_TELL_RULE && e->state == POWER_RUNNING);
	}
	power_effects_done(&effects);
	power_engine_free(engine);
	return outcome;
}

static void a_real_device_that_is_not_on_battery_never_fires_a_rule(void **state)
{
	size_t outages = 0;

	(void)state;
	for (size_t i = 0; i < n_dumps; i++) {
		struct outcome outcome = watch(&dumps[i].reading);
		bool away = strcmp(dumps[i].line, "ob") == 0;
		if (outcome.loss != away || outcome.fired != away) {
			print_error("%s (%s): loss %d, fired %d\n", dumps[i].name,
				dumps[i].reading.status, outcome.loss, outcome.fired);
			fail();
		}
		outages += away;
	}
	assert_int_equal(outages, 15);
}

static void every_real_device_is_sane_or_says_that_it_cannot_tell(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_dumps; i++) {
		const struct power_reading *r = &dumps[i].reading;
		bool doubt = power_reading_doubt(r) != NULL;
		if (doubt != (strcmp(dumps[i].line, "none") == 0)) {
			print_error("%s: \"%s\"\n", dumps[i].name, r->status);
			fail();
		}
		for (size_t q = 0; q < POWER_QUANTITY_N_; q++)
			assert_true(r->values[q] == I64_NONE || r->values[q] >= 0);
		assert_true(r->values[POWER_CHARGE] <= 100000);
		assert_true(r->values[POWER_RUNTIME] <= 604800000);
	}
}

static void values_that_cannot_be_are_missing(void **state)
{
	(void)state;
	struct power_reading r;
	power_reading_init(&r);
	power_reading_set(&r, "battery.charge", "255");
	power_reading_set(&r, "battery.runtime", "3932100");
	power_reading_set(&r, "ups.temperature", "255");
	power_reading_set(&r, "ups.load", "nan");
	power_reading_set(&r, "ups.model", "bad\x1b[2J");
	power_reading_set(&r, "nobody.knows", "1");
	assert_true(r.values[POWER_CHARGE] == I64_NONE);
	assert_true(r.values[POWER_RUNTIME] == I64_NONE);
	assert_true(r.values[POWER_TEMPERATURE] == I64_NONE);
	assert_true(r.values[POWER_LOAD] == I64_NONE);
	assert_string_equal(r.texts[POWER_MODEL], "");
	assert_string_equal(power_reading_doubt(&r), "the status is empty");
}

static void quantities_have_their_units_in_json(void **state)
{
	(void)state;
	struct power_reading r;
	power_reading_init(&r);
	power_reading_set(&r, "ups.status", " OB DISCHRG ");
	power_reading_set(&r, "battery.charge", "97.5");
	power_reading_set(&r, "battery.runtime", "1234");
	power_reading_set(&r, "ups.mfr", " APC ");
	json_t *json = power_reading_to_json(&r);
	assert_int_equal(json_integer_value(json_object_get(json, "runtime_s")), 1234);
	assert_true(json_real_value(json_object_get(json, "charge_pct")) > 97.4);
	assert_string_equal(json_string_value(json_object_get(json, "mfr")), "APC");
	assert_true(json_is_null(json_object_get(json, "load_pct")));
	assert_null(power_reading_doubt(&r));
	json_decref(json);
}

static void a_device_is_known_by_its_serial(void **state)
{
	(void)state;
	struct power_reading r;
	char identity[POWER_IDENTITY_SIZE];
	power_reading_init(&r);
	power_reading_set(&r, "device.mfr", "APC");
	struct power_observation o = power_reading_observation(&r, "A", identity);
	assert_string_equal(o.identity, "");
	power_reading_set(&r, "device.serial", "42");
	o = power_reading_observation(&r, "A", identity);
	assert_string_equal(o.identity, "APC||42");
	assert_false(o.ok);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_real_device_that_is_not_on_battery_never_fires_a_rule),
		cmocka_unit_test(every_real_device_is_sane_or_says_that_it_cannot_tell),
		cmocka_unit_test(values_that_cannot_be_are_missing),
		cmocka_unit_test(quantities_have_their_units_in_json),
		cmocka_unit_test(a_device_is_known_by_its_serial),
	};
	return cmocka_run_group_tests_name("reading", tests, load, unload);
}
