-- What is done after an answer and must not be forgotten. The payload is sealed under the master key for the job's id, and
-- gone with the job. It may be taken from run_at on: while a worker holds the lease, that is when the lease runs out.
CREATE TABLE jobs (
    id UUID NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    account_id UUID,
    payload BYTEA NOT NULL,
    run_at BIGINT NOT NULL,
    lease UUID,
    attempts BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL
);
CREATE INDEX jobs_due ON jobs (kind, run_at, id);
