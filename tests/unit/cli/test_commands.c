/* Every command: the request that it sends, and its exit code. One row a command line. */
#include "testing.h"

#include <string.h>

#include "base/mem.h"
#include "fake.h"

#define OBJECT "{\"id\":1,\"name\":\"x\",\"hostname\":\"x\"}"
#define LIST "{\"items\":[],\"next_cursor\":null}"

static const struct fake_answer plain[] = {
	{"GET /api/nodes", 200, LIST},
	{"POST /api/nodes", 201, OBJECT},
	{"GET /api/nodes/n1", 200, "{\"id\":7,\"hostname\":\"n1\"}", "\"e1\""},
	{"PATCH /api/nodes/n1", 200, "{\"id\":7,\"hostname\":\"n1\"}"},
	{"DELETE /api/nodes/n1", 204, ""},
	{"GET /api/clusters", 200, LIST},
	{"POST /api/clusters", 201, OBJECT},
	{"GET /api/clusters/prod", 200, "{\"id\":3,\"name\":\"prod\",\"has_kubeconfig\":true}"},
	{"PATCH /api/clusters/prod", 200, OBJECT},
	{"DELETE /api/clusters/prod", 204, ""},
	{"GET /api/clusters/prod/status", 200,
		"{\"id\":3,\"name\":\"prod\",\"status\":\"active\",\"ha\":true,\"nodes\":[]}"},
	{"GET /api/clusters/prod/kubeconfig", 200, "apiVersion: v1\n"},
	{"GET /api/operations", 200, LIST},
	{"GET /api/operations/12", 200,
		"{\"id\":12,\"name\":\"x\",\"status\":\"succeeded\",\"hosts\":[]}"},
	{"GET /api/operations/12/log", 200, ""},
	{"GET /api/operations/12/events", 200, ""},
	{"GET /api/operation-types", 200, LIST},
	{"POST /api/operations/prune", 200, "{\"removed\":4}"},
	{"GET /api/playbooks", 200, LIST},
	{"GET /api/playbooks/node_status", 200,
		"{\"name\":\"node_status\",\"text\":\"---\\n- hosts: all\\n\"}"},
	{"GET /api/users", 200, LIST},
	{"POST /api/users", 201, OBJECT},
	{"GET /api/users/ann", 200, OBJECT},
	{"PATCH /api/users/ann", 200, OBJECT},
	{"DELETE /api/users/ann", 204, ""},
	{"POST /api/users/ann/password", 204, ""},
	{"DELETE /api/users/ann/sessions", 204, ""},
	{"GET /api/sessions", 200, LIST},
	{"GET /api/tokens", 200, LIST},
	{"GET /api/tokens/ci", 200, OBJECT},
	{"POST /api/tokens", 201, "{\"id\":2,\"name\":\"ci\",\"token\":\"mko_abc\"}"},
	{"DELETE /api/tokens/ci", 204, ""},
	{"GET /api/audit", 200, LIST},
	{"GET /api/audit/verify", 200,
		"{\"ok\":true,\"unproven\":3,\"pruned\":0,\"rows\":5,\"head\":\"00\"}"},
	{"GET /api/config", 200, LIST},
	{"GET /api/setup-code", 200, "{\"code\":\"abcd\"}"},
	{"GET /api/inventory", 200,
		"{\"_meta\":{\"hostvars\":{\"n1\":{\"ansible_host\":\"10.0.0.1\"}}}}"},
};

