-- What a cluster file says of a cluster and its nodes beyond MicroK8s: words to find it by, playbooks
-- around its operations, and the order in which nodes lose and get power.

ALTER TABLE clusters ADD COLUMN labels TEXT NOT NULL DEFAULT '{}';
ALTER TABLE clusters ADD COLUMN hooks TEXT NOT NULL DEFAULT '{}';
ALTER TABLE nodes ADD COLUMN power_tier INTEGER NOT NULL DEFAULT 0;
