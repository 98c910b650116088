/* Owns the shapes. A key that a service adds to its JSON is added here too. */
#include "api/shapes.h"

#include <string.h>

#include "base/mem.h"
#include "model/alert.h"
#include "model/account.h"
#include "model/cluster.h"
#include "model/facts.h"
#include "model/node.h"
#include "model/notifier.h"
#include "model/operation.h"
#include "model/schedule.h"
#include "model/ups.h"

/* Words of JSON that occur often. */
#define TEXT "{\"type\":\"string\"}"
#define TEXT_OR_NULL "{\"type\":[\"string\",\"null\"]}"
#define NUMBER "{\"type\":\"integer\"}"
#define NUMBER_OR_NULL "{\"type\":[\"integer\",\"null\"]}"
#define TRUTH "{\"type\":\"boolean\"}"
#define ROLE "{\"type\":\"string\",\"enum\":[\"none\",\"viewer\",\"operator\",\"admin\"]}"
#define RISK "{\"type\":\"string\",\"enum\":[\"read\",\"change\",\"disrupt\",\"destroy\"]}"
#define TARGET "{\"type\":\"string\",\"enum\":[\"none\",\"node\",\"cluster\",\"nodes\"]}"
#define LIST_OF(schema) "{\"type\":\"array\",\"items\":" schema "}"
#define OBJECT_OF(properties, required)                                                            \
	"{\"type\":\"object\",\"required\":[" required "],\"properties\":{" properties "}}"
#define REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"

const struct shape shape_node = {
	.name = "node",
	.base = &node_type,
	.more = "{\"cluster_name\":" TEXT_OR_NULL ",\"has_sudo_password\":" TRUTH "}",
};

#define CLUSTER_COUNTS                                                                             \
	"\"node_count\":" NUMBER ",\"control_plane_count\":" NUMBER ",\"worker_count\":" NUMBER    \
	",\"has_kubeconfig\":" TRUTH
static const char *const cluster_without[] = {"scan", NULL};
const struct shape shape_cluster = {
	.name = "cluster",
	.base = &cluster_type,
	.without = cluster_without,
	.more = "{" CLUSTER_COUNTS "}",
};

#define MEMBER                                                                                     \
	OBJECT_OF("\"id\":" NUMBER ",\"hostname\":" TEXT ",\"ip_address\":" TEXT ",\"role\":" TEXT \
		  ",\"member\":" TRUTH                                                             \
		  ",\"labels\":{\"type\":[\"object\",\"null\"],\"additionalProperties\":" TEXT     \
		  "},\"ready\":" TRUTH ",\"status\":" TEXT ",\"microk8s_status\":" TEXT            \
		  ",\"microk8s_version\":" TEXT_OR_NULL,                                           \
		"\"id\",\"hostname\",\"ip_address\",\"role\",\"member\",\"ready\",\"status\"")
#define DESIRED_CHANGE                                                                             \
	OBJECT_OF("\"action\":{\"type\":\"string\",\"enum\":[\"add\",\"change\",\"remove\"]},"     \
		  "\"object\":" TEXT ",\"reason\":" TEXT,                                          \
		"\"action\",\"object\",\"reason\"")
#define DESIRED_NOTE OBJECT_OF("\"object\":" TEXT ",\"reason\":" TEXT, "\"object\",\"reason\"")
#define DESIRED_DIFFERENCE                                                                         \
	"\"changes\":" LIST_OF(DESIRED_CHANGE) ",\"notes\":" LIST_OF(DESIRED_NOTE)
#define DESIRED_DRIFT                                                                              \
	OBJECT_OF("\"applied_at\":" TEXT ",\"operation_id\":" NUMBER ",\"by\":" TEXT_OR_NULL       \
		  "," DESIRED_DIFFERENCE ",\"refused\":" TEXT_OR_NULL,                             \
		"\"applied_at\",\"operation_id\",\"by\",\"changes\",\"notes\",\"refused\"")
