-- Accounts limited to clusters. NULL: no limit. Operations and events say which clusters they concern.
-- What was there before belongs to no cluster: limited accounts do not see it.

ALTER TABLE users ADD COLUMN clusters TEXT;
ALTER TABLE tokens ADD COLUMN clusters TEXT;
ALTER TABLE operations ADD COLUMN clusters TEXT NOT NULL DEFAULT '[]';
ALTER TABLE events ADD COLUMN clusters TEXT NOT NULL DEFAULT '[]';
