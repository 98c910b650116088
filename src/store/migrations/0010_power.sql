-- UPSes, the rules that link them to clusters, what happened, and what the rule engine remembers.

CREATE TABLE ups (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	name TEXT NOT NULL UNIQUE,
	description TEXT,
	nut_host TEXT NOT NULL,
	nut_port INTEGER NOT NULL,
	nut_name TEXT NOT NULL,
	nut_username TEXT,
	nut_password TEXT,
	nut_tls_ca TEXT,
	nut_tls_pin TEXT,
	enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
	status INTEGER NOT NULL CHECK (status BETWEEN 0 AND 3),
	status_since INTEGER,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE ups_cluster_rules (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	name TEXT NOT NULL UNIQUE,
	description TEXT,
	ups_id INTEGER NOT NULL REFERENCES ups (id) ON DELETE CASCADE,
	cluster_id INTEGER REFERENCES clusters (id) ON DELETE CASCADE,
	power_event INTEGER NOT NULL CHECK (power_event BETWEEN 0 AND 7),
	cluster_action INTEGER NOT NULL CHECK (cluster_action BETWEEN 0 AND 8),
	enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
	priority INTEGER NOT NULL,
	battery_threshold INTEGER,
	runtime_threshold INTEGER,
	action_delay INTEGER NOT NULL,
	action_timeout INTEGER NOT NULL,
	min_charge INTEGER,
	stable_s INTEGER,
	retries INTEGER NOT NULL,
	on_fail INTEGER NOT NULL CHECK (on_fail BETWEEN 0 AND 1),
	auto_reverse INTEGER NOT NULL CHECK (auto_reverse IN (0, 1)),
	cancel_on_restore INTEGER NOT NULL CHECK (cancel_on_restore IN (0, 1)),
	abort_on_restore INTEGER NOT NULL CHECK (abort_on_restore IN (0, 1)),
	dry_run INTEGER NOT NULL CHECK (dry_run IN (0, 1)),
	power_off INTEGER NOT NULL CHECK (power_off IN (0, 1)),
	workflow TEXT,
	owner TEXT,
	state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 9),
	fired INTEGER NOT NULL,
	last_fired_at INTEGER,
	last_operation_id INTEGER,
	last_outcome TEXT,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX ups_cluster_rules_ups ON ups_cluster_rules (ups_id);
CREATE INDEX ups_cluster_rules_cluster ON ups_cluster_rules (cluster_id);

-- What happened stays when its UPS or rule is removed.
CREATE TABLE ups_events (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	at INTEGER NOT NULL,
	ups_id INTEGER NOT NULL,
	ups_name TEXT NOT NULL,
	event INTEGER NOT NULL CHECK (event BETWEEN 0 AND 9),
	reason INTEGER NOT NULL CHECK (reason BETWEEN 0 AND 12),
	since INTEGER,
	episode INTEGER NOT NULL,
	status TEXT,
	charge INTEGER,
	runtime INTEGER
) STRICT;
CREATE INDEX ups_events_ups ON ups_events (ups_id, at);

CREATE TABLE ups_firings (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	rule_id INTEGER NOT NULL,
	rule_name TEXT NOT NULL,
	ups_id INTEGER NOT NULL,
	cluster_id INTEGER,
	engine_id TEXT NOT NULL,
	episode INTEGER NOT NULL,
	action INTEGER NOT NULL CHECK (action BETWEEN 0 AND 8),
	state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 9),
	reason INTEGER NOT NULL CHECK (reason BETWEEN 0 AND 12),
	attempt INTEGER NOT NULL,
	operation_id INTEGER,
	error TEXT,
	dry_run INTEGER NOT NULL CHECK (dry_run IN (0, 1)),
	due_at INTEGER,
	started_at INTEGER,
	finished_at INTEGER,
	created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX ups_firings_engine ON ups_firings (engine_id, id);
CREATE INDEX ups_firings_state ON ups_firings (state);

CREATE TABLE power_state (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	stopped INTEGER NOT NULL CHECK (stopped IN (0, 1)),
	boot_id TEXT,
	at INTEGER,
	engine TEXT
) STRICT;

ALTER TABLE operations ADD COLUMN rule_id INTEGER;
ALTER TABLE operations ADD COLUMN firing_id INTEGER;
CREATE INDEX operations_rule ON operations (rule_id) WHERE rule_id IS NOT NULL;
-- A try of a firing asks for its operation once, whatever happens.
CREATE UNIQUE INDEX ups_firings_operation ON ups_firings (operation_id) WHERE operation_id IS NOT NULL;
