/* A domain on a scratch folder for tests of services: real store, real key, virtual clock. The test
 * program is its own op-runner. */
#pragma once

#include "testing.h"

#include "base/mem.h"
#include "base/rand.h"
#include "model/config.h"
#include "model/operation.h"
#include "scratch.h"
#include "service/cluster.h"
#include "service/node.h"
#include "service/op/op.h"
#include "service/service.h"

/** What a test gets. */
struct test_domain {
	char *dir;
	struct config config;
	struct clock clock;
	struct service svc;
};
#define TEST_KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHkpfAysI5HzXhg2vx+xBHHbHCq4W8U0k5qYHQ0CGXyV"
static const struct actor test_admin = {.name = "tester",
	.role = ROLE_ADMIN,
	.via = OP_VIA_CLI,
	.request_id = "r1",
	.user_id = I64_NONE};

/** Fail the test with the error's text when there is one. */
static inline void ok(struct err *e)
{
	if (e == NULL)
		return;
	print_error("unexpected error: %s (%s)\n", err_message(e), err_origin(e));
	err_free(e);
	fail();
}

/** Expect an error with this code; frees it. */
static inline void expect_code(struct err *e, enum err_code code)
{
	assert_non_null(e);
	if (err_code(e) != code)
		print_error("error %s: %s\n", err_slug(err_code(e)), err_message(e));
	assert_int_equal(err_code(e), code);
	err_free(e);
}

static inline int test_domain_make(void **state)
{
	struct test_domain *d = mem_zalloc(sizeof(*d));

	rand_init();
	d->dir = scratch_make();
	d->clock = clock_fake(1700000000000);
	record_init(&config_type, &d->config);
	field_set_text(&d->config.data_dir, d->dir);
	field_set_text(&d->config.ansible_collections_path, "/nowhere");
	mem_free(d->config.ansible_playbook);
	d->config.ansible_playbook = mem_printf("%s/ansible-playbook", d->dir);
	d->config.ssh_connect_timeout_s = 1;
	d->svc = (struct service){.config = &d->config, .clock = &d->clock, .data_dir = d->dir};
	ok(seal_key_open(scratch_path(d->dir, "secret.key"), &d->svc.key));
	ok(store_open(scratch_path(d->dir, "mko.db"), &d->svc.store));
	d->svc.engine = op_engine_new(scratch_self());
	*state = d;
	return 0;
}

static inline int test_domain_drop(void **state)
{
	struct test_domain *d = *state;

	op_engine_free(d->svc.engine);
	store_close(d->svc.store);
	seal_key_free(d->svc.key);
	record_done(&config_type, &d->config);
	scratch_drop(d->dir);
	mem_free(d);
	return 0;
}

/** Begin, and end with a commit, around one service call. */
#define TX(d, call)                                                                                \
	do {                                                                                       \
		ok(store_begin((d)->svc.store));                                                   \
		ok(call);                                                                          \
		ok(store_commit((d)->svc.store));                                                  \
	} while (0)
/** The same for a call that must fail with a code; everything is undone. */
#define TX_FAILS(d, call, code)                                                                    \
	do {                                                                                       \
		ok(store_begin((d)->svc.store));                                                   \
		expect_code((call), (code));                                                       \
		store_rollback((d)->svc.store);                                                    \
	} while (0)

/** Add a node nN with address 127.0.1.N and a known host key; returns its id. @cluster_id 0 = none
 */
static inline int64_t test_add_node(struct test_domain *d, int n, int64_t cluster_id)
{
	struct node node;
	char name[32];
	char address[32];

	snprintf(name, sizeof(name), "n%d", n);
	snprintf(address, sizeof(address), "127.0.1.%d", n);
	json_t *body = json_pack("{s:s, s:s}", "hostname", name, "ip_address", address);
	if (cluster_id > 0)
		json_object_set_new(body, "cluster_id", json_integer(cluster_id));
	TX(d, node_create(&d->svc, &test_admin, body, &node));
	json_decref(body);
	field_set_text(&node.host_key, TEST_KEY);
	TX(d, store_update(d->svc.store, &node_type, &node));
	int64_t id = node.id;
	record_done(&node_type, &node);
	return id;
}

/** Add a cluster; returns its id. */
static inline int64_t test_add_cluster(struct test_domain *d, const char *name, bool ha)
{
	struct cluster c;
	json_t *body = json_pack("{s:s, s:b}", "name", name, "ha_enabled", ha);

	TX(d, cluster_create(&d->svc, &test_admin, body, &c));
	json_decref(body);
	int64_t id = c.id;
	record_done(&cluster_type, &c);
	return id;
}

#define DOMAIN_TEST(name) cmocka_unit_test_setup_teardown(name, test_domain_make, test_domain_drop)
