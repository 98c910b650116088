/* Owns what is said of the volumes of containers, and who uses them: Docker, Podman, containerd,
 * Kubernetes. */
#include <string.h>

#include "base/mem.h"
#include "hardware/report_int.h"

static json_t *volumes_of(json_t *report, const char *engine)
{
	return report_object(report_object(report, "volumes"), engine);
}

static const json_t *item(const json_t *array, size_t i)
{
	return json_array_get(array, i);
}

/* ---- Docker and Podman ---- */

/* ["data","local","/var/lib/.../_data"] */
static void add_volume(json_t *engine, const json_t *row)
{
	json_t *volume = json_object();

	set_told(volume, "name", item(row, 0));
	set_told(volume, "driver", item(row, 1));
	set_told(volume, "path", item(row, 2));
	json_object_set_new(volume, "used_by", json_array());
	json_array_append_new(report_list(engine, "volumes"), volume);
}

static json_t *named(const json_t *list, const json_t *name)
{
	const json_t *one = NULL;
	size_t i = 0;

	if (!json_is_string(name))
		return NULL;
	json_array_foreach(list, i, one)
		if (json_equal(json_object_get(one, "name"), name))
			return (json_t *)(uintptr_t)one;
	return NULL;
}

static void add_user(json_t *volume, const json_t *name)
{
	if (volume != NULL && json_is_string(name))
		json_array_append(report_list(volume, "used_by"), (json_t *)(uintptr_t)name);
}

/* {"Type":"bind","Name":"data","Source":"/srv","Destination":"/data"} */
static void add_mount(json_t *container, json_t *engine, const json_t *mount)
{
	json_t *made = json_object();
	json_t *volume = json_object();

	set_told(made, "kind", json_object_get(mount, "Type"));
	set_told(made, "source", json_object_get(mount, "Source"));
	set_told(made, "mount", json_object_get(mount, "Destination"));
	set_told(volume, "name", json_object_get(mount, "Name"));
	add_user(named(json_object_get(engine, "volumes"), json_object_get(volume, "name")),
		json_object_get(container, "name"));
	json_array_append_new(report_list(container, "mounts"), made);
	json_decref(volume);
}

/* ["/web","nginx:1.27","running",[mounts]]; Podman's names have no slash. */
static void add_container(json_t *engine, const json_t *row)
{
	json_t *container = json_object();
	const char *name = json_string_value(item(row, 0));
	const json_t *mount = NULL;
	size_t i = 0;

	if (name != NULL)
		set_piece(container, "name",
			(struct piece){name + (name[0] == '/'), strlen(name) - (name[0] == '/')});
	set_told(container, "image", item(row, 1));
	set_told(container, "state", item(row, 2));
	json_array_foreach(item(row, 3), i, mount)
		add_mount(container, engine, mount);
	json_array_append_new(report_list(engine, "containers"), container);
}

/* A JSON array a line: three members are a volume, four a container. Volumes come first. */
static void read_engine(struct piece text, const char *name, json_t *report)
{
	json_t *engine = volumes_of(report, name);
	struct piece line;

	(void)report_list(engine, "volumes");
	while (piece_line(&text, &line)) {
		json_t *row = piece_load(line);
		if (json_is_array(row) && json_array_size(row) == 3)
			add_volume(engine, row);
		else if (json_is_array(row) && json_array_size(row) == 4)
			add_container(engine, row);
		json_decref(row);
	}
}

void read_docker(struct piece text, struct piece argument, json_t *report)
{
	(void)argument;
	read_engine(text, "docker", report);
}

void read_podman(struct piece text, struct piece argument, json_t *report)
{
	(void)argument;
	read_engine(text, "podman", report);
}

/* ---- containerd ---- */

