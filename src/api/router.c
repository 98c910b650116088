/* Owns the match of a path and method against the route table. First match wins, so rows with
 * literal parts stand before rows with {parameters} of the same length. */
#include <stdio.h>
#include <string.h>

#include "api/route.h"
#include "base/mem.h"

#define ACTION_NAME_MAX 64

const char *route_media(enum route_reply reply)
{
	static const char *const types[] = {
		[ROUTE_REPLY_NONE] = NULL,
		[ROUTE_REPLY_OBJECT] = "application/json",
		[ROUTE_REPLY_LIST] = "application/json",
		[ROUTE_REPLY_OPERATION] = "application/json",
		[ROUTE_REPLY_TEXT] = "text/plain",
		[ROUTE_REPLY_FILE] = "application/octet-stream",
		[ROUTE_REPLY_LINES] = "application/jsonl",
		[ROUTE_REPLY_EVENTS] = "text/event-stream",
	};

	return types[reply];
}

/* The operation type that an action route means; NULL when there is none. Verbs may be written with
 * '-' for '_'. */
static const struct op_type *action_type(const struct route *route, const char *verb)
{
	char name[ACTION_NAME_MAX];
	int n = snprintf(name, sizeof(name), "%s.%s",
		route->flags & ROUTE_ACTION_NODE ? "node" : "cluster", verb);

	if (n < 0 || (size_t)n >= sizeof(name))
		return NULL;
	for (char *at = name; *at != '\0'; at++)
		if (*at == '-')
			*at = '_';
	return op_type_find(name);
}

/* Compare one part of a pattern. Returns what stands behind it, NULL: another one. */
static const char *match_part(const char *pattern, const char *part, struct route_found *m,
	size_t *n)
{
	if (pattern[0] == '{') {
		must(*n < ROUTE_PARAMS_MAX);
		m->params[(*n)++] = part;
		return strchr(pattern, '}') + 1;
	}
	while (*part != '\0' && *part == *pattern) {
		part++;
		pattern++;
	}
	return *part == '\0' && (*pattern == '/' || *pattern == '\0') ? pattern : NULL;
}

static bool match_path(const struct route *route, const struct decode_path *path,
	struct route_found *ret)
{
	struct route_found m = {.route = route};
	const char *at = route->path;
	size_t n = 0;

	for (size_t i = 0; i < path->n; i++) {
		if (*at != '/')
			return false;
		at = match_part(at + 1, path->parts[i], &m, &n);
		if (at == NULL)
			return false;
	}
	if (*at != '\0')
		return false;
	if (route->flags & ROUTE_ACTION) {
		m.op = action_type(route, path->parts[path->n - 1]);
		if (m.op == NULL)
			return false;
	}
	*ret = m;
	return true;
}

static void allow_add(struct str *allow, const char *method)
{
	if (allow->len > 0)
		str_adds(allow, ", ");
	str_adds(allow, method);
	if (strcmp(method, "GET") == 0)
		str_adds(allow, ", HEAD");
}

/* Look through one resource: true when the row is found, else *allow learns the methods of that
 * path. */
static bool find_in(const struct route_list *list, const char *method,
	const struct decode_path *path, struct route_found *ret, struct str *allow)
{
	for (const struct route *r = list->rows; r < list->rows + list->n; r++) {
		if (!match_path(r, path, ret))
			continue;
		if (strcmp(r->method, method) == 0)
			return true;
		if (strstr(str_get(allow), r->method) == NULL)
			allow_add(allow, r->method);
	}
	return false;
}

struct route_found route_find(const struct route_list *const *lists, const char *method,
	const struct decode_path *path)
{
	struct str allow = STR_INIT;
	struct route_found found = {.route = NULL};
	const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;

	for (size_t i = 0; lists[i] != NULL; i++)
		if (find_in(lists[i], wanted, path, &found, &allow)) {
			str_done(&allow);
			return found;
		}
	found = (struct route_found){.route = NULL};
	if (allow.len > 0) {
		str_adds(&allow, ", OPTIONS");
		found.allow = str_take(&allow);
	}
	return found;
}

/* Whether an operation type belongs to an action row. */
static bool action_fits(const struct route *route, const struct op_type *type)
{
	const char *prefix = route->flags & ROUTE_ACTION_NODE ? "node." : "cluster.";

	return strncmp(type->name, prefix, strlen(prefix)) == 0;
}

static bool walk_action(struct route_walk *w, const struct route *route)
{
	const struct op_type *type;

	while ((type = op_types[w->type]) != NULL) {
		w->type++;
		if (!action_fits(route, type))
			continue;
		w->op = type;
		w->route = route;
		const char *verb = strchr(type->name, '.') + 1;
		int stem = (int)(strrchr(route->path, '/') - route->path);
		snprintf(w->path, sizeof(w->path), "%.*s/%s", stem, route->path, verb);
		return true;
	}
	return false;
}

/* The next route of the resource where the walk stands. */
static bool walk_group(struct route_walk *w)
{
	for (; w->row < w->group->n; w->row++, w->type = 0) {
		const struct route *route = &w->group->rows[w->row];
		if (route->flags & ROUTE_ACTION) {
			if (walk_action(w, route))
				return true;
			continue;
		}
		w->op = NULL;
		w->route = route;
		snprintf(w->path, sizeof(w->path), "%s", route->path);
		w->row++;
		return true;
	}
	return false;
}

bool route_walk_next(const struct route_list *const *lists, struct route_walk *w)
{
	for (; lists[w->list] != NULL; w->list++, w->row = 0) {
		w->group = lists[w->list];
		if (walk_group(w))
			return true;
	}
	return false;
}

enum role route_walk_role(const struct route_walk *w)
{
	return w->op != NULL && w->op->role > w->route->role ? w->op->role : w->route->role;
}
