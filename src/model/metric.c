/* Owns the counts of this process: the one table of metrics, and their series behind one lock. A
 * label must come from a table or an enumeration, never from a client; should one not, the series
 * of a metric are bounded. */
#include "model/metric.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

#define SERIES_MAX 1000 /* of one metric */
#define KEY_MAX 512
#define BOUNDS_MAX 16
#define GROW 16 /* places that a table of series gains at a time */

enum kind { COUNTER, GAUGE, HISTOGRAM };
static const char *const kind_texts[] = {"counter", "gauge", "histogram"};

/* Upper bounds of buckets in seconds, rising, ended by 0; +Inf comes by itself. */
static const double request_bounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
	2.5, 10, 0};
static const double store_bounds[] = {0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
	0.05, 0.25, 1, 5, 0};
static const double operation_bounds[] = {1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200,
	0};

static const struct metric {
	const char *name;
	enum kind kind;
	const char *labels[METRIC_LABELS_MAX];
	const double *bounds;
	const char *help;
} metrics[METRIC_N_] = {
	[METRIC_BUILD] = {"mko_build_info", GAUGE, {"version", "schema"}, NULL,
		"Always 1; its labels say what runs."},
	[METRIC_HTTP_REQUESTS] = {"mko_http_requests_total", COUNTER, {"method", "route", "status"},
		NULL, "Requests answered, by route and status."},
	[METRIC_HTTP_SECONDS] = {"mko_http_request_duration_seconds", HISTOGRAM,
		{"method", "route"}, request_bounds,
		"Time from the first byte of a request to its answer."},
	[METRIC_HTTP_ACTIVE] = {"mko_http_requests_active", GAUGE, {NULL}, NULL,
		"Requests and streams open now."},
	[METRIC_HTTP_STREAMS] = {"mko_stream_clients", GAUGE, {NULL}, NULL,
		"Streams of events and logs open now."},
	[METRIC_WORKER_QUEUE] = {"mko_worker_queue_depth", GAUGE, {NULL}, NULL,
		"Jobs at the domain worker when the last request was handed to it."},
	[METRIC_STORE_SECONDS] = {"mko_store_duration_seconds", HISTOGRAM, {"call"}, store_bounds,
		"Time of calls to the store."},
	[METRIC_OPERATIONS] = {"mko_operations", GAUGE, {"status"}, NULL,
		"Operations that are queued or running now."},
	[METRIC_OPERATIONS_WAITING] = {"mko_operations_waiting_for_lock", GAUGE, {NULL}, NULL,
		"Queued operations that wait for a lock of another one."},
	[METRIC_OPERATIONS_FINISHED] = {"mko_operations_finished_total", COUNTER,
		{"type", "status"}, NULL, "Operations that got their final status."},
	[METRIC_OPERATION_SECONDS] = {"mko_operation_duration_seconds", HISTOGRAM, {"type"},
		operation_bounds, "Time from the start of an operation to its end."},
	[METRIC_OPERATION_WAIT_SECONDS] = {"mko_operation_wait_seconds", HISTOGRAM, {"type"},
		operation_bounds, "Time that an operation waited for locks and a free place."},
	[METRIC_NODES] = {"mko_nodes", GAUGE, {"status"}, NULL, "Nodes of the inventory."},
	[METRIC_CLUSTERS] = {"mko_clusters", GAUGE, {"status"}, NULL, "Clusters."},
	[METRIC_NODE_UP] = {"mko_node_up", GAUGE, {"node", "cluster"}, NULL,
		"1: it is well, 0.5: it is not as it should be, 0: it is down; absent: not known."},
	[METRIC_CLUSTER_UP] = {"mko_cluster_up", GAUGE, {"cluster"}, NULL,
		"1: it is well, 0.5: it is not as it should be, 0: it is down; absent: not known."},
	[METRIC_QUORUM_MARGIN] = {"mko_cluster_quorum_margin", GAUGE, {"cluster"}, NULL,
		"Voters that may still be lost before the cluster stops."},
	[METRIC_CERT_EXPIRY] = {"mko_cert_expiry_seconds", GAUGE, {"node", "cluster"}, NULL,
		"Seconds until the certificate of the Kubernetes API of a node ends; below 0: it is over."},
	[METRIC_UPS_ON_MAINS] = {"mko_ups_on_mains", GAUGE, {"ups"}, NULL,
		"1: it is on mains, 0: on battery; absent: not heard."},
	[METRIC_UPS_CHARGE] = {"mko_ups_charge_percent", GAUGE, {"ups"}, NULL,
		"Charge of its battery; absent: not told."},
	[METRIC_UPS_RUNTIME] = {"mko_ups_runtime_seconds", GAUGE, {"ups"}, NULL,
		"Time that its battery lasts under the load of now; absent: not told."},
	[METRIC_UPS_LOAD] = {"mko_ups_load_percent", GAUGE, {"ups"}, NULL,
		"Its load; absent: not told."},
	[METRIC_UPS_POWER] = {"mko_ups_power_watts", GAUGE, {"ups"}, NULL,
		"Real power of its load; absent: not told."},
	[METRIC_ALERTS] = {"mko_alerts", GAUGE, {"severity", "state"}, NULL, "Alerts that go on."},
	[METRIC_HEALTH_SECONDS] = {"mko_health_round_duration_seconds", HISTOGRAM, {NULL},
		operation_bounds, "Time of a round in which all nodes are asked."},
	[METRIC_EVENTS] = {"mko_events_total", COUNTER, {"topic"}, NULL, "Events published."},
	[METRIC_LOGINS] = {"mko_logins_total", COUNTER, {"result"}, NULL,
		"Logins with a password: ok, failed, throttled."},
	[METRIC_TLS_EXPIRES] = {"mko_tls_certificate_expires_timestamp_seconds", GAUGE, {NULL},
		NULL, "When the certificate of the server ends; absent without TLS."},
	[METRIC_PROCESS_CPU] = {"process_cpu_seconds_total", COUNTER, {NULL}, NULL,
		"Processor time, user and system."},
	[METRIC_PROCESS_MEMORY] = {"process_resident_memory_bytes", GAUGE, {NULL}, NULL,
		"Memory in use."},
	[METRIC_PROCESS_VIRTUAL] = {"process_virtual_memory_bytes", GAUGE, {NULL}, NULL,
		"Address space in use."},
	[METRIC_PROCESS_FDS] = {"process_open_fds", GAUGE, {NULL}, NULL, "Open descriptors."},
	[METRIC_PROCESS_FDS_MAX] = {"process_max_fds", GAUGE, {NULL}, NULL,
		"Most descriptors that may be open."},
	[METRIC_PROCESS_START] = {"process_start_time_seconds", GAUGE, {NULL}, NULL,
		"When the process began, Unix time."},
};