const struct shape shape_cluster_status = {
	.name = "cluster_status",
	.base = &cluster_type,
	.without = cluster_without,
	.more = "{" CLUSTER_COUNTS ",\"ha\":" TRUTH ",\"control_planes\":" NUMBER
		",\"workers\":" NUMBER ",\"nodes\":" LIST_OF(
			MEMBER) ",\"dqlite\":{},\"leader\":{},"
				"\"addons\":{},\"findings\":{},\"score_reasons\":{},\"unknown\":{},\"adopted\":{},"
				"\"desired\":{\"oneOf\":[" DESIRED_DRIFT ",{\"type\":\"null\"}]}}",
};

const struct shape shape_desired_plan = {
	.name = "desired_plan",
	.more = "{\"cluster\":" TEXT ",\"exists\":" TRUTH "," DESIRED_DIFFERENCE
		",\"steps\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}}",
};
const struct shape shape_desired_file = {
	.name = "desired_file",
	.more = "{\"apiVersion\":" TEXT ",\"kind\":" TEXT
		",\"metadata\":{\"type\":\"object\"},\"spec\":{\"type\":\"object\"}}",
};

/* Only of a physical backup. */
#define PHYSICAL "{\"type\":\"integer\",\"x-optional\":true}"
/* Only of one that a drill has restored. */
#define DRILLED "{\"type\":\"string\",\"x-optional\":true}"
const struct shape shape_backup = {
	.name = "backup",
	.more = "{\"id\":" TEXT ",\"folder\":" TEXT ",\"cluster\":" TEXT ",\"node\":" TEXT
		",\"kind\":" TEXT ",\"version\":" TEXT ",\"channel\":" TEXT_OR_NULL
		",\"created_at\":" TEXT ",\"keys\":" NUMBER_OR_NULL ",\"size_bytes\":" NUMBER
		",\"sha256\":" TEXT ",\"verified\":" TRUTH ",\"files\":" PHYSICAL
		",\"members\":" PHYSICAL ",\"last_index\":" PHYSICAL ",\"drilled_at\":" DRILLED
		",\"drilled_on\":" DRILLED "}",
};

const struct shape shape_facts = {.name = "facts", .base = &facts_type, .more = "{}"};

#define SNAPSHOT                                                                                   \
	OBJECT_OF("\"id\":" NUMBER ",\"node_id\":" NUMBER ",\"operation_id\":" NUMBER_OR_NULL      \
		  ",\"taken_at\":" TEXT,                                                           \
		"\"id\",\"node_id\",\"taken_at\"")
#define CHANGE                                                                                     \
	OBJECT_OF("\"fact\":" TEXT ",\"before\":{},\"after\":{}", "\"fact\",\"before\",\"after\"")
const struct shape shape_facts_diff = {
	.name = "facts_diff",
	.more = "{\"from\":" SNAPSHOT ",\"to\":" SNAPSHOT ",\"changes\":" LIST_OF(CHANGE) "}",
};

static const char *const op_host_without[] = {"id", "operation_id", NULL};
const struct shape shape_operation_host = {
	.name = "operation_host",
	.base = &op_host_type,
	.without = op_host_without,
	.more = "{}",
};

#define CHILD                                                                                      \
	OBJECT_OF("\"id\":" NUMBER ",\"type\":" TEXT ",\"name\":" TEXT_OR_NULL                     \
		  ",\"status\":" TEXT,                                                             \
		"\"id\",\"type\",\"name\",\"status\"")
static const char *const operation_without[] = {"target_kind", "target_id", "target_name",
	"progress_done", "progress_total", "current_task", NULL};
const struct shape shape_operation = {
	.name = "operation",
	.base = &operation_type,
	.without = operation_without,
	.more = "{\"target\":" OBJECT_OF("\"kind\":" TARGET ",\"id\":" NUMBER_OR_NULL
					 ",\"name\":" TEXT_OR_NULL,
		"\"kind\",\"id\",\"name\"") ",\"progress\":" OBJECT_OF("\"done\":" NUMBER
								       ",\"total\":" NUMBER
								       ",\"task\":" TEXT_OR_NULL,
		"\"done\",\"total\",\"task\"") ",\"next\":" TEXT_OR_NULL
					       ",\"duration_ms\":" NUMBER_OR_NULL
					       ",\"hosts\":{\"type\":\"array\",\"x-optional\":true,"
					       "\"items\":" REF(
						       "operation_host") "},\"children\":{\"type\":\"array\",\"x-optional\":true,"
									 "\"items\":" CHILD "}}",
};

