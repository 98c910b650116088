/* model/desired: what a cluster file may say, and how it becomes fields of records. */
#include "testing.h"
#include "testing_err.h"

#include "base/mem.h"
#include "base/str.h"
#include "model/desired.h"
#include "model/yaml.h"

#define HEAD "apiVersion: mko/v1\nkind: Cluster\nmetadata: {name: home}\n"
#define NODE "{name: n1, address: 10.0.0.1}"

/* What is wrong, as "LINE:COLUMN field: text; ...", "" for nothing. @ret_want NULL = not wanted.
 * Owned. */
static char *read_text(const char *text, json_t **ret_want)
{
	struct yaml_file file = {.n = 0};
	struct str out = STR_INIT;
	json_t *want = NULL;

	struct err *e = yaml_read("f", text, strlen(text), &file);
	if (e == NULL)
		e = yaml_locate(&file, &file.docs[0], desired_read(file.docs[0].json, &want));
	yaml_done(&file);
	for (size_t i = 0; e != NULL && i < err_field_count(e); i++) {
		const char *message = NULL;
		const char *where = err_field_at(e, i, &message);
		str_addf(&out, "%s%s %s", i > 0 ? "; " : "", where + 2, message);
	}
	if (e != NULL)
		assert_int_equal(err_code(e), ERR_INVALID);
	err_free(e);
	if (ret_want != NULL)
		*ret_want = want;
	else
		json_decref(want);
	return out.len > 0 ? str_take(&out) : mem_strdup("");
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{HEAD "spec: {nodes: [" NODE "]}", ""},
		{"7", "1:1 must be a mapping: apiVersion, kind, metadata, spec"},
		{HEAD "spec: {nodes: [" NODE "], channelx: x}",
			"4:48 spec.channelx: unknown field, did you mean \"channel\"?"},
		{"apiVersion: mko/v9\nkind: Pod\nmetadata: {name: home}\nspec: {nodes: [" NODE "]}",
			"1:1 apiVersion: must be mko/v1: this mko knows no other; 2:1 kind: must be Cluster"},
		{HEAD "spec: {}", "4:1 spec.nodes: is required"},
		{HEAD "spec: {nodes: []}", "4:8 spec.nodes: must have 1 to 256 elements"},
		{HEAD "spec: {nodes: n1}", "4:8 spec.nodes: must be an array or an object"},
		{HEAD "spec: {nodes: [" NODE ", {name: n2, address: 10.0.0.1}]}",
			"4:58 spec.nodes[1].address: 10.0.0.1 is in spec.nodes[0] already"},
		{HEAD "spec: {nodes: [" NODE ", " NODE "]}",
			"4:48 spec.nodes[1].name: n1 is in spec.nodes[0] already; "
			"4:58 spec.nodes[1].address: 10.0.0.1 is in spec.nodes[0] already"},
		{HEAD "spec: {nodes: [7]}", "4:16 spec.nodes[0]: must be a mapping"},
		{HEAD "spec: {nodes: [{name: n1, address: nowhere, role: king}]}",
			"4:27 spec.nodes[0].address: not an IP address (write it in numbers, for example 192.168.1.10); "
			"4:45 spec.nodes[0].role: must be one of: control_plane, worker, voter"},
		{HEAD "spec: {nodes: [" NODE "], addons: [dns, \"dns:1.1.1.1\"]}",
			"4:62 spec.addons[1].name: dns is in spec.addons[0] already"},
		{HEAD "spec: {nodes: [" NODE "], addons: [{name: dns, args: [1]}]}",
			"4:69 spec.addons[0].args: must be texts of at most 255 bytes (quote numbers)"},
		{HEAD "spec: {nodes: [" NODE
		      "], network_cidr: 10.1.0.0/16, service_cidr: 10.1.2.0/24}",
			"4:75 spec.service_cidr: 10.1.2.0/24 overlaps with the pod network 10.1.0.0/16"},
		{HEAD "spec: {nodes: [{name: n1, address: 10.0.0.1, labels: {disk: 7}}]}",
			"4:46 spec.nodes[0].labels: disk: must be a text (quote numbers and true), or null"},
		{HEAD "spec: {nodes: [" NODE "], refresh: {policy: auto}}",
			"4:58 spec.refresh.policy: must be hold: mko never lets snapd refresh a node by itself; a new channel is an upgrade, node by node"},
		{HEAD "spec: {nodes: [" NODE
		      "], power: {feeds: [rack], policy: some}, backup: {keep: 7}}",
			"4:71 spec.power.policy: must be one of: any, all; 4:86 spec.backup.schedule: is required"},
		{HEAD "spec: {nodes: [" NODE "], backup: {schedule: sometimes, keep: -1}}",
			"4:57 spec.backup.schedule: must have five fields, MINUTE HOUR DAY MONTH WEEKDAY, for example \"0 3 * * *\"; it has 1; 4:78 spec.backup.keep.last: must be between 0 and 10000"},
		{HEAD "spec: {nodes: [" NODE
		      "], backup: {schedule: \"@daily\", keep: {daily: -1, monthly: 2}}}",
			"4:84 spec.backup.keep.daily: must be between 0 and 1000; 4:95 spec.backup.keep.monthly: unknown field"},
		{HEAD "spec: {nodes: [" NODE "], cni: {name: flannel}}",
			"4:54 spec.cni.name: must be calico, with which MicroK8s comes; another one is an addon that takes its place: name it under addons"},
		{HEAD "spec: {nodes: [" NODE "], hooks: {during: {upgrade: [x]}, before: 7}}",
			"4:56 spec.hooks.during: unknown field; 4:80 spec.hooks.before: must be an array or an object"},
		{HEAD "spec: {nodes: [" NODE "], hooks: {before: {upgrade: trim}}}",
			"4:48 spec.hooks: before: upgrade: must be a list of at most 64 playbooks"},
		{HEAD "spec: {nodes: [{name: n1, address: 10.0.0.1, mac: \"aa:bb:cc:dd:ee:ff\", power: {tier: 10, wol: \"aa:bb:cc:dd:ee:ff\"}}]}",
			"4:80 spec.nodes[0].power.tier: must be between 0 and 9; 4:90 spec.nodes[0].power.wol: is another word for mac, which is given"},
		{"apiVersion: mko/v1\nkind: Cluster\nmetadata: {name: home, labels: {site: null}}\nspec: {nodes: [" NODE
		 "]}",
			"3:24 metadata.labels: site: must be a text"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup(mem_freep) char *got = read_text(rows[i].text, NULL);
		assert_string_equal(got, rows[i].want);
	}
}

