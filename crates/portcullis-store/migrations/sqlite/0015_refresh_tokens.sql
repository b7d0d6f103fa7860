-- The refresh tokens of one session side by side, found by the session that their text names: a refresh reads and writes one
-- place instead of three that chance chooses. Those of before name no session: they are found by their digest alone.
CREATE TABLE portcullis_refresh_tokens_15 (
    session_id BLOB NOT NULL REFERENCES portcullis_sessions (id) ON DELETE CASCADE,
    digest BLOB NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    successor BLOB,
    bare BIGINT NOT NULL DEFAULT 0 CHECK (bare IN (0, 1)),
    PRIMARY KEY (session_id, digest)
) WITHOUT ROWID;
INSERT INTO portcullis_refresh_tokens_15 (session_id, digest, expires_at, used_at, successor, bare)
    SELECT session_id, digest, expires_at, used_at, successor, 1 FROM portcullis_refresh_tokens ORDER BY session_id, digest;
DROP TABLE portcullis_refresh_tokens;
ALTER TABLE portcullis_refresh_tokens_15 RENAME TO portcullis_refresh_tokens;
CREATE INDEX portcullis_refresh_tokens_expiry ON portcullis_refresh_tokens (expires_at);
CREATE UNIQUE INDEX portcullis_refresh_tokens_bare ON portcullis_refresh_tokens (digest) WHERE bare = 1;
