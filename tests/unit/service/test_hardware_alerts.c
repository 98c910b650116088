/* Alerts of hardware reports: raised once, followed, over when a report shows it; never over
 * because a report is silent, or because health checks have nothing to say. */
#include "testing.h"

#include "domain.h"
#include "service/alert.h"
#include "service/hardware.h"
#include "service/node.h"

#define FAILING "{\"disks\":[{\"name\":\"sda\",\"smart\":{\"healthy\":false}}]}"
#define BOTH                                                                                                     \
	"{\"disks\":[{\"name\":\"sda\",\"smart\":{\"healthy\":false}},{\"name\":\"sdb\",\"smart\":{\"healthy\":" \
	"false}}]}"
#define WELL "{\"disks\":[{\"name\":\"sda\",\"smart\":{\"healthy\":true}}]}"
#define SILENT "{\"disks\":[{\"name\":\"sda\"}]}"

static void report(struct test_domain *d, int64_t node_id, const char *text)
{
	json_t *json = json_loads(text, 0, NULL);
	struct node node;

	ok(store_get(d->svc.store, &node_type, node_id, &node));
	TX(d, hardware_alerts(&d->svc, &node, json));
	record_done(&node_type, &node);
	json_decref(json);
}

/* "firing disk_failing sda says of itself that it fails;" of all rows, the oldest first. */
static void expect(struct test_domain *d, const char *want)
{
	struct store_query q = {.sort = "id"};
	struct store_rows rows = {0};
	struct str told = STR_INIT;

	ok(store_list(d->svc.store, &alert_type, &q, &rows));
	for (size_t i = 0; i < rows.n; i++) {
		const struct alert *a = store_row(&rows, i);
		str_addf(&told, "%s %s %s|", enum_text(&alert_state_table, a->state), a->subject,
			a->reason);
	}
	store_rows_done(&rows);
	assert_string_equal(str_get(&told), want);
	str_done(&told);
}

static void a_failing_disk_is_one_alert_until_a_report_shows_that_it_is_well(void **state)
{
	struct test_domain *d = *state;
	int64_t one = test_add_node(d, 1, 0);
	int64_t two = test_add_node(d, 2, 0);

	report(d, one, FAILING);
	report(d, one, FAILING);
	report(d, two, WELL);
	report(d, one, SILENT);
	expect(d, "firing node/1 sda says of itself that it fails|");
	report(d, one, BOTH);
	expect(d,
		"firing node/1 sda says of itself that it fails; sdb says of itself that it fails|");
	report(d, one, WELL);
	expect(d,
		"resolved node/1 sda says of itself that it fails; sdb says of itself that it fails|");
}

static void health_checks_end_no_alert_of_a_report(void **state)
{
	struct test_domain *d = *state;
	const struct alert_plan nothing = {.n = 0};

	report(d, test_add_node(d, 1, 0), FAILING);
	TX(d, alert_sync(&d->svc, ALERT_OF_HEALTH, &nothing, NULL));
	expect(d, "firing node/1 sda says of itself that it fails|");
}

static void a_node_that_is_forgotten_leaves_no_alert_behind(void **state)
{
	struct test_domain *d = *state;
	const struct actor who = {.name = "anna", .role = ROLE_ADMIN, .user_id = I64_NONE};

	report(d, test_add_node(d, 1, 0), FAILING);
	TX(d, node_remove(&d->svc, &who, "1", true));
	expect(d, "resolved node/1 sda says of itself that it fails|");
}

TEST_MAIN(DOMAIN_TEST(a_failing_disk_is_one_alert_until_a_report_shows_that_it_is_well),
	DOMAIN_TEST(health_checks_end_no_alert_of_a_report),
	DOMAIN_TEST(a_node_that_is_forgotten_leaves_no_alert_behind))
