-- The API key that the actor came with, if it was one. No foreign key: the log outlives what it speaks of.
ALTER TABLE audit_events ADD COLUMN api_key_id BLOB;
CREATE INDEX audit_events_api_key ON audit_events (api_key_id, id) WHERE api_key_id IS NOT NULL;

-- Texts of API keys whose overlap is over are found to be forgotten.
CREATE INDEX api_keys_former ON api_keys (previous_until) WHERE previous_until IS NOT NULL;