#define PREVIEW_HOST OBJECT_OF("\"hostname\":" TEXT ",\"role\":" TEXT, "\"hostname\",\"role\"")
#define HOLDER OBJECT_OF("\"id\":" NUMBER ",\"name\":" TEXT, "\"id\",\"name\"")
#define LOCK                                                                                       \
	OBJECT_OF("\"resource\":" TEXT ",\"exclusive\":" TRUTH ",\"held_by\":{\"oneOf\":[" HOLDER  \
		  ",{\"type\":\"null\"}]}",                                                        \
		"\"resource\",\"exclusive\",\"held_by\"")
#define STAYS OBJECT_OF("\"pod\":" TEXT ",\"why\":" TEXT, "\"pod\",\"why\"")
#define IMPACT_NODE                                                                                \
	OBJECT_OF("\"hostname\":" TEXT ",\"voter\":" TRUTH ",\"seen_at\":" TEXT_OR_NULL            \
		  ",\"pods\":" NUMBER_OR_NULL ",\"emptydir\":" NUMBER_OR_NULL                      \
		  ",\"stay_count\":" NUMBER_OR_NULL                                                \
		  ",\"stay\":" LIST_OF(STAYS) ",\"volume_count\":" NUMBER_OR_NULL                  \
					      ",\"volumes\":" LIST_OF(TEXT),                       \
		"\"hostname\",\"voter\",\"seen_at\",\"pods\",\"stay\",\"volumes\"")
#define VOTERS                                                                                     \
	OBJECT_OF("\"configured\":" NUMBER ",\"alive\":" NUMBER ",\"left\":" NUMBER                \
		  ",\"needed\":" NUMBER,                                                           \
		"\"configured\",\"alive\",\"left\",\"needed\"")
#define IMPACT                                                                                     \
	OBJECT_OF("\"cluster\":" TEXT ",\"scanned_at\":" TEXT_OR_NULL                              \
		  ",\"voters\":{\"oneOf\":[" VOTERS                                                \
		  ",{\"type\":\"null\"}]},\"nodes\":" LIST_OF(IMPACT_NODE),                        \
		"\"cluster\",\"scanned_at\",\"voters\",\"nodes\"")
const struct shape shape_preview = {
	.name = "preview",
	.more = "{\"type\":" TEXT ",\"name\":" TEXT ",\"target\":" TEXT_OR_NULL
		",\"hosts\":" LIST_OF(PREVIEW_HOST) ",\"locks\":" LIST_OF(
			LOCK) ",\"playbook\":" TEXT_OR_NULL ",\"risk\":" RISK
			      ",\"timeout_s\":" NUMBER ",\"command\":" LIST_OF(
				      TEXT) ",\"inventory\":{\"type\":\"object\"},\"vars\":{"
					    "\"type\":\"object\"},\"refused\":" TEXT_OR_NULL
					    ",\"impact\":" LIST_OF(
						    IMPACT) ",\"expected_duration_ms\":" NUMBER_OR_NULL
							    ",\"expected_from_runs\":" NUMBER "}",
};

#define PARAM                                                                                      \
	OBJECT_OF("\"name\":" TEXT ",\"kind\":" TEXT ",\"required\":" TRUTH                        \
		  ",\"default\":" TEXT_OR_NULL ",\"help\":" TEXT_OR_NULL ",\"min\":" NUMBER        \
		  ",\"max\":" NUMBER ",\"choices\":" LIST_OF(TEXT),                                \
		"\"name\",\"kind\",\"required\",\"default\",\"help\"")
const struct shape shape_operation_types = {
	.name = "operation_type",
	.more = "{\"name\":" TEXT ",\"title\":" TEXT ",\"summary\":" TEXT_OR_NULL
		",\"target\":" TARGET ",\"role\":" ROLE ",\"risk\":" RISK ",\"exclusive\":" TRUTH
		",\"check_mode\":" TRUTH ",\"timeout_s\":" NUMBER ",\"playbook\":" TEXT_OR_NULL
		",\"params\":" LIST_OF(PARAM) "}",
};
const struct shape shape_pruned = {.name = "pruned", .more = "{\"removed\":" NUMBER "}"};

