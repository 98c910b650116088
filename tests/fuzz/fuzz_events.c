/* Fuzzes an operation's file of events, as the server takes it in and as it gives it to clients: a
 * line is taken or the file is called damaged; what was taken can be stored. Each input is rolled
 * back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/opfile.h"
#include "app/config.h"
#include "app/domain.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/rand.h"
#include "model/node.h"
#include "service/op/op_int.h"
#include "service/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/mko-fuzz-events-XXXXXX";
static struct config config;
static struct domain domain;
static struct operation operation;
static char *path;

static void leave(void)
{
	record_done(&operation_type, &operation);
	domain_close(&domain);
	config_done(&config);
	mem_free(path);
	err_ignore(fs_remove_tree(folder));
}

static void must_work(struct err *e)
{
	must(e == NULL);
}

/* A node, and an operation on it that runs. */
static void add_rows(void)
{
	struct node node;
	struct op_host host;

	record_init(&node_type, &node);
	field_set_text(&node.hostname, "n1");
	field_set_text(&node.ip_address, "10.0.0.1");
	field_set_text(&node.ssh_user, "ubuntu");
	node.created_at = node.updated_at = 1;
	must_work(store_insert(domain.svc.store, &node_type, &node));
	record_init(&operation_type, &operation);
	field_set_text(&operation.type, "node.status");
	field_set_text(&operation.name, "status of n1");
	field_set_text(&operation.target_name, "n1");
	operation.target_kind = OP_TARGET_NODE;
	operation.target_id = node.id;
	operation.status = OP_RUNNING;
	operation.created_at = 1;
	must_work(store_insert(domain.svc.store, &operation_type, &operation));
	record_init(&op_host_type, &host);
	host.operation_id = operation.id;
	host.node_id = node.id;
	field_set_text(&host.hostname, "n1");
	must_work(store_insert(domain.svc.store, &op_host_type, &host));
	record_done(&op_host_type, &host);
	record_done(&node_type, &node);
}

static void open_domain(void)
{
	rand_init();
	must(mkdtemp(folder) != NULL);
	record_init(&config_type, &config);
	field_set_text(&config.data_dir, folder);
	must_work(domain_open(&config, &domain));
	add_rows();
	cleanup(mem_freep) char *dir = op_path(&domain.svc, operation.id, NULL);
	must_work(fs_mkdirs(dir, 0700));
	path = fs_join(dir, "events.jsonl");
	must(atexit(leave) == 0);
}

static void take_in(void)
{
	struct operation op;
	bool more = false;

	must_work(tx_begin(&domain.svc));
	record_copy(&operation_type, &op, &operation);
	struct err *e = op_ingest(&domain.svc, &op, &more);
	must(e == NULL || err_code(e) == ERR_PROTOCOL);
	err_free(e);
	record_done(&operation_type, &op);
	tx_rollback(&domain.svc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str out = STR_INIT;
	int64_t offset = 0;

	if (domain.svc.store == NULL)
		open_domain();
	if (size > 65536)
		return 0;
	must_work(fs_write_atomic(path, (const char *)data, size, 0600));
	take_in();
	must_work(opfile_lines(path, 1, 10, &out, &offset));
	must(offset >= 0 && offset <= (int64_t)size);
	str_done(&out);
	return 0;
}
