/* Owns how checks are asked and in which order their answers are shown. Knows no single check. */
#include "model/check/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FOUND_MAX ((size_t)400)
#define RANK_MIDDLE 50U
#define PATH_PART_MAX 64
#define VECTOR_NODES_MAX 16

static const char *const severity_texts[] = {"info", "warning", "blocking", NULL};
const struct enum_table check_severity_table = {"check_severity", severity_texts};
static const char *const result_texts[] = {"pass", "fail", "warn", "unknown", "skip", NULL};
const struct enum_table check_result_table = {"check_result", result_texts};

const struct check *check_find(const char *code)
{
	for (size_t i = 0; i < checks_n; i++)
		if (strcasecmp(checks[i]->code, code) == 0)
			return checks[i];
	return NULL;
}

unsigned check_rank(const struct check *check)
{
	return check->rank != 0 ? check->rank : RANK_MIDDLE;
}

json_t *check_uses_json(const struct check *check)
{
	json_t *uses = json_array();

	if (check->uses & CHECK_PREREQUISITE)
		json_array_append_new(uses, json_string("prerequisite"));
	if (check->uses & CHECK_DOCTOR)
		json_array_append_new(uses, json_string("doctor"));
	if (check->uses & CHECK_SERVER)
		json_array_append_new(uses, json_string("server"));
	return uses;
}

json_t *check_json(const struct check *check)
{
	return json_pack("{ss ss ss so ss ss ss ss? ss?}", "code", check->code, "title",
		check->title, "severity", enum_text(&check_severity_table, check->severity), "uses",
		check_uses_json(check), "expected", check->expected, "why", check->why, "fix",
		check->fix, "operation", check->operation, "link", check->link);
}

/* Any bytes as a JSON text. */
static json_t *text_json(const char *text)
{
	cleanup(str_done) struct str quoted = STR_INIT;

	str_add_json(&quoted, text);
	return json_loadb(str_get(&quoted), quoted.len, JSON_DECODE_ANY, NULL);
}

/* One answer, while they are sorted. */
struct answer {
	const struct check *check;
	const struct check_node *node; /**< the first of a cluster when it is about that */
	enum check_result result;
	enum check_severity severity;
	char *found; /**< owned */
	size_t seq;
};

static json_t *answer_json(const struct answer *a)
{
	json_t *json = check_json(a->check);

	json_object_del(json, "uses");
	json_object_set_new(json, "severity",
		json_string(enum_text(&check_severity_table, a->severity)));
	json_object_set_new(json, "result", json_string(enum_text(&check_result_table, a->result)));
	json_object_set_new(json, "host", a->check->once ? json_null() : text_json(a->node->name));
	json_object_set_new(json, "cluster",
		a->node->cluster != NULL ? text_json(a->node->cluster) : json_null());
	json_object_set_new(json, "found", text_json(a->found));
	return json;
}

/* Problems, then what nobody knows, then the rest. */
static int class_of(const struct answer *a)
{
	static const int classes[] = {[CHECK_PASS] = 2,
		[CHECK_FAIL] = 0,
		[CHECK_WARN] = 0,
		[CHECK_UNKNOWN] = 1,
		[CHECK_SKIP] = 3};

	return classes[a->result];
}

/* What is only a warning here comes after what is broken. */
static unsigned rank_of(const struct answer *a)
{
	return check_rank(a->check) + (a->result == CHECK_WARN ? RANK_MIDDLE : 0);
}

static int compare(const void *left, const void *right)
{
	const struct answer *a = left;
	const struct answer *b = right;

	if (class_of(a) != class_of(b))
		return class_of(a) - class_of(b);
	if (rank_of(a) != rank_of(b))
		return rank_of(a) < rank_of(b) ? -1 : 1;
	if (a->severity != b->severity)
		return a->severity > b->severity ? -1 : 1;
	return a->seq < b->seq ? -1 : 1;
}

