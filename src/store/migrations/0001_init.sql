-- First schema. One table for each record type of src/model; columns are the fields of its table.
-- Enumerations are the index of the value (src/model/*.c), times UTC milliseconds, truth values 0 or 1, JSON is text.
-- AUTOINCREMENT where an id must never come back: it stands in logs, audit entries, URLs or streams.

PRAGMA application_id = 0x6d6b6f31; -- "mko1"

CREATE TABLE clusters (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	name TEXT NOT NULL UNIQUE,
	description TEXT,
	ha_enabled INTEGER NOT NULL CHECK (ha_enabled IN (0, 1)),
	channel TEXT,
	addons TEXT NOT NULL,
	network_cidr TEXT NOT NULL,
	service_cidr TEXT NOT NULL,
	status INTEGER NOT NULL CHECK (status BETWEEN 0 AND 5),
	status_reason TEXT,
	health_score INTEGER CHECK (health_score BETWEEN 0 AND 100),
	quorum_margin INTEGER,
	ha_active INTEGER NOT NULL CHECK (ha_active IN (0, 1)),
	scanned_at INTEGER,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	scan TEXT,
	kubeconfig TEXT
) STRICT;
CREATE INDEX clusters_status ON clusters (status);

CREATE TABLE nodes (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	hostname TEXT NOT NULL UNIQUE,
	ip_address TEXT NOT NULL UNIQUE,
	ssh_user TEXT NOT NULL,
	ssh_port INTEGER NOT NULL CHECK (ssh_port BETWEEN 1 AND 65535),
	ssh_key_path TEXT,
	cluster_id INTEGER REFERENCES clusters (id) ON DELETE RESTRICT,
	role INTEGER NOT NULL CHECK (role BETWEEN 0 AND 2),
	status INTEGER NOT NULL CHECK (status BETWEEN 0 AND 5),
	microk8s_status INTEGER NOT NULL CHECK (microk8s_status BETWEEN 0 AND 5),
	microk8s_version TEXT,
	channel TEXT,
	os_version TEXT,
	kernel_version TEXT,
	architecture TEXT,
	cpu_cores INTEGER,
	memory_bytes INTEGER,
	disk_bytes INTEGER,
	mac_address TEXT,
	tags TEXT NOT NULL,
	notes TEXT,
	last_seen INTEGER,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	machine_id TEXT,
	status_reason TEXT,
	host_key_fingerprint TEXT,
	host_key TEXT,
	become_password TEXT
) STRICT;
CREATE INDEX nodes_cluster ON nodes (cluster_id);
CREATE INDEX nodes_status ON nodes (status);

CREATE TABLE operations (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	type TEXT NOT NULL,
	name TEXT,
	status INTEGER NOT NULL CHECK (status BETWEEN 0 AND 7),
	target_kind INTEGER NOT NULL CHECK (target_kind BETWEEN 0 AND 3),
	target_id INTEGER,
	target_name TEXT,
	params TEXT NOT NULL,
	requested_by TEXT,
	requested_via INTEGER NOT NULL CHECK (requested_via BETWEEN 0 AND 4),
	request_id TEXT,
	priority INTEGER NOT NULL,
	check_mode INTEGER NOT NULL CHECK (check_mode IN (0, 1)),
	waiting_for TEXT,
	cancel_requested INTEGER NOT NULL CHECK (cancel_requested IN (0, 1)),
	attempt INTEGER NOT NULL,
	timeout_s INTEGER NOT NULL,
	progress_done INTEGER NOT NULL,
	progress_total INTEGER NOT NULL,
	current_task TEXT,
	event_seq INTEGER NOT NULL,
	event_offset INTEGER NOT NULL,
	error TEXT,
	result TEXT,
	log_cut INTEGER NOT NULL CHECK (log_cut IN (0, 1)),
	parent_id INTEGER REFERENCES operations (id) ON DELETE SET NULL,
	retry_of INTEGER REFERENCES operations (id) ON DELETE SET NULL,
	created_at INTEGER NOT NULL,
	started_at INTEGER,
	finished_at INTEGER
) STRICT;
CREATE INDEX operations_status ON operations (status);
CREATE INDEX operations_type ON operations (type);
CREATE INDEX operations_target ON operations (target_kind, target_id);
CREATE INDEX operations_created ON operations (created_at);
CREATE INDEX operations_finished ON operations (finished_at);
CREATE INDEX operations_parent ON operations (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX operations_retry ON operations (retry_of) WHERE retry_of IS NOT NULL;

CREATE TABLE operation_hosts (
	id INTEGER PRIMARY KEY,
	operation_id INTEGER NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
	node_id INTEGER REFERENCES nodes (id) ON DELETE SET NULL,
	hostname TEXT NOT NULL,
	status INTEGER NOT NULL CHECK (status BETWEEN 0 AND 8),
	ok INTEGER NOT NULL,
	changed INTEGER NOT NULL,
	failed INTEGER NOT NULL,
	skipped INTEGER NOT NULL,
	unreachable INTEGER NOT NULL,
	task TEXT,
	message TEXT,
	data TEXT,
	started_at INTEGER,
	updated_at INTEGER,
	UNIQUE (operation_id, hostname)
) STRICT;
CREATE INDEX operation_hosts_node ON operation_hosts (node_id);

CREATE TABLE operation_locks (
	id INTEGER PRIMARY KEY,
	operation_id INTEGER NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
	resource TEXT NOT NULL,
	exclusive INTEGER NOT NULL CHECK (exclusive IN (0, 1)),
	created_at INTEGER,
	UNIQUE (operation_id, resource)
) STRICT;
CREATE INDEX operation_locks_resource ON operation_locks (resource);

CREATE TABLE configurations (
	id INTEGER PRIMARY KEY,
	key TEXT NOT NULL UNIQUE,
	value TEXT,
	updated_at INTEGER
) STRICT;

CREATE TABLE users (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	name TEXT NOT NULL UNIQUE,
	role INTEGER NOT NULL CHECK (role BETWEEN 0 AND 3),
	disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)),
	last_login_at INTEGER,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	password_hash TEXT
) STRICT;

CREATE TABLE tokens (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	name TEXT NOT NULL UNIQUE,
	user_id INTEGER REFERENCES users (id) ON DELETE CASCADE,
	role INTEGER NOT NULL CHECK (role BETWEEN 0 AND 3),
	expires_at INTEGER,
	last_used_at INTEGER,
	revoked_at INTEGER,
	created_at INTEGER NOT NULL,
	hash TEXT NOT NULL UNIQUE
) STRICT;
CREATE INDEX tokens_user ON tokens (user_id);

CREATE TABLE sessions (
	id INTEGER PRIMARY KEY,
	user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	address TEXT,
	expires_at INTEGER NOT NULL,
	created_at INTEGER NOT NULL,
	hash TEXT NOT NULL UNIQUE
) STRICT;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expires ON sessions (expires_at);

CREATE TABLE audit (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	at INTEGER NOT NULL,
	actor TEXT NOT NULL,
	via TEXT,
	address TEXT,
	action TEXT NOT NULL,
	object TEXT,
	detail TEXT,
	outcome TEXT,
	request_id TEXT,
	prev_hash TEXT,
	hash TEXT NOT NULL
) STRICT;
CREATE INDEX audit_at ON audit (at);

CREATE TABLE events (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	at INTEGER NOT NULL,
	topic TEXT NOT NULL,
	kind TEXT NOT NULL,
	object_id INTEGER,
	data TEXT
) STRICT;
CREATE INDEX events_at ON events (at);

CREATE TABLE idempotency_keys (
	id INTEGER PRIMARY KEY,
	key TEXT NOT NULL,
	actor TEXT NOT NULL,
	request_hash TEXT NOT NULL,
	status INTEGER,
	location TEXT,
	reply TEXT,
	created_at INTEGER NOT NULL,
	UNIQUE (key, actor)
) STRICT;
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);
