-- Why requests were refused. No foreign keys: a record outlives what it speaks of, for some days.
CREATE TABLE decisions (
    trace BLOB NOT NULL PRIMARY KEY CHECK (length(trace) = 16),
    at BIGINT NOT NULL,
    account_id BLOB,
    record TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX decisions_known ON decisions (at) WHERE account_id IS NOT NULL;
CREATE INDEX decisions_unknown ON decisions (at) WHERE account_id IS NULL;
