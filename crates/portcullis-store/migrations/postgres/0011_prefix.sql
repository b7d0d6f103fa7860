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
ALTER SEQUENCE invalidations_seq_seq RENAME TO portcullis_invalidations_seq_seq;

ALTER TABLE portcullis_accounts RENAME CONSTRAINT accounts_check TO portcullis_accounts_check;
ALTER TABLE portcullis_accounts RENAME CONSTRAINT accounts_check1 TO portcullis_accounts_check1;
ALTER TABLE portcullis_accounts RENAME CONSTRAINT accounts_email_normalised_key TO portcullis_accounts_email_normalised_key;
ALTER TABLE portcullis_accounts RENAME CONSTRAINT accounts_pkey TO portcullis_accounts_pkey;
ALTER TABLE portcullis_accounts RENAME CONSTRAINT accounts_username_normalised_key TO portcullis_accounts_username_normalised_key;
ALTER TABLE portcullis_passwords RENAME CONSTRAINT passwords_account_id_fkey TO portcullis_passwords_account_id_fkey;
ALTER TABLE portcullis_passwords RENAME CONSTRAINT passwords_pkey TO portcullis_passwords_pkey;
ALTER TABLE portcullis_verifications RENAME CONSTRAINT verifications_account_id_fkey TO portcullis_verifications_account_id_fkey;
ALTER TABLE portcullis_verifications RENAME CONSTRAINT verifications_pkey TO portcullis_verifications_pkey;
ALTER TABLE portcullis_setup RENAME CONSTRAINT setup_id_check TO portcullis_setup_id_check;
ALTER TABLE portcullis_setup RENAME CONSTRAINT setup_pkey TO portcullis_setup_pkey;
ALTER TABLE portcullis_sessions RENAME CONSTRAINT sessions_account_id_fkey TO portcullis_sessions_account_id_fkey;
ALTER TABLE portcullis_sessions RENAME CONSTRAINT sessions_pkey TO portcullis_sessions_pkey;
ALTER TABLE portcullis_sessions RENAME CONSTRAINT sessions_token_key TO portcullis_sessions_token_key;
ALTER TABLE portcullis_refresh_tokens RENAME CONSTRAINT refresh_tokens_pkey TO portcullis_refresh_tokens_pkey;
ALTER TABLE portcullis_refresh_tokens RENAME CONSTRAINT refresh_tokens_session_id_fkey TO portcullis_refresh_tokens_session_id_fkey;
ALTER TABLE portcullis_revocations RENAME CONSTRAINT revocations_pkey TO portcullis_revocations_pkey;
ALTER TABLE portcullis_permissions RENAME CONSTRAINT permissions_pkey TO portcullis_permissions_pkey;
ALTER TABLE portcullis_roles RENAME CONSTRAINT roles_pkey TO portcullis_roles_pkey;
ALTER TABLE portcullis_role_permissions RENAME CONSTRAINT role_permissions_permission_fkey TO portcullis_role_permissions_permission_fkey;
ALTER TABLE portcullis_role_permissions RENAME CONSTRAINT role_permissions_pkey TO portcullis_role_permissions_pkey;
ALTER TABLE portcullis_role_permissions RENAME CONSTRAINT role_permissions_role_fkey TO portcullis_role_permissions_role_fkey;
ALTER TABLE portcullis_role_parents RENAME CONSTRAINT role_parents_check TO portcullis_role_parents_check;
ALTER TABLE portcullis_role_parents RENAME CONSTRAINT role_parents_parent_fkey TO portcullis_role_parents_parent_fkey;
ALTER TABLE portcullis_role_parents RENAME CONSTRAINT role_parents_pkey TO portcullis_role_parents_pkey;
ALTER TABLE portcullis_role_parents RENAME CONSTRAINT role_parents_role_fkey TO portcullis_role_parents_role_fkey;
ALTER TABLE portcullis_account_roles RENAME CONSTRAINT account_roles_account_id_fkey TO portcullis_account_roles_account_id_fkey;
ALTER TABLE portcullis_account_roles RENAME CONSTRAINT account_roles_pkey TO portcullis_account_roles_pkey;
ALTER TABLE portcullis_account_roles RENAME CONSTRAINT account_roles_role_fkey TO portcullis_account_roles_role_fkey;
ALTER TABLE portcullis_audit_events RENAME CONSTRAINT audit_events_pkey TO portcullis_audit_events_pkey;
ALTER TABLE portcullis_signing_keys RENAME CONSTRAINT signing_keys_pkey TO portcullis_signing_keys_pkey;
ALTER TABLE portcullis_invalidations RENAME CONSTRAINT invalidations_pkey TO portcullis_invalidations_pkey;
ALTER TABLE portcullis_locks RENAME CONSTRAINT locks_pkey TO portcullis_locks_pkey;
ALTER TABLE portcullis_api_keys RENAME CONSTRAINT api_keys_account_id_fkey TO portcullis_api_keys_account_id_fkey;
ALTER TABLE portcullis_api_keys RENAME CONSTRAINT api_keys_check TO portcullis_api_keys_check;
ALTER TABLE portcullis_api_keys RENAME CONSTRAINT api_keys_digest_key TO portcullis_api_keys_digest_key;
ALTER TABLE portcullis_api_keys RENAME CONSTRAINT api_keys_enabled_check TO portcullis_api_keys_enabled_check;
ALTER TABLE portcullis_api_keys RENAME CONSTRAINT api_keys_pkey TO portcullis_api_keys_pkey;
ALTER TABLE portcullis_api_keys RENAME CONSTRAINT api_keys_previous_key TO portcullis_api_keys_previous_key;
ALTER TABLE portcullis_organizations RENAME CONSTRAINT organizations_pkey TO portcullis_organizations_pkey;
ALTER TABLE portcullis_organizations RENAME CONSTRAINT organizations_slug_key TO portcullis_organizations_slug_key;
ALTER TABLE portcullis_organization_slugs RENAME CONSTRAINT organization_slugs_organization_id_fkey TO portcullis_organization_slugs_organization_id_fkey;
ALTER TABLE portcullis_organization_slugs RENAME CONSTRAINT organization_slugs_pkey TO portcullis_organization_slugs_pkey;
ALTER TABLE portcullis_organization_members RENAME CONSTRAINT organization_members_account_id_fkey TO portcullis_organization_members_account_id_fkey;
ALTER TABLE portcullis_organization_members RENAME CONSTRAINT organization_members_organization_id_fkey TO portcullis_organization_members_organization_id_fkey;
ALTER TABLE portcullis_organization_members RENAME CONSTRAINT organization_members_pkey TO portcullis_organization_members_pkey;
ALTER TABLE portcullis_organization_roles RENAME CONSTRAINT organization_roles_organization_id_account_id_fkey TO portcullis_organization_roles_organization_id_account_id_fkey;
ALTER TABLE portcullis_organization_roles RENAME CONSTRAINT organization_roles_pkey TO portcullis_organization_roles_pkey;
ALTER TABLE portcullis_organization_roles RENAME CONSTRAINT organization_roles_role_fkey TO portcullis_organization_roles_role_fkey;
ALTER TABLE portcullis_organization_invitations RENAME CONSTRAINT organization_invitations_digest_key TO portcullis_organization_invitations_digest_key;
ALTER TABLE portcullis_organization_invitations RENAME CONSTRAINT organization_invitations_invited_by_fkey TO portcullis_organization_invitations_invited_by_fkey;
ALTER TABLE portcullis_organization_invitations RENAME CONSTRAINT organization_invitations_organization_id_email_normalised_key TO portcullis_organization_invit_organization_id_email_normali_key;
ALTER TABLE portcullis_organization_invitations RENAME CONSTRAINT organization_invitations_organization_id_fkey TO portcullis_organization_invitations_organization_id_fkey;
ALTER TABLE portcullis_organization_invitations RENAME CONSTRAINT organization_invitations_pkey TO portcullis_organization_invitations_pkey;
ALTER TABLE portcullis_organization_invitation_roles RENAME CONSTRAINT organization_invitation_roles_invitation_id_fkey TO portcullis_organization_invitation_roles_invitation_id_fkey;
ALTER TABLE portcullis_organization_invitation_roles RENAME CONSTRAINT organization_invitation_roles_pkey TO portcullis_organization_invitation_roles_pkey;
ALTER TABLE portcullis_organization_invitation_roles RENAME CONSTRAINT organization_invitation_roles_role_fkey TO portcullis_organization_invitation_roles_role_fkey;
ALTER TABLE portcullis_grants RENAME CONSTRAINT grants_account_id_fkey TO portcullis_grants_account_id_fkey;
ALTER TABLE portcullis_grants RENAME CONSTRAINT grants_pkey TO portcullis_grants_pkey;
ALTER TABLE portcullis_grants RENAME CONSTRAINT grants_role_fkey TO portcullis_grants_role_fkey;
ALTER TABLE portcullis_decisions RENAME CONSTRAINT decisions_pkey TO portcullis_decisions_pkey;
ALTER TABLE portcullis_budgets RENAME CONSTRAINT budgets_pkey TO portcullis_budgets_pkey;
ALTER TABLE portcullis_email_claims RENAME CONSTRAINT email_claims_account_id_fkey TO portcullis_email_claims_account_id_fkey;
ALTER TABLE portcullis_email_claims RENAME CONSTRAINT email_claims_pkey TO portcullis_email_claims_pkey;
ALTER TABLE portcullis_jobs RENAME CONSTRAINT jobs_pkey TO portcullis_jobs_pkey;
ALTER TABLE portcullis_username_looks RENAME CONSTRAINT username_looks_account_id_fkey TO portcullis_username_looks_account_id_fkey;
ALTER TABLE portcullis_username_looks RENAME CONSTRAINT username_looks_pkey TO portcullis_username_looks_pkey;
ALTER TABLE portcullis_schema_history RENAME CONSTRAINT schema_history_pkey TO portcullis_schema_history_pkey;

