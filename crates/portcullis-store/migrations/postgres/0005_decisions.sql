-- Why requests were refused. No foreign keys: a record outlives what it speaks of, for some days.
CREATE TABLE decisions (
    trace UUID NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    account_id UUID,
    record TEXT NOT NULL
);
CREATE INDEX decisions_known ON decisions (at) WHERE account_id IS NOT NULL;
CREATE INDEX decisions_unknown ON decisions (at) WHERE account_id IS NULL;