/* "du|123456" (KiB) and "container|ID" */
void read_containerd(struct piece text, struct piece argument, json_t *report)
{
	json_t *engine = volumes_of(report, "containerd");
	struct piece line;
	struct piece what;
	int64_t n = 0;

	(void)argument;
	while (piece_line(&text, &line)) {
		if (!piece_cut(&line, '|', &what))
			continue;
		int64_t kib = piece_is(what, "du") ? piece_number(line) : INT64_MIN;
		if (kib >= 0 && kib < INT64_MAX / 1024)
			json_object_set_new(engine, "used_bytes", json_integer(kib * 1024));
		n += piece_is(what, "container");
	}
	json_object_set_new(engine, "containers", json_integer(n));
}

/* ---- Kubernetes ---- */

/* The next field of a line; what is behind the last "|" is one too. */
static struct piece field(struct piece *line)
{
	struct piece before = *line;

	if (!piece_cut(line, '|', &before))
		*line = (struct piece){line->at, 0};
	return piece_trim(before);
}

/* Fields in the order of these keys; "" = leave out. */
static void set_fields(json_t *object, struct piece *line, const char *const *keys)
{
	for (size_t i = 0; keys[i] != NULL; i++)
		set_piece(object, keys[i], field(line));
}

/* "namespace/name" */
static json_t *full_name(struct piece space, struct piece name)
{
	cleanup(mem_freep) char *text =
		mem_printf("%.*s/%.*s", (int)space.len, space.at, (int)name.len, name.at);

	return piece_json((struct piece){text, strlen(text)});
}

/* "claim|default|data|Bound|pvc-1|1Gi|microk8s-hostpath|ReadWriteOnce" */
static void add_claim(json_t *kubernetes, struct piece line)
{
	static const char *const keys[] = {"state", "volume", "size", "class", "access", NULL};
	struct piece space = field(&line);
	struct piece name = field(&line);
	json_t *claim = json_object();

	json_object_set_new(claim, "name", full_name(space, name));
	set_fields(claim, &line, keys);
	json_object_set_new(claim, "used_by", json_array());
	json_array_append_new(report_list(kubernetes, "claims"), claim);
}

/* "volume|pvc-1|1Gi|Bound|microk8s-hostpath|default/data|Delete|/var/snap/..." */
static void add_persistent_volume(json_t *kubernetes, struct piece line)
{
	static const char *const keys[] = {"name", "size", "state", "class", "claim", "reclaim",
		"source", NULL};
	json_t *volume = json_object();

	set_fields(volume, &line, keys);
	json_array_append_new(report_list(kubernetes, "volumes"), volume);
}

/* "class|microk8s-hostpath|microk8s.io/hostpath|Delete|WaitForFirstConsumer|true" */
static void add_class(json_t *kubernetes, struct piece line)
{
	static const char *const keys[] = {"name", "provisioner", "reclaim", "binding", NULL};
	json_t *class = json_object();

	set_fields(class, &line, keys);
	json_object_set_new(class, "default", json_boolean(piece_is(field(&line), "true")));
	json_array_append_new(report_list(kubernetes, "classes"), class);
}

/* "pod|default|web-0|data||" : a claim for each volume that is one */
static void add_pod(json_t *kubernetes, struct piece line)
{
	struct piece space = field(&line);
	json_t *pod = full_name(space, field(&line));

	while (line.len > 0) {
		struct piece claim = field(&line);
		json_t *name = claim.len > 0 ? full_name(space, claim) : NULL;
		add_user(named(json_object_get(kubernetes, "claims"), name), pod);
		json_decref(name);
	}
	json_decref(pod);
}

void read_kubernetes(struct piece text, struct piece argument, json_t *report)
{
	static const struct {
		const char *kind;
		void (*add)(json_t *kubernetes, struct piece line);
	} kinds[] = {{"claim", add_claim}, {"volume", add_persistent_volume}, {"class", add_class},
		{"pod", add_pod}};
	struct piece line;
	struct piece kind;

	(void)argument;
	while (piece_line(&text, &line)) {
		if (!piece_cut(&line, '|', &kind))
			continue;
		for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
			if (piece_is(kind, kinds[i].kind))
				kinds[i].add(volumes_of(report, "kubernetes"), line);
	}
}
