/* Formats of data and errors, escaped for terminals. */
#include "testing.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/output.h"
#include "cli/spec.h"
#include "cli/yaml.h"
#include "fake.h"

static const struct fake_answer nodes[] = {{"GET /api/nodes", 200,
	"{\"items\":[{\"id\":1,\"hostname\":\"n1\",\"ip_address\":\"10.0.0.1\",\"status\":\"online\",\"microk8s_status\":\"running\","
	"\"microk8s_version\":\"v1.32.9\",\"role\":\"control_plane\",\"cluster_name\":\"prod\",\"last_seen\":\"2026-11-23T07:56:56.000Z\","
	"\"memory_bytes\":8589934592,\"tags\":[\"a\",\"b\"],\"notes\":\"say \\\"hi\\\", =1+1\"},"
	"{\"id\":12,\"hostname\":\"evil\\u001b]0;x\\u0007\",\"ip_address\":\"::1\",\"status\":\"offline\",\"microk8s_status\":\"unknown\","
	"\"microk8s_version\":null,\"role\":\"none\",\"cluster_name\":null,\"last_seen\":null,\"memory_bytes\":null,\"tags\":[],\"notes\":null}],"
	"\"next_cursor\":null}"}};

static void check_out(const char *line, bool tty, const char *wanted)
{
	const struct fake_world given = {.answers = nodes, .n_answers = 1, .tty = tty};
	struct fake_run run = fake_cli(&given, line);

	assert_int_equal(run.exit_code, 0);
	assert_string_equal(run.out, wanted);
	fake_done(&run);
}

static void test_table(void **state)
{
	(void)state;
	check_out("node list", false,
		"ID  HOSTNAME          ADDRESS   STATUS   MICROK8S  VERSION  ROLE           CLUSTER  SEEN\n"
		" 1  n1                10.0.0.1  online   running   v1.32.9  control_plane  prod     3m04s ago\n"
		"12  evil\\x1b]0;x\\x07  ::1       offline  unknown   -        none           -        -\n");
	check_out("node list --no-headers --color always -o name", false,
		"n1\nevil\\x1b]0;x\\x07\n");
}

static void test_colours(void **state)
{
	(void)state;
	const struct fake_world given = {.answers = nodes, .n_answers = 1, .tty = true};
	struct fake_run run = fake_cli(&given, "node list");
	assert_non_null(strstr(run.out, "\033[32monline"));
	assert_non_null(strstr(run.out, "\033[31moffline"));
	assert_null(strstr(run.out, "evil\033"));
	fake_done(&run);
	const struct fake_world dull = {.answers = nodes,
		.n_answers = 1,
		.tty = true,
		.env = "NO_COLOR=1"};
	run = fake_cli(&dull, "node list");
	assert_null(strchr(run.out, '\033'));
	fake_done(&run);
	run = fake_cli(&dull, "node list --color always");
	assert_non_null(strchr(run.out, '\033'));
	fake_done(&run);
}

static void test_csv(void **state)
{
	(void)state;
	check_out("node list -o csv", false,
		"id,hostname,ip_address,status,microk8s_status,microk8s_version,role,cluster_name,last_seen,channel,ssh_user,ssh_port,os_version,"
		"architecture,cpu_cores,memory_bytes,disk_bytes,tags,notes\r\n"
		"1,n1,10.0.0.1,online,running,v1.32.9,control_plane,prod,2026-11-23T07:56:56.000Z,,,,,,,8589934592,,a;b,\"say \"\"hi\"\", =1+1\"\r\n"
		"12,evil\033]0;x\a,::1,offline,unknown,,none,,,,,,,,,,,,\r\n");
}

static void test_json_is_the_apis(void **state)
{
	(void)state;
	const struct fake_world given = {.answers = nodes, .n_answers = 1};
	struct fake_run run = fake_cli(&given, "node list -o json");
	json_t *api = json_loads(nodes[0].body, 0, NULL);
	json_t *got = json_loads(run.out, 0, NULL);
	json_object_del(api, "next_cursor");
	assert_true(json_equal(api, got));
	assert_null(strchr(run.out, '\033'));
	json_decref(api);
	json_decref(got);
	fake_done(&run);
}

