/* Owns the way of events from a runner's file into the store: each complete line once, in order;
 * what was taken in and what it changed are committed together, so that a crash at any point
 * neither loses nor doubles an event. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/parse.h"
#include "driver/hostkey.h"
#include "service/event.h"
#include "service/facts.h"
#include "service/node.h"
#include "service/op/op_int.h"

#define CHUNK_MAX ((size_t)1 << 20)

/* What one pass over new lines works on. */
struct ingest {
	struct service *svc;
	struct operation *op;
	struct op_run run;
	struct store_rows hosts;
	bool *changed; /**< by host */
};

static struct op_host *host_of(struct ingest *in, const json_t *event)
{
	const char *name = json_string_value(json_object_get(event, "host"));

	for (size_t i = 0; name != NULL && i < in->hosts.n; i++) {
		struct op_host *h = store_row(&in->hosts, i);
		if (strcmp(h->hostname, name) == 0) {
			in->changed[i] = true;
			return h;
		}
	}
	return NULL;
}

static const char *text_of(const json_t *event, const char *key)
{
	return json_string_value(json_object_get(event, key));
}

static struct err *on_playbook_start(struct ingest *in, const json_t *event)
{
	in->op->progress_total = json_integer_value(json_object_get(event, "tasks_total"));
	return NULL;
}

static struct err *on_task_start(struct ingest *in, const json_t *event)
{
	if (in->op->current_task != NULL && in->op->progress_done < in->op->progress_total)
		in->op->progress_done++;
	field_set_text(&in->op->current_task, text_of(event, "task"));
	return NULL;
}

static struct err *on_host_task_start(struct ingest *in, const json_t *event)
{
	struct op_host *h = host_of(in, event);

	if (h == NULL)
		return NULL;
	h->status = OP_HOST_RUNNING;
	if (h->started_at == I64_NONE)
		h->started_at = clock_utc(in->svc->clock);
	if (h->message == NULL) /* a failure stays: only tasks that run in any case come after it */
		field_set_text(&h->task, in->op->current_task);
	return NULL;
}

static struct err *node_reached(struct ingest *in, const struct op_host *h, bool reached,
	const char *why)
{
	struct node *node = op_run_node(&in->run, h->hostname);

	if (node == NULL)
		return NULL;
	int64_t status = reached ? NODE_ONLINE : NODE_OFFLINE;
	if (reached)
		node->last_seen = clock_utc(in->svc->clock);
	if (node->status != status)
		node->updated_at = clock_utc(in->svc->clock);
	node->status = status;
	field_set_text(&node->status_reason, why);
	return store_update(in->svc->store, &node_type, node);
}

static struct err *on_host_task(struct ingest *in, const json_t *event)
{
	static const struct {
		const char *status;
		size_t counter; /**< member of op_host that counts it */
		bool bad;
	} rows[] = {
		{"ok", offsetof(struct op_host, ok), false},
		{"changed", offsetof(struct op_host, changed), false},
		{"failed", offsetof(struct op_host, failed), true},
		{"ignored", offsetof(struct op_host, ok), false},
		{"skipped", offsetof(struct op_host, skipped), false},
		{"unreachable", offsetof(struct op_host, unreachable), true},
	};
	struct op_host *h = host_of(in, event);
	const char *status = text_of(event, "status");

	for (size_t i = 0; h != NULL && status != NULL && i < ARRAY_LEN(rows); i++) {
		if (strcmp(rows[i].status, status) != 0)
			continue;
		(*(int64_t *)(void *)((char *)h + rows[i].counter))++;
		if (!rows[i].bad)
			return NULL;
		if (h->message != NULL)
			return NULL; /* a consequence of the first, which says more */
		h->status = strcmp(status, "failed") == 0 ? OP_HOST_FAILED : OP_HOST_UNREACHABLE;
		field_set_text(&h->message, text_of(event, "message"));
		field_set_text(&h->task, text_of(event, "task"));
		return h->status == OP_HOST_UNREACHABLE ? node_reached(in, h, false, h->message)
							: NULL;
	}
	return NULL;
}

/* Facts about a node that playbooks give: JSON key and field of the record. Values are checked like
 * any input. */
static const struct {
	const char *key;
	const char *field;
} node_facts[] = {
	{"microk8s_status", "microk8s_status"},
	{"microk8s_version", "microk8s_version"},
	{"channel", "channel"},
	{"os_version", "os_version"},
	{"kernel_version", "kernel_version"},
	{"architecture", "architecture"},
	{"cpu_cores", "cpu_cores"},
	{"memory_bytes", "memory_bytes"},
	{"disk_bytes", "disk_bytes"},
	{"mac_address", "mac_address"},
	{"machine_id", "machine_id"},
};