static const struct {
	const char *line;
	int exit_code;
	const char *requests;
} rows[] = {
	{"-o json node list", 0, "GET /api/nodes?limit=1000\n"},
	{"-o json node list --status online --cluster prod --limit 5 --sort -id --filter 'a b&c'",
		0, "GET /api/nodes?status=online&cluster=prod&sort=-id&q=a%20b%26c&limit=5\n"},
	{"-o json node list --status sleepy", 2, ""},
	{"node show n1", 0, "GET /api/nodes/n1\n"},
	{"node show n2", 3, "GET /api/nodes/n2\n"},
	{"node show ../../x", 3, "GET /api/nodes/..%2F..%2Fx\n"},
	{"node show ..", 3, "GET /api/nodes/%2E%2E\n"},
	{"node show", 2, ""},
	{"node show n1 n2", 2, ""},
	{"node add --hostname x --ip 10.0.0.1 --user bob --port 2222 --key-path /k --cluster-id prod --role worker --tags a,b --notes hi --no-host-key",
		0,
		"POST /api/nodes {\"hostname\":\"x\",\"ip_address\":\"10.0.0.1\",\"ssh_user\":\"bob\",\"ssh_port\":2222,\"ssh_key_path\":\"/k\","
		"\"cluster_id\":\"prod\",\"role\":\"worker\",\"tags\":[\"a\",\"b\"],\"notes\":\"hi\"}\n"},
	{"node add --ip 10.0.0.1", 2, ""},
	{"node add --hostname x --ip 10.0.0.1 --port x", 2, ""},
	{"node add --hostname x --ip 10.0.0.1 --ask-sudo-password", 2, ""},
	{"node edit n1 --port 23 --notes ''", 0,
		"GET /api/nodes/n1\nPATCH /api/nodes/n1 if-match=\"e1\" {\"ssh_port\":23,\"notes\":null}\n"},
	{"node edit n1", 2, ""},
	{"node remove n1 --yes", 0, "GET /api/nodes/n1\nDELETE /api/nodes/n1\n"},
	{"node remove n1 --yes --force", 0, "GET /api/nodes/n1\nDELETE /api/nodes/n1?force=true\n"},
	{"node remove n1", 4, "GET /api/nodes/n1\n"},
	{"node label n1 n1 disk=ssd zone-", 4, "GET /api/nodes/n1\n"},
	{"node label disk=ssd", 2, ""},
	{"node label n1 disk=ssd n2", 2, ""},
	{"node test", 2, ""},
	{"node test n1 --all", 2, ""},
	{"-o json cluster list", 0, "GET /api/clusters?limit=1000\n"},
	{"cluster add --name prod --description 'Our cluster' --ha --addon dns,metallb:10.0.0.5-10.0.0.9",
		0,
		"POST /api/clusters {\"name\":\"prod\",\"description\":\"Our cluster\",\"ha_enabled\":true,\"addons\":[\"dns\",{\"name\":\"metallb\","
		"\"args\":[\"10.0.0.5-10.0.0.9\"]}]}\n"},
	{"cluster edit prod --no-ha", 0,
		"GET /api/clusters/prod\nPATCH /api/clusters/prod {\"ha_enabled\":false}\n"},
	{"cluster show prod", 0, "GET /api/clusters/prod\n"},
	{"cluster remove prod -y", 0, "GET /api/clusters/prod\nDELETE /api/clusters/prod\n"},
	{"cluster status prod", 0, "GET /api/clusters/prod/status\n"},
	{"cluster kubeconfig prod", 0,
		"GET /api/clusters/prod\nGET /api/clusters/prod/kubeconfig\n"},
	{"-o json operation list", 0, "GET /api/operations?sort=-id&limit=20\n"},
	{"-o json operation list --status running -l 3 --cluster prod", 0,
		"GET /api/operations?sort=-id&status=running&cluster=prod&limit=3\n"},
	{"operation show 12", 0, "GET /api/operations/12\n"},
	{"operation logs 12", 0, "GET /api/operations/12/log?offset=0\n"},
	{"operation logs 12 --events", 0, "GET /api/operations/12/events?after=0\n"},
	{"operation logs -f 12", 0,
		"GET /api/operations/12\nGET /api/operations/12/log?offset=0\n"},
	{"operation types", 0, "GET /api/operation-types\n"},
	{"operation prune --keep-days 30 --yes", 0,
		"POST /api/operations/prune {\"keep_days\":30}\n"},
	{"operation prune --keep-days 30", 4, ""},
	{"operation prune", 2, ""},
	{"-o json playbook list", 0, "GET /api/playbooks?limit=1000\n"},
	{"playbook show node_status", 0, "GET /api/playbooks/node_status\n"},
	{"playbook show nope", 3, "GET /api/playbooks/nope\n"},
	{"-o json user list", 0, "GET /api/users?limit=1000\n"},
	{"user edit ann --role viewer --disable", 0,
		"GET /api/users/ann\nPATCH /api/users/ann {\"role\":\"viewer\",\"disabled\":true}\n"},
	{"user remove ann --yes", 0, "GET /api/users/ann\nDELETE /api/users/ann\n"},
	{"user sign-out ann", 0, "DELETE /api/users/ann/sessions\n"},
	{"user sign-out", 2, ""},
	{"user sessions", 0, "GET /api/sessions?limit=1000\nGET /api/users?limit=1000\n"},
	{"user sessions ann", 0,
		"GET /api/users/ann\nGET /api/sessions?user_id=1&limit=1000\nGET /api/users?limit=1000\n"},
	{"user sessions bob", 3, "GET /api/users/bob\n"},
	{"-o json token list", 0, "GET /api/tokens?limit=1000\n"},
	{"token create ci --role operator --expires 30d", 0,
		"POST /api/tokens {\"name\":\"ci\",\"role\":\"operator\",\"expires_s\":2592000}\n"},
	{"token revoke ci --yes", 0, "GET /api/tokens/ci\nDELETE /api/tokens/ci\n"},
	{"-o json audit list --actor ann", 0, "GET /api/audit?sort=-id&actor=ann&limit=20\n"},
	{"audit verify", 0, "GET /api/audit/verify\n"},
	{"system config", 0, "GET /api/config\n"},
	{"system setup-code", 0, "GET /api/setup-code\n"},
	{"inventory --list", 0, "GET /api/inventory\n"},
	{"inventory --host n1", 0, "GET /api/inventory\n"},
	{"inventory --host n9", 3, "GET /api/inventory\n"},
	{"inventory", 2, ""},
	{"version", 0, ""},
	{"--version", 0, ""},
	{"web", 2, ""},
	{"spec openapi", 0, ""},
	{"spec api", 0, ""},
	{"spec cli", 0, ""},
	{"spec config -o json", 0, ""},
	{"spec wrong", 2, ""},
	{"completion bash", 0, ""},
	{"completion tcsh", 2, ""},
	{"--config bad.yaml node list", 2, ""},
};

