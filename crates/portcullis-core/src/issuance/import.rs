//! Takes keys in whose text was made elsewhere.

use super::{ApiKeys, Form, MayIssue};
use crate::api_key::{ApiKeysError, ForeignKey, Imported};
use crate::authz::Permit;
use crate::{account, audit, defends};

impl ApiKeys {
    /// Makes a key of a text from elsewhere: for a service account, or at the machine's own command line for anybody. What it
    /// may is bounded as for one made here. The same text for the same account once more changes nothing.
    ///
    /// Whoever knows the text acts as the account, so people aren't given keys by others, administrators included.
    ///
    /// # Errors
    /// [`ApiKeysError`]; no key was made. A text that another account's key has is [`ApiKeysError::Taken`].
    pub async fn import_for(
        &self,
        permit: &Permit<MayIssue>,
        account: account::Id,
        key: &ForeignKey,
        form: Form,
        by: audit::Context,
    ) -> Result<Imported, ApiKeysError> {
        defends!("T186");
        let maker = permit.principal().map(|who| &**who);
        let facts = self.facts(account).await?.ok_or(ApiKeysError::UnknownAccount)?;
        if maker.is_some() && facts.account.kind != account::AccountKind::Service {
            return Err(ApiKeysError::NotAService);
        }
        let text = (key.digest(), key.hint());
        let new = self.new_key((account, maker), form, text, by.at).await?;
        self.on.store.import_key(new, permit.sign(by)).await?
    }
}
