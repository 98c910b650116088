/* driver/ansible and driver/run_spec: what Ansible gets to see, and that no value can change its
 * meaning. */
#include "testing.h"

#include <string.h>

#include "base/mem.h"
#include "driver/ansible.h"

static struct run_spec spec_make(void)
{
	struct run_spec spec = {.operation_id = 7,
		.attempt = 1,
		.dir = mem_strdup("/data/operations/7"),
		.playbook = mem_strdup("node_status"),
		.vars = json_pack("{s:s}", "mko_cluster_name", "{{ lookup('pipe','id') }}"),
		.forks_max = 50,
		.timeout_s = 60,
		.connect_timeout_s = 5,
		.output_max_bytes = 1000,
		.collections_path = mem_strdup("/usr/share/mko/ansible"),
		.ansible_playbook = mem_strdup("ansible-playbook"),
		.secret_key_path = mem_strdup("/data/secret.key")};
	static const char *const roles[] = {"control_plane", "worker"};

	for (int i = 0; i < 2; i++) {
		struct run_host *h = run_spec_add_host(&spec);
		h->node_id = i + 1;
		h->hostname = mem_printf("n%d", i + 1);
		h->address = mem_printf("10.0.0.%d", i + 11);
		h->port = i == 0 ? 22 : 2222;
		h->user = mem_strdup("ubuntu");
		h->role = mem_strdup(roles[i]);
		h->host_key = mem_strdup("ssh-ed25519 AAAA");
	}
	spec.hosts[0].become_password = mem_strdup("{{ secret }}");
	return spec;
}

static void texts_are_marked_unsafe_at_every_depth(void **state)
{
	(void)state;
	json_t *in = json_pack("{s:s, s:[s, i, {s:b}]}", "a", "x", "b", "{{ y }}", 3, "c", 1);
	json_t *want = json_loads(
		"{\"a\":{\"__ansible_unsafe\":\"x\"},\"b\":[{\"__ansible_unsafe\":\"{{ y }}\"},3,{\"c\":true}]}",
		0, NULL);
	json_t *got = ansible_unsafe(in);
	assert_true(json_equal(got, want));
	json_decref(in);
	json_decref(want);
	json_decref(got);
}

static void inventory_has_groups_by_role_and_no_plain_text(void **state)
{
	(void)state;
	struct run_spec spec = spec_make();
	json_t *inventory = ansible_inventory(&spec);
	const json_t *groups = json_object_get(json_object_get(inventory, "all"), "children");
	const json_t *n1 =
		json_object_get(json_object_get(json_object_get(groups, "mko_targets"), "hosts"),
			"n1");
	assert_string_equal(json_string_value(json_object_get(json_object_get(n1,
								      "ansible_become_password"),
				    "__ansible_unsafe")),
		"{{ secret }}");
	assert_non_null(json_object_get(json_object_get(json_object_get(groups,
								"mko_control_planes"),
						"hosts"),
		"n1"));
	assert_non_null(json_object_get(json_object_get(json_object_get(groups, "mko_workers"),
						"hosts"),
		"n2"));
	assert_null(json_object_get(json_object_get(json_object_get(groups, "mko_workers"),
					    "hosts"),
		"n1"));
	json_decref(inventory);
	run_spec_done(&spec);
}

/* Where the inventory puts the SSH connection of n1; owned. */
static char *socket_of(const struct run_spec *spec)
{
	json_t *inventory = ansible_inventory(spec);
	const char *path = NULL;

	assert_int_equal(json_unpack(inventory, "{s:{s:{s:{s:{s:{s:{s:s}}}}}}}", "all", "children",
				 "mko_targets", "hosts", "n1", "ansible_control_path",
				 "__ansible_unsafe", &path),
		0);
	char *copy = mem_strdup(path);
	json_decref(inventory);
	return copy;
}

static void a_connection_is_used_again_only_for_the_same_key_host_key_and_data(void **state)
{
	(void)state;
	struct run_spec spec = spec_make();
	char **const changes[] = {&spec.hosts[0].key_path, &spec.hosts[0].host_key,
		&spec.hosts[0].user, &spec.hosts[0].address, &spec.secret_key_path};
	char *first = socket_of(&spec);
	char *again = socket_of(&spec);
	assert_string_equal(first, again);
	assert_int_equal(strncmp(first, "%(directory)s/", 14), 0);
	mem_free(again);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		mem_free(*changes[i]);
		*changes[i] = mem_printf("other%zu", i);
		again = socket_of(&spec);
		assert_string_not_equal(first, again);
		mem_free(first);
		first = again;
	}
	mem_free(first);
	run_spec_done(&spec);
}