static void test_yaml(void **state)
{
	(void)state;
	static const struct {
		const char *json, *yaml;
	} cases[] = {
		{"{}", "{}\n"},
		{"[]", "[]\n"},
		{"{\"a\":1,\"b\":null,\"c\":true,\"d\":[]}", "a: 1\nb: null\nc: true\nd: []\n"},
		{"{\"a\":{\"b\":{\"c\":\"x\"}}}", "a:\n  b:\n    c: x\n"},
		{"{\"a\":[{\"b\":1,\"c\":[1,2]},[3],\"x\"]}",
			"a:\n- b: 1\n  c:\n  - 1\n  - 2\n-\n  - 3\n- x\n"},
		{"{\"on\":\"no\"}", "\"on\": \"no\"\n"},
		{"[\"1.32\",\"1e3\",\"~\",\"\",\"a: b\",\"a #b\",\"- x\",\"x:\",\" x\",\"null\",\"!t\",\"&a\",\"*a\",\"{x\",\"2001-01-01\",\"a\\nb\"]",
			"- \"1.32\"\n- \"1e3\"\n- \"~\"\n- \"\"\n- \"a: b\"\n- \"a #b\"\n- \"- x\"\n- \"x:\"\n- \" x\"\n- \"null\"\n- \"!t\"\n- \"&a\"\n- \"*a\"\n"
			"- \"{x\"\n- \"2001-01-01\"\n- \"a\\nb\"\n"},
		{"[\"plain text\",\"/a/b-c_d.e\",\"k=v\",\"http://x/y\"]",
			"- plain text\n- /a/b-c_d.e\n- k=v\n- http://x/y\n"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup(str_done) struct str out = STR_INIT;
		json_t *json = json_loads(cases[i].json, 0, NULL);
		cli_yaml_add(&out, json);
		assert_string_equal(str_get(&out), cases[i].yaml);
		json_decref(json);
	}
}

static void test_json_hides_control_characters(void **state)
{
	(void)state;
	json_t *json = json_string("a\x7f\xc2\x9b"
				   "b\xc2\xa0\xc3\xa9\x1b");
	char *text = cli_json_dump(json, 0);
	assert_string_equal(text, "\"a\\u007F\\u009Bb\xc2\xa0\xc3\xa9\\u001B\"");
	json_t *back = json_loads(text, JSON_DECODE_ANY, NULL);
	assert_true(json_equal(json, back));
	json_decref(back);
	json_decref(json);
	mem_free(text);
}

static void test_bytes(void **state)
{
	(void)state;
	static const struct {
		int64_t bytes;
		const char *text;
	} cases[] = {{0, "0 B"}, {1023, "1023 B"}, {1024, "1.0 KiB"}, {1536, "1.5 KiB"},
		{8589934592, "8.0 GiB"}, {107374182400, "100 GiB"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = cli_bytes_text(cases[i].bytes);
		assert_string_equal(text, cases[i].text);
		mem_free(text);
	}
}

static void test_object(void **state)
{
	(void)state;
	static const struct fake_answer node[] = {{"GET /api/nodes/n1", 200,
		"{\"id\":1,\"hostname\":\"n1\",\"status\":\"online\",\"memory_bytes\":1024,\"held\":true,\"a\":{\"b\":\"c\"},\"tags\":[\"x\",\"y\"],\"nothing\":null}"}};
	const struct fake_world given = {.answers = node, .n_answers = 1};
	struct fake_run run = fake_cli(&given, "node show n1");
	assert_string_equal(run.out,
		"id            1\nhostname      n1\nstatus        online\nmemory bytes  1.0 KiB\nheld          yes\na.b           c\n"
		"tags          x,y\nnothing       -\n");
	fake_done(&run);
	run = fake_cli(&given, "node show n1 -o yaml");
	assert_string_equal(run.out,
		"id: 1\nhostname: n1\nstatus: online\nmemory_bytes: 1024\nheld: true\na:\n  b: c\ntags:\n- x\n- \"y\"\nnothing: null\n");
	fake_done(&run);
}

static const struct {
	struct fake_answer answer;
	int exit_code;
	const char *err;
} errors[] = {
	{{"POST /api/clusters", 422,
		 "{\"code\":\"invalid\",\"detail\":\"2 fields\",\"errors\":[{\"field\":\"name\",\"message\":\"is bad\"},{\"field\":\"network_cidr\",\"message\":\"is \\u001b[31m\"}]}"},
		2,
		"mko: cannot add cluster x\n  name: is bad\n  network_cidr: is \\x1b[31m\n  try: mko cluster add --help\n"},
	{{"POST /api/clusters", 409,
		 "{\"code\":\"exists\",\"detail\":\"x is taken\",\"hint\":\"mko cluster edit x\"}"},
		4, "mko: cannot add cluster x\n  x is taken\n  try: mko cluster edit x\n"},
	{{"POST /api/clusters", 401, "{\"title\":\"not logged in\",\"code\":\"unauthenticated\"}"},
		5, NULL},
	{{"POST /api/clusters", 403, "{\"title\":\"not allowed\",\"code\":\"forbidden\"}"}, 5,
		NULL},
	{{"POST /api/clusters", 503, "<html>oops"}, 6, NULL},
	{{"POST /api/clusters", 500, ""}, 70, NULL},
	{{"POST /api/clusters", 0, ""}, 6, NULL},
	{{"POST /api/clusters", 201, "not json"}, 6, NULL},
	{{"POST /api/clusters", 429, "{\"code\":\"throttled\",\"detail\":\"slow\"}"}, 5, NULL},
};

static void test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		const struct fake_world given = {.answers = &errors[i].answer, .n_answers = 1};
		struct fake_run run = fake_cli(&given, "cluster add --name x");
		assert_int_equal(run.exit_code, errors[i].exit_code);
		assert_string_equal(run.out, "");
		if (errors[i].err != NULL)
			assert_string_equal(run.err, errors[i].err);
		assert_non_null(strstr(run.err, "mko: cannot add cluster x\n"));
		fake_done(&run);
	}
}

