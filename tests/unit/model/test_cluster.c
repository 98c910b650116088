/* model/cluster: defaults, networks and addons. */
#include "testing.h"

#include <string.h>

#include "base/mem.h"
#include "model/cluster.h"
#include "testing_err.h"

static struct err *create(struct cluster *c, const char *text)
{
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	record_init(&cluster_type, c);
	struct err *e = record_from_json(&cluster_type, c, json, RECORD_CREATE);
	json_decref(json);
	return e;
}

static void a_name_is_enough(void **state)
{
	(void)state;
	struct cluster c;
	assert_ok(create(&c, "{\"name\":\"prod\"}"));
	assert_string_equal(c.network_cidr, "10.1.0.0/16");
	assert_string_equal(c.service_cidr, "10.152.183.0/24");
	assert_null(c.channel);
	assert_false(c.ha_enabled);
	assert_int_equal(c.status, CLUSTER_INITIALIZING);
	assert_int_equal(c.health_score, I64_NONE);
	assert_int_equal(json_array_size(c.addons), 0);
	record_done(&cluster_type, &c);
}

static void addons_are_names_or_names_with_arguments(void **state)
{
	(void)state;
	static const struct {
		const char *addons;
		bool good;
	} cases[] = {
		{"[]", true},
		{"[\"dns\"]", true},
		{"[\"community/argocd\",{\"name\":\"dns\"}]", true},
		{"[{\"name\":\"metallb\",\"args\":[\"10.0.0.1-10.0.0.9\"]}]", true},
		{"{}", false},
		{"\"dns\"", false},
		{"[1]", false},
		{"[\"\"]", false},
		{"[\"--help\"]", false},
		{"[\"dns:1.1.1.1\"]", false},
		{"[{}]", false},
		{"[{\"name\":5}]", false},
		{"[{\"name\":\"dns\",\"args\":\"x\"}]", false},
		{"[{\"name\":\"dns\",\"args\":[1]}]", false},
		{"[{\"name\":\"dns\",\"args\":[\"a\\nb\"]}]", false},
		{"[{\"name\":\"dns\",\"arg\":[]}]", false},
		{"[{\"name\":\"d ns\"}]", false},
		{"[null]", false},
		{"[[]]", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cluster c;
		char *text = mem_printf("{\"name\":\"prod\",\"addons\":%s}", cases[i].addons);
		struct err *e = create(&c, text);
		if ((e == NULL) != cases[i].good)
			print_error("%s\n", cases[i].addons);
		assert_int_equal(e == NULL, cases[i].good);
		err_free(e);
		record_done(&cluster_type, &c);
		mem_free(text);
	}
}

static void wrong_names_networks_and_channels_are_all_told(void **state)
{
	(void)state;
	struct cluster c;
	struct err *e = create(&c,
		"{\"name\":\"12\",\"network_cidr\":\"10.1.0.1/16\",\"service_cidr\":\"x\",\"channel\":\"1.32\",\"status\":\"active\"}");
	assert_non_null(e);
	assert_int_equal(err_field_count(e), 5);
	err_free(e);
	record_done(&cluster_type, &c);
}

static void the_kubeconfig_and_the_scan_are_not_shown(void **state)
{
	(void)state;
	struct cluster c;
	record_init(&cluster_type, &c);
	field_set_text(&c.kubeconfig, "sealed");
	c.scan = json_object();
	json_t *json = record_to_json(&cluster_type, &c);
	assert_null(json_object_get(json, "kubeconfig"));
	assert_null(json_object_get(json, "scan"));
	json_decref(json);
	record_done(&cluster_type, &c);
}

TEST_MAIN(cmocka_unit_test(a_name_is_enough),
	cmocka_unit_test(addons_are_names_or_names_with_arguments),
	cmocka_unit_test(wrong_names_networks_and_channels_are_all_told),
	cmocka_unit_test(the_kubeconfig_and_the_scan_are_not_shown))
