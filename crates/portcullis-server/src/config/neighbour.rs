//! Variables that begin as ours do, and that an orchestrator, an image or a chart sets.
//!
//! A service called `portcullis`, or `portcullis-` and anything, puts its address into every program of its namespace, under
//! names made from its own. Only those shapes are let pass: anything else that begins with our prefix is a typing slip
//! until it is a key.
//!
//! Source: Kubernetes, "Service": environment variables

use super::key::PREFIX;

/// Whether somebody else sets the variable, and doesn't mean us.
pub(super) fn sets(name: &str, value: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(PREFIX) else {
        return false;
    };
    OF_IMAGES.contains(&rest) || is_service_link(rest, value)
}

/// The part after the prefix: the service's own name, if it has more than ours, and what is said about it.
fn is_service_link(rest: &str, value: &[u8]) -> bool {
    let words: Vec<&str> = rest.split('_').collect();
    (0..words.len()).any(|begin| words.get(begin..).is_some_and(|said| is_link(said, value)))
}

fn is_link(said: &[&str], value: &[u8]) -> bool {
    match said {
        ["SERVICE", "HOST"] | ["SERVICE", "PORT", ..] => true,
        ["PORT"] => PROTOCOLS
            .iter()
            .any(|protocol| value.starts_with(format!("{}://", protocol.to_lowercase()).as_bytes())),
        ["PORT", number, protocol] | ["PORT", number, protocol, "PROTO" | "PORT" | "ADDR"] => {
            number.parse::<u16>().is_ok() && PROTOCOLS.contains(protocol)
        }
        _ => false,
    }
}

const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];

/// What images and charts say about themselves.
const OF_IMAGES: [&str; 3] = ["HOME", "IMAGE_TAG", "VERSION"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_of_the_namespace_are_told_from_slips() {
        for (name, value) in [
            ("DB_SERVICE_HOST", "10.0.0.2"),
            ("DB_SERVICE_PORT", "5432"),
            ("DB_SERVICE_PORT_TCP_POSTGRESQL", "5432"),
            ("DB_PORT", "tcp://10.0.0.2:5432"),
            ("DB_PORT", "udp://10.0.0.2:5432"),
            ("DB_PORT", "sctp://10.0.0.2:5432"),
            ("DB_PORT_5432_TCP", "tcp://10.0.0.2:5432"),
            ("DB_PORT_5432_TCP_PROTO", "tcp"),
            ("DB_PORT_5432_UDP_PORT", "5432"),
            ("DB_PORT_5432_SCTP_ADDR", "10.0.0.2"),
            ("MY_OTHER_DB_SERVICE_HOST", "10.0.0.2"),
            ("PORT", "tcp://10.0.0.1:80"),
            ("PORT_80_TCP", "tcp://10.0.0.1:80"),
            ("SERVICE_HOST", "10.0.0.1"),
            ("SERVICE_PORT_HTTP", "80"),
            ("VERSION", "0.1.0"),
            ("HOME", "/opt/portcullis"),
            ("IMAGE_TAG", "latest"),
        ] {
            assert!(
                sets(&format!("{PREFIX}{name}"), value.as_bytes()),
                "{name}={value}"
            );
        }
        for (name, value) in [
            ("LISTN", "127.0.0.1:1"),
            ("PORT", "8080"),
            ("DB_PORT", "5432"),
            ("DB_PORT_5432", "5432"),
            ("DB_PORT_HTTP_TCP", "tcp://10.0.0.2:80"),
            ("DB_PORT_5432_HTTP", "tcp://10.0.0.2:80"),
            ("DB_PORT_5432_TCP_NAME", "x"),
            ("DB_PORT_70000_TCP", "x"),
            ("DB_SERVICE", "x"),
            ("DB_SERVICES_HOST", "x"),
            ("DB_SERVICE_HOST_NAME", "x"),
            ("HOMES", "x"),
            ("", "x"),
        ] {
            assert!(
                !sets(&format!("{PREFIX}{name}"), value.as_bytes()),
                "{name}={value}"
            );
        }
    }
}
