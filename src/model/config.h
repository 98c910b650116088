/* The configuration: one table of keys gives parser, ranges, defaults, help and reference page. */
#pragma once

#include "model/record.h"

/** All settings, filled by config_load(); texts are owned. Sections of the YAML file are the parts
 * before the dot. */
struct config {
	int64_t id;             /**< unused, records start with one */
	char *data_dir;         /**< NULL: decided from the environment */
	char *microk8s_channel; /**< microk8s.channel */
	char *microk8s_network_cidr;
	char *microk8s_service_cidr;
	int64_t microk8s_addon_timeout_s;
	int64_t microk8s_join_token_ttl_s;
	char *ansible_collections_path; /**< NULL: found beside the binary or in
					   /usr/share/mko/ansible */
	char *ansible_playbook;         /**< program to run */
	int64_t ansible_forks_max;
	int64_t ssh_connect_timeout_s;
	char *ssh_default_user;
	int64_t operations_output_max_bytes;
	int64_t operations_parallel_max; /**< operations that run at once */
	int64_t operations_keep_days;
	char *playbooks_dir; /**< NULL: DATA_DIR/playbooks */
	char *web_listen;    /**< "127.0.0.1:5000" */
	char *web_tls_cert, *web_tls_key;
	int64_t web_body_max_bytes;
	int64_t web_request_timeout_s;
	int64_t web_session_hours;
	int64_t web_idle_timeout_s; /**< of connections, and of readers that take nothing */
	int64_t health_interval_s;  /**< between rounds of health, 0 = none */
	int64_t alert_keep_days;    /**< that are over */
	int64_t web_heartbeat_s;    /**< between signs of life on a quiet stream */
	int64_t audit_keep_days;    /**< 0 = for ever */
	int64_t power_ob_confirm_s, power_ol_confirm_s, power_comms_lost_s;
	int64_t power_crit_charge_pct, power_crit_runtime_s; /**< 0 = not looked at */
	int64_t power_blind_min_s, power_blind_max_s;
	bool power_ignore_lb;
	int64_t log_level;
	char file[4096]; /**< where it was read from, or would be; no key */
};
/** The table; field names are the dotted keys of the file ("microk8s.channel"). */
extern const struct record_type config_type;