static const struct {
	const char *line, *err;
} usage[] = {
	{"nod list", "mko: wrong usage\n  unknown command \"nod\"\n  try: mko node\n"},
	{"node lst", "mko: wrong usage\n  unknown command \"node lst\"\n  try: mko node list\n"},
	{"node banana",
		"mko: wrong usage\n  unknown command \"node banana\"\n  try: mko node --help\n"},
	{"node list --stauts online",
		"mko: wrong usage\n  unknown option --stauts\n  try: --status\n"},
	{"node list --status",
		"mko: wrong usage\n  option --status needs a value\n  try: mko node list --help\n"},
	{"node list -x", "mko: wrong usage\n  unknown option -x\n  try: mko node list --help\n"},
	{"node list --no-headers=3",
		"mko: wrong usage\n  option --no-headers takes no value\n  try: mko node list --help\n"},
	{"node list --limit 0 --status x",
		"mko: cannot list the nodes\n  --limit: must be between 1 and 1000000\n"
		"  --status: must be one of unknown, provisioning, online, degraded, offline, error\n  try: mko node list --help\n"},
	{"node list surprise\033",
		"mko: wrong usage\n  unexpected argument \"surprise\\x1b\"\n  try: mko node list --help\n"},
	{"completion fihs",
		"mko: wrong usage\n  unknown SHELL \"fihs\"\n  try: mko completion fish\n"},
};

static void test_usage_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(usage) / sizeof(usage[0]); i++) {
		const struct fake_world given = {.answers = NULL};
		struct fake_run run = fake_cli(&given, usage[i].line);
		assert_int_equal(run.exit_code, 2);
		assert_string_equal(run.err, usage[i].err);
		assert_string_equal(run.out, "");
		fake_done(&run);
	}
}

static void test_global_options_stand_anywhere(void **state)
{
	(void)state;
	static const char *const lines[] = {"-o name node list", "node -o name list",
		"node list -o name", "node list -oname", "node --output name list",
		"-o json node list -o name"};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		check_out(lines[i], false, "n1\nevil\\x1b]0;x\\x07\n");
}

static void test_config_file_is_the_table(void **state)
{
	(void)state;
	cleanup(str_done) struct str want = STR_INIT;
	char *have = mem_zalloc(65536);
	FILE *file = fopen("config/mko.yaml", "re");
	assert_non_null(file);
	assert_true(fread(have, 1, 65535, file) > 0);
	(void)fclose(file);
	cli_spec_config_yaml(&want);
	assert_string_equal(have,
		str_get(&want)); /* build/mko spec config -o yaml >config/mko.yaml */
	mem_free(have);
}

TEST_MAIN(cmocka_unit_test(test_table), cmocka_unit_test(test_colours), cmocka_unit_test(test_csv),
	cmocka_unit_test(test_json_is_the_apis), cmocka_unit_test(test_yaml),
	cmocka_unit_test(test_json_hides_control_characters), cmocka_unit_test(test_bytes),
	cmocka_unit_test(test_object), cmocka_unit_test(test_errors),
	cmocka_unit_test(test_usage_errors), cmocka_unit_test(test_global_options_stand_anywhere),
	cmocka_unit_test(test_config_file_is_the_table))
