/* Owns one round of health: which questions are asked, and what their answers mean. First all nodes
 * at once (SSH's port, the cluster agent, the API of control planes), then of each cluster one API
 * that is ready about nodes and heartbeats. */
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <sodium.h>
#include <string.h>

#include "base/mem.h"
#include "driver/probe.h"
#include "model/health.h"
#include "model/yaml.h"
#include "service/health.h"

#define TIMEOUT_MS 3000
#define AT_ONCE 256
#define KUBECONFIG_SOON_MS (INT64_C(30) * 86400000)
#define LIST_BYTES_MAX ((size_t)32 << 20)

/** A node in the round. */
struct subject {
	const json_t *node; /**< of the input */
	struct health_node seen;
	bool light;   /**< the agent is asked only whether it listens; else it is as it was */
	bool resting; /**< it has been down for long: not asked this time */
	struct probe ssh, agent, api;
};

/** A cluster in the round. */
struct group {
	const json_t *cluster; /**< of the input */
	char *ca, *cert, *key; /**< PEM, wiped */
	char *token;           /**< of clusters that began before 1.28, wiped */
	struct probe_identity identity;
	bool trusted; /**< its CA is known */
	bool known;   /**< and we can say who we are */
	int64_t ends; /**< when our certificate ends, UTC ms, 0 = not told */
	bool refused; /**< an API did not take what we showed */
	struct probe nodes, leases;
	json_t *nodes_json, *leases_json;
	struct health_cluster seen;
};

/** The round. */
struct health_round {
	struct subject *subjects;
	struct group *groups;
	size_t n_subjects, n_groups;
	const atomic_bool *stop; /**< NULL: never */
};

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static int64_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static struct group *group_of(const struct health_round *r, const struct subject *s)
{
	for (size_t i = 0; i < r->n_groups; i++)
		if (number_of(r->groups[i].cluster, "id") == number_of(s->node, "cluster_id"))
			return &r->groups[i];
	return NULL;
}

/* ---- identities ---- */

/* Base64 of a kubeconfig as text, NULL = it is none. Owned. */
static char *decode(const char *base64)
{
	size_t len = base64 != NULL ? strlen(base64) : 0;
	char *text = mem_zalloc(len + 1);
	size_t n = 0;

	if (len > 0 &&
		sodium_base642bin((unsigned char *)text, len, base64, len, "\n ", &n, NULL,
			sodium_base64_VARIANT_ORIGINAL) == 0)
		return text;
	seal_wipe_free(text);
	return NULL;
}

static const json_t *first(const json_t *doc, const char *list, const char *key)
{
	return json_object_get(json_array_get(json_object_get(doc, list), 0), key);
}

/* When a certificate ends, UTC ms; 0 = it is none. */
static int64_t certificate_ends(const char *pem)
{
	const gnutls_datum_t data = {(unsigned char *)(uintptr_t)pem, (unsigned)strlen(pem)};
	gnutls_x509_crt_t crt = NULL;
	int64_t ends = 0;

	if (gnutls_x509_crt_init(&crt) < 0)
		return 0;
	if (gnutls_x509_crt_import(crt, &data, GNUTLS_X509_FMT_PEM) >= 0)
		ends = (int64_t)gnutls_x509_crt_get_expiration_time(crt) * 1000;
	gnutls_x509_crt_deinit(crt);
	return ends;
}

static void read_kubeconfig(struct group *g, const char *text)
{
	struct yaml_file file = {0};
	struct err *e = yaml_read("kubeconfig", text, strlen(text), &file);

	if (e == NULL && file.n > 0) {
		const json_t *doc = file.docs[0].json;
		const json_t *user = first(doc, "users", "user");
		g->ca = decode(text_of(first(doc, "clusters", "cluster"),
			"certificate-authority-data"));
		g->cert = decode(text_of(user, "client-certificate-data"));
		g->key = decode(text_of(user, "client-key-data"));
		g->token = mem_strdup(text_of(user, "token"));
	}
	g->identity = (struct probe_identity){.ca = g->ca,
		.cert = g->cert,
		.key = g->key,
		.token = g->token};
	g->trusted = g->ca != NULL;
	g->known = g->trusted && ((g->cert != NULL && g->key != NULL) || g->token != NULL);
	g->ends = g->cert != NULL ? certificate_ends(g->cert) : 0;
	if (e == NULL)
		yaml_done(&file);
	err_free(e); /* without an identity the API is asked whether it is there */
}

static struct err *open_identities(struct health_round *r, const char *key_path)
{
	struct seal_key *key = NULL;

