-- All tables, and what belongs to them, are named portcullis_…, so that an application's own may stand beside them. Breaking:
-- a program of before finds none of them. A new database begins with 0011_begin instead.
ALTER TABLE accounts RENAME TO portcullis_accounts;
ALTER TABLE passwords RENAME TO portcullis_passwords;
ALTER TABLE verifications RENAME TO portcullis_verifications;
ALTER TABLE setup RENAME TO portcullis_setup;
ALTER TABLE sessions RENAME TO portcullis_sessions;
ALTER TABLE refresh_tokens RENAME TO portcullis_refresh_tokens;
ALTER TABLE revocations RENAME TO portcullis_revocations;
ALTER TABLE permissions RENAME TO portcullis_permissions;
ALTER TABLE roles RENAME TO portcullis_roles;
ALTER TABLE role_permissions RENAME TO portcullis_role_permissions;
ALTER TABLE role_parents RENAME TO portcullis_role_parents;
ALTER TABLE account_roles RENAME TO portcullis_account_roles;
ALTER TABLE audit_events RENAME TO portcullis_audit_events;
ALTER TABLE signing_keys RENAME TO portcullis_signing_keys;
ALTER TABLE invalidations RENAME TO portcullis_invalidations;
ALTER TABLE locks RENAME TO portcullis_locks;
ALTER TABLE api_keys RENAME TO portcullis_api_keys;
ALTER TABLE organizations RENAME TO portcullis_organizations;
ALTER TABLE organization_slugs RENAME TO portcullis_organization_slugs;
ALTER TABLE organization_members RENAME TO portcullis_organization_members;
ALTER TABLE organization_roles RENAME TO portcullis_organization_roles;
ALTER TABLE organization_invitations RENAME TO portcullis_organization_invitations;
ALTER TABLE organization_invitation_roles RENAME TO portcullis_organization_invitation_roles;
ALTER TABLE grants RENAME TO portcullis_grants;
ALTER TABLE decisions RENAME TO portcullis_decisions;
ALTER TABLE budgets RENAME TO portcullis_budgets;
ALTER TABLE email_claims RENAME TO portcullis_email_claims;
ALTER TABLE jobs RENAME TO portcullis_jobs;
ALTER TABLE username_looks RENAME TO portcullis_username_looks;
ALTER TABLE schema_history RENAME TO portcullis_schema_history;