#define PLAYBOOK                                                                                   \
	"\"name\":" TEXT ",\"title\":" TEXT ",\"summary\":" TEXT_OR_NULL                           \
	",\"source\":{\"type\":\"string\",\"enum\":[\"builtin\",\"custom\"]},"                     \
	"\"operation_types\":" LIST_OF(                                                            \
		TEXT) ",\"target\":" TARGET ",\"risk\":" RISK ",\"role\":" ROLE                    \
		      ",\"check_mode\":" TRUTH ",\"timeout_s\":" NUMBER ",\"variables\":" LIST_OF( \
			      PARAM) ",\"problems\":{\"type\":\"array\",\"items\":" TEXT           \
				     ",\"x-optional\":true}"
const struct shape shape_playbook = {.name = "playbook", .more = "{" PLAYBOOK "}"};
const struct shape shape_playbook_text = {.name = "playbook_text",
	.more = "{" PLAYBOOK ",\"text\":" TEXT
		",\"metadata\":{\"type\":\"string\",\"x-optional\":true}}"};

const struct shape shape_schedule = {
	.name = "schedule",
	.base = &schedule_type,
	.more = "{\"next_runs\":" LIST_OF(TEXT) "}",
};
const struct shape shape_schedule_preview = {.name = "schedule_preview",
	.more = "{\"next_runs\":" LIST_OF(TEXT) "}"};

const struct shape shape_ups = {
	.name = "ups",
	.base = &ups_device_type,
	.more = "{\"has_nut_password\":" TRUTH "}",
};
const struct shape shape_ups_rule = {
	.name = "rule",
	.base = &ups_rule_type,
	.more = "{\"ups_name\":" TEXT_OR_NULL ",\"cluster_name\":" TEXT_OR_NULL "}",
};
const struct shape shape_ups_firing = {
	.name = "ups_open_firing",
	.base = &ups_firing_type,
	.more = "{\"held\":" TRUTH "}",
};
#define FLOAT_OR_NULL "{\"type\":[\"number\",\"null\"]}"
const struct shape shape_ups_status = {
	.name = "ups_live_status",
	.more = "{\"id\":" NUMBER ",\"name\":" TEXT ",\"watched\":" TRUTH ",\"power\":" TEXT
		",\"power_since\":" TEXT_OR_NULL ",\"contact\":" TRUTH ",\"outage\":" TRUTH
		",\"outage_number\":" NUMBER ",\"flapping\":" TRUTH ",\"forced_shutdown\":" TRUTH
		",\"output_off\":" TRUTH ",\"ups_status\":" TEXT_OR_NULL ",\"doubt\":" TEXT_OR_NULL
		",\"heard_at\":" TEXT_OR_NULL ",\"age_s\":" FLOAT_OR_NULL
		",\"problem\":" TEXT_OR_NULL ",\"charge_pct\":" FLOAT_OR_NULL
		",\"runtime_s\":" FLOAT_OR_NULL ",\"load_pct\":" FLOAT_OR_NULL
		",\"charge_low_pct\":" FLOAT_OR_NULL ",\"charge_warning_pct\":" FLOAT_OR_NULL
		",\"runtime_low_s\":" FLOAT_OR_NULL ",\"input_voltage_v\":" FLOAT_OR_NULL
		",\"input_frequency_hz\":" FLOAT_OR_NULL ",\"output_voltage_v\":" FLOAT_OR_NULL
		",\"battery_voltage_v\":" FLOAT_OR_NULL ",\"temperature_c\":" FLOAT_OR_NULL
		",\"realpower_w\":" FLOAT_OR_NULL ",\"realpower_nominal_w\":" FLOAT_OR_NULL
		",\"mfr\":" TEXT_OR_NULL ",\"model\":" TEXT_OR_NULL ",\"serial\":" TEXT_OR_NULL
		",\"alarm\":" TEXT_OR_NULL ",\"test_result\":" TEXT_OR_NULL
		",\"battery_date\":" TEXT_OR_NULL ",\"driver\":" TEXT_OR_NULL
		",\"firings\":" LIST_OF(REF("ups_open_firing")) ",\"plan\":" LIST_OF(OBJECT_OF(
			"\"rule\":" TEXT ",\"cluster\":" TEXT ",\"action\":" TEXT
			",\"needs_s\":" NUMBER_OR_NULL ",\"runs\":" NUMBER
			",\"has_s\":" NUMBER_OR_NULL
			",\"fits\":{\"type\":[\"boolean\",\"null\"]},\"starts_at_runtime_s\":" NUMBER_OR_NULL,
			"\"rule\",\"cluster\",\"action\",\"needs_s\",\"runs\",\"has_s\",\"fits\",\"starts_at_runtime_s\"")) "}",
};
const struct shape shape_ups_outages = {
	.name = "ups_outages",
	.more = "{\"items\":" LIST_OF(OBJECT_OF("\"ups\":" TEXT ",\"ups_id\":" NUMBER
						",\"number\":" NUMBER ",\"began\":" TEXT
						",\"ended\":" TEXT_OR_NULL
						",\"length_s\":" NUMBER_OR_NULL
						",\"charge_begin\":" NUMBER_OR_NULL
						",\"charge_end\":" NUMBER_OR_NULL
						",\"depth_percent\":" NUMBER_OR_NULL
						",\"critical\":" TRUTH,
		"\"ups\",\"ups_id\",\"number\",\"began\",\"ended\",\"length_s\",\"charge_begin\",\"charge_end\",\"depth_percent\",\"critical\"")) ",\"next_cursor\":{\"type\":\"null\"}}",
};
const struct shape shape_ups_monitor = {
	.name = "ups_monitor",
	.more = "{\"running\":" TRUTH ",\"wanted\":" TRUTH ",\"ups_count\":" NUMBER
		",\"firings\":" LIST_OF(REF("ups_open_firing")) "}",
};

