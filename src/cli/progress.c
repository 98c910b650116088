/* The state of a followed operation and its picture. Every text comes from outside and is escaped
 * before it is drawn. */
#include "cli/progress.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/client.h"
#include "cli/style.h"
#include "cli/term.h"
#include "model/operation.h"

#define NAME_CELLS_MAX 28
#define ARG_SPEC "Validating arguments against arg spec"
#define NARROW 8 /* cells: nothing but names */
#define STATUS_CELLS 11
#define TIME_CELLS 8
#define BAR_CELLS 30
#define LINES_MIN 4

static void set_text(char **slot, const char *text)
{
	mem_free(*slot);
	*slot = mem_strdup(text);
}

void progress_done(struct progress *p)
{
	for (size_t i = 0; i < p->n_hosts; i++) {
		mem_free(p->hosts[i].name);
		mem_free(p->hosts[i].task);
		mem_free(p->hosts[i].item);
	}
	mem_free(p->hosts);
	mem_free(p->name);
	mem_free(p->status);
	mem_free(p->waiting_for);
	mem_free(p->play);
	json_decref(p->tasks);
	*p = (struct progress){.id = 0};
}

/** The host with this name, added when it is new. */
static struct progress_host *host_of(struct progress *p, const char *name)
{
	for (size_t i = 0; i < p->n_hosts; i++)
		if (strcmp(p->hosts[i].name, name) == 0)
			return &p->hosts[i];
	p->hosts = mem_realloc_array(p->hosts, p->n_hosts + 1, sizeof(*p->hosts));
	struct progress_host *host = &p->hosts[p->n_hosts++];
	*host = (struct progress_host){.name = mem_strdup(name), .status = OP_HOST_PENDING};
	return host;
}

static int64_t time_of(const json_t *object, const char *key)
{
	int64_t at = 0;
	const char *text = cli_json_text(object, key, NULL);

	return text != NULL && clock_parse(text, &at) == 0 ? at : 0;
}

bool progress_is_final(const struct progress *p)
{
	int status = p->status != NULL ? enum_value(&op_status_table, p->status) : -1;

	return status >= 0 && op_status_final(status);
}

void progress_take_operation(struct progress *p, const json_t *operation)
{
	const json_t *host = NULL;
	size_t i = 0;

	p->id = cli_json_i64(operation, "id", p->id);
	set_text(&p->name, cli_json_text(operation, "name", "operation"));
	set_text(&p->status, cli_json_text(operation, "status", "unknown"));
	set_text(&p->waiting_for, cli_json_text(operation, "waiting_for", NULL));
	p->started_ms = time_of(operation, "started_at");
	if (p->started_ms == 0)
		p->started_ms = time_of(operation, "created_at");
	p->finished_ms = time_of(operation, "finished_at");
	p->done = cli_json_i64(operation, "progress.done", p->done);
	p->total = cli_json_i64(operation, "progress.total", p->total);
	json_array_foreach(cli_json_get(operation, "hosts"), i, host) {
		struct progress_host *h = host_of(p, cli_json_text(host, "hostname", "?"));
		int status = enum_value(&op_host_status_table, cli_json_text(host, "status", ""));
		/* While it runs the events know more. */
		if (status >= 0 && (progress_is_final(p) || h->status == OP_HOST_PENDING))
			h->status = status;
		h->changed = cli_json_i64(host, "changed", h->changed);
	}
}

/* Waiting for its turn, or never to come. */
static bool step_asleep(const char *status)
{
	return strcmp(status, "pending") == 0 || strcmp(status, "skipped") == 0 ||
		strcmp(status, "cancelled") == 0;
}

static bool step_over(const char *status)
{
	return !step_asleep(status) && strcmp(status, "running") != 0 &&
		strcmp(status, "waiting") != 0;
}

