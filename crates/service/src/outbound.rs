//! What a process asks of others over HTTP: an issuer's keys, a collector of traces, the health of its like.
//!
//! Invariants: addresses are the operator's, never a caller's; an answer is bounded in size and time, and nothing is
//! followed elsewhere.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::http::{Method, Request, StatusCode, Uri, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

/// The longest answer that is read.
const LONGEST: usize = 1 << 20;

/// Where something is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    https: bool,
    host: String,
    port: u16,
    path: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address: write https://host/path, without user and password")]
pub struct BadAddress(String);

#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("it cannot be reached: {0}")]
    Unreachable(#[from] io::Error),
    #[error("it does not speak HTTP: {0}")]
    Http(#[from] hyper::Error),
    #[error("its answer cannot be read: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
    #[error("it answers {0}")]
    Status(StatusCode),
    #[error("it has not answered within {0:?}")]
    Late(Duration),
}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let bad = || BadAddress(text.chars().take(200).collect());
        let uri: Uri = text.parse().map_err(|_| bad())?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(bad()),
        };
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        let host = authority.ok_or_else(bad)?.host().trim_matches(['[', ']']).to_owned();
        if host.is_empty() {
            return Err(bad());
        }
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { https, host, port, path })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { https, port, path, .. } = self;
        let scheme = if *https { "https" } else { "http" };
        write!(f, "{scheme}://{}:{port}{path}", self.name())
    }
}

impl Address {
    /// Whether nobody on the way can change what is answered: by TLS, or since it does not leave the machine.
    pub fn is_trusted(&self) -> bool {
        let is_loopback = |ip: std::net::IpAddr| ip.is_loopback();
        self.https || self.host == "localhost" || self.host.parse().is_ok_and(is_loopback)
    }

    /// Another path at the same place.
    #[must_use]
    pub fn with_path(self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self }
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    pub async fn get(&self, within: Duration) -> Result<Bytes, AskError> {
        self.ask(Method::GET, Bytes::new(), within).await
    }

    pub async fn post_json(&self, body: Bytes, within: Duration) -> Result<Bytes, AskError> {
        self.ask(Method::POST, body, within).await
    }

    /// The body of an answer that says that all is well.
    async fn ask(&self, method: Method, body: Bytes, within: Duration) -> Result<Bytes, AskError> {
        let asking = async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            if !self.https {
                return self.exchange(stream, method, body).await;
            }
            static TLS: LazyLock<TlsConnector> = LazyLock::new(tls);
            let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
            self.exchange(TLS.connect(name, stream).await?, method, body).await
        };
        tokio::time::timeout(within, asking).await.unwrap_or(Err(AskError::Late(within)))
    }

    async fn exchange<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &self,
        stream: S,
        method: Method,
        body: Bytes,
    ) -> Result<Bytes, AskError> {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let mut request = Request::builder()
            .method(method)
            .uri(&self.path)
            .header(header::HOST, format!("{}:{}", self.name(), self.port))
            .header(header::CONNECTION, "close");
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(body)).map_err(io::Error::other)?;
        let connection = tokio::spawn(connection);
        let response = sender.send_request(request).await?;
        if !response.status().is_success() {
            return Err(AskError::Status(response.status()));
        }
        let body = Limited::new(response.into_body(), LONGEST).collect().await;
        connection.abort();
        Ok(body.map_err(AskError::Body)?.to_bytes())
    }

    /// As an address writes the host.
    fn name(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

/// Believes whom the machine believes.
fn tls() -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has the usual versions of TLS")
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_trusted_by_tls_or_on_the_own_machine() {
        let trusted = |text: &str| text.parse::<Address>().map(|address| address.is_trusted());
        for (text, expected) in [
            ("https://id.example/jwks.json", Ok(true)),
            ("http://127.0.0.1:80/x", Ok(true)),
            ("http://[::1]/x", Ok(true)),
            ("http://localhost:9/x?y=1", Ok(true)),
            ("http://id.example/x", Ok(false)),
            ("http://127.0.0.1.example/x", Ok(false)),
        ] {
            assert_eq!(trusted(text), expected, "{text}");
        }
        for text in
            ["", "id.example/x", "ftp://id.example/", "https://a:b@id.example/", "https:///x"]
        {
            assert!(trusted(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_reads_as_it_is_written() {
        for text in ["https://id.example:443/a?b=c", "http://[::1]:8080/"] {
            assert_eq!(
                text.parse::<Address>().map(|address| address.to_string()),
                Ok(text.to_owned())
            );
        }
    }
}
