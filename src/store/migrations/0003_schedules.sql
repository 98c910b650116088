-- Schedules, and the schedule that asked for an operation. The number stays in the operation when the schedule is removed:
-- operations that have ended do not change.

CREATE TABLE schedules (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	name TEXT NOT NULL UNIQUE,
	description TEXT,
	enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
	cron TEXT NOT NULL,
	timezone TEXT,
	window TEXT,
	missed INTEGER NOT NULL CHECK (missed BETWEEN 0 AND 2),
	missed_max INTEGER NOT NULL,
	type TEXT NOT NULL,
	target TEXT,
	nodes TEXT,
	params TEXT NOT NULL,
	check_mode INTEGER NOT NULL CHECK (check_mode IN (0, 1)),
	timeout_s INTEGER NOT NULL,
	owner TEXT,
	owner_id INTEGER,
	owner_role INTEGER NOT NULL CHECK (owner_role BETWEEN 0 AND 3),
	planned_at INTEGER,
	next_run_at INTEGER,
	last_due_at INTEGER,
	last_operation_id INTEGER,
	last_outcome TEXT,
	runs INTEGER NOT NULL,
	skipped INTEGER NOT NULL,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX schedules_next ON schedules (next_run_at);

ALTER TABLE operations ADD COLUMN schedule_id INTEGER;
CREATE INDEX operations_schedule ON operations (schedule_id) WHERE schedule_id IS NOT NULL;