const struct shape shape_ups_scan = {
	.name = "ups_scan",
	.more = "{\"items\":" LIST_OF(OBJECT_OF(
		"\"kind\":{\"enum\":[\"usb\",\"upsd\"]},\"bus\":" TEXT ",\"vendor_id\":" TEXT
		",\"product_id\":" TEXT ",\"manufacturer\":" TEXT_OR_NULL
		",\"product\":" TEXT_OR_NULL ",\"serial\":" TEXT_OR_NULL ",\"driver\":" TEXT
		",\"sure\":" TRUTH ",\"section\":" TEXT_OR_NULL ",\"nut_host\":" TEXT
		",\"nut_port\":" NUMBER ",\"nut_name\":" TEXT ",\"description\":" TEXT
		",\"ups_id\":{\"type\":[\"integer\",\"null\"]},\"ups_name\":" TEXT_OR_NULL
		",\"next\":" TEXT_OR_NULL,
		"\"kind\",\"ups_id\",\"ups_name\",\"next\"")) ",\"problems\":" LIST_OF(TEXT) "}",
};
const struct shape shape_ups_services = {
	.name = "ups_services",
	.more = "{\"installed\":" TRUTH ",\"mode\":" TEXT_OR_NULL ",\"manager\":" TEXT_OR_NULL ",\"upsd\":" OBJECT_OF(
		"\"host\":" TEXT ",\"port\":" NUMBER ",\"answers\":" TRUTH ",\"ups_count\":" NUMBER,
		"\"host\",\"port\",\"answers\",\"ups_count\"") ",\"items\":" LIST_OF(OBJECT_OF("\"name\":" TEXT
											       ",\"description\":" TEXT
											       ",\"state\":" TEXT
											       ",\"sub\":" TEXT
											       ",\"enabled\":" TEXT,
		"\"name\"")) ",\"problems\":" LIST_OF(TEXT) "}",
};

const struct shape shape_ups_configured = {
	.name = "ups_configured",
	.more = "{\"name\":" TEXT ",\"applied\":" TRUTH ",\"nut_host\":" TEXT
		",\"nut_port\":" NUMBER
		",\"changes\":" LIST_OF(OBJECT_OF("\"file\":" TEXT ",\"diff\":" TEXT
						  ",\"backup\":" TEXT_OR_NULL,
			"\"file\",\"diff\",\"backup\"")) "}",
};

