-- Workflows: operations in order. Their runs are operations of the type workflow.run.

CREATE TABLE workflows (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	name TEXT NOT NULL UNIQUE,
	description TEXT,
	steps TEXT NOT NULL,
	role INTEGER NOT NULL CHECK (role BETWEEN 0 AND 3),
	changed_by TEXT,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL
) STRICT;
