-- A log of changes that was written before its ends were sealed: the next start seals it, and notes that what lies up to
-- here is not proven. A log that has its seal needs nothing.

INSERT INTO configurations (key, value, updated_at)
	SELECT 'audit_unsealed', max(id), max(at) FROM audit
	WHERE NOT EXISTS (SELECT 1 FROM configurations WHERE key = 'audit_head')
	HAVING count(*) > 0;