const struct shape shape_health = {
	.name = "health",
	.more = "{\"status\":" TEXT ",\"version\":" TEXT ",\"setup_required\":" TRUTH "}",
};
const struct shape shape_version = {
	.name = "version",
	.more = "{\"name\":" TEXT ",\"version\":" TEXT ",\"schema_version\":" NUMBER "}",
};
const struct shape shape_settings = {
	.name = "setting",
	.more = "{\"key\":" TEXT ",\"value\":{},\"default\":" TEXT_OR_NULL ",\"unit\":" TEXT_OR_NULL
		",\"reloadable\":" TRUTH ",\"help\":" TEXT_OR_NULL "}",
};
const struct shape shape_settings_change = {
	.name = "settings_change",
	.more = "{\"file\":" TEXT
		",\"applied\":" LIST_OF(TEXT) ",\"restart_required\":" LIST_OF(TEXT) "}",
};
const struct shape shape_inventory = {
	.name = "inventory",
	.more = "{\"_meta\":" OBJECT_OF("\"hostvars\":{\"type\":\"object\"}", "\"hostvars\"") "}",
};
const struct shape shape_openapi = {
	.name = "openapi_document",
	.more = "{\"openapi\":" TEXT
		",\"info\":{\"type\":\"object\"},\"paths\":{\"type\":\"object\"}}",
};
#define SEVERITY "{\"type\":\"string\",\"enum\":[\"info\",\"warning\",\"blocking\"]}"
#define CHECK_WORDS                                                                                \
	"\"code\":" TEXT ",\"title\":" TEXT ",\"severity\":" SEVERITY ",\"expected\":" TEXT        \
	",\"why\":" TEXT ",\"fix\":" TEXT ",\"operation\":" TEXT_OR_NULL ",\"link\":" TEXT_OR_NULL
const struct shape shape_check = {
	.name = "check",
	.more = "{" CHECK_WORDS
		",\"uses\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"enum\":[\"prerequisite\",\"doctor\",\"server\"]}}}",
};
const struct shape shape_finding = {
	.name = "finding",
	.more = "{" CHECK_WORDS
		",\"result\":{\"type\":\"string\",\"enum\":[\"pass\",\"fail\",\"warn\",\"unknown\",\"skip\"]}"
		",\"host\":{\"type\":[\"string\",\"null\"],\"description\":\"null: about the cluster\"},\"cluster\":" TEXT_OR_NULL
		",\"found\":{\"type\":\"string\",\"description\":\"As the node says it: not to be trusted\"}}",
};
#define HEALTH_WORDS                                                                               \
	"\"id\":" NUMBER ",\"name\":" TEXT                                                         \
	",\"state\":{\"type\":\"string\",\"enum\":[\"up\",\"unknown\",\"degraded\",\"down\"]},\"reason\":" TEXT
#define HEALTH_ANSWER                                                                              \
	"{\"type\":\"string\",\"enum\":[\"not_asked\",\"good\",\"bad\",\"refused\",\"silent\"]}"
#define TRUTH_OR_NULL "{\"type\":[\"boolean\",\"null\"]}"
#define HEALTH_CLUSTER                                                                             \
	HEALTH_WORDS ",\"nodes\":" NUMBER ",\"nodes_well\":" NUMBER ",\"planes\":" NUMBER          \
		     ",\"planes_ready\":" NUMBER ",\"voters\":" NUMBER                             \
		     ",\"quorum_margin\":" NUMBER_OR_NULL ",\"kubeconfig_over\":" TRUTH
#define HEALTH_CLUSTER_KEYS                                                                        \
	"\"id\",\"name\",\"state\",\"reason\",\"nodes\",\"nodes_well\",\"planes\",\"planes_ready\",\"voters\",\"quorum_margin\",\"kubeconfig_over\""
#define HEALTH_NODE                                                                                \
	HEALTH_WORDS ",\"address\":" TEXT ",\"cluster\":" TEXT_OR_NULL                             \
		     ",\"cluster_id\":" NUMBER_OR_NULL ",\"ssh\":" HEALTH_ANSWER                   \
		     ",\"agent\":" HEALTH_ANSWER ",\"api\":" HEALTH_ANSWER                         \
		     ",\"ready\":" TRUTH_OR_NULL ",\"cordoned\":" TRUTH_OR_NULL                    \
		     ",\"heartbeat_s\":" NUMBER_OR_NULL ",\"certificate_ends\":" TEXT_OR_NULL      \
		     ",\"ssh_ms\":" NUMBER_OR_NULL ",\"api_ms\":" NUMBER_OR_NULL
