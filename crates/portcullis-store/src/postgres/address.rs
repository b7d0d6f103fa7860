//! From an address to a pool of connections.
//!
//! TLS is rustls on aws-lc-rs, as everywhere. Unlike libpq, `sslmode=require` checks the certificate: encryption
//! towards whoever answers protects nothing. `prefer` and `allow` are refused for the same reason.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    ClientWrapper, Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime,
};
use portcullis_core::fault::Fault;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::migration;
use crate::settings::Settings;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(3);

/// How long the server may leave what was sent unacknowledged before the connection counts as broken.
const SILENCE: Duration = Duration::from_secs(5);

pub(crate) fn pool(url: &str, settings: &Settings) -> Result<Pool, Fault> {
    let address = parse(url)?;
    let mut config = address.config;
    config.connect_timeout(CONNECT);
    config.tcp_user_timeout(SILENCE);
    config.keepalives_idle(SILENCE);
    let limits: Arc<str> = limits(config.get_options(), settings).into();
    // Each host may be silent for as long before the next one is tried.
    let hosts = config.get_hosts().len().max(config.get_hostaddrs().len()).max(1);
    let patience = CONNECT.saturating_mul(u32::try_from(hosts).unwrap_or(u32::MAX));
    let name = application(config.get_application_name());
    config.application_name(name);
    let recycling = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    let manager = if address.tls {
        let tls = MakeRustlsConnect::new(client_config(address.root.as_deref())?);
        Manager::from_config(config, tls, recycling)
    } else {
        Manager::from_config(config, NoTls, recycling)
    };
    Pool::builder(manager)
        .max_size(settings.connections.max(1))
        .wait_timeout(Some(settings.wait))
        .create_timeout(Some(patience))
        .post_create(Hook::async_fn(move |client: &mut ClientWrapper, _| {
            let limits = Arc::clone(&limits);
            Box::pin(async move { client.batch_execute(&limits).await.map_err(HookError::Backend) })
        }))
        .recycle_timeout(Some(CONNECT))
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|e| Fault::Other(e.to_string()))
}

/// What connections are called, so that a step of the schema which breaks former versions can tell their nodes: `portcullis/`
/// and the version of the schema, behind the name that the address gives.
fn application(given: Option<&str>) -> String {
    // PostgreSQL cuts what is longer, and it is the end that counts.
    const MOST: usize = 63;
    let ours = format!("portcullis/{}", migration::POSTGRES.latest());
    let Some(given) = given else { return ours };
    let room = MOST - 1 - ours.len();
    let ends = given.char_indices().map(|(at, email)| at + email.len_utf8());
    let end = ends.take_while(|end| *end <= room).last().unwrap_or_default();
    format!("{} {ours}", given.get(..end).unwrap_or_default())
}

/// What every session of ours is set to, but for what the address sets by itself. It is said after connecting: poolers
/// refuse it among the parameters of a start.
fn limits(given: Option<&str>, settings: &Settings) -> String {
    let given = given.unwrap_or_default();
    [
        ("statement_timeout", settings.statement.as_millis()),
        ("lock_timeout", settings.busy.as_millis()),
        ("idle_in_transaction_session_timeout", 15_000),
    ]
    .into_iter()
    .filter(|(name, _)| !given.contains(name))
    .map(|(name, milliseconds)| format!("SET {name} = {milliseconds};"))
    .collect()
}

struct Address {
    config: Config,
    tls: bool,
    root: Option<String>,
}

/// Takes the address apart. No error repeats it: it may carry a password.
fn parse(url: &str) -> Result<Address, Fault> {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut mode, mut root, mut rest) = (None, None, Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sslmode", value)) => mode = Some(value),
            Some(("sslrootcert", value)) => root = Some(value.to_owned()),
            _ => rest.push(pair),
        }
    }
    let plain = if rest.is_empty() {
        base.to_owned()
    } else {
        format!("{base}?{}", rest.join("&"))
    };
    let mut config: Config = plain
        .parse()
        .map_err(|e| Fault::Other(format!("its address is not well formed: {e}")))?;
    let tls = match mode {
        Some("disable") => false,
        Some("require" | "verify-full") => true,
        None => !is_this_machine(&config),
        Some(_) => {
            return Err(Fault::Other(
                "its address has an sslmode other than disable, require and verify-full".into(),
            ));
        }
    };
    if !query.contains("target_session_attrs=") {
        // A standby answers, but with what was true a while ago, and takes no logins.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    config.ssl_mode(if tls { SslMode::Require } else { SslMode::Disable });
    Ok(Address { config, tls, root })
}

