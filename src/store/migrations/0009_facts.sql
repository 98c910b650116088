-- Snapshots of what kind of machine a node was: one row each time that something changed.

CREATE TABLE node_facts (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	node_id INTEGER NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
	operation_id INTEGER REFERENCES operations (id) ON DELETE SET NULL,
	taken_at INTEGER NOT NULL,
	facts TEXT NOT NULL
) STRICT;
CREATE INDEX node_facts_node ON node_facts (node_id, id);
CREATE INDEX node_facts_operation ON node_facts (operation_id);