static void test_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		FAKE_EXPECT(plain, rows[i].line, rows[i].exit_code, rows[i].requests);
	/* A table asks only for what it shows. */
	FAKE_EXPECT(plain, "token list", 0,
		"GET /api/tokens?fields=id%2Cname%2Crole%2Cexpires_at%2Clast_used_at%2Crevoked_at&limit=1000\n");
}

static void test_every_command_has_help(void **state)
{
	(void)state;
	for (size_t i = 0; i < cli_cmds_n; i++) {
		const struct fake_world world = {.answers = NULL};
		char line[100];
		if ((cli_cmds[i]->flags & CLI_CMD_RAW) != 0)
			continue;
		(void)snprintf(line, sizeof(line), "%s --help", cli_cmds[i]->path);
		struct fake_run run = fake_cli(&world, line);
		assert_int_equal(run.exit_code, 0);
		assert_string_equal(run.requests, "");
		assert_non_null(strstr(run.out, cli_cmds[i]->summary));
		assert_non_null(strstr(run.out, "Global options:"));
		fake_done(&run);
	}
}

static void test_the_proof_says_from_where_on(void **state)
{
	(void)state;
	static const struct {
		const char *report, *says;
	} cases[] = {
		{"{\"ok\":true,\"rows\":5,\"unproven\":0,\"pruned\":0,\"head\":\"00\"}",
			"the audit log is whole: 5 entries, head 00\n"},
		{"{\"ok\":true,\"rows\":5,\"unproven\":3,\"pruned\":0,\"head\":\"00\"}",
			"the audit log is whole: 5 entries, head 00\n"
			"proved from entry 4 on; entries up to 3 are older than the seal and not proved\n"},
		{"{\"ok\":true,\"rows\":5,\"unproven\":0,\"pruned\":9,\"head\":\"00\"}",
			"the audit log is whole: 5 entries, head 00\n"
			"proved from entry 10 on; those before were removed for their age\n"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct fake_answer answer = {"GET /api/audit/verify", 200, cases[i].report};
		struct fake_run run =
			fake_cli(&(struct fake_world){.answers = &answer, .n_answers = 1},
				"audit verify");
		assert_int_equal(run.exit_code, 0);
		assert_string_equal(run.out, cases[i].says);
		fake_done(&run);
	}
}

static void test_init(void **state)
{
	(void)state;
	static const struct fake_answer fresh[] = {
		{"POST /api/setup", 201, "{\"user\":{\"id\":1,\"name\":\"root\"}}"}};
	static const struct fake_answer over[] = {
		{"POST /api/setup", 409, "{\"code\":\"conflict\",\"detail\":\"set-up is over\"}"}};
	const struct fake_world given = {.answers = fresh,
		.n_answers = 1,
		.input = "a long pass phrase\n"};
	struct fake_run run = fake_cli(&given, "init --name root --password-stdin");
	assert_int_equal(run.exit_code, 0);
	assert_string_equal(run.requests,
		"POST /api/setup {\"name\":\"root\",\"password\":\"a long pass phrase\"}\n");
	assert_string_equal(run.out, "Administrator: root\n");
	assert_null(strstr(run.err, "pass phrase"));
	fake_done(&run);

	run = fake_cli(&(struct fake_world){.answers = fresh, .n_answers = 1}, "init");
	assert_int_equal(run.exit_code, 0);
	const char *password = strstr(run.out, "\nPassword: ");
	assert_non_null(password);
	assert_int_equal(strcspn(password + 11, "\n"), 20);
	fake_done(&run);

	run = fake_cli(&(struct fake_world){.answers = over, .n_answers = 1}, "init");
	assert_int_equal(run.exit_code, 4);
	assert_string_equal(run.out, "");
	assert_non_null(strstr(run.err, "initialised already"));
	fake_done(&run);
}

static void test_secrets_come_from_stdin(void **state)
{
	(void)state;
	const struct fake_world given = {.answers = plain,
		.n_answers = sizeof(plain) / sizeof(plain[0]),
		.input = "s3cret word\n"};
	struct fake_run run = fake_cli(&given, "node edit n1 --sudo-password-stdin");
	assert_int_equal(run.exit_code, 0);
	assert_non_null(strstr(run.requests, "{\"sudo_password\":\"s3cret word\"}"));
	fake_done(&run);
	run = fake_cli(&given, "user passwd ann --password-stdin");
	assert_int_equal(run.exit_code, 0);
	assert_string_equal(run.requests,
		"POST /api/users/ann/password {\"password\":\"s3cret word\"}\n");
	assert_null(strstr(run.err, "s3cret"));
	assert_string_equal(run.out, "");
	fake_done(&run);
	run = fake_cli(&given, "user add ann --role operator --password-stdin");
	assert_string_equal(run.requests,
		"POST /api/users {\"name\":\"ann\",\"password\":\"s3cret word\",\"role\":\"operator\"}\n");
	fake_done(&run);
}

static void test_removal_asks_for_the_name(void **state)
{
	(void)state;
	struct fake_world given = {.answers = plain,
		.n_answers = sizeof(plain) / sizeof(plain[0]),
		.tty = true,
		.input = "n1\n"};
	struct fake_run run = fake_cli(&given, "node remove n1");
	assert_int_equal(run.exit_code, 0);
	assert_non_null(strstr(run.err, "Type n1 to confirm"));
	fake_done(&run);
	given.input = "yes\n";
	run = fake_cli(&given, "node remove n1");
	assert_int_equal(run.exit_code, 4);
	assert_null(strstr(run.requests, "DELETE"));
	fake_done(&run);
}

static void test_pages_are_joined(void **state)
{
	(void)state;
	static const struct fake_answer pages[] = {
		{"GET /api/nodes", 200,
			"{\"items\":[{\"id\":1,\"hostname\":\"n1\"},{\"id\":2,\"hostname\":\"n2\"}],\"next_cursor\":\"a/b\"}"},
		{"GET /api/nodes", 200,
			"{\"items\":[{\"id\":3,\"hostname\":\"n3\"}],\"next_cursor\":null}"},
	};
	const struct fake_world given = {.answers = pages, .n_answers = 2};
	struct fake_run run = fake_cli(&given, "node list -o name --limit 1500");
	assert_string_equal(run.out, "n1\nn2\nn3\n");
	assert_string_equal(run.requests,
		"GET /api/nodes?limit=1000\nGET /api/nodes?limit=1000&cursor=a%2Fb\n");
	fake_done(&run);
}

static void test_another_command_is_waited_for(void **state)
{
	(void)state;
	const struct fake_world given = {.answers = plain,
		.n_answers = sizeof(plain) / sizeof(plain[0]),
		.locked = 2};
	struct fake_run run = fake_cli(&given, "node list");
	assert_int_equal(run.exit_code, 0);
	fake_done(&run);
}

TEST_MAIN(cmocka_unit_test(test_requests), cmocka_unit_test(test_every_command_has_help),
	cmocka_unit_test(test_the_proof_says_from_where_on), cmocka_unit_test(test_init),
	cmocka_unit_test(test_secrets_come_from_stdin),
	cmocka_unit_test(test_removal_asks_for_the_name), cmocka_unit_test(test_pages_are_joined),
	cmocka_unit_test(test_another_command_is_waited_for))
