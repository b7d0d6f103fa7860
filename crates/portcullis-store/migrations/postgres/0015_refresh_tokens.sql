-- The refresh tokens of one session side by side, found by the session that their text names: a refresh reads and writes one
-- place instead of three that chance chooses. Those of before name no session: they are found by their digest alone.
ALTER TABLE portcullis_refresh_tokens ADD COLUMN bare BIGINT NOT NULL DEFAULT 1
    CONSTRAINT portcullis_refresh_tokens_bare_check CHECK (bare IN (0, 1));
ALTER TABLE portcullis_refresh_tokens ALTER COLUMN bare SET DEFAULT 0;
ALTER TABLE portcullis_refresh_tokens DROP CONSTRAINT portcullis_refresh_tokens_pkey;
ALTER TABLE portcullis_refresh_tokens ADD CONSTRAINT portcullis_refresh_tokens_pkey PRIMARY KEY (session_id, digest);
DROP INDEX portcullis_refresh_tokens_session;
CREATE UNIQUE INDEX portcullis_refresh_tokens_bare ON portcullis_refresh_tokens (digest) WHERE bare = 1;
