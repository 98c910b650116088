-- Where alerts are sent to, and what was sent. Deliveries outlive their notifier as the log of what it was told.

CREATE TABLE notifiers (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	name TEXT NOT NULL UNIQUE,
	kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 5),
	enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
	url TEXT,
	recipient TEXT,
	sender TEXT,
	username TEXT,
	secret TEXT,
	ca_file TEXT,
	min_severity INTEGER NOT NULL CHECK (min_severity BETWEEN 0 AND 2),
	cluster_id INTEGER,
	recovered INTEGER NOT NULL CHECK (recovered IN (0, 1)),
	quiet TEXT,
	timezone TEXT,
	text TEXT,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE deliveries (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	notifier_id INTEGER NOT NULL,
	notifier TEXT NOT NULL,
	alert_id INTEGER,
	event INTEGER NOT NULL CHECK (event BETWEEN 0 AND 2),
	state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
	message TEXT NOT NULL,
	attempts INTEGER NOT NULL,
	next_at INTEGER,
	status INTEGER,
	error TEXT,
	created_at INTEGER NOT NULL,
	finished_at INTEGER
) STRICT;
CREATE INDEX deliveries_waiting ON deliveries (notifier_id, id) WHERE state = 0;
