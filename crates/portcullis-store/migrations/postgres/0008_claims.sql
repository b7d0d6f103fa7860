-- Addresses that accounts say are theirs and haven't proven. Several accounts may claim one address; the first proof takes
-- it from all others. What stands in accounts is proven, or was written by the version before.
CREATE TABLE email_claims (
    account_id UUID NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    email_normalised TEXT NOT NULL,
    claimed_at BIGINT NOT NULL,
    claimed_from TEXT,
    expires_at BIGINT NOT NULL
);
CREATE INDEX email_claims_address ON email_claims (email_normalised, account_id);
CREATE INDEX email_claims_expiry ON email_claims (expires_at);
CREATE INDEX accounts_unproven ON accounts (id) WHERE email IS NOT NULL AND email_verified_at IS NULL;

-- How often a password was tried beside the code.
ALTER TABLE verifications ADD COLUMN tries BIGINT NOT NULL DEFAULT 0;

INSERT INTO email_claims (account_id, email, email_normalised, claimed_at, expires_at)
    SELECT id, email, email_normalised, created_at,
        (CAST(extract(epoch FROM now()) AS BIGINT) + 90 * 24 * 3600) * 1000000
    FROM accounts WHERE email IS NOT NULL AND email_verified_at IS NULL;