-- An index can't be renamed: it is made anew.
DROP INDEX verifications_account;
CREATE INDEX portcullis_verifications_account ON portcullis_verifications (account_id);
DROP INDEX verifications_expiry;
CREATE INDEX portcullis_verifications_expiry ON portcullis_verifications (expires_at);
DROP INDEX sessions_account;
CREATE INDEX portcullis_sessions_account ON portcullis_sessions (account_id);
DROP INDEX sessions_expiry;
CREATE INDEX portcullis_sessions_expiry ON portcullis_sessions (expires_at);
DROP INDEX sessions_ended;
CREATE INDEX portcullis_sessions_ended ON portcullis_sessions (ended_at) WHERE ended_at IS NOT NULL;
DROP INDEX refresh_tokens_session;
CREATE INDEX portcullis_refresh_tokens_session ON portcullis_refresh_tokens (session_id);
DROP INDEX refresh_tokens_expiry;
CREATE INDEX portcullis_refresh_tokens_expiry ON portcullis_refresh_tokens (expires_at);
DROP INDEX revocations_expiry;
CREATE INDEX portcullis_revocations_expiry ON portcullis_revocations (expires_at);
DROP INDEX role_permissions_permission;
CREATE INDEX portcullis_role_permissions_permission ON portcullis_role_permissions (permission);
DROP INDEX role_parents_parent;
CREATE INDEX portcullis_role_parents_parent ON portcullis_role_parents (parent);
DROP INDEX account_roles_role;
CREATE INDEX portcullis_account_roles_role ON portcullis_account_roles (role);
DROP INDEX audit_events_account;
CREATE INDEX portcullis_audit_events_account ON portcullis_audit_events (account_id, id) WHERE account_id IS NOT NULL;
DROP INDEX audit_events_actor;
CREATE INDEX portcullis_audit_events_actor ON portcullis_audit_events (actor, id);
DROP INDEX audit_events_action;
CREATE INDEX portcullis_audit_events_action ON portcullis_audit_events (action, id);
DROP INDEX audit_events_trace;
CREATE INDEX portcullis_audit_events_trace ON portcullis_audit_events (trace) WHERE trace IS NOT NULL;
DROP INDEX signing_keys_current;
CREATE UNIQUE INDEX portcullis_signing_keys_current ON portcullis_signing_keys (algorithm) WHERE phase = 'current';
DROP INDEX signing_keys_next;
CREATE UNIQUE INDEX portcullis_signing_keys_next ON portcullis_signing_keys (algorithm) WHERE phase = 'next';
DROP INDEX invalidations_age;
CREATE INDEX portcullis_invalidations_age ON portcullis_invalidations (at);
DROP INDEX accounts_services;
CREATE INDEX portcullis_accounts_services ON portcullis_accounts (id) WHERE kind = 'service';
DROP INDEX api_keys_account;
CREATE INDEX portcullis_api_keys_account ON portcullis_api_keys (account_id, id);
DROP INDEX api_keys_expiry;
CREATE INDEX portcullis_api_keys_expiry ON portcullis_api_keys (expires_at) WHERE expires_at IS NOT NULL AND warned_at IS NULL;
DROP INDEX organization_slugs_organization;
CREATE INDEX portcullis_organization_slugs_organization ON portcullis_organization_slugs (organization_id);
DROP INDEX organization_members_account;
CREATE INDEX portcullis_organization_members_account ON portcullis_organization_members (account_id);
DROP INDEX organization_roles_account;
CREATE INDEX portcullis_organization_roles_account ON portcullis_organization_roles (account_id, role);
DROP INDEX organization_roles_role;
CREATE INDEX portcullis_organization_roles_role ON portcullis_organization_roles (role);
DROP INDEX organization_invitations_by;
CREATE INDEX portcullis_organization_invitations_by ON portcullis_organization_invitations (invited_by);
DROP INDEX organization_invitations_expiry;
CREATE INDEX portcullis_organization_invitations_expiry ON portcullis_organization_invitations (expires_at);
DROP INDEX organization_invitation_roles_role;
CREATE INDEX portcullis_organization_invitation_roles_role ON portcullis_organization_invitation_roles (role);
DROP INDEX grants_account;
CREATE INDEX portcullis_grants_account ON portcullis_grants (account_id, kind, action, resource, expires_at) WHERE account_id IS NOT NULL;
DROP INDEX grants_role;
CREATE INDEX portcullis_grants_role ON portcullis_grants (role, kind, action, resource, expires_at) WHERE role IS NOT NULL;
DROP INDEX grants_organization;
CREATE INDEX portcullis_grants_organization ON portcullis_grants (organization_id, kind, action, resource, expires_at) WHERE organization_id IS NOT NULL;
DROP INDEX grants_expiry;
CREATE INDEX portcullis_grants_expiry ON portcullis_grants (expires_at) WHERE expires_at IS NOT NULL;
DROP INDEX decisions_known;
CREATE INDEX portcullis_decisions_known ON portcullis_decisions (at) WHERE account_id IS NOT NULL;
DROP INDEX decisions_unknown;
CREATE INDEX portcullis_decisions_unknown ON portcullis_decisions (at) WHERE account_id IS NULL;
DROP INDEX budgets_due;
CREATE INDEX portcullis_budgets_due ON portcullis_budgets (due);
DROP INDEX audit_events_api_key;
CREATE INDEX portcullis_audit_events_api_key ON portcullis_audit_events (api_key_id, id) WHERE api_key_id IS NOT NULL;
DROP INDEX api_keys_former;
CREATE INDEX portcullis_api_keys_former ON portcullis_api_keys (previous_until) WHERE previous_until IS NOT NULL;
DROP INDEX email_claims_address;
CREATE INDEX portcullis_email_claims_address ON portcullis_email_claims (email_normalised, account_id);
DROP INDEX email_claims_expiry;
CREATE INDEX portcullis_email_claims_expiry ON portcullis_email_claims (expires_at);
DROP INDEX accounts_unproven;
CREATE INDEX portcullis_accounts_unproven ON portcullis_accounts (id) WHERE email IS NOT NULL AND email_verified_at IS NULL;
DROP INDEX jobs_due;
CREATE INDEX portcullis_jobs_due ON portcullis_jobs (kind, run_at, id);
DROP INDEX username_looks_account;
CREATE INDEX portcullis_username_looks_account ON portcullis_username_looks (account_id);

-- Every role with itself and with all that it inherits, over however many steps. The verbs that change the graph keep it.
CREATE TABLE portcullis_role_closure (
    role TEXT NOT NULL REFERENCES portcullis_roles (name) ON DELETE CASCADE,
    inherited TEXT NOT NULL REFERENCES portcullis_roles (name) ON DELETE CASCADE,
    PRIMARY KEY (role, inherited)
) WITHOUT ROWID;
CREATE INDEX portcullis_role_closure_inherited ON portcullis_role_closure (inherited, role);
INSERT INTO portcullis_role_closure (role, inherited)
    WITH RECURSIVE reached (role, inherited) AS (
        SELECT name, name FROM portcullis_roles
        UNION SELECT reached.role, portcullis_role_parents.parent FROM reached
            JOIN portcullis_role_parents ON portcullis_role_parents.role = reached.inherited)
    SELECT role, inherited FROM reached;

-- A program of before looks here, and refuses what is newer than itself instead of making a second, empty schema. Nothing of
-- this version reads it: it may be dropped once no program of before is left.
CREATE TABLE schema_history (version BIGINT PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO schema_history (version, name) VALUES (11, 'see portcullis_schema_history');