#define HEALTH_NODE_KEYS                                                                           \
	"\"id\",\"name\",\"state\",\"reason\",\"address\",\"cluster\",\"cluster_id\",\"ssh\",\"agent\",\"api\",\"ready\",\"cordoned\",\"heartbeat_s\",\"certificate_ends\",\"ssh_ms\",\"api_ms\""
#define HEALTH_BELIEF ",\"since\":" TEXT_OR_NULL ",\"heard\":" TEXT ",\"flapping\":" TRUTH
#define HEALTH_BELIEF_KEYS ",\"since\",\"heard\",\"flapping\""
const struct shape shape_health_report = {
	.name = "health_report",
	.more = "{\"clusters\":" LIST_OF(OBJECT_OF(HEALTH_CLUSTER,
		HEALTH_CLUSTER_KEYS)) ",\"nodes\":" LIST_OF(OBJECT_OF(HEALTH_NODE,
		HEALTH_NODE_KEYS)) "}",
};
const struct shape shape_health_status = {
	.name = "health_status",
	.more = "{\"checked_at\":" TEXT ",\"clusters\":" LIST_OF(OBJECT_OF(HEALTH_CLUSTER
										   HEALTH_BELIEF,
		HEALTH_CLUSTER_KEYS
			HEALTH_BELIEF_KEYS)) ",\"nodes\":" LIST_OF(OBJECT_OF(HEALTH_NODE
										     HEALTH_BELIEF,
		HEALTH_NODE_KEYS HEALTH_BELIEF_KEYS)) "}",
};
const struct shape shape_history = {
	.name = "history",
	.more = "{\"subject\":" TEXT ",\"step_s\":" NUMBER ",\"begin\":" TEXT
		",\"series\":" LIST_OF(OBJECT_OF(
			"\"name\":" TEXT ",\"unit\":" TEXT_OR_NULL ",\"help\":" TEXT
			",\"values\":" LIST_OF("{\"type\":[\"number\",\"null\"]}"),
			"\"name\",\"unit\",\"help\",\"values\"")) ",\"energy_wh\":{\"type\":[\"number\",\"null\"],\"description\":\"Of the load of a UPS that tells its power\"}}",
};
const struct shape shape_alert = {
	.name = "alert",
	.base = &alert_type,
	.more = "{\"next\":{\"type\":\"string\",\"description\":\"What to type next\"}}",
};
#define HARDWARE_HEAD                                                                              \
	"\"id\":" NUMBER ",\"node_id\":" NUMBER ",\"operation_id\":" NUMBER_OR_NULL                \
	",\"taken_at\":" TEXT
#define HARDWARE_HEAD_KEYS "\"id\",\"node_id\",\"operation_id\",\"taken_at\""
#define HARDWARE_ENTRY                                                                             \
	OBJECT_OF(HARDWARE_HEAD ",\"complete\":" TRUTH, HARDWARE_HEAD_KEYS ",\"complete\"")
const struct shape shape_hardware = {
	.name = "hardware",
	.more = "{" HARDWARE_HEAD ",\"hostname\":" TEXT ",\"report\":{\"type\":\"object\"}}",
};
const struct shape shape_hardware_history = {
	.name = "hardware_history",
	.more = "{\"items\":" LIST_OF(HARDWARE_ENTRY) ",\"next_cursor\":{\"type\":\"null\"}}",
};
const struct shape shape_hardware_diff = {
	.name = "hardware_diff",
	.more = "{\"from\":" HARDWARE_ENTRY ",\"to\":" HARDWARE_ENTRY
		",\"changes\":" LIST_OF(CHANGE) "}",
};
#define HARDWARE_COUNTS                                                                            \
	"\"cores\":" NUMBER_OR_NULL ",\"threads\":" NUMBER_OR_NULL                                 \
	",\"memory_bytes\":" NUMBER_OR_NULL ",\"disk_bytes\":" NUMBER_OR_NULL                      \
	",\"disks\":" NUMBER_OR_NULL ",\"gpus\":" NUMBER_OR_NULL
