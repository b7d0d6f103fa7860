-- How far something that costs others, such as a letter, has been used up: the moment from which on nothing is. The
-- subject is a digest of a purpose and whom it is about. A row whose moment has passed says nothing any more.
CREATE TABLE budgets (
    subject BYTEA PRIMARY KEY,
    due BIGINT NOT NULL
);
CREATE INDEX budgets_due ON budgets (due);
