-- Names that are actions on resources: having one allows nothing by itself, so anybody may narrow a credential to it.
ALTER TABLE portcullis_permissions ADD COLUMN action BIGINT NOT NULL DEFAULT 0 CHECK (action IN (0, 1));

-- Keys whose text was made elsewhere: each node knows what they hash to, and asks the database about no other such text.
ALTER TABLE portcullis_api_keys ADD COLUMN imported BIGINT NOT NULL DEFAULT 0 CHECK (imported IN (0, 1));
CREATE INDEX portcullis_api_keys_imported ON portcullis_api_keys (id) WHERE imported = 1;
