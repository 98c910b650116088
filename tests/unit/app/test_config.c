/* The configuration file: right values, every wrong one with file and line, where the data
 * directory is. */
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/config.h"
#include "base/mem.h"

static const struct {
	const char *text, *error; /**< error NULL = good; else "LINE: message" */
} cases[] = {
	{"", NULL},
	{"# nothing\n", NULL},
	{"---\n", NULL},
	{"null\n", NULL},
	{"web:\n", NULL},
	{"web:\n  listen: 0.0.0.0:80\nlog: {level: debug}\n", NULL},
	{"data_dir: ~\n", NULL},
	{"ansible:\n  forks_max:\n", NULL},
	{"web:\n  listn: x\n", "2: web.listn: unknown key; did you mean web.listen?"},
	{"wbe:\n  listen: x\n", "1: wbe: unknown key"},
	{"listen: x\n", "1: listen: unknown key; did you mean web.listen?"},
	{"ansible:\n  listen: x\n", "2: ansible.listen: unknown key; did you mean web.listen?"},
	{"ansible:\n  forks_max: 0\n", "2: ansible.forks_max: must be between 1 and 500"},
	{"ansible:\n  forks_max: many\n", "2: ansible.forks_max: not a number"},
	{"ansible:\n  forks_max: 99999999999999999999\n", "2: ansible.forks_max: "},
	{"ansible:\n  forks_max: [1]\n", "2: ansible.forks_max: must be a single value"},
	{"ansible:\n  forks_max: {a: 1}\n", "2: ansible.forks_max: must be a single value"},
	{"log:\n  level: loud\n", "2: log.level: "},
	{"microk8s:\n  channel: 1.32/wobbly\n", "2: microk8s.channel: "},
	{"microk8s:\n  network_cidr: 10.1.2.3/16\n", "2: microk8s.network_cidr: "},
	{"microk8s:\n  network_cidr: 10.0.0.0/8\n",
		"2: microk8s.network_cidr, microk8s.service_cidr: the networks overlap"},
	{"web:\n  tls_cert: /a\n", "2: web.tls_cert, web.tls_key: one needs the other"},
	{"web:\n  listen: nowhere\n", "2: web.listen: must be ADDRESS:PORT"},
	{"web:\n  listen: 10.0.0.1:70000\n", "2: web.listen: port: "},
	{"web:\n  listen: ::1:80\n", "2: web.listen: an IPv6 address must be in brackets"},
	{"web:\n  listen: \"[::1]:80\"\n", NULL},
	{"data_dir: relative\n", "1: data_dir: must be an absolute path"},
	{"web: 5\n", "1: web: is a section"},
	{"web:\n  listen: 127.0.0.1:1\n  listen: 127.0.0.1:2\n",
		"3: web.listen: given twice, first in line 2"},
	{"- a\n", "1: must consist of lines"},
	{"just text\n", "1: must consist of lines"},
	{"web:\n  listen: \"unfinished\n", "3: "},
	{"web:\n\tlisten: x\n", "2: "},
	{"a: &x 1\nb: *x\n", "1: a: unknown key"},
	{"log:\n  level: *x\n", "2: log.level: aliases are not supported"},
	{"? [a]\n: b\nlog:\n  level: info\n", "1: a key must be a word"},
	{"log: {level: info}\n---\nlog: {level: info}\n", "2: only one YAML document is expected"},
	{"data_dir: \"/a\\0b\"\n", "1: data_dir: contains a NUL character"},
	{"data_dir: \"/a\\x1bb\"\n", "1: data_dir: "},
	{"\xff\xfe", "1: "},
	{"a: \xff\n", "1: "},
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config config;
		const char *message = NULL;
		record_init(&config_type, &config);
		struct err *e =
			config_parse("mko.yaml", cases[i].text, strlen(cases[i].text), &config);
		if ((e == NULL) != (cases[i].error == NULL))
			print_message("%s: %s\n", cases[i].text,
				e != NULL ? err_message(e) : "no error");
		assert_int_equal(e == NULL, cases[i].error == NULL);
		if (e != NULL) {
			assert_int_equal(err_code(e), ERR_INVALID);
			char *line = mem_printf("%s: ", err_field_at(e, 0, &message));
			char *whole = mem_printf("%s%s", line, message);
			char *want = mem_printf("mko.yaml:%s", cases[i].error);
			if (strncmp(whole, want, strlen(want)) != 0)
				assert_string_equal(whole, want);
			mem_free(line);
			mem_free(whole);
			mem_free(want);
		}
		err_free(e);
		config_done(&config);
	}
}

static void test_all_errors_at_once(void **state)
{
	(void)state;
	static const char text[] =
		"ssh:\n  default_user: Root!\n  connect_timeout_s: 0\nweb:\n  hello: 1\n";
	struct config config;

	record_init(&config_type, &config);
	struct err *e = config_parse("f", text, strlen(text), &config);
	assert_non_null(e);
	assert_int_equal(err_field_count(e), 3);
	assert_non_null(err_hint_text(e));
	err_free(e);
	config_done(&config);
}