static void a_file_that_people_do_not_write_is_refused_before_it_is_read(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"a: &x 1\nb: *x", "1:4 anchors and aliases are not taken"},
		{"a: 1\na: 2", "2:1 this key was given before"},
		{"a: !!binary x", "1:4 tags are not taken"},
		{"[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]", "1:18 is nested too deep"},
	};
	struct yaml_file file = {.n = 0};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup(mem_freep) char *got = read_text(rows[i].text, NULL);
		assert_string_equal(got, rows[i].want);
	}
	cleanup(mem_freep) char *large = mem_zalloc(YAML_BYTES_MAX + 2);
	memset(large, 'x', YAML_BYTES_MAX + 1);
	assert_fails(yaml_read("f", large, YAML_BYTES_MAX + 1, &file), ERR_TOO_LARGE);
}

static void words_of_the_file_become_fields_and_come_back(void **state)
{
	static const char text[] = HEAD
		"spec:\n"
		"  channel: 1.32/stable\n"
		"  ha: true\n"
		"  nodes:\n"
		"    - {name: n1, address: 10.0.0.1, role: voter, user: pi, port: 2222, mac: null, labels: {disk: ssd, example.com/rack: a, old: null}, power: {tier: 3, wol: \"aa:bb:cc:dd:ee:ff\"}}\n"
		"  cni: {name: calico}\n"
		"  hooks: {before: {upgrade: [trim, look]}, after: {cluster.backup: [tell]}}\n"
		"  refresh: {policy: hold}\n"
		"  power: {feeds: [rack, shed], policy: all, min_feeds: 1}\n"
		"  backup: {schedule: \"0 3 * * *\", timezone: Europe/Berlin, keep: {daily: 7, weekly: 4, last: 0}}\n"
		"  addons: [dns, {name: metallb, args: 10.0.0.5-10.0.0.9}, \"core/x:y\"]\n";
	static const char fields[] =
		"{\"name\": \"home\", \"channel\": \"1.32/stable\", \"ha_enabled\": true, \"addons\": ["
		"{\"name\": \"dns\", \"args\": []}, {\"name\": \"metallb\", \"args\": [\"10.0.0.5-10.0.0.9\"]}, "
		"{\"name\": \"core/x\", \"args\": [\"y\"]}], \"nodes\": [{\"hostname\": \"n1\", "
		"\"ip_address\": \"10.0.0.1\", \"role\": \"control_plane\", \"ssh_user\": \"pi\", \"ssh_port\": 2222, "
		"\"labels\": {\"disk\": \"ssd\", \"example.com/rack\": \"a\", \"old\": null}, \"power_tier\": 3, "
		"\"mac_address\": \"aa:bb:cc:dd:ee:ff\"}], \"cni\": \"calico\", "
		"\"hooks\": {\"before\": {\"cluster.upgrade\": [\"trim\", \"look\"]}, \"after\": {\"cluster.backup\": [\"tell\"]}}, "
		"\"feeds\": [\"rack\", \"shed\"], \"feed_policy\": \"all\", \"min_feeds\": 1, "
		"\"backup\": {\"cron\": \"0 3 * * *\", \"timezone\": \"Europe/Berlin\", \"keep\": {\"daily\": 7, \"weekly\": 4}}}";
	json_t *want = NULL;
	json_t *again = NULL;
	(void)state;
	cleanup(mem_freep) char *wrong = read_text(text, &want);
	assert_string_equal(wrong, "");
	json_t *expected = json_loads(fields, 0, NULL);
	assert_true(json_equal(want, expected));
	json_t *doc = desired_write(want);
	assert_null(desired_read(doc, &again));
	assert_true(json_equal(want, again));
	json_decref(doc);
	json_decref(again);
	json_decref(expected);
	json_decref(want);
}

