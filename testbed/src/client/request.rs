//! Requests and responses, header values as bytes.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HOST, HeaderName, HeaderValue};

use crate::error::{Error, Result};

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    path: String,
    host: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Request {
    /// With any method, for a path and query; `Host` is `api.test` unless told.
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            host: "api.test".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A GET.
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// A POST with a body.
    pub fn post(path: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", path).body(body)
    }

    /// `Host`, or `:authority` in HTTP/2.
    pub fn host(mut self, host: &str) -> Self {
        self.host = host.to_owned();
        self
    }

    /// Adds a header; its value may be any bytes but controls, UTF-8 or not.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// With this body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(super) fn for_http1(&self) -> Result<hyper::Request<Full<Bytes>>> {
        self.hyper(&self.path, Some(&self.host))
    }

    pub(super) fn for_http2(&self, scheme: &str) -> Result<hyper::Request<Full<Bytes>>> {
        self.hyper(&format!("{scheme}://{}{}", self.host, self.path), None)
    }

    fn hyper(&self, uri: &str, host: Option<&str>) -> Result<hyper::Request<Full<Bytes>>> {
        let impossible =
            |error: &dyn std::fmt::Display| Error::Client(format!("cannot be sent: {error}"));
        let mut request = hyper::Request::builder()
            .method(self.method.as_str())
            .uri(uri)
            .body(Full::from(self.body.clone()))
            .map_err(|error| impossible(&error))?;
        if let Some(host) = host {
            let value = HeaderValue::from_str(host).map_err(|error| impossible(&error))?;
            request.headers_mut().insert(HOST, value);
        }
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|e| impossible(&e))?;
            let value = HeaderValue::from_bytes(value).map_err(|e| impossible(&e))?;
            request.headers_mut().append(name, value);
        }
        Ok(request)
    }
}

/// A response, read to its end.
#[derive(Clone, Debug)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Its headers, in order; names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Response {
    pub(super) fn new(head: &hyper::http::response::Parts, body: Vec<u8>) -> Self {
        Self {
            status: head.status.as_u16(),
            headers: head
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
                .collect(),
            body,
        }
    }

    /// The first header of that name, as text.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