ALTER INDEX verifications_account RENAME TO portcullis_verifications_account;
ALTER INDEX verifications_expiry RENAME TO portcullis_verifications_expiry;
ALTER INDEX sessions_account RENAME TO portcullis_sessions_account;
ALTER INDEX sessions_expiry RENAME TO portcullis_sessions_expiry;
ALTER INDEX sessions_ended RENAME TO portcullis_sessions_ended;
ALTER INDEX refresh_tokens_session RENAME TO portcullis_refresh_tokens_session;
ALTER INDEX refresh_tokens_expiry RENAME TO portcullis_refresh_tokens_expiry;
ALTER INDEX revocations_expiry RENAME TO portcullis_revocations_expiry;
ALTER INDEX role_permissions_permission RENAME TO portcullis_role_permissions_permission;
ALTER INDEX role_parents_parent RENAME TO portcullis_role_parents_parent;
ALTER INDEX account_roles_role RENAME TO portcullis_account_roles_role;
ALTER INDEX audit_events_account RENAME TO portcullis_audit_events_account;
ALTER INDEX audit_events_actor RENAME TO portcullis_audit_events_actor;
ALTER INDEX audit_events_action RENAME TO portcullis_audit_events_action;
ALTER INDEX audit_events_trace RENAME TO portcullis_audit_events_trace;
ALTER INDEX signing_keys_current RENAME TO portcullis_signing_keys_current;
ALTER INDEX signing_keys_next RENAME TO portcullis_signing_keys_next;
ALTER INDEX invalidations_xid RENAME TO portcullis_invalidations_xid;
ALTER INDEX invalidations_age RENAME TO portcullis_invalidations_age;
ALTER INDEX accounts_services RENAME TO portcullis_accounts_services;
ALTER INDEX api_keys_account RENAME TO portcullis_api_keys_account;
ALTER INDEX api_keys_expiry RENAME TO portcullis_api_keys_expiry;
ALTER INDEX organization_slugs_organization RENAME TO portcullis_organization_slugs_organization;
ALTER INDEX organization_members_account RENAME TO portcullis_organization_members_account;
ALTER INDEX organization_roles_account RENAME TO portcullis_organization_roles_account;
ALTER INDEX organization_roles_role RENAME TO portcullis_organization_roles_role;
ALTER INDEX organization_invitations_by RENAME TO portcullis_organization_invitations_by;
ALTER INDEX organization_invitations_expiry RENAME TO portcullis_organization_invitations_expiry;
ALTER INDEX organization_invitation_roles_role RENAME TO portcullis_organization_invitation_roles_role;
DROP INDEX grants_account;
CREATE INDEX portcullis_grants_account ON portcullis_grants (account_id, kind, action, resource, expires_at) WHERE account_id IS NOT NULL;
DROP INDEX grants_role;
CREATE INDEX portcullis_grants_role ON portcullis_grants (role, kind, action, resource, expires_at) WHERE role IS NOT NULL;
DROP INDEX grants_organization;
CREATE INDEX portcullis_grants_organization ON portcullis_grants (organization_id, kind, action, resource, expires_at) WHERE organization_id IS NOT NULL;
ALTER INDEX grants_expiry RENAME TO portcullis_grants_expiry;
ALTER INDEX decisions_known RENAME TO portcullis_decisions_known;
ALTER INDEX decisions_unknown RENAME TO portcullis_decisions_unknown;
ALTER INDEX budgets_due RENAME TO portcullis_budgets_due;
ALTER INDEX audit_events_api_key RENAME TO portcullis_audit_events_api_key;
ALTER INDEX api_keys_former RENAME TO portcullis_api_keys_former;
ALTER INDEX email_claims_address RENAME TO portcullis_email_claims_address;
ALTER INDEX email_claims_expiry RENAME TO portcullis_email_claims_expiry;
ALTER INDEX accounts_unproven RENAME TO portcullis_accounts_unproven;
ALTER INDEX jobs_due RENAME TO portcullis_jobs_due;
ALTER INDEX username_looks_account RENAME TO portcullis_username_looks_account;

-- Every role with itself and with all that it inherits, over however many steps. The verbs that change the graph keep it.
CREATE TABLE portcullis_role_closure (
    role TEXT NOT NULL REFERENCES portcullis_roles (name) ON DELETE CASCADE,
    inherited TEXT NOT NULL REFERENCES portcullis_roles (name) ON DELETE CASCADE,
    PRIMARY KEY (role, inherited)
);
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
