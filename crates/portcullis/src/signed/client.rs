//! A client's side: signs a request before it is sent.

use http::header::{HOST, InvalidHeaderValue};
use http::{HeaderName, HeaderValue, Request};
use portcullis_core::environment::Environment;
use portcullis_core::signature::{self, RequestSigner, SignRequestError};

use super::{HeaderFields, authority};

/// Signs a request that is complete: with its whole body, its whole address (or a `Host` header), and every header that the signer
/// covers. Adds `Signature-Input`, `Signature` and, where there is a body, `Content-Digest`; what stood there before is replaced.
///
/// ```
/// use http::Request;
/// use portcullis::core::key::{Algorithm, HmacSecret, SigningKey};
/// use portcullis::core::secret::SecretBytes;
/// use portcullis::core::signature::RequestSigner;
///
/// let secret = HmacSecret::new(Algorithm::HS256, SecretBytes::new(vec![7; 32]))?;
/// let signer = RequestSigner::new(SigningKey::of_secret("acme-1", secret)?)?;
/// let mut request = Request::post("https://api.example.com/orders?dry=1").body(r#"{"sku":"a-1"}"#)?;
/// portcullis::sign_request(&signer, &mut request, &portcullis::environment::system())?;
/// assert!(request.headers().contains_key("signature"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`SignRequestError`]: a header that is to be covered is missing, or the key fails.
pub fn sign_request<B: AsRef<[u8]>>(
    signer: &RequestSigner,
    request: &mut Request<B>,
    environment: &Environment,
) -> Result<(), SignRequestError> {
    let body = Some(request.body().as_ref()).filter(|body| !body.is_empty());
    let https = request.uri().scheme_str().map(|scheme| scheme == "https");
    let authority = authority(request.uri(), request.headers(), https);
    if authority.is_empty() {
        return Err(SignRequestError::Absent(HOST.to_string()));
    }
    let message = signature::Request {
        method: request.method().as_str(),
        authority: &authority,
        path: request.uri().path(),
        query: request.uri().query(),
        fields: &HeaderFields(request.headers()),
    };
    let written = signer.sign(&message, body, environment)?;
    let added = [
        ("content-digest", written.content_digest),
        ("signature-input", Some(written.signature_input)),
        ("signature", Some(written.signature)),
    ];
    for (name, value) in added {
        let Some(value) = value else { continue };
        let value = HeaderValue::try_from(value);
        let value = value.map_err(|_: InvalidHeaderValue| SignRequestError::Absent(name.to_owned()))?;
        request.headers_mut().insert(HeaderName::from_static(name), value);
    }
    Ok(())
}
