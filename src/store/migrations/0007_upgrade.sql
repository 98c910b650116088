-- How far the last upgrade of a cluster came, so that it can be taken up again or given up.

ALTER TABLE clusters ADD COLUMN upgrade TEXT;