fn is_this_machine(config: &Config) -> bool {
    let local = |host: &Host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    };
    config.get_hosts().iter().all(local) && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

fn client_config(root: Option<&str>) -> Result<ClientConfig, Fault> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Fault::Other(e.to_string()))?;
    Ok(config.with_root_certificates(roots(root)?).with_no_client_auth())
}

/// The certificates to trust: those of the file, or the system's.
fn roots(file: Option<&str>) -> Result<RootCertStore, Fault> {
    let mut store = RootCertStore::empty();
    if let Some(file) = file {
        let unreadable = |e: &dyn std::fmt::Display| {
            Fault::Other(format!(
                "the certificates of sslrootcert, {file}, can't be read: {e}"
            ))
        };
        for certificate in CertificateDer::pem_file_iter(file).map_err(|e| unreadable(&e))? {
            let certificate = certificate.map_err(|e| unreadable(&e))?;
            store.add(certificate).map_err(|e| unreadable(&e))?;
        }
    } else {
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if store.is_empty() {
        return Err(Fault::Other(
            "there is no certificate to trust; name one with sslrootcert".into(),
        ));
    }
    Ok(store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear_by_default() {
        for (url, tls) in [
            ("postgres://u@127.0.0.1/d", false),
            ("postgres://u@localhost/d", false),
            ("postgres://u@[::1]/d", false),
            ("postgres://u@10.0.0.1/d", true),
            ("postgres://u@localhost.example.com/d", true),
            ("postgres://u@127.0.0.1,db.example.com/d", true),
            ("postgres://u@db.example.com/d?sslmode=disable", false),
            ("postgres://u@127.0.0.1/d?sslmode=require", true),
            (
                "postgres://u@127.0.0.1/d?connect_timeout=1&sslmode=verify-full",
                true,
            ),
        ] {
            assert_eq!(parse(url).unwrap().tls, tls, "{url}");
        }
    }

    #[test]
    fn a_mode_that_checks_nothing_is_refused_and_no_error_shows_the_password() {
        for url in [
            "postgres://u:canary@h/d?sslmode=prefer",
            "postgres://u:canary@h/d?sslmode=allow",
            "postgres://u:canary@h/d?sslmode=",
            "postgres://u:canary@h:port/d",
            "postgres://u:canary@h/d?nonsense=1",
        ] {
            let fault = parse(url).err().unwrap();
            assert!(!fault.to_string().contains("canary"), "{fault}");
        }
    }

    #[test]
    fn a_server_that_takes_writes_is_asked_for_unless_the_address_says_otherwise() {
        for (url, asked) in [
            ("postgres://u@a,b/d", TargetSessionAttrs::ReadWrite),
            (
                "postgres://u@a/d?target_session_attrs=any",
                TargetSessionAttrs::Any,
            ),
            (
                "postgres://u@a/d?connect_timeout=1&target_session_attrs=read-only",
                TargetSessionAttrs::ReadOnly,
            ),
        ] {
            assert_eq!(
                parse(url).unwrap().config.get_target_session_attrs(),
                asked,
                "{url}"
            );
        }
    }

    #[test]
    fn what_the_address_sets_by_itself_stays() {
        let settings = Settings::default();
        let all = limits(None, &settings);
        for limit in [
            "SET statement_timeout = 10000;",
            "SET lock_timeout = 2000;",
            "SET idle_in_transaction_session_timeout = 15000;",
        ] {
            assert!(all.contains(limit), "{all}");
        }
        let some = limits(Some("-c statement_timeout=500"), &settings);
        assert!(
            !some.contains("statement_timeout") && some.contains("lock_timeout"),
            "{some}"
        );
    }

    #[test]
    fn the_name_of_a_connection_ends_in_the_version_of_its_schema() {
        let ours = application(None);
        assert_eq!(ours, format!("portcullis/{}", migration::POSTGRES.latest()));
        assert_eq!(application(Some("billing")), format!("billing {ours}"));
        let long = application(Some(&"ü".repeat(60)));
        assert!(long.len() <= 63 && long.ends_with(&format!("ü {ours}")), "{long}");
    }

    #[test]
    fn certificates_that_are_not_there_are_a_fault() {
        assert!(roots(Some("/nowhere/root.pem")).is_err());
    }
}
