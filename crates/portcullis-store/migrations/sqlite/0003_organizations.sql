CREATE TABLE organizations (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL
) WITHOUT ROWID;

-- Every slug an organization ever had: nobody else gets it, or old links would lead to a stranger.
CREATE TABLE organization_slugs (
    slug TEXT NOT NULL PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (id)
) WITHOUT ROWID;
CREATE INDEX organization_slugs_organization ON organization_slugs (organization_id);

CREATE TABLE organization_members (
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    joined_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, account_id)
) WITHOUT ROWID;
CREATE INDEX organization_members_account ON organization_members (account_id);

CREATE TABLE organization_roles (
    organization_id BLOB NOT NULL,
    account_id BLOB NOT NULL,
    role TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    PRIMARY KEY (organization_id, account_id, role),
    FOREIGN KEY (organization_id, account_id) REFERENCES organization_members (organization_id, account_id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX organization_roles_account ON organization_roles (account_id, role);
CREATE INDEX organization_roles_role ON organization_roles (role);

CREATE TABLE organization_invitations (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    digest BLOB NOT NULL UNIQUE,
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    email_normalised TEXT NOT NULL,
    invited_by BLOB REFERENCES accounts (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    UNIQUE (organization_id, email_normalised)
) WITHOUT ROWID;
CREATE INDEX organization_invitations_by ON organization_invitations (invited_by);
CREATE INDEX organization_invitations_expiry ON organization_invitations (expires_at);

CREATE TABLE organization_invitation_roles (
    invitation_id BLOB NOT NULL REFERENCES organization_invitations (id) ON DELETE CASCADE,
    role TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    PRIMARY KEY (invitation_id, role)
) WITHOUT ROWID;
CREATE INDEX organization_invitation_roles_role ON organization_invitation_roles (role);

-- A role of this name that somebody made before is taken over: it becomes the owners'.
INSERT INTO roles (name, description) VALUES ('organization-owner', 'May do everything in an organization')
    ON CONFLICT (name) DO UPDATE SET description = excluded.description;
DELETE FROM account_roles WHERE role = 'organization-owner';
DELETE FROM role_parents WHERE role = 'organization-owner' OR parent = 'organization-owner';
DELETE FROM role_permissions WHERE role = 'organization-owner' AND permission LIKE 'portcullis:%';
INSERT INTO role_permissions (role, permission)
    SELECT 'organization-owner', name FROM permissions WHERE name NOT LIKE 'portcullis:%'
    ON CONFLICT DO NOTHING;
