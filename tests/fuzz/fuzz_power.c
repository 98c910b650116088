/* Fuzzes what power reads from outside: variables of NUT, traces and rules of a simulation. Any
 * input is read or refused. The first byte chooses. */
#include <string.h>

#include "base/mem.h"
#include "power/reading.h"
#include "power/simulate.h"

#define INPUT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char trace[] = "{\"t\":0,\"ups\":\"A\",\"status\":\"OL\"}\n"
			    "{\"t\":5,\"ups\":\"A\",\"status\":\"OB\"}\n{\"t\":20,\"end\":true}";
static const char rules[] =
	"{\"rules\":[{\"id\":\"R1\",\"ups\":\"A\",\"cluster\":\"c1\",\"event\":\"power_loss\","
	"\"action\":\"graceful_shutdown\"}]}";

static void drop(void *user, const json_t *line)
{
	(void)user;
	(void)line;
}

static void read_variables(char *text)
{
	struct power_reading reading;
	char identity[POWER_IDENTITY_SIZE];

	power_reading_init(&reading);
	for (char *line = text, *next = NULL; line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		char *colon = strchr(line, ':');
		if (colon == NULL)
			continue;
		*colon = '\0';
		power_reading_set(&reading, line, colon + 1);
	}
	(void)power_reading_observation(&reading, "A", identity);
	(void)power_reading_doubt(&reading);
	json_decref(power_reading_to_json(&reading));
}

static void simulate(const char *trace_text, const char *rules_text)
{
	struct power_config config = power_config_default();
	const struct power_simulation simulation = {.trace = trace_text,
		.rules = rules_text,
		.config = &config,
		.line = drop};

	err_ignore(power_simulate(&simulation)); /* refused is fine */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > INPUT_MAX)
		return 0;
	char *text = mem_strndup((const char *)data + 1, size - 1);
	if (data[0] == 'r')
		simulate(trace, text);
	else if (data[0] == 't' && strstr(text, "end") != NULL)
		simulate(text, rules);
	else
		read_variables(text);
	mem_free(text);
	return 0;
}