static void add_step_line(struct str *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add_step_line(struct str *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cleanup(mem_freep) char *text = mem_vprintf(fmt, ap);
	va_end(ap);
	str_adds(out, "  ");
	str_add_printable(out, text);
	str_addc(out, '\n');
}

void progress_take_steps(struct progress *p, const json_t *operation, struct str *out)
{
	const json_t *steps = cli_json_get(operation, "result.steps");
	size_t i = 0;
	const json_t *step = NULL;

	json_array_foreach(steps, i, step) {
		const char *status = cli_json_text(step, "status", "pending");
		const char *name = cli_json_text(step, "name", "?");
		const char *reason = cli_json_text(step, "reason", NULL);
		int64_t id = cli_json_i64(step, "operation_id", 0);
		if (i >= p->steps_begun && !step_asleep(status)) {
			cleanup(mem_freep) char *which =
				id > 0 ? mem_printf(" (operation %lld)", (long long)id) : NULL;
			add_step_line(out, "[%zu/%zu] %s%s", i + 1, json_array_size(steps), name,
				which != NULL ? which : "");
			p->steps_begun = i + 1;
			set_text(&p->play, name);
		}
		if (i >= p->steps_ended && step_over(status)) {
			if (reason != NULL)
				add_step_line(out, "%s: %s", status, reason);
			p->steps_ended = i + 1;
		}
	}
}

/** One event on its way in. */
struct intake {
	struct progress *p;
	const json_t *event;
	const struct progress_frame *frame;
	struct str *out;
	struct progress_host *host; /**< of the event, NULL = none */
};

static void say(struct intake *in, enum progress_lines least, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void say(struct intake *in, enum progress_lines least, const char *fmt, ...)
{
	va_list ap;

	if (in->frame->lines < least)
		return;
	va_start(ap, fmt);
	cleanup(mem_freep) char *text = mem_vprintf(fmt, ap);
	va_end(ap);
	str_add_printable(in->out, text);
	str_addc(in->out, '\n');
}

static void on_play(struct intake *in)
{
	set_text(&in->p->play, cli_json_text(in->event, "play", NULL));
	if (in->p->play != NULL)
		say(in, PROGRESS_PLAIN, "%s", in->p->play);
}

static void on_playbook(struct intake *in)
{
	int64_t total = cli_json_i64(in->event, "tasks_total", 0);

	in->p->total = in->p->total > 0 ? in->p->total : total;
}

static void on_task(struct intake *in)
{
	const char *task = cli_json_text(in->event, "task", "");
	const char *id = cli_json_text(in->event, "task_id", NULL);

	in->p->tasks_seen++;
	if (in->p->tasks == NULL)
		in->p->tasks = json_object();
	if (id != NULL)
		json_object_set_new(in->p->tasks, id, json_string(task));
	/* Ansible's own first task of each role says nothing to people. */
	if (in->frame->lines < PROGRESS_ALL && strncmp(task, ARG_SPEC, strlen(ARG_SPEC)) == 0)
		return;
	if (in->p->total >= in->p->tasks_seen)
		say(in, PROGRESS_PLAIN, "  [%lld/%lld] %s", (long long)in->p->tasks_seen,
			(long long)in->p->total, task);
	else
		say(in, PROGRESS_PLAIN, "  %s", task);
}

static void on_host_start(struct intake *in)
{
	const char *id = cli_json_text(in->event, "task_id", "");

	set_text(&in->host->task, json_string_value(json_object_get(in->p->tasks, id)));
	set_text(&in->host->item, NULL);
	in->host->status = OP_HOST_RUNNING;
	in->host->attempt = 0;
	in->host->since_ms = time_of(in->event, "time");
	if (in->host->since_ms == 0)
		in->host->since_ms = in->frame->now_ms;
}

static void on_host_task(struct intake *in)
{
	const char *status = cli_json_text(in->event, "status", "ok");
	const char *task = cli_json_text(in->event, "task", "");
	const char *message = cli_json_text(in->event, "message", "");
	bool bad = strcmp(status, "failed") == 0 || strcmp(status, "unreachable") == 0;
	bool changed = strcmp(status, "changed") == 0;
	char took[CLOCK_TEXT_SIZE];

	set_text(&in->host->task, task);
	in->host->changed += changed ? 1 : 0;
	in->host->failed += bad ? 1 : 0;
	if (bad)
		in->host->status = strcmp(status, "failed") == 0 ? OP_HOST_FAILED
								 : OP_HOST_UNREACHABLE;
	clock_format_duration(cli_json_i64(in->event, "duration_ms", 0), took);
	if (bad)
		say(in, PROGRESS_LIVE, "  %s: %s: %s%s%s", in->host->name, status, task,
			message[0] != '\0' ? ": " : "", message);
	else
		say(in, changed ? PROGRESS_PLAIN : PROGRESS_ALL, "    %s: %s (%s)", in->host->name,
			status, took);
}

static void on_item(struct intake *in)
{
	set_text(&in->host->item, cli_json_text(in->event, "item", NULL));
}

static void on_retry(struct intake *in)
{
	in->host->attempt = cli_json_i64(in->event, "attempt", 0);
	say(in, PROGRESS_ALL, "    %s: attempt %lld", in->host->name, (long long)in->host->attempt);
}

static void on_diff(struct intake *in)
{
	const char *p = cli_json_text(in->event, "diff", "");

	if (!in->frame->diff)
		return;
	say(in, PROGRESS_LIVE, "    %s:", in->host->name);
	while (*p != '\0') {
		size_t len = strcspn(p, "\n");
		say(in, PROGRESS_LIVE, "      %.*s", (int)len, p);
		p += len + (p[len] == '\n' ? 1 : 0);
	}
}

static void on_warning(struct intake *in)
{
	say(in, PROGRESS_LIVE, "warning: %s", cli_json_text(in->event, "message", ""));
}

static void on_no_hosts(struct intake *in)
{
	say(in, PROGRESS_LIVE, "warning: the play found no hosts");
}

static void on_stats(struct intake *in)
{
	const char *name = NULL;
	json_t *counts = NULL;

	json_object_foreach((json_t *)(uintptr_t)cli_json_get(in->event, "hosts"), name, counts) {
		struct progress_host *host = host_of(in->p, name);
		if (host->status != OP_HOST_RUNNING && host->status != OP_HOST_PENDING)
			continue;
		host->status = cli_json_i64(counts, "changed", 0) > 0 ? OP_HOST_CHANGED
								      : OP_HOST_OK;
		set_text(&host->task, NULL);
	}
}

static const struct {
	const char *event;
	bool needs_host;
	void (*take)(struct intake *in);
} takers[] = {
	{"playbook_start", false, on_playbook},
	{"play_start", false, on_play},
	{"task_start", false, on_task},
	{"host_task_start", true, on_host_start},
	{"host_task", true, on_host_task},
	{"host_item", true, on_item},
	{"host_retry", true, on_retry},
	{"diff", true, on_diff},
	{"warning", false, on_warning},
	{"no_hosts", false, on_no_hosts},
	{"stats", false, on_stats},
};

void progress_take_event(struct progress *p, const json_t *event,
	const struct progress_frame *frame, struct str *out)
{
	const char *kind = cli_json_text(event, "event", "");
	const char *name = cli_json_text(event, "host", NULL);
	struct intake in = {.p = p, .event = event, .frame = frame, .out = out};

	for (size_t i = 0; i < ARRAY_LEN(takers); i++) {
		if (strcmp(takers[i].event, kind) != 0 || (takers[i].needs_host && name == NULL))
			continue;
		in.host = takers[i].needs_host ? host_of(p, name) : NULL;
		takers[i].take(&in);
	}
}

/** How much a host wants to be seen when there is no room for all; less is more. */
static int rank(int64_t status)
{
	switch ((enum op_host_status)status) {
	case OP_HOST_FAILED:
	case OP_HOST_UNREACHABLE:
	case OP_HOST_UNKNOWN:
	case OP_HOST_CANCELLED:
		return 0;
	case OP_HOST_RUNNING:
		return 1;
	case OP_HOST_PENDING:
		return 2;
	case OP_HOST_OK:
	case OP_HOST_CHANGED:
	case OP_HOST_SKIPPED:
		return 3;
	}
	return 3;
}

static void add_elapsed(struct str *out, int64_t from_ms, int64_t to_ms)
{
	char text[CLOCK_TEXT_SIZE];

	if (from_ms == 0)
		return;
	clock_format_duration(to_ms > from_ms ? to_ms - from_ms : 0, text);
	str_adds(out, text);
}

static void draw_title(const struct progress *p, const struct progress_frame *f, struct str *out)
{
	cleanup(str_done) struct str line = STR_INIT;
	cleanup(str_done) struct str time = STR_INIT;

	add_elapsed(&time, p->started_ms, p->finished_ms > 0 ? p->finished_ms : f->now_ms);
	str_add_printable(&line, p->name != NULL ? p->name : "operation");
	str_addf(&line, "  #%lld  %s", (long long)p->id, str_get(&time));
	str_adds(out, style_on(f->color, STYLE_BOLD));
	term_add_cut(out, str_get(&line), f->width);
	str_addf(out, "%s\n", style_off(f->color));
}

/** What a host does, for its line. */
static void add_doing(const struct progress_host *h, struct str *out)
{
	if (h->task == NULL)
		return;
	str_add_printable(out, h->task);
	if (h->item != NULL) {
		str_adds(out, " [");
		str_add_printable(out, h->item);
		str_addc(out, ']');
	}
	if (h->attempt > 1)
		str_addf(out, " (attempt %lld)", (long long)h->attempt);
}

static void draw_host(const struct progress_host *h, const struct progress_frame *f, int name_cells,
	struct str *out)
{
	const char *status = enum_text(&op_host_status_table, h->status);
	/* Green is for what is done: a host at work is busy. */
	enum style style = h->status == OP_HOST_RUNNING ? STYLE_BUSY : style_of_status(status);
	cleanup(str_done) struct str name = STR_INIT;
	cleanup(str_done) struct str doing = STR_INIT;
	cleanup(str_done) struct str time = STR_INIT;

	str_add_printable(&name, h->name);
	if (f->width < NARROW) {
		term_add_cut(out, str_get(&name), f->width);
		str_addc(out, '\n');
		return;
	}
	add_doing(h, &doing);
	if (h->status == OP_HOST_RUNNING)
		add_elapsed(&time, h->since_ms, f->now_ms);
	int room = f->width - 2 - name_cells - 2;
	str_adds(out, "  ");
	term_add_fit(out, str_get(&name), name_cells);
	if (room >= STATUS_CELLS) {
		str_addf(out, "  %s", style_on(f->color, style));
		term_add_fit(out, status != NULL ? status : "?", STATUS_CELLS);
		str_adds(out, style_off(f->color));
	}
	room -= STATUS_CELLS + 1 + TIME_CELLS;
	if (room >= 8 && doing.len > 0) {
		str_addc(out, ' ');
		term_add_fit(out, str_get(&doing), room);
		str_addf(out, "%*s", TIME_CELLS - 1, str_get(&time));
	}
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
	str_addc(out, '\n');
}

/** Count the hosts that are not shown, by status. */
static void draw_hidden(const struct progress *p, const struct progress_frame *f, const bool *shown,
	struct str *out)
{
	cleanup(str_done) struct str line = STR_INIT;
	size_t hidden = 0;

	for (size_t i = 0; i < p->n_hosts; i++)
		hidden += shown[i] ? 0 : 1;
	str_addf(&line, "  ... and %zu more:", hidden);
	for (int s = 0; op_host_status_table.texts[s] != NULL; s++) {
		size_t n = 0;
		for (size_t i = 0; i < p->n_hosts; i++)
			n += !shown[i] && p->hosts[i].status == s ? 1 : 0;
		if (n > 0)
			str_addf(&line, " %zu %s", n, op_host_status_table.texts[s]);
	}
	term_add_cut(out, str_get(&line), f->width);
	str_addc(out, '\n');
}

static void draw_hosts(const struct progress *p, const struct progress_frame *f, size_t room,
	struct str *out)
{
	bool *shown = mem_zalloc(p->n_hosts + 1);
	int name_cells = 4;
	size_t left = p->n_hosts <= room ? p->n_hosts : room > 0 ? room - 1 : 0;
	bool all = left == p->n_hosts;

	for (int r = 0; r <= 3; r++) {
		for (size_t i = 0; i < p->n_hosts && left > 0; i++) {
			if (rank(p->hosts[i].status) != r)
				continue;
			shown[i] = true;
			left--;
		}
	}
	for (size_t i = 0; i < p->n_hosts; i++) {
		int cells = term_width(p->hosts[i].name);
		if (shown[i] && cells > name_cells)
			name_cells = cells < NAME_CELLS_MAX ? cells : NAME_CELLS_MAX;
	}
	if (name_cells > f->width - 3)
		name_cells = f->width > 4 ? f->width - 3 : 1;
	for (size_t i = 0; i < p->n_hosts; i++)
		if (shown[i])
			draw_host(&p->hosts[i], f, name_cells, out);
	if (!all && room > 0)
		draw_hidden(p, f, shown, out);
	mem_free(shown);
}

static void draw_bar(const struct progress *p, const struct progress_frame *f, struct str *out)
{
	cleanup(str_done) struct str text = STR_INIT;
	int64_t total = p->total;
	int64_t done = p->done > 0 ? p->done : p->tasks_seen;

	if (p->waiting_for != NULL) {
		str_adds(&text, "waiting for ");
		str_add_printable(&text, p->waiting_for);
	} else if (total <= 0) {
		str_adds(&text,
			p->status != NULL && strcmp(p->status, "queued") == 0 ? "waiting to start"
									      : "starting");
	} else {
		done = done > total ? total : done;
		int cells = f->width < BAR_CELLS * 2 ? f->width / 3 : BAR_CELLS;
		int full = (int)(done * cells / total);
		str_addc(&text, '[');
		for (int i = 0; i < cells; i++)
			str_addc(&text, i < full ? '#' : '-');
		str_addf(&text, "] %lld/%lld", (long long)done, (long long)total);
		if (p->play != NULL) {
			str_adds(&text, "  ");
			str_add_printable(&text, p->play);
		}
	}
	str_adds(out, f->width > 4 ? "  " : "");
	term_add_cut(out, str_get(&text), f->width > 4 ? f->width - 2 : f->width);
	str_addc(out, '\n');
}

void progress_draw(const struct progress *p, const struct progress_frame *frame, struct str *out)
{
	/* The cursor stays on the line below, so one line less than the terminal has. */
	size_t lines = frame->height > LINES_MIN ? (size_t)frame->height - 1 : LINES_MIN - 1;

	draw_title(p, frame, out);
	draw_hosts(p, frame, lines - 2, out);
	draw_bar(p, frame, out);
}
