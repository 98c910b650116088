/* model/node: the keys of the public face, and what clients may give. */
#include "testing.h"

#include <string.h>

#include "base/mem.h"
#include "model/node.h"
#include "testing_err.h"

static struct err *create(struct node *n, const char *text)
{
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	record_init(&node_type, n);
	struct err *e = record_from_json(&node_type, n, json, RECORD_CREATE);
	json_decref(json);
	return e;
}

static void a_node_shows_the_keys_of_the_contract_first_and_in_order(void **state)
{
	(void)state;
	/* CONTRACT.md section 4 */
	static const char *const keys[] = {"id", "hostname", "ip_address", "ssh_user", "ssh_port",
		"ssh_key_path", "cluster_id", "role", "status", "microk8s_status",
		"microk8s_version", "channel", "os_version", "kernel_version", "architecture",
		"cpu_cores", "memory_bytes", "disk_bytes", "mac_address", "tags", "notes",
		"last_seen", "created_at", "updated_at"};
	struct node n;
	size_t i = 0;
	const char *key;
	json_t *value;
	record_init(&node_type, &n);
	json_t *json = record_to_json(&node_type, &n);
	json_object_foreach(json, key, value) {
		if (i < ARRAY_LEN(keys))
			assert_string_equal(key, keys[i]);
		i++;
	}
	assert_true(i >= ARRAY_LEN(keys));
	json_decref(json);
	record_done(&node_type, &n);
}

static void secrets_are_not_shown(void **state)
{
	(void)state;
	struct node n;
	record_init(&node_type, &n);
	field_set_text(&n.become_password, "x");
	field_set_text(&n.host_key, "y");
	json_t *json = record_to_json(&node_type, &n);
	assert_null(json_object_get(json, "become_password"));
	assert_null(json_object_get(json, "host_key"));
	json_decref(json);
	record_done(&node_type, &n);
}

static void name_and_address_are_enough(void **state)
{
	(void)state;
	struct node n;
	assert_ok(create(&n, "{\"hostname\":\"n1\",\"ip_address\":\"10.0.0.1\"}"));
	assert_string_equal(n.ssh_user, "ubuntu");
	assert_int_equal(n.ssh_port, 22);
	assert_null(n.ssh_key_path);
	assert_int_equal(n.role, NODE_ROLE_NONE);
	assert_int_equal(n.status, NODE_UNKNOWN);
	assert_int_equal(n.microk8s_status, MICROK8S_UNKNOWN);
	assert_int_equal(n.cluster_id, I64_NONE);
	record_done(&node_type, &n);
}

static void all_that_clients_may_give_is_taken(void **state)
{
	(void)state;
	struct node n;
	assert_ok(create(&n,
		"{\"hostname\":\"n1\",\"ip_address\":\"::1\",\"ssh_user\":\"root\",\"ssh_port\":2222,\"ssh_key_path\":\"~/.ssh/id\","
		"\"cluster_id\":3,\"role\":\"worker\",\"tags\":[\"rack 1\"],\"notes\":\"a\\nb\",\"mac_address\":\"aa:bb:cc:dd:ee:ff\"}"));
	assert_int_equal(n.role, NODE_ROLE_WORKER);
	assert_int_equal(n.ssh_port, 2222);
	assert_int_equal(n.cluster_id, 3);
	record_done(&node_type, &n);
}

static void what_is_found_out_cannot_be_given(void **state)
{
	(void)state;
	static const char *const keys[] = {"id", "status", "microk8s_status", "microk8s_version",
		"channel", "os_version", "kernel_version", "architecture", "cpu_cores",
		"memory_bytes", "disk_bytes", "last_seen", "created_at", "updated_at", "machine_id",
		"status_reason", "host_key", "host_key_fingerprint", "become_password"};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct node n;
		char *text =
			mem_printf("{\"hostname\":\"n1\",\"ip_address\":\"10.0.0.1\",\"%s\":\"x\"}",
				keys[i]);
		struct err *e = create(&n, text);
		assert_non_null(e);
		assert_int_equal(err_field_count(e), 1);
		err_free(e);
		record_done(&node_type, &n);
		mem_free(text);
	}
}

static void hostile_input_is_refused_field_by_field(void **state)
{
	(void)state;
	static const char *const fields[] = {"hostname", "ip_address", "ssh_user", "ssh_port",
		"ssh_key_path", "mac_address", "cluster_id", "role", "tags", "notes"};
	struct node n;
	struct err *e = create(&n,
		"{\"hostname\":\"{{ lookup('pipe','id') }}\",\"ip_address\":\"10.0.0.1 -oProxyCommand=x\",\"ssh_user\":\"-l\","
		"\"ssh_port\":65536,\"ssh_key_path\":\"/x/../../etc/shadow\",\"mac_address\":\"x\",\"cluster_id\":0,\"role\":\"king\","
		"\"tags\":[\"a\\nb\"],\"notes\":\"\\u001b[2J\"}");
	assert_non_null(e);
	assert_int_equal(err_field_count(e), ARRAY_LEN(fields));
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const char *message = NULL;
		assert_string_equal(err_field_at(e, i, &message), fields[i]);
	}
	err_free(e);
	record_done(&node_type, &n);
}

TEST_MAIN(cmocka_unit_test(a_node_shows_the_keys_of_the_contract_first_and_in_order),
	cmocka_unit_test(secrets_are_not_shown), cmocka_unit_test(name_and_address_are_enough),
	cmocka_unit_test(all_that_clients_may_give_is_taken),
	cmocka_unit_test(what_is_found_out_cannot_be_given),
	cmocka_unit_test(hostile_input_is_refused_field_by_field))