static void test_values(void **state)
{
	(void)state;
	static const char text[] =
		"data_dir: /x\nmicrok8s:\n  channel: latest/edge\nansible:\n  forks_max: 7\nlog:\n  level: debug\n";
	struct config config;

	record_init(&config_type, &config);
	assert_null(config_parse("f", text, strlen(text), &config));
	assert_string_equal(config.data_dir, "/x");
	assert_string_equal(config.microk8s_channel, "latest/edge");
	assert_int_equal(config.ansible_forks_max, 7);
	assert_int_equal(config.log_level, 3);
	assert_int_equal(config.ssh_connect_timeout_s, 10);
	config_done(&config);
}

static void test_shipped_file_is_the_defaults(void **state)
{
	(void)state;
	struct config shipped, plain;
	char *text = mem_zalloc(65536);
	FILE *file = fopen("config/mko.yaml", "re");
	assert_non_null(file);
	size_t len = fread(text, 1, 65535, file);
	(void)fclose(file);
	record_init(&config_type, &shipped);
	record_init(&config_type, &plain);
	assert_null(config_parse("config/mko.yaml", text, len, &shipped));
	json_t *a = record_to_json(&config_type, &shipped);
	json_t *b = record_to_json(&config_type, &plain);
	assert_true(json_equal(a, b));
	for (size_t i = 0; i < config_type.n_fields; i++) {
		const char *dot = strchr(config_type.fields[i].name, '.');
		char *key = mem_printf("%s:", dot != NULL ? dot + 1 : config_type.fields[i].name);
		assert_non_null(strstr(text, key));
		mem_free(key);
	}
	json_decref(a);
	json_decref(b);
	config_done(&shipped);
	config_done(&plain);
	mem_free(text);
}

static const char *const *variables;

static const char *get(const char *name)
{
	for (size_t i = 0; variables[i] != NULL; i++)
		if (strncmp(variables[i], name, strlen(name)) == 0 &&
			variables[i][strlen(name)] == '=')
			return variables[i] + strlen(name) + 1;
	return NULL;
}

static void check_dir(const char *const *vars, int euid, const char *want)
{
	const struct config_env env = {.get = get,
		.system_file = "/nonexistent/mko.yaml",
		.system_data_dir = "/nonexistent/lib",
		.euid = euid};
	struct config config;

	variables = vars;
	struct err *e = config_load(NULL, &env, &config);
	if (want == NULL) {
		assert_non_null(e);
	} else {
		assert_null(e);
		assert_string_equal(config.data_dir, want);
	}
	err_free(e);
	config_done(&config);
}

static void test_data_dir(void **state)
{
	(void)state;
	static const char *const given[] = {"MKO_DATA_DIR=/d", "HOME=/home/a", NULL};
	static const char *const home[] = {"HOME=/home/a", "MKO_DATA_DIR=", NULL};
	static const char *const xdg[] = {"HOME=/home/a", "XDG_DATA_HOME=/xdg", NULL};
	static const char *const none[] = {NULL};

	check_dir(given, 0, "/d");
	check_dir(given, 1000, "/d");
	check_dir(home, 0, "/nonexistent/lib");
	check_dir(home, 1000, "/home/a/.local/share/mko");
	check_dir(xdg, 1000, "/xdg/mko");
	check_dir(none, 1000, NULL);
	static const char *const relative[] = {"MKO_DATA_DIR=here", NULL};
	char *cwd = getcwd(NULL, 0);
	char *want = mem_printf("%s/here", cwd);
	check_dir(relative, 1000, want);
	mem_free(want);
	free(cwd);
}

static void test_where_the_file_is(void **state)
{
	(void)state;
	char path[] = "/tmp/mko-config-XXXXXX";
	int fd = mkstemp(path);
	static const char text[] = "ansible:\n  forks_max: 3\ndata_dir: /from/file\n";
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
	char *variable = mem_printf("MKO_CONFIG=%s", path);
	const char *const vars[] = {variable, NULL};
	const struct config_env env = {.get = get, .system_file = "/nonexistent", .euid = 1000};
	struct config config;
	variables = vars;
	assert_null(config_load(NULL, &env, &config));
	assert_int_equal(config.ansible_forks_max, 3);
	assert_string_equal(config.data_dir, "/from/file");
	config_done(&config);
	/* What was asked for must be there. */
	struct err *e = config_load("/nonexistent/other.yaml", &env, &config);
	assert_non_null(e);
	assert_int_equal(err_code(e), ERR_NOT_FOUND);
	err_free(e);
	config_done(&config);
	(void)unlink(path);
	mem_free(variable);
}

TEST_MAIN(cmocka_unit_test(test_cases), cmocka_unit_test(test_all_errors_at_once),
	cmocka_unit_test(test_values), cmocka_unit_test(test_shipped_file_is_the_defaults),
	cmocka_unit_test(test_data_dir), cmocka_unit_test(test_where_the_file_is))
