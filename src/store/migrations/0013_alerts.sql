-- Alerts: what is not well and somebody should know.

CREATE TABLE alerts (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	rule INTEGER NOT NULL CHECK (rule BETWEEN 0 AND 4),
	severity INTEGER NOT NULL CHECK (severity BETWEEN 0 AND 2),
	state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
	subject TEXT NOT NULL,
	name TEXT NOT NULL,
	cluster_id INTEGER,
	node_id INTEGER,
	title TEXT NOT NULL,
	reason TEXT,
	members TEXT NOT NULL,
	since INTEGER NOT NULL,
	fired_at INTEGER NOT NULL,
	acknowledged_by TEXT,
	acknowledged_at INTEGER,
	silenced_until INTEGER,
	silenced_by TEXT,
	resolved_at INTEGER,
	updated_at INTEGER NOT NULL
) STRICT;
-- At most one that goes on for the same thing.
CREATE UNIQUE INDEX alerts_open ON alerts (rule, subject) WHERE state < 2;
CREATE INDEX alerts_state ON alerts (state, id);
