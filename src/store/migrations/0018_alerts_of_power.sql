-- More that an alert can be about: nodes that come and go, certificates that end, UPSes and their rules.

CREATE TABLE alerts_new (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	rule INTEGER NOT NULL CHECK (rule BETWEEN 0 AND 18),
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
INSERT INTO alerts_new SELECT id, rule, severity, state, subject, name, cluster_id, node_id, title, reason, members, since, fired_at, acknowledged_by,
	acknowledged_at, silenced_until, silenced_by, resolved_at, updated_at FROM alerts;
-- A number is never given twice: the new table goes on where the old one was.
UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM sqlite_sequence WHERE name IN ('alerts', 'alerts_new')) WHERE name = 'alerts_new';
INSERT INTO sqlite_sequence (name, seq) SELECT 'alerts_new', seq FROM sqlite_sequence
	WHERE name = 'alerts' AND NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'alerts_new');
DROP TABLE alerts;
ALTER TABLE alerts_new RENAME TO alerts;
-- At most one that goes on for the same thing.
CREATE UNIQUE INDEX alerts_open ON alerts (rule, subject) WHERE state < 2;
CREATE INDEX alerts_state ON alerts (state, id);
