-- The file that was applied to a cluster last, so that what differs from it later is seen.

ALTER TABLE clusters ADD COLUMN desired TEXT;