	TRY(seal_key_open(key_path, &key));
	for (size_t i = 0; i < r->n_groups; i++) {
		const char *sealed = text_of(r->groups[i].cluster, "kubeconfig");
		char *text = NULL;
		struct err *e = sealed != NULL ? seal_open_text(key, sealed, &text) : NULL;
		if (text != NULL)
			read_kubeconfig(&r->groups[i], text);
		seal_wipe_free(text);
		err_free(e); /* as without one */
	}
	seal_key_free(key);
	return NULL;
}

/* ---- questions ---- */

static char *url_of(const struct subject *s, const char *scheme, int64_t port, const char *path)
{
	const char *address = text_of(s->node, "address");
	bool v6 = strchr(address, ':') != NULL;

	return mem_printf("%s://%s%s%s:%lld%s", scheme, v6 ? "[" : "", address, v6 ? "]" : "",
		(long long)port, path);
}

static struct err *ask_nodes(struct health_round *r)
{
	struct probe *all = mem_zalloc((3 * r->n_subjects + 1) * sizeof(*all));
	size_t n = 0;

	for (size_t i = 0; i < r->n_subjects; i++) {
		struct subject *s = &r->subjects[i];
		const struct group *g = group_of(r, s);
		if (s->resting)
			continue;
		all[n++] = (struct probe){.url = url_of(s, "http", number_of(s->node, "port"), "/"),
			.connect = true};
		if (s->seen.member)
			all[n++] = (struct probe){.url = url_of(s, s->light ? "http" : "https",
							  25000, "/health"),
				.connect = s->light};
		if (s->seen.member && s->seen.plane)
			all[n++] = (struct probe){.url = url_of(s, "https", 16443, "/readyz"),
				.identity = g != NULL && g->trusted ? &g->identity : NULL,
				.want_certificate = true};
	}
	struct err *e = probe_all(all, n, TIMEOUT_MS, AT_ONCE, r->stop);
	n = 0;
	for (size_t i = 0; i < r->n_subjects; i++) {
		struct subject *s = &r->subjects[i];
		if (s->resting)
			continue;
		s->ssh = all[n++];
		if (s->seen.member)
			s->agent = all[n++];
		if (s->seen.member && s->seen.plane)
			s->api = all[n++];
	}
	mem_free(all);
	return e;
}

/* The first control plane of the cluster whose API is ready. */
static const struct subject *ready_plane(const struct health_round *r, const struct group *g)
{
	for (size_t i = 0; i < r->n_subjects; i++)
		if (group_of(r, &r->subjects[i]) == g && r->subjects[i].seen.api == HEALTH_GOOD)
			return &r->subjects[i];
	return NULL;
}

static struct err *ask_clusters(struct health_round *r)
{
	struct probe *all = mem_zalloc((2 * r->n_groups + 1) * sizeof(*all));
	struct group **asked = mem_zalloc((r->n_groups + 1) * sizeof(struct group *));
	size_t n = 0;

	for (size_t i = 0; i < r->n_groups; i++) {
		struct group *g = &r->groups[i];
		const struct subject *plane = ready_plane(r, g);
		if (plane == NULL || !g->known)
			continue;
		asked[n / 2] = g;
		all[n++] = (struct probe){.url = url_of(plane, "https", 16443, "/api/v1/nodes"),
			.identity = &g->identity,
			.body_max = LIST_BYTES_MAX};
		all[n++] = (struct probe){
			.url = url_of(plane, "https", 16443,
				"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"),
			.identity = &g->identity,
			.body_max = LIST_BYTES_MAX};
	}
	struct err *e = probe_all(all, n, TIMEOUT_MS, AT_ONCE, r->stop);
	for (size_t i = 0; i < n / 2; i++) {
		asked[i]->nodes = all[2 * i];
		asked[i]->leases = all[2 * i + 1];
	}
	mem_free(all);
	mem_free(asked);
	return e;
}

/* ---- answers ---- */

static enum health_answer plain_answer(const struct probe *p, bool good)
{
	static const enum health_answer answers[] = {
		[PROBE_NOT_ASKED] = HEALTH_NOT_ASKED,
		[PROBE_ANSWERED] = HEALTH_BAD,
		[PROBE_REFUSED] = HEALTH_REFUSED,
		[PROBE_SILENT] = HEALTH_SILENT,
		[PROBE_UNREACHABLE] = HEALTH_SILENT,
		[PROBE_UNTRUSTED] = HEALTH_BAD,
		[PROBE_FAILED] = HEALTH_BAD,
	};

