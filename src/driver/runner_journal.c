/* Owns what a run leaves behind: events.jsonl, log.txt, result.json, and the judgement how it
 * ended. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "driver/runner_int.h"
#include "driver/sshkey.h"

static struct err *open_new(const char *dir, const char *name, int *ret_fd)
{
	cleanup(mem_freep) char *path = fs_join(dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return err_new(ERR_EXISTS, "%s exists: this operation has run already", path);
	if (fd < 0)
		return err_errno(errno, "create %s", path);
	*ret_fd = fd;
	return NULL;
}

struct err *journal_open(struct journal *j, const struct run_spec *spec, const struct seal_key *key)
{
	*j = (struct journal){.spec = spec, .key = key, .events_fd = -1, .log_fd = -1};
	TRY(open_new(spec->dir, "events.jsonl", &j->events_fd));
	TRY(open_new(spec->dir, "log.txt", &j->log_fd));
	j->hosts = mem_zalloc((spec->n_hosts + 1) * sizeof(*j->hosts));
	for (size_t i = 0; i < spec->n_hosts; i++)
		j->hosts[i].hostname = spec->hosts[i].hostname;
	return journal_event(j,
		json_pack("{s:s, s:I}", "event", "run_start", "attempt",
			(json_int_t)spec->attempt));
}

void journal_done(struct journal *j)
{
	fs_closep(&j->events_fd);
	fs_closep(&j->log_fd);
	mem_free(j->hosts);
	mem_free(j->error_host);
	mem_free(j->error_task);
	mem_free(j->error_message);
	mem_free(j->last_output);
}

static struct journal_host *host_of(struct journal *j, const json_t *event)
{
	const char *name = json_string_value(json_object_get(event, "host"));

	for (size_t i = 0; name != NULL && i < j->spec->n_hosts; i++)
		if (strcmp(j->hosts[i].hostname, name) == 0)
			return &j->hosts[i];
	return NULL;
}

/* A copy of the text that is valid UTF-8 for JSON, however broken the source was. */
static json_t *json_text(const char *text, size_t len)
{
	json_t *value = json_stringn(text, len);

	if (value != NULL)
		return value;
	cleanup(mem_freep) char *copy = mem_strndup(text, len);
	for (char *p = copy; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return json_string(copy);
}

static void note_failure(struct journal *j, const json_t *event, const char *status)
{
	if (j->error_host != NULL)
		return;
	const char *message = json_string_value(json_object_get(event, "message"));
	j->error_host = mem_strdup(json_string_value(json_object_get(event, "host")));
	j->error_task = mem_strdup(json_string_value(json_object_get(event, "task")));
	j->error_message = mem_strdup(message != NULL && *message != '\0' ? message : status);
}

/* Of a key that it cannot open ssh only says that the node refused it. */
static void explain_refusal(struct journal *j, json_t *event)
{
	const char *host = json_string_value(json_object_get(event, "host"));
	const char *message = json_string_value(json_object_get(event, "message"));

	if (host == NULL || message == NULL || strstr(message, "Permission denied (") == NULL)
		return;
	for (size_t i = 0; i < j->spec->n_hosts; i++) {
		const struct run_host *h = &j->spec->hosts[i];
		if (strcmp(h->hostname, host) != 0 || !sshkey_file_is_encrypted(h->key_path))
			continue;
		cleanup(mem_freep) char *text = mem_printf(
			"The SSH key %s has a passphrase, and no ssh-agent that mko can reach (SSH_AUTH_SOCK) opened it for the node: ssh-add %s. %s",
			h->key_path, h->key_path, message);
		json_object_set_new(event, "message", json_text(text, strlen(text)));
	}
}

static void on_host_task(struct journal *j, json_t *event)
{
	struct journal_host *h = host_of(j, event);
	const char *status = json_string_value(json_object_get(event, "status"));

	j->sync_due = true;
	if (h == NULL || status == NULL)
		return;
	h->seen = true;
	h->failed |= strcmp(status, "failed") == 0;
	h->unreachable |= strcmp(status, "unreachable") == 0;
	if (h->unreachable)
		explain_refusal(j, event);
	if (strcmp(status, "failed") == 0 || strcmp(status, "unreachable") == 0)
		note_failure(j, event, status);
}

static void on_stats(struct journal *j, json_t *event)
{
	const json_t *hosts = json_object_get(event, "hosts");

	j->stats_seen = true;
	j->sync_due = true;
	for (size_t i = 0; i < j->spec->n_hosts; i++) {
		const json_t *counts = json_object_get(hosts, j->hosts[i].hostname);
		if (counts == NULL)
			continue;
		j->hosts[i].in_stats = true;
		j->hosts[i].stats_failed = json_integer_value(json_object_get(counts, "failed"));
		j->hosts[i].stats_unreachable =
			json_integer_value(json_object_get(counts, "unreachable"));
	}
}

/* Replaces "data" (plain secrets) by "sealed". */
static void seal_event(struct journal *j, json_t *event)
{
	json_t *sealed = json_object();
	const char *key;
	json_t *value;

	json_object_foreach(json_object_get(event, "data"), key, value) {
		if (!json_is_string(value) || j->key == NULL)
			continue;
		cleanup(mem_freep) char *text = seal_text(j->key, json_string_value(value));
		json_object_set_new(sealed, key, json_string(text));
	}
	json_object_del(event, "data");
	json_object_set_new(event, "sealed", sealed);
	j->sync_due = true;
}

static const struct {
	const char *event;
	void (*take)(struct journal *j, json_t *event);
} takers[] = {{"host_task", on_host_task}, {"stats", on_stats}};

struct err *journal_event(struct journal *j, json_t *take_event)
{
	char now[CLOCK_TEXT_SIZE];
	json_t *line = json_object();

	clock_format(clock_utc(&clock_system), now);
	json_object_set_new(line, "seq", json_integer(++j->seq));
	json_object_set_new(line, "time", json_string(now));
	json_object_update(line, take_event);
	json_decref(take_event);
	char *text = json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(line);
	must(text != NULL);
	struct str out = STR_INIT;
	str_adds(&out, text);
	str_addc(&out, '\n');
	mem_free(text);
	struct err *e = fs_write_all(j->events_fd, str_get(&out), out.len);
	str_done(&out);
	return err_wrap(e, "events.jsonl");
}

static struct err *journal_warning(struct journal *j, const char *why, const char *line, size_t len)
{
	size_t shown = len < 200 ? len : 200;
	json_t *event = json_pack("{s:s, s:s, s:o}", "event", "warning", "message", why, "line",
		json_text(line, shown));

	return journal_event(j, event);
}

struct err *journal_line(struct journal *j, const char *line, size_t len)
{
	json_t *event = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const char *kind = json_string_value(json_object_get(event, "event"));

	if (kind == NULL) {
		json_decref(event);
		return journal_warning(j, "a line of the event pipe is not an event", line, len);
	}
	/* the runner's own keys cannot be forged from outside */
	json_object_del(event, "seq");
	json_object_del(event, "time");
	if (strcmp(kind, "secret") == 0)
		seal_event(j, event);
	for (size_t i = 0; i < ARRAY_LEN(takers); i++)
		if (strcmp(kind, takers[i].event) == 0)
			takers[i].take(j, event);
	return journal_event(j, event);
}

static void note_last_output(struct journal *j, const char *data, size_t len)
{
	while (len > 0 && (data[len - 1] == '\n' || data[len - 1] == ' '))
		len--;
	if (len == 0)
		return;
	const char *start = memrchr(data, '\n', len);
	start = start != NULL ? start + 1 : data;
	size_t n = len - (size_t)(start - data);
	mem_free(j->last_output);
	j->last_output = mem_strndup(start, n < 500 ? n : 500);
}

struct err *journal_output(struct journal *j, const char *data, size_t len)
{
	static const char mark[] =
		"\n[... output cut here: the limit of this operation was reached ...]\n";

	note_last_output(j, data, len);
	if (j->log_cut)
		return NULL;
	int64_t room = j->spec->output_max_bytes - j->log_bytes;
	size_t n = (int64_t)len <= room ? len : (size_t)room;
	TRY_WRAP(fs_write_all(j->log_fd, data, n), "log.txt");
	j->log_bytes += (int64_t)n;
	if (n == len)
		return NULL;
	j->log_cut = true;
	return fs_write_all(j->log_fd, mark, sizeof(mark) - 1);
}

struct err *journal_sync(struct journal *j)
{
	if (!j->sync_due)
		return NULL;
	j->sync_due = false;
	if (fdatasync(j->events_fd) != 0)
		return err_errno(errno, "events.jsonl");
	return NULL;
}

static bool host_good(const struct journal *j, size_t i)
{
	const struct journal_host *h = &j->hosts[i];

	if (j->spec->playbook == NULL)
		return j->spec->hosts[i].host_key != NULL;
	return h->in_stats && h->stats_failed == 0 && h->stats_unreachable == 0;
}

/* A playbook that plays only some of its hosts, such as the control planes, and ends well: the
 * others had nothing to do. */
static bool left_out(const struct journal *j, const struct run_end *end, size_t i)
{
	const struct journal_host *h = &j->hosts[i];

	return j->spec->playbook != NULL && end->exit_code == 0 && end->signal == 0 && !h->seen &&
		!h->in_stats;
}

static bool counts(const struct journal *j, const struct run_end *end, size_t i)
{
	return !j->spec->hosts[i].helper && !left_out(j, end, i);
}

static const char *judge(const struct journal *j, const struct run_end *end)
{
	size_t good = 0;
	size_t all = 0;

	if (end->cancelled)
		return "cancelled";
	if (end->timed_out)
		return "timed_out";
	for (size_t i = 0; i < j->spec->n_hosts; i++) {
		all += counts(j, end, i);
		good += counts(j, end, i) && host_good(j, i);
	}
	if (good == all && good > 0)
		return "succeeded";
	return good > 0 ? "partial" : "failed";
}

static json_t *text_or_null(const char *text)
{
	return text != NULL ? json_text(text, strlen(text)) : json_null();
}

/* Why a run that is not good is not good. */
static json_t *error_json(const struct journal *j, const struct run_end *end, const char *status)
{
	cleanup(mem_freep) char *summary = NULL;

	if (strcmp(status, "succeeded") == 0)
		return json_null();
	if (end->cancelled)
		summary = mem_strdup("cancelled");
	else if (end->timed_out)
		summary = mem_printf("not finished within %lld s", (long long)j->spec->timeout_s);
	else if (j->error_host != NULL)
		summary = mem_printf("%s: %s", j->error_host, j->error_message);
	else if (j->spec->playbook == NULL)
		summary = mem_strdup("no SSH server answered");
	else if (end->signal != 0)
		summary = mem_printf("ansible-playbook was killed by signal %d", end->signal);
	else
		summary = mem_printf(
			"ansible-playbook ended with code %d before it reached the hosts",
			end->exit_code);
	return json_pack("{s:o, s:o, s:o, s:o}", "summary", json_text(summary, strlen(summary)),
		"host", text_or_null(j->error_host), "task", text_or_null(j->error_task), "detail",
		text_or_null(j->error_message != NULL ? j->error_message : j->last_output));
}

struct err *journal_finish(struct journal *j, const struct run_end *end)
{
	const char *status = judge(j, end);
	json_t *result = json_pack("{s:s, s:i, s:o, s:b, s:I}", "status", status, "exit_code",
		end->exit_code, "error", error_json(j, end, status), "log_cut", j->log_cut,
		"attempt", (json_int_t)j->spec->attempt);
	json_t *event = json_pack("{s:s}", "event", "run_end");

	json_object_update(event, result);
	struct err *e = journal_event(j, event);
	j->sync_due = true;
	if (e == NULL)
		e = journal_sync(j);
	if (e == NULL) {
		cleanup(mem_freep) char *path = fs_join(j->spec->dir, "result.json");
		cleanup(mem_freep) char *text = json_dumps(result, JSON_COMPACT);
		e = fs_write_atomic(path, text, strlen(text), 0600);
	}
	json_decref(result);
	return e;
}
