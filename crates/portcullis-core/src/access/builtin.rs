//! The permissions of Portcullis itself: what its administration asks for.

use super::{Permission as _, PermissionRecord, PermissionRef};

crate::permissions! {
    /// Reading accounts.
    pub AccountsRead = "portcullis:accounts:read": "See accounts, their roles and sessions";
    /// Changing accounts.
    pub AccountsWrite = "portcullis:accounts:write": "Enable, disable and lock accounts";
    /// Reading roles.
    pub RolesRead = "portcullis:roles:read": "See roles and permissions";
    /// Changing roles.
    pub RolesWrite = "portcullis:roles:write": "Create and change roles, give them to accounts";
    /// Ending others' sessions.
    pub SessionsWrite = "portcullis:sessions:write": "End the sessions of any account";
    /// Reading the audit log.
    pub AuditRead = "portcullis:audit:read": "Read the audit log";
    /// Reading why requests were refused.
    pub DecisionsRead = "portcullis:decisions:read": "See why requests were refused and what an account could do";
    /// Rotating keys.
    pub KeysWrite = "portcullis:keys:write": "Rotate the signing keys";
}

/// All of them.
pub const BUILT_IN: [PermissionRef; 8] = [
    AccountsRead::PERMISSION,
    AccountsWrite::PERMISSION,
    RolesRead::PERMISSION,
    RolesWrite::PERMISSION,
    SessionsWrite::PERMISSION,
    AuditRead::PERMISSION,
    DecisionsRead::PERMISSION,
    KeysWrite::PERMISSION,
];

impl From<&PermissionRef> for PermissionRecord {
    fn from(permission: &PermissionRef) -> Self {
        Self {
            name: permission.name.to_owned(),
            description: permission.description.to_owned(),
        }
    }
}
