/* Completion: what is offered after what; golden answers. */
#include "testing.h"

#include <string.h>

#include "cli/complete.h"
#include "fake.h"

static const struct fake_answer answers[] = {
	{"GET /api/nodes", 200,
		"{\"items\":[{\"id\":1,\"hostname\":\"n1\",\"status\":\"online\"},{\"id\":2,\"hostname\":\"web1\",\"status\":\"offline\"}],\"next_cursor\":null}"},
	{"GET /api/clusters", 200,
		"{\"items\":[{\"id\":1,\"name\":\"prod\",\"status\":\"active\"}],\"next_cursor\":null}"},
	{"GET /api/operations", 200,
		"{\"items\":[{\"id\":12,\"name\":\"Test n1\",\"status\":\"running\"}],\"next_cursor\":null}"},
	{"GET /api/operation-types", 200,
		"{\"items\":[{\"name\":\"node.test\",\"summary\":\"Reach it\"}]}"},
};

static const struct {
	const char *line, *out;
} rows[] = {
	{"__complete -- cl", "cluster\tMicroK8s clusters\n"},
	{"__complete -- inv",
		"inventory\tPrint the nodes as an Ansible inventory (dynamic inventory protocol)\n"},
	{"__complete -- node st", "status\tAsk nodes for their state and show it\n"},
	{"__complete -- node test ''", "n1\tonline\nweb1\toffline\n"},
	{"__complete -- node test n1 w", "web1\toffline\n"},
	{"__complete -- node show n1 ''", ""},
	{"__complete -- node list --status on", "online\t\n"},
	{"__complete -- node list --cluster ''", "prod\tactive\n"},
	{"__complete -- node add --key-path ''", ":files\t\n"},
	{"__complete -- node add --no-h",
		"--no-host-key\tdo not ask the node for its SSH host key now; the first test does\n--no-headers\tno line of column titles\n"},
	{"__complete -- -o js", "json\t\n"},
	{"__complete -- -o json node test w", "web1\toffline\n"},
	{"__complete -- operation logs ''", "12\tTest n1\n"},
	{"__complete -- operation run ''", "node.test\tReach it\n"},
	{"__complete -- completion f", "fish\t\n"},
	{"__complete -- user passwd ''", ""},
	{"__complete -- banana ''", ""},
	{"__complete", "init\t"},
};

static void test_answers(void **state)
{
	(void)state;
	const struct fake_world given = {.answers = answers,
		.n_answers = sizeof(answers) / sizeof(answers[0])};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake_run run = fake_cli(&given, rows[i].line);
		assert_int_equal(run.exit_code, 0);
		assert_string_equal(run.err, "");
		if (strcmp(rows[i].line, "__complete") == 0)
			assert_non_null(strstr(run.out, rows[i].out));
		else
			assert_string_equal(run.out, rows[i].out);
		fake_done(&run);
	}
}

/** Every command and every long option is reachable by completion. */
static void test_tables_are_complete(void **state)
{
	(void)state;
	const struct fake_world given = {.answers = NULL};

	for (size_t i = 0; i < cli_cmds_n; i++) {
		struct cli_opt_ref refs[CLI_OPTS_MAX];
		char line[100];
		if ((cli_cmds[i]->flags & CLI_CMD_HIDDEN) != 0)
			continue;
		(void)snprintf(line, sizeof(line), "__complete -- %s --", cli_cmds[i]->path);
		struct fake_run run = fake_cli(&given, line);
		for (size_t o = 0, n = cli_opts_of(cli_cmds[i], refs); o < n; o++)
			assert_non_null(strstr(run.out, refs[o].opt->name));
		fake_done(&run);
	}
}

static void assert_not_alike(const struct cli_opt *a, const struct cli_opt *b)
{
	assert_string_not_equal(a->name, b->name);
	assert_false(a->letter != 0 && a->letter == b->letter);
}

static void test_no_two_options_alike(void **state)
{
	(void)state;
	for (size_t i = 0; i < cli_cmds_n; i++) {
		struct cli_opt_ref refs[CLI_OPTS_MAX];
		size_t n = cli_opts_of(cli_cmds[i], refs);
		for (size_t a = 0; a < n; a++)
			for (size_t b = a + 1; b < n; b++)
				assert_not_alike(refs[a].opt, refs[b].opt);
	}
}

static void test_scripts(void **state)
{
	(void)state;
	static const char *const shells[] = {"bash", "zsh", "fish"};

	for (size_t i = 0; i < 3; i++)
		assert_non_null(strstr(cli_complete_script(shells[i]), "__complete -- "));
	assert_null(cli_complete_script("tcsh"));
}

TEST_MAIN(cmocka_unit_test(test_answers), cmocka_unit_test(test_tables_are_complete),
	cmocka_unit_test(test_no_two_options_alike), cmocka_unit_test(test_scripts))