static struct answer ask(const struct check *check, const struct check_run *run,
	const struct check_node *node)
{
	cleanup(str_done) struct str found = STR_INIT;
	struct answer a = {.check = check, .node = node, .severity = check->severity};

	found.max = FOUND_MAX;
	a.result = node->data == NULL && !check->blind && !check->once
		? CHECK_UNKNOWN
		: check->test(run, node, &found);
	if (a.result == CHECK_WARN)
		a.severity = CHECK_WARNING;
	if (a.result == CHECK_UNKNOWN && found.len == 0)
		str_adds(&found,
			node->data == NULL ? "The node reported nothing."
					   : "This could not be read on the node.");
	a.found = mem_strdup(str_get(&found));
	return a;
}

/** Answers while they are collected. */
struct answers {
	struct answer *list;
	size_t n;
};

static void add_answer(struct answers *to, struct answer answer)
{
	answer.seq = to->n;
	to->list[to->n++] = answer;
}

static bool same_cluster(const struct check_node *a, const struct check_node *b)
{
	if (a->cluster == NULL || b->cluster == NULL)
		return a->cluster == b->cluster;
	return strcmp(a->cluster, b->cluster) == 0;
}

/* Ask about each cluster, with its nodes only. Nodes without a cluster are none. */
static void ask_clusters(struct answers *to, const struct check *check, const struct check_run *run)
{
	struct check_node *members = mem_zalloc((run->n + 1) * sizeof(*members));

	for (size_t i = 0; i < run->n; i++) {
		struct check_run one = {.nodes = members, .n = 0, .others = run->others};
		bool seen = run->nodes[i].cluster == NULL;
		for (size_t k = 0; k < i && !seen; k++)
			seen = same_cluster(&run->nodes[i], &run->nodes[k]);
		for (size_t k = i; k < run->n && !seen; k++)
			if (same_cluster(&run->nodes[i], &run->nodes[k]))
				members[one.n++] = run->nodes[k];
		if (one.n == 0)
			continue;
		struct answer answer = ask(check, &one, &members[0]);
		answer.node = &run->nodes[i]; /* members go */
		add_answer(to, answer);
	}
	mem_free(members);
}

json_t *check_evaluate(const struct check_run *run, enum check_use use, bool problems_only)
{
	struct answers all = {.list = mem_zalloc((checks_n * run->n + 1) * sizeof(struct answer))};
	json_t *items = json_array();

	for (size_t i = 0; i < checks_n; i++) {
		if ((checks[i]->uses & (unsigned)use) == 0)
			continue;
		if (checks[i]->once)
			ask_clusters(&all, checks[i], run);
		for (size_t k = 0; k < run->n && !checks[i]->once; k++)
			add_answer(&all, ask(checks[i], run, &run->nodes[k]));
	}
	qsort(all.list, all.n, sizeof(*all.list), compare);
	for (size_t i = 0; i < all.n; i++) {
		if (!problems_only || class_of(&all.list[i]) < 2)
			json_array_append_new(items, answer_json(&all.list[i]));
		mem_free(all.list[i].found);
	}
	mem_free(all.list);
	return items;
}

static struct check_node vector_node(const json_t *json)
{
	const char *address = json_string_value(json_object_get(json, "address"));
	const char *role = json_string_value(json_object_get(json, "role"));
	const char *name = json_string_value(json_object_get(json, "name"));
	const char *cluster = json_string_value(json_object_get(json, "cluster"));

	return (struct check_node){.name = name != NULL ? name : "n1",
		.address = address,
		.role = role != NULL ? role : "none",
		.cluster = cluster != NULL ? cluster : "c",
		.message = json_string_value(json_object_get(json, "message")),
		.data = json_object_get(json, "data")};
}

enum check_result check_try(const struct check *check, const struct check_vector *vector,
	char **ret_found)
{
	struct check_node nodes[VECTOR_NODES_MAX] = {
		{.name = "n1", .address = "10.0.0.1", .role = "control_plane", .cluster = "c"}};
	struct check_run run = {.nodes = nodes, .n = 1};
	json_t *input = vector->input != NULL ? json_loads(vector->input, 0, NULL) : NULL;

	must(vector->input == NULL || input != NULL);
	nodes[0].data = input;
	if (json_is_array(input)) {
		run.n = json_array_size(input);
		must(run.n > 0 && run.n <= VECTOR_NODES_MAX);
		for (size_t i = 0; i < run.n; i++)
			nodes[i] = vector_node(json_array_get(input, i));
	}
	struct answer a = ask(check, &run, &nodes[0]);
	json_decref(input);
	*ret_found = a.found;
	return a.result;
}

