//! Names that are taken, and names that were given up.

use portcullis_core::account::{self, Account};
use portcullis_core::checks;
use portcullis_core::effect::Effect;
use portcullis_core::organization::{
    Id, NewOrganization, OWNER, OrganizationName, OrganizationsError, Renaming, Selector, Slug,
};

use super::{acting, create, new, roles};
use crate::contract::Stores;
use crate::contract::fixtures::{count, event_count, fresh_id, registered, together};

/// A slug that is or was somebody's is nobody else's, and nothing is written for a refusal.
pub async fn create_organization_refuses_what_is_taken<S: Stores>(db: S) {
    checks!("T074");
    let (anna, ben) = (registered(&db, "anna").await, registered(&db, "benno").await);
    let first = create(&db, "acme", &anna).await;
    let renamed = Renaming {
        name: None,
        slug: Some(Slug::parse("acme-two").unwrap()),
    };
    let change = db
        .rename_organization(first, renamed, acting(&anna))
        .await
        .unwrap();
    assert_eq!(change, Ok(Effect::Changed));
    let before = event_count(&db).await;
    let nobody = Account {
        id: account::Id::from_uuid(fresh_id()),
        ..ben.clone()
    };
    let limited = NewOrganization {
        limit: Some(1),
        ..new("other", &anna)
    };
    for (new, expected) in [
        (new("acme", &ben), Err(OrganizationsError::SlugTaken)),
        (new("acme-two", &ben), Err(OrganizationsError::SlugTaken)),
        (new("other", &nobody), Err(OrganizationsError::UnknownAccount)),
        (limited, Err(OrganizationsError::TooManyOrganizations)),
    ] {
        assert_eq!(db.create_organization(new, acting(&ben)).await.unwrap(), expected);
    }
    assert_eq!(event_count(&db).await, before);
    assert_eq!(db.organizations(None, 10).await.unwrap().len(), 1);
    let limited = NewOrganization {
        limit: Some(2),
        ..new("other", &anna)
    };
    let made = db.create_organization(limited, acting(&anna)).await.unwrap();
    assert!(made.is_ok());
    let listed = db.organizations(Some(first), 10).await.unwrap();
    assert_eq!(listed.len(), 1, "the page after the first");
    assert_eq!(roles(&db, first, &anna).await.unwrap(), [OWNER]);
}

/// A crowd asks for one slug: one gets it.
pub async fn create_organization_in_parallel_makes_one<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let answers = together(|_| {
        let (db, new, by) = (db.clone(), new("acme", &anna), acting(&anna));
        async move { db.create_organization(new, by).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, Result::is_ok), 1);
    assert_eq!(
        count(&answers, |made| *made == Err(OrganizationsError::SlugTaken)),
        99
    );
    assert_eq!(db.organizations(None, 200).await.unwrap().len(), 1);
}

/// A slug stays its first organization's, and selects it only while it is the present one.
pub async fn rename_organization_keeps_former_slugs<S: Stores>(db: S) {
    checks!("T074");
    let (anna, ben) = (registered(&db, "anna").await, registered(&db, "benno").await);
    let (acme, other) = (create(&db, "acme", &anna).await, create(&db, "other", &ben).await);
    let to = |slug: &str| Renaming {
        name: None,
        slug: Some(Slug::parse(slug).unwrap()),
    };
    let rename =
        async |id: Id, renaming: Renaming| db.rename_organization(id, renaming, acting(&anna)).await.unwrap();
    assert_eq!(rename(acme, to("acme-new")).await, Ok(Effect::Changed));
    assert_eq!(
        rename(other, to("acme")).await,
        Err(OrganizationsError::SlugTaken)
    );
    assert_eq!(
        rename(other, to("acme-new")).await,
        Err(OrganizationsError::SlugTaken)
    );
    assert_eq!(rename(acme, to("acme-new")).await, Ok(Effect::Unchanged));
    assert_eq!(
        rename(Id::from_uuid(fresh_id()), to("ghost")).await,
        Err(OrganizationsError::UnknownOrganization)
    );
    let by_slug = async |slug: &str| {
        let found = db.organization(Selector::parse(slug).unwrap()).await.unwrap();
        found.map(|organization| organization.id)
    };
    assert_eq!(by_slug("acme").await, None);
    assert_eq!(by_slug("acme-new").await, Some(acme));
    assert_eq!(by_slug("other").await, Some(other));
    assert_eq!(
        db.membership(anna.id, Selector::parse("acme").unwrap())
            .await
            .unwrap(),
        None
    );
    for n in 3..=10 {
        assert_eq!(
            rename(acme, to(&format!("acme-{n}"))).await,
            Ok(Effect::Changed),
            "slug {n}"
        );
    }
    assert_eq!(
        rename(acme, to("acme-11")).await,
        Err(OrganizationsError::TooManySlugs(10))
    );
    assert_eq!(rename(acme, to("acme")).await, Ok(Effect::Changed));
    let named = Renaming {
        name: Some(OrganizationName::parse("Acme & Co").unwrap()),
        slug: None,
    };
    assert_eq!(rename(acme, named).await, Ok(Effect::Changed));
    let found = db.organization(Selector::Id(acme)).await.unwrap().unwrap();
    assert_eq!((&*found.name, &*found.slug), ("Acme & Co", "acme"));
}
