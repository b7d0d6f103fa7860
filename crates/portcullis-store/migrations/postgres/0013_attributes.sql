-- What a program knows of an account by attributes of its own: a JSON object, or nothing.
ALTER TABLE portcullis_accounts ADD COLUMN attributes TEXT;