const struct shape shape_hardware_totals = {
	.name = "hardware_totals",
	.more = "{\"nodes\":" LIST_OF(OBJECT_OF("\"id\":" NUMBER ",\"hostname\":" TEXT
						",\"taken_at\":" TEXT_OR_NULL
						",\"model\":" TEXT_OR_NULL "," HARDWARE_COUNTS,
		"\"id\",\"hostname\",\"taken_at\"")) ",\"totals\":{\"type\":\"object\",\"additionalProperties\":" NUMBER
						     "}}",
};
const struct shape shape_notifier = {
	.name = "notifier",
	.base = &notifier_type,
	.more = "{\"has_secret\":" TRUTH "}",
};
const struct shape shape_notifier_test = {
	.name = "notifier_test",
	.more = "{\"sent\":" TRUTH ",\"status\":" NUMBER ",\"error\":" TEXT_OR_NULL "}",
};
const struct shape shape_delivery = {.name = "delivery", .base = &delivery_type, .more = "{}"};
const struct shape shape_audit_report = {
	.name = "audit_report",
	.more = "{\"ok\":" TRUTH ",\"unproven\":" NUMBER ",\"pruned\":" NUMBER ",\"rows\":" NUMBER
		",\"bad_id\":" NUMBER_OR_NULL ",\"reason\":" TEXT_OR_NULL ",\"head\":" TEXT "}",
};

#define BRIEF                                                                                      \
	OBJECT_OF("\"id\":" NUMBER ",\"name\":" TEXT ",\"role\":" ROLE, "\"id\",\"name\",\"role\"")
const struct shape shape_login = {.name = "login", .more = "{\"user\":" BRIEF "}"};
const struct shape shape_me = {
	.name = "me",
	.more = "{\"id\":" NUMBER_OR_NULL ",\"name\":" TEXT ",\"role\":" ROLE
		",\"clusters\":{\"type\":[\"array\",\"null\"],\"description\":\"Ids of the only clusters that "
		"exist for this caller; null: all\"},\"session_id\":" NUMBER_OR_NULL "}",
};
const struct shape shape_setup = {
	.name = "setup",
	.more = "{\"user\":" BRIEF ",\"password\":{\"type\":\"string\",\"x-optional\":true,"
		"\"description\":\"When none was given: shown once\"}}",
};
const struct shape shape_setup_code = {.name = "setup_code", .more = "{\"code\":" TEXT "}"};
const struct shape shape_new_token = {
	.name = "new_token",
	.base = &token_type,
	.more = "{\"token\":{\"type\":\"string\",\"description\":\"Shown once\"}}",
};

const struct shape *const shapes_shared[] = {&shape_operation_host, &shape_operation,
	&shape_preview, &shape_ups_firing, NULL};

static void drop(json_t *schema, const char *const *names)
{
	json_t *required = json_object_get(schema, "required");

	for (; names != NULL && *names != NULL; names++) {
		json_object_del(json_object_get(schema, "properties"), *names);
		for (size_t i = json_array_size(required); i-- > 0;)
			if (strcmp(json_string_value(json_array_get(required, i)), *names) == 0)
				json_array_remove(required, i);
	}
}

json_t *shape_schema(const struct shape *shape)
{
	json_t *schema = shape->base != NULL
		? record_schema(shape->base, RECORD_CREATE, true)
		: json_pack("{s:s, s:{}, s:[]}", "type", "object", "properties", "required");
	json_t *more = json_loads(shape->more, 0, NULL);
	const char *key = NULL;
	json_t *property = NULL;

	must(more != NULL);
	drop(schema, shape->without);
	json_object_foreach(more, key, property) {
		bool optional = json_is_true(json_object_get(property, "x-optional"));
		json_object_del(property, "x-optional");
		json_object_set(json_object_get(schema, "properties"), key, property);
		if (!optional)
			json_array_append_new(json_object_get(schema, "required"),
				json_string(key));
	}
	json_decref(more);
	return schema;
}
