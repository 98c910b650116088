-- Hardware reports are kept packed: a tenth of their size. Those that are there stay as they are, both forms are read.

CREATE TABLE hardware_reports_new (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	node_id INTEGER NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
	operation_id INTEGER REFERENCES operations (id) ON DELETE SET NULL,
	taken_at INTEGER NOT NULL,
	report ANY NOT NULL
) STRICT;
INSERT INTO hardware_reports_new SELECT id, node_id, operation_id, taken_at, report FROM hardware_reports;
-- A number is never given twice: the new table goes on where the old one was.
UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM sqlite_sequence WHERE name IN ('hardware_reports', 'hardware_reports_new'))
	WHERE name = 'hardware_reports_new';
INSERT INTO sqlite_sequence (name, seq) SELECT 'hardware_reports_new', seq FROM sqlite_sequence
	WHERE name = 'hardware_reports' AND NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'hardware_reports_new');
DROP TABLE hardware_reports;
ALTER TABLE hardware_reports_new RENAME TO hardware_reports;
CREATE INDEX hardware_reports_node ON hardware_reports (node_id, id);
CREATE INDEX hardware_reports_operation ON hardware_reports (operation_id);
