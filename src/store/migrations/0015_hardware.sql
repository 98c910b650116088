-- Hardware reports of nodes over time.

CREATE TABLE hardware_reports (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	node_id INTEGER NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
	operation_id INTEGER REFERENCES operations (id) ON DELETE SET NULL,
	taken_at INTEGER NOT NULL,
	report TEXT NOT NULL
) STRICT;
CREATE INDEX hardware_reports_node ON hardware_reports (node_id, id);
CREATE INDEX hardware_reports_operation ON hardware_reports (operation_id);
