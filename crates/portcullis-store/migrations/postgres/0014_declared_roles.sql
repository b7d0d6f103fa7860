-- Roles that a program's code declares, so that one which somebody made by hand is told apart. It goes with the role.
CREATE TABLE portcullis_declared_roles (
    role TEXT PRIMARY KEY REFERENCES portcullis_roles (name) ON DELETE CASCADE
);