static const json_t *at(const json_t *json, const char *a, const char *b)
{
	return json_object_get(json_object_get(json, a), b);
}

/* Every key that the reader takes, and no other. */
static void the_schema_knows_the_keys_of_the_reader(void **state)
{
	json_t *schema = desired_schema();
	const json_t *spec = at(schema, "properties", "spec");
	const json_t *node = json_object_get(at(spec, "properties", "nodes"), "items");
	(void)state;
	assert_true(json_is_false(json_object_get(schema, "additionalProperties")));
	assert_true(json_is_false(json_object_get(spec, "additionalProperties")));
	assert_true(json_is_false(json_object_get(node, "additionalProperties")));
	for (size_t i = 0; desired_node_words[i].word != NULL; i++)
		assert_true(at(node, "properties", desired_node_words[i].word) != NULL ||
			at(at(node, "properties", "power"), "properties",
				desired_node_words[i].word) != NULL);
	assert_non_null(at(at(spec, "properties", "backup"), "properties", "keep"));
	assert_int_equal(json_object_size(json_object_get(node, "properties")), 11);
	assert_string_equal(json_string_value(json_object_get(at(schema, "properties",
								      "apiVersion"),
				    "const")),
		DESIRED_VERSION);
	json_decref(schema);
}

TEST_MAIN(cmocka_unit_test(what_is_wrong_is_told_with_its_place),
	cmocka_unit_test(a_file_that_people_do_not_write_is_refused_before_it_is_read),
	cmocka_unit_test(words_of_the_file_become_fields_and_come_back),
	cmocka_unit_test(the_schema_knows_the_keys_of_the_reader))