const json_t *said_value(const struct check_node *node, const char *path)
{
	const json_t *json = node->data;

	while (json != NULL && *path != '\0') {
		char part[PATH_PART_MAX];
		size_t len = strcspn(path, ".");
		must(len < sizeof(part));
		(void)snprintf(part, sizeof(part), "%.*s", (int)len, path);
		json = json_object_get(json, part);
		path += len + (path[len] == '.' ? 1 : 0);
	}
	return json_is_null(json) ? NULL : json;
}

const char *said_text(const struct check_node *node, const char *path)
{
	return json_string_value(said_value(node, path));
}

bool said_number(const struct check_node *node, const char *path, int64_t *ret)
{
	const json_t *value = said_value(node, path);

	if (!json_is_integer(value))
		return false;
	*ret = json_integer_value(value);
	return true;
}

int said_truth(const struct check_node *node, const char *path)
{
	const json_t *value = said_value(node, path);

	return json_is_boolean(value) ? json_is_true(value) : -1;
}

/* Digits at the begin of a text. */
static bool leading_number(const char *text, int64_t *ret)
{
	int64_t n = 0;
	size_t i = 0;

	for (; text[i] >= '0' && text[i] <= '9'; i++) {
		if (n > INT64_MAX / 10 - 1)
			return false;
		n = n * 10 + (text[i] - '0');
	}
	if (i > 0)
		*ret = n;
	return i > 0;
}

bool said_text_number(const struct check_node *node, const char *path, int64_t *ret)
{
	const char *text = said_text(node, path);

	return text != NULL && leading_number(text, ret);
}

bool check_list_has(const json_t *list, const char *text)
{
	const json_t *one = NULL;
	size_t i = 0;

	json_array_foreach(list, i, one)
		if (json_is_string(one) && strcmp(json_string_value(one), text) == 0)
			return true;
	return false;
}

bool check_has_word(const char *text, const char *word)
{
	static const char space[] = " \t\n\r";
	size_t len = strlen(word);

	while (text != NULL && *text != '\0') {
		text += strspn(text, space);
		size_t n = strcspn(text, space);
		if (n == len && strncmp(text, word, len) == 0)
			return true;
		text += n;
	}
	return false;
}

const char *check_next_line(const char **at, size_t *ret_len)
{
	const char *line = *at;

	if (line == NULL || *line == '\0')
		return NULL;
	*ret_len = strcspn(line, "\n");
	*at = line + *ret_len + (line[*ret_len] == '\n' ? 1 : 0);
	return line;
}

bool check_line_number(const char *text, const char *key, int64_t *ret)
{
	const char *line = NULL;
	size_t len = 0;
	size_t key_len = strlen(key);

	while ((line = check_next_line(&text, &len)) != NULL)
		if (len > key_len && strncmp(line, key, key_len) == 0)
			return leading_number(line + key_len + strspn(line + key_len, ": \t"), ret);
	return false;
}

enum check_result check_say(struct str *found, enum check_result result, const char *fmt, ...)
{
	va_list ap;
	char text[FOUND_MAX];

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *c = text; *c != '\0'; c++) /* one line */
		if (*c == '\n' || *c == '\r' || *c == '\t')
			*c = ' ';
	str_adds(found, text);
	return result;
}

bool said_installed(const struct check_node *node)
{
	return said_truth(node, "facts.installed") == 1;
}

const struct check_node *said_viewer(const struct check_run *run, const char *cluster)
{
	const struct check_node wanted = {.cluster = cluster};
	const struct check_node *best = NULL;
	size_t most = 0;

	for (size_t i = 0; i < run->n; i++) {
		const char *role = said_text(&run->nodes[i], "microk8s.role");
		size_t n = json_array_size(said_value(&run->nodes[i], "kube_nodes"));
		if (role == NULL || strcmp(role, "control_plane") != 0 || n <= most ||
			!same_cluster(&wanted, &run->nodes[i]))
			continue;
		most = n;
		best = &run->nodes[i];
	}
	return best;
}