void op_take_node_facts(struct node *node, const json_t *data)
{
	const char *os_name =
		json_string_value(json_object_get(json_object_get(data, "os"), "name"));

	for (size_t i = 0; i < ARRAY_LEN(node_facts); i++) {
		const json_t *value = json_object_get(data, node_facts[i].key);
		if (value == NULL || json_is_null(value))
			continue;
		/* a node may say anything: a fact that does not fit is no fact */
		err_ignore(field_from_json(record_field(&node_type, node_facts[i].field), node,
			value));
	}
	if (os_name != NULL && strlen(os_name) < 200)
		field_set_text(&node->os_version, os_name);
}

/* What a scan of its cluster says would end with this node; the line of the event bounds it. */
static void take_impact(struct ingest *in, struct node *node, const json_t *data)
{
	const json_t *impact = json_object_get(data, "impact");

	if (!json_is_object(impact))
		return;
	json_decref(node->impact);
	node->impact = json_deep_copy(impact);
	json_object_set_new(node->impact, "at", json_integer(clock_utc(in->svc->clock)));
}

/* What a node told is refused: it has failed, the others go on. Nothing else may hold up the
 * events. */
static bool is_refusal(const struct err *e)
{
	static const enum err_code codes[] = {ERR_INVALID, ERR_PRECONDITION, ERR_NOT_FOUND,
		ERR_CONFLICT, ERR_PROTOCOL};

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (err_code(e) == codes[i])
			return true;
	return false;
}

/* The type takes in the result of a host, all of it or nothing. */
static struct err *host_result(struct ingest *in, struct op_host *h, struct node *node)
{
	if (in->run.type->host_result == NULL)
		return NULL;
	json_object_del(h->data, OP_REFUSED);
	TRY(store_savepoint(in->svc->store));
	struct err *e = in->run.type->host_result(in->svc, &in->run, node, h->data);
	struct err *broken = store_release(in->svc->store, e == NULL);
	if (broken != NULL) {
		err_free(e);
		return broken;
	}
	if (e == NULL || !is_refusal(e))
		return e;
	json_object_set_new(h->data, OP_REFUSED, json_string(err_message(e)));
	err_free(e);
	return NULL;
}

static struct err *on_data(struct ingest *in, const json_t *event)
{
	struct op_host *h = host_of(in, event);
	json_t *data = json_object_get(event, "data");
	struct node *node = h != NULL ? op_run_node(&in->run, h->hostname) : NULL;

	if (h == NULL || !json_is_object(data))
		return NULL;
	if (h->data == NULL)
		h->data = json_object();
	json_object_update(h->data, data);
	if (node == NULL || in->op->check_mode)
		return NULL;
	op_take_node_facts(node, data);
	take_impact(in, node, data);
	TRY(facts_take(in->svc, node->id, in->op->id, data));
	TRY(host_result(in, h, node));
	node->updated_at = clock_utc(in->svc->clock);
	return store_update(in->svc->store, &node_type, node);
}

static struct err *on_secret(struct ingest *in, const json_t *event)
{
	const char *name;
	json_t *sealed;

	if (in->run.type->secret == NULL)
		return NULL;
	json_object_foreach(json_object_get(event, "sealed"), name, sealed)
		if (json_is_string(sealed))
			TRY(in->run.type->secret(in->svc, &in->run, name,
				json_string_value(sealed)));
	return NULL;
}

static struct err *on_host_key(struct ingest *in, const json_t *event)
{
	struct op_host *h = host_of(in, event);
	struct node *node = h != NULL ? op_run_node(&in->run, h->hostname) : NULL;
	const char *key = text_of(event, "key");

	if (node == NULL || key == NULL || !hostkey_valid(key))
		return NULL;
	cleanup(mem_freep) char *fingerprint = hostkey_fingerprint(key);
	field_set_text(&node->host_key, key);
	field_set_text(&node->host_key_fingerprint, fingerprint);
	node->updated_at = clock_utc(in->svc->clock);
	if (in->run.type->playbook == NULL) {
		h->status = OP_HOST_OK;
		h->ok = 1;
		json_decref(h->data);
		h->data = json_pack("{s:s}", "host_key_fingerprint", fingerprint);
	}
	return store_update(in->svc->store, &node_type, node);
}

static int64_t count_of(const json_t *counts, const char *key)
{
	return json_integer_value(json_object_get(counts, key));
}

static struct err *host_stats(struct ingest *in, size_t i, const json_t *counts)
{
	struct op_host *h = store_row(&in->hosts, i);

	in->changed[i] = true;
	h->ok = count_of(counts, "ok");
	h->changed = count_of(counts, "changed");
	h->failed = count_of(counts, "failed");
	h->skipped = count_of(counts, "skipped");
	h->unreachable = count_of(counts, "unreachable");
	if (h->unreachable > 0) {
		h->status = OP_HOST_UNREACHABLE;
		return NULL;
	}
	h->status = h->failed > 0 ? OP_HOST_FAILED : h->changed > 0 ? OP_HOST_CHANGED : OP_HOST_OK;
	if (h->failed == 0)
		field_set_text(&h->message, NULL); /* a failure that the playbook rescued */
	const char *refused = text_of(h->data, OP_REFUSED);
	if (refused != NULL) {
		h->status = OP_HOST_FAILED;
		field_set_text(&h->message, refused);
	}
	if (count_of(counts, "lost") == 0)
		return node_reached(in, h, true, NULL);
	cleanup(mem_freep) char *why =
		mem_printf("did not answer in operation %lld", (long long)in->op->id);
	return node_reached(in, h, false, why); /* the run went on without it */
}