static void known_hosts_name_the_port_when_it_is_not_22(void **state)
{
	(void)state;
	struct run_spec spec = spec_make();
	char *text = ansible_known_hosts(&spec);
	assert_string_equal(text,
		"10.0.0.11 ssh-ed25519 AAAA\n[10.0.0.12]:2222 ssh-ed25519 AAAA\n");
	mem_free(text);
	run_spec_done(&spec);
}

static bool any_contains(char **list, const char *needle)
{
	for (size_t i = 0; list[i] != NULL; i++)
		if (strstr(list[i], needle) != NULL)
			return true;
	return false;
}

static void secrets_are_neither_in_argv_nor_in_the_environment(void **state)
{
	(void)state;
	struct run_spec spec = spec_make();
	struct ansible_files files = ansible_files_in("/run/mko/op-7", "/run/mko/cp");
	setenv("MKO_TOKEN", "secret-token", 1);
	char **argv = ansible_argv(&spec, &files);
	char **env = ansible_env(&spec, &files, 3);
	assert_false(any_contains(argv, "secret"));
	assert_false(any_contains(env, "secret"));
	assert_true(any_contains(env, "MKO_EVENTS_FD=3"));
	assert_true(any_contains(env, "StrictHostKeyChecking=yes"));
	assert_string_equal(argv[0], "ansible-playbook");
	ansible_strings_free(argv);
	ansible_strings_free(env);
	ansible_files_done(&files);
	run_spec_done(&spec);
}

static void values_that_could_be_options_or_templates_are_refused_all_at_once(void **state)
{
	(void)state;
	struct run_spec spec = spec_make();
	mem_free(spec.hosts[0].address);
	spec.hosts[0].address = mem_strdup("-oProxyCommand=touch /tmp/x");
	mem_free(spec.hosts[1].hostname);
	spec.hosts[1].hostname = mem_strdup("{{ lookup('pipe','id') }}");
	spec.hosts[1].port = 70000;
	struct err *e = run_spec_check(&spec);
	assert_non_null(e);
	assert_int_equal(err_code(e), ERR_INVALID);
	assert_int_equal(err_field_count(e), 3);
	err_free(e);
	run_spec_done(&spec);
}

static void spec_survives_the_way_through_json(void **state)
{
	(void)state;
	struct run_spec spec = spec_make();
	struct run_spec back = {0};
	json_t *json = run_spec_to_json(&spec);
	assert_null(run_spec_from_json(json, &back));
	json_t *again = run_spec_to_json(&back);
	assert_true(json_equal(json, again));
	json_object_del(json, "dir");
	struct run_spec broken = {0};
	struct err *e = run_spec_from_json(json, &broken);
	assert_non_null(e);
	err_free(e);
	run_spec_done(&broken);
	json_decref(json);
	json_decref(again);
	run_spec_done(&back);
	run_spec_done(&spec);
}

static void forks_follow_hosts_processors_and_memory(void **state)
{
	(void)state;
	static const struct {
		int64_t hosts, max, processors, free_mb, want;
	} cases[] = {{3, 50, 2, 4000, 3}, {50, 50, 2, 4000, 16}, {50, 50, 8, 400, 20},
		{50, 10, 8, 4000, 10}, {5, 50, 1, 10, 1}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(ansible_forks(cases[i].hosts, cases[i].max, cases[i].processors,
					 cases[i].free_mb),
			cases[i].want);
}

TEST_MAIN(cmocka_unit_test(texts_are_marked_unsafe_at_every_depth),
	cmocka_unit_test(inventory_has_groups_by_role_and_no_plain_text),
	cmocka_unit_test(a_connection_is_used_again_only_for_the_same_key_host_key_and_data),
	cmocka_unit_test(known_hosts_name_the_port_when_it_is_not_22),
	cmocka_unit_test(secrets_are_neither_in_argv_nor_in_the_environment),
	cmocka_unit_test(values_that_could_be_options_or_templates_are_refused_all_at_once),
	cmocka_unit_test(spec_survives_the_way_through_json),
	cmocka_unit_test(forks_follow_hosts_processors_and_memory))