/* One combination of label values. */
struct series {
	char *key; /* the labels as they are printed: a="x",b="y" */
	double value;
	double sum;
	uint64_t buckets[BOUNDS_MAX + 1];
};

/* Sorted by key: found by halving, printed in one order. */
struct series_table {
	struct series *rows;
	size_t n;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct series_table all[METRIC_N_];

/* Append a label's value: quotes, backslashes and line ends are escaped. */
static size_t add_value(char *key, size_t at, const char *value)
{
	for (; *value != '\0' && at + 4 < KEY_MAX; value++) {
		if (*value == '"' || *value == '\\' || *value == '\n')
			key[at++] = '\\';
		key[at++] = (char)(*value == '\n' ? 'n' : *value);
	}
	return at;
}

/* Append a text of ours. */
static size_t add_text(char *key, size_t at, const char *text)
{
	for (; *text != '\0'; text++) {
		must(at + 3 < KEY_MAX);
		key[at++] = *text;
	}
	return at;
}

static void make_key(const struct metric *m, const char *const *labels, char key[static KEY_MAX])
{
	size_t at = 0;

	for (size_t i = 0; i < METRIC_LABELS_MAX && m->labels[i] != NULL; i++) {
		must(labels != NULL);
		at = add_text(key, at, i > 0 ? "," : "");
		at = add_text(key, at, m->labels[i]);
		at = add_text(key, at, "=\"");
		at = add_value(key, at, labels[i] != NULL ? labels[i] : "");
		key[at++] = '"';
	}
	key[at] = '\0';
}

/* The place of a key: where it is, or where it belongs. */
static size_t place_of(const struct series_table *t, const char *key)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(t->rows[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct series_table *t, size_t at, const char *key)
{
	return at < t->n && strcmp(t->rows[at].key, key) == 0;
}

static void insert(struct series_table *t, size_t at, const char *key)
{
	if (t->n % GROW == 0)
		t->rows = mem_realloc_array(t->rows, t->n + GROW, sizeof(*t->rows));
	memmove(&t->rows[at + 1], &t->rows[at], (t->n - at) * sizeof(*t->rows));
	t->rows[at] = (struct series){.key = mem_strdup(key)};
	t->n++;
}

/* The series of these labels, made when it is new. Under the lock. */
static struct series *find(enum metric_id id, const char *const *labels)
{
	struct series_table *t = &all[id];
	char key[KEY_MAX];

	make_key(&metrics[id], labels, key);
	size_t at = place_of(t, key);
	if (!is_at(t, at, key) && t->n >= SERIES_MAX) {
		make_key(&metrics[id], METRIC_LABELS("other", "other", "other"), key);
		at = place_of(t, key);
	}
	if (!is_at(t, at, key))
		insert(t, at, key);
	return &t->rows[at];
}

void metric_add(enum metric_id id, const char *const *labels, double value)
{
	pthread_mutex_lock(&lock);
	find(id, labels)->value += value;
	pthread_mutex_unlock(&lock);
}

void metric_set(enum metric_id id, const char *const *labels, double value)
{
	pthread_mutex_lock(&lock);
	find(id, labels)->value = value;
	pthread_mutex_unlock(&lock);
}

static void clear(struct series_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		mem_free(t->rows[i].key);
	mem_free(t->rows);
	*t = (struct series_table){.n = 0};
}

void metric_clear(enum metric_id id)
{
	pthread_mutex_lock(&lock);
	clear(&all[id]);
	pthread_mutex_unlock(&lock);
}

void metric_observe(enum metric_id id, const char *const *labels, double seconds)
{
	const double *bounds = metrics[id].bounds;
	size_t i = 0;

	must(bounds != NULL);
	while (bounds[i] > 0 && seconds > bounds[i])
		i++;
	pthread_mutex_lock(&lock);
	struct series *s = find(id, labels);
	s->buckets[i]++;
	s->sum += seconds;
	pthread_mutex_unlock(&lock);
}

double metric_now(void)
{
	struct timespec t;

	must(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void write_histogram(const struct metric *m, const struct series *s, struct str *out)
{
	const char *comma = s->key[0] != '\0' ? "," : "";
	const char *open = s->key[0] != '\0' ? "{" : "";
	const char *close = s->key[0] != '\0' ? "}" : "";
	uint64_t n = 0;
	size_t i = 0;

	for (; m->bounds[i] > 0; i++) {
		n += s->buckets[i];
		str_addf(out, "%s_bucket{%s%sle=\"%.15g\"} %llu\n", m->name, s->key, comma,
			m->bounds[i], (unsigned long long)n);
	}
	n += s->buckets[i];
	str_addf(out, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", m->name, s->key, comma,
		(unsigned long long)n);
	str_addf(out, "%s_sum%s%s%s %.15g\n", m->name, open, s->key, close, s->sum);
	str_addf(out, "%s_count%s%s%s %llu\n", m->name, open, s->key, close, (unsigned long long)n);
}

static void write_metric(enum metric_id id, struct str *out)
{
	const struct metric *m = &metrics[id];

	str_addf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name,
		kind_texts[m->kind]);
	for (size_t i = 0; i < all[id].n; i++) {
		const struct series *s = &all[id].rows[i];
		if (m->kind == HISTOGRAM)
			write_histogram(m, s, out);
		else if (s->key[0] != '\0')
			str_addf(out, "%s{%s} %.15g\n", m->name, s->key, s->value);
		else
			str_addf(out, "%s %.15g\n", m->name, s->value);
	}
}

void metric_text(struct str *out)
{
	pthread_mutex_lock(&lock);
	for (enum metric_id id = 0; id < METRIC_N_; id++)
		write_metric(id, out);
	pthread_mutex_unlock(&lock);
}

void metric_reset(void)
{
	pthread_mutex_lock(&lock);
	for (size_t id = 0; id < METRIC_N_; id++)
		clear(&all[id]);
	pthread_mutex_unlock(&lock);
}