static struct err *on_stats(struct ingest *in, const json_t *event)
{
	const json_t *hosts = json_object_get(event, "hosts");

	in->op->progress_done = in->op->progress_total;
	for (size_t i = 0; i < in->hosts.n; i++) {
		const struct op_host *h = store_row(&in->hosts, i);
		const json_t *counts = json_object_get(hosts, h->hostname);
		if (counts != NULL)
			TRY(host_stats(in, i, counts));
	}
	return NULL;
}

static const struct {
	const char *event;
	struct err *(*take)(struct ingest *in, const json_t *event);
} takers[] = {
	{"playbook_start", on_playbook_start},
	{"task_start", on_task_start},
	{"host_task_start", on_host_task_start},
	{"host_task", on_host_task},
	{"data", on_data},
	{"secret", on_secret},
	{"host_key", on_host_key},
	{"stats", on_stats},
};

static struct err *take_line(struct ingest *in, const char *line, size_t len)
{
	json_t *event = json_loadb(line, len, 0, NULL);
	const char *kind = text_of(event, "event");
	int64_t seq = json_integer_value(json_object_get(event, "seq"));
	struct err *e = NULL;

	if (kind == NULL || seq != in->op->event_seq + 1) {
		json_decref(event);
		return err_new(ERR_PROTOCOL, "event %lld is missing or damaged",
			(long long)in->op->event_seq + 1);
	}
	for (size_t i = 0; e == NULL && i < ARRAY_LEN(takers); i++)
		if (strcmp(kind, takers[i].event) == 0)
			e = takers[i].take(in, event);
	in->op->event_seq = seq;
	json_decref(event);
	return e;
}

static struct err *take_lines(struct ingest *in, const char *text, size_t len)
{
	const char *p = text;

	for (;;) {
		const char *nl = memchr(p, '\n', len - (size_t)(p - text));
		if (nl == NULL)
			break;
		TRY(take_line(in, p, (size_t)(nl - p)));
		p = nl + 1;
	}
	in->op->event_offset += p - text;
	return NULL;
}

static struct err *save_hosts(struct ingest *in)
{
	for (size_t i = 0; i < in->hosts.n; i++) {
		struct op_host *h = store_row(&in->hosts, i);
		if (!in->changed[i])
			continue;
		h->updated_at = clock_utc(in->svc->clock);
		TRY(store_update(in->svc->store, &op_host_type, h));
	}
	return NULL;
}

/* Reads up to CHUNK_MAX new bytes; none when the file is not there yet. */
static struct err *read_new(struct service *svc, const struct operation *op, char **ret_text,
	size_t *ret_len)
{
	cleanup(mem_freep) char *path = op_path(svc, op->id, "events.jsonl");
	cleanup(fs_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	cleanup(mem_freep) char *text = NULL;

	*ret_len = 0;
	if (fd < 0 && errno == ENOENT)
		return NULL;
	if (fd < 0)
		return err_errno(errno, "open %s", path);
	off_t size = lseek(fd, 0, SEEK_END);
	if (size <= op->event_offset)
		return NULL;
	text = mem_zalloc(CHUNK_MAX);
	ssize_t n = pread(fd, text, CHUNK_MAX, op->event_offset);
	if (n < 0)
		return err_errno(errno, "read %s", path);
	*ret_len = (size_t)n;
	*ret_text = MOVE(text);
	return NULL;
}

static struct err *ingest_text(struct ingest *in, const char *text, size_t len)
{
	TRY(op_run_open(in->svc, in->op, NULL, &in->run));
	TRY(op_hosts_list(in->svc, in->op->id, &in->hosts));
	in->changed = mem_zalloc(in->hosts.n * sizeof(bool));
	TRY(take_lines(in, text, len));
	TRY(save_hosts(in));
	return op_save_progress(in->svc, in->op);
}

struct err *op_ingest(struct service *svc, struct operation *op, bool *ret_more)
{
	cleanup(mem_freep) char *text = NULL;
	struct ingest in = {.svc = svc, .op = op};
	size_t len = 0;

	*ret_more = false;
	TRY(read_new(svc, op, &text, &len));
	if (len == 0 || memchr(text, '\n', len) == NULL)
		return NULL;
	*ret_more = len == CHUNK_MAX;
	struct err *e = ingest_text(&in, text, len);
	store_rows_done(&in.hosts);
	mem_free(in.changed);
	op_run_close(&in.run);
	return err_wrap(e, "take in events of operation %lld", (long long)op->id);
}
