-- One resource of an application shared with an account, a role or an organization. The resource itself is the
-- application's: no foreign key leads there.
CREATE TABLE grants (
    kind TEXT NOT NULL,
    resource TEXT NOT NULL,
    subject TEXT NOT NULL,
    action TEXT NOT NULL,
    account_id BLOB REFERENCES accounts (id) ON DELETE CASCADE,
    role TEXT REFERENCES roles (name) ON DELETE CASCADE,
    organization_id BLOB,
    granted_by TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    expires_at BIGINT,
    PRIMARY KEY (kind, resource, subject, action)
) WITHOUT ROWID;
CREATE INDEX grants_account ON grants (account_id, kind, action, resource) WHERE account_id IS NOT NULL;
CREATE INDEX grants_role ON grants (role, kind, action, resource) WHERE role IS NOT NULL;
CREATE INDEX grants_organization ON grants (organization_id, kind, action, resource) WHERE organization_id IS NOT NULL;
CREATE INDEX grants_expiry ON grants (expires_at) WHERE expires_at IS NOT NULL;
