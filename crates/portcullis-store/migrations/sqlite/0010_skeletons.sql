-- What user names look like (UTS 39): of names that can't be told apart only one is given away. An account has a look for
-- its name as it is compared, and one as it is shown. Those of before get theirs when a server starts.
CREATE TABLE username_looks (
    look TEXT NOT NULL PRIMARY KEY,
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX username_looks_account ON username_looks (account_id);
