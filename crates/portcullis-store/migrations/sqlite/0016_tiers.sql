-- What tiers allow: limits by the name of a plan, once somebody set them.
CREATE TABLE portcullis_tiers (
    name TEXT PRIMARY KEY,
    limits TEXT NOT NULL,
    is_default BIGINT NOT NULL CHECK (is_default IN (0, 1))
);
INSERT INTO portcullis_locks (name) VALUES ('tiers');