	return p->outcome == PROBE_ANSWERED && good ? HEALTH_GOOD : answers[p->outcome];
}

/* Without a certificate of ours the API says 401, which proves that it runs. */
static void read_answers(struct subject *s, bool with_identity)
{
	bool ready = s->api.status == 200 || (!with_identity && s->api.status == 401);

	s->seen.ssh = plain_answer(&s->ssh, true);
	s->seen.agent = plain_answer(&s->agent, s->agent.status == 200);
	if (s->light && s->agent.outcome == PROBE_ANSWERED)
		s->seen.agent = (enum health_answer)enum_value(&health_answer_table,
			text_of(s->node, "agent_was"));
	s->seen.api = plain_answer(&s->api, ready);
}

static json_t *body_json(const struct probe *p)
{
	return p->outcome == PROBE_ANSWERED && p->status == 200
		? json_loadb(str_get(&p->body), p->body.len, 0, NULL)
		: NULL;
}

static bool is_voter(const struct group *g, const char *address)
{
	const json_t *one = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(g->cluster, "voters"), i, one)
		if (strcmp(json_string_value(one), address) == 0)
			return true;
	return false;
}

/* It answers, and does not believe us, or we do not believe it: its certificates are others by now.
 */
static bool is_refusal(const struct group *g, const struct subject *s)
{
	return g->known &&
		(s->api.outcome == PROBE_UNTRUSTED ||
			(s->api.outcome == PROBE_ANSWERED &&
				(s->api.status == 401 || s->api.status == 403)));
}

static void count(struct group *g, const struct subject *s, enum health_state state)
{
	bool plane = s->seen.member && s->seen.plane;

	g->refused |= plane && is_refusal(g, s);

	g->seen.nodes += s->seen.member;
	g->seen.nodes_well += s->seen.member && state == HEALTH_UP;
	g->seen.planes += plane;
	g->seen.planes_ready += plane && s->seen.api == HEALTH_GOOD;
	g->seen.planes_alive += plane && s->seen.agent == HEALTH_GOOD;
	g->seen.voters_alive += plane && s->seen.api == HEALTH_GOOD &&
		is_voter(g, text_of(s->node, "address"));
}

static json_t *optional_number(int64_t n)
{
	return n == I64_NONE ? json_null() : json_integer(n);
}

static json_t *optional_time(int64_t at)
{
	char text[CLOCK_TEXT_SIZE];

	if (at <= 0)
		return json_null();
	clock_format(at, text);
	return json_string(text);
}

static json_t *took(const struct probe *p, enum health_answer answer)
{
	return answer == HEALTH_GOOD ? json_integer(p->took_ms) : json_null();
}

static json_t *node_json(struct subject *s, struct group *g)
{
	cleanup(str_done) struct str reason = STR_INIT;

	if (g != NULL && s->seen.member)
		s->seen.kube = health_read_kube(g->nodes_json, g->leases_json,
			text_of(s->node, "name"), text_of(s->node, "address"));
	enum health_state state = health_judge_node(&s->seen, &reason);
	if (g != NULL)
		count(g, s, state);
	const struct health_kube *kube = &s->seen.kube;
	return json_pack("{sI ss ss ss? so ss ss ss ss ss so so so so so so}", "id",
		number_of(s->node, "id"), "name", text_of(s->node, "name"), "address",
		text_of(s->node, "address"), "cluster",
		g != NULL ? text_of(g->cluster, "name") : NULL, "cluster_id",
		optional_number(number_of(s->node, "cluster_id")), "state",
		enum_text(&health_state_table, state), "reason", str_get(&reason), "ssh",
		enum_text(&health_answer_table, s->seen.ssh), "agent",
		enum_text(&health_answer_table, s->seen.agent), "api",
		enum_text(&health_answer_table, s->seen.api), "ready",
		kube->known ? json_boolean(kube->ready) : json_null(), "cordoned",
		kube->known ? json_boolean(kube->cordoned) : json_null(), "heartbeat_s",
		optional_number(kube->heartbeat_s), "certificate_ends",
		optional_time(s->api.certificate_ends), "ssh_ms", took(&s->ssh, s->seen.ssh),
		"api_ms", took(&s->api, s->seen.api));
}

/* The kubeconfig must be fetched anew: no API takes it, or it ends soon. */
static bool is_over(const struct group *g, int64_t now)
{
	bool soon = g->ends != 0 && g->ends - now < KUBECONFIG_SOON_MS;

	return g->seen.planes_ready > 0 ? soon : g->refused;
}

