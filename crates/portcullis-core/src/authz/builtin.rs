//! The permissions of Portcullis itself: what its administration asks for (`portcullis:…`), and what organizations
//! ask of their members (`org:…`).

use crate::authz::{Permission as _, PermissionRef};

crate::permissions! {
    /// Seeing every account, with its state, roles and sessions.
    pub AccountsRead = "portcullis:accounts:read": "See accounts, their roles and sessions";
    /// Enabling, disabling, locking and unlocking the accounts of others.
    pub AccountsWrite = "portcullis:accounts:write": "Enable, disable and lock accounts";
    /// Seeing all roles and permissions, and who has which role.
    pub RolesRead = "portcullis:roles:read": "See roles and permissions";
    /// Making, changing and deleting roles, and giving them to accounts.
    pub RolesWrite = "portcullis:roles:write": "Create and change roles, give them to accounts";
    /// Ending every session of any account.
    pub SessionsWrite = "portcullis:sessions:write": "End the sessions of any account";
    /// Reading the audit log.
    pub AuditRead = "portcullis:audit:read": "Read the audit log";
    /// Reading why requests were refused.
    pub DecisionsRead = "portcullis:decisions:read": "See why requests were refused and what an account could do";
    /// Seeing which policies are in force.
    pub PoliciesRead = "portcullis:policies:read": "See which policies are in force";
    /// Rotating, importing and withdrawing the signing keys.
    pub KeysWrite = "portcullis:keys:write": "Rotate the signing keys";
    /// Seeing all organizations, not only those one is a member of.
    pub OrganizationsRead = "portcullis:organizations:read": "See all organizations";
    /// Making organizations for others, suspending them, appointing and dismissing members.
    pub OrganizationsWrite = "portcullis:organizations:write": "Create and suspend organizations";
    /// Seeing who is a member of the organization.
    pub MembersRead = "org:members:read": "See the members and invitations of the organization";
    /// Changing who is a member of the organization.
    pub MembersWrite = "org:members:write": "Invite and remove members, give them roles";
    /// Changing the organization itself.
    pub SettingsWrite = "org:settings:write": "Rename the organization";
    /// Reading others' API keys.
    pub ApiKeysRead = "portcullis:api-keys:read": "See the API keys of any account, never their text";
    /// Changing others' API keys.
    pub ApiKeysWrite = "portcullis:api-keys:write": "Make API keys for service accounts, revoke those of any account";
    /// Seeing and changing what tiers allow.
    pub LimitsWrite = "portcullis:limits:write": "See and change what tiers allow";
}

/// Every permission that Portcullis declares itself.
pub const BUILT_IN: [PermissionRef; 17] = [
    AccountsRead::PERMISSION,
    AccountsWrite::PERMISSION,
    RolesRead::PERMISSION,
    RolesWrite::PERMISSION,
    SessionsWrite::PERMISSION,
    AuditRead::PERMISSION,
    DecisionsRead::PERMISSION,
    PoliciesRead::PERMISSION,
    KeysWrite::PERMISSION,
    OrganizationsRead::PERMISSION,
    OrganizationsWrite::PERMISSION,
    MembersRead::PERMISSION,
    MembersWrite::PERMISSION,
    SettingsWrite::PERMISSION,
    ApiKeysRead::PERMISSION,
    ApiKeysWrite::PERMISSION,
    LimitsWrite::PERMISSION,
];

/// Whether only Portcullis' own code declares permissions of this name: those below `portcullis:` and `org:`.
pub fn is_reserved(permission: &str) -> bool {
    permission.starts_with("portcullis:") || permission.starts_with("org:")
}

/// Whether a permission speaks of the server as a whole.
pub fn is_the_servers(permission: &str) -> bool {
    permission.starts_with("portcullis:")
}
