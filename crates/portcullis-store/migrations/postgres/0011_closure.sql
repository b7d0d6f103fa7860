-- Every role with itself and with all that it inherits, over however many steps. The verbs that change the graph keep it.
CREATE TABLE role_closure (
    role TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    inherited TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    PRIMARY KEY (role, inherited)
);
CREATE INDEX role_closure_inherited ON role_closure (inherited, role);
INSERT INTO role_closure (role, inherited)
    WITH RECURSIVE reached (role, inherited) AS (
        SELECT name, name FROM roles
        UNION SELECT reached.role, role_parents.parent FROM reached
            JOIN role_parents ON role_parents.role = reached.inherited)
    SELECT role, inherited FROM reached;