static json_t *cluster_json(struct group *g, int64_t now)
{
	cleanup(str_done) struct str reason = STR_INIT;

	g->seen.voters = json_array_size(json_object_get(g->cluster, "voters"));
	enum health_state state = health_judge_cluster(&g->seen, &reason);
	return json_pack("{sI ss ss ss sI sI sI sI sI so sb}", "id", number_of(g->cluster, "id"),
		"name", text_of(g->cluster, "name"), "state", enum_text(&health_state_table, state),
		"reason", str_get(&reason), "nodes", (json_int_t)g->seen.nodes, "nodes_well",
		(json_int_t)g->seen.nodes_well, "planes", (json_int_t)g->seen.planes,
		"planes_ready", (json_int_t)g->seen.planes_ready, "voters",
		(json_int_t)g->seen.voters, "quorum_margin",
		optional_number(health_margin(&g->seen)), "kubeconfig_over", is_over(g, now));
}

/* ---- the round ---- */

static bool is_light(const json_t *node)
{
	const char *was = text_of(node, "agent_was");

	return json_is_true(json_object_get(node, "light")) && was != NULL &&
		enum_value(&health_answer_table, was) >= 0;
}

static void round_begin(struct health_round *r, const json_t *input)
{
	const json_t *nodes = json_object_get(input, "nodes");
	const json_t *clusters = json_object_get(input, "clusters");

	r->n_subjects = json_array_size(nodes);
	r->n_groups = json_array_size(clusters);
	r->subjects = mem_zalloc((r->n_subjects + 1) * sizeof(*r->subjects));
	r->groups = mem_zalloc((r->n_groups + 1) * sizeof(*r->groups));
	for (size_t i = 0; i < r->n_groups; i++)
		r->groups[i].cluster = json_array_get(clusters, i);
	for (size_t i = 0; i < r->n_subjects; i++) {
		const json_t *node = json_array_get(nodes, i);
		r->subjects[i] = (struct subject){.node = node,
			.seen = {.member = json_is_true(json_object_get(node, "member")),
				.plane = json_is_true(json_object_get(node, "plane"))},
			.light = is_light(node),
			.resting = json_is_true(json_object_get(node, "resting"))};
	}
}

static void round_done(struct health_round *r)
{
	for (size_t i = 0; i < r->n_subjects; i++) {
		probe_done(&r->subjects[i].ssh);
		probe_done(&r->subjects[i].agent);
		probe_done(&r->subjects[i].api);
	}
	for (size_t i = 0; i < r->n_groups; i++) {
		struct group *g = &r->groups[i];
		probe_done(&g->nodes);
		probe_done(&g->leases);
		json_decref(g->nodes_json);
		json_decref(g->leases_json);
		seal_wipe_free(g->ca);
		seal_wipe_free(g->cert);
		seal_wipe_free(g->key);
		seal_wipe_free(g->token);
	}
	mem_free(r->subjects);
	mem_free(r->groups);
}

static struct err *ask(struct health_round *r, const json_t *input)
{
	TRY(open_identities(r, text_of(input, "secret_key")));
	TRY(ask_nodes(r));
	for (size_t i = 0; i < r->n_subjects; i++) {
		const struct group *g = group_of(r, &r->subjects[i]);
		read_answers(&r->subjects[i], g != NULL && g->known);
	}
	TRY(ask_clusters(r));
	if (r->stop != NULL && atomic_load(r->stop))
		return err_new(ERR_CANCELLED, "the round was ended");
	for (size_t i = 0; i < r->n_groups; i++) {
		r->groups[i].nodes_json = body_json(&r->groups[i].nodes);
		r->groups[i].leases_json = body_json(&r->groups[i].leases);
	}
	return NULL;
}

struct err *health_run(const json_t *input, json_t **ret_output)
{
	return health_run_until(input, NULL, ret_output);
}

struct err *health_run_until(const json_t *input, const atomic_bool *stop, json_t **ret_output)
{
	struct health_round r = {.stop = stop};

	round_begin(&r, input);
	struct err *e = ask(&r, input);
	if (e == NULL) {
		json_t *nodes = json_array();
		json_t *clusters = json_array();
		for (size_t i = 0; i < r.n_subjects; i++)
			json_array_append_new(nodes,
				node_json(&r.subjects[i], group_of(&r, &r.subjects[i])));
		for (size_t i = 0; i < r.n_groups; i++)
			json_array_append_new(clusters,
				cluster_json(&r.groups[i], number_of(input, "now")));
		*ret_output = json_pack("{so so}", "clusters", clusters, "nodes", nodes);
	}
	round_done(&r);
	return e;
}
