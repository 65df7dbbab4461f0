//! The request that is asked about, as the command line says it: one URL, or its parts.

use clap::{Args, ValueEnum};
use http::header::{HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery};
use http::{Method, Uri};
use postern_actors::plan::explain::{Entrance, Question};
use postern_actors::plan::{Plan, Protocol};

use crate::cli::Refusal;

#[cfg(test)]
mod tests;

/// The request.
#[derive(Debug, Args)]
pub(super) struct QuestionArguments {
    /// The request's URL, in place of --scheme, --host and --path
    #[arg(value_name = "URL", required_unless_present = "host", conflicts_with_all = ["host", "path", "scheme"])]
    url: Option<Uri>,
    /// Its host, as in the field Host
    #[arg(long, value_name = "HOST")]
    host: Option<Authority>,
    /// Its path, with a query if it has one
    #[arg(long, value_name = "PATH", default_value = "/", value_parser = path)]
    path: PathAndQuery,
    /// Come in by HTTP or HTTPS only
    #[arg(long, value_enum, value_name = "SCHEME")]
    scheme: Option<Scheme>,
    /// Its method
    #[arg(long, value_name = "METHOD", default_value = "GET")]
    method: Method,
    /// A field of its head; repeatable
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The listener to which the client connects, by its name or port
    #[arg(long, value_name = "NAME|PORT")]
    listener: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scheme {
    Http,
    Https,
}

impl From<Scheme> for Protocol {
    fn from(scheme: Scheme) -> Self {
        match scheme {
            Scheme::Http => Self::Http,
            Scheme::Https => Self::Https,
        }
    }
}

fn path(text: &str) -> Result<PathAndQuery, String> {
    let path: PathAndQuery = text.parse().map_err(|error| format!("{error}"))?;
    if path.path().starts_with('/') { Ok(path) } else { Err("it has to begin with a slash".into()) }
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("write it as 'Name: value'")?;
    let name = name.trim().parse().map_err(|error| format!("{error}"))?;
    Ok((name, value.trim().parse().map_err(|error| format!("{error}"))?))
}

/// A request, and what is known of where it comes in.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) question: Question,
    protocol: Option<Protocol>,
    /// That of the URL, if it has one.
    url_port: Option<u16>,
    listener: Option<String>,
}

impl QuestionArguments {
    pub(super) fn asked(&self) -> Result<Asked, Refusal> {
        let (mut authority, target, protocol, url_port) = match (&self.url, &self.host) {
            (Some(url), _) => {
                let protocol = match url.scheme_str() {
                    Some("http") => Protocol::Http,
                    Some("https") => Protocol::Https,
                    _ => return Err(Refusal(format!("{url} is no URL of http or https"))),
                };
                let authority = url.authority().ok_or_else(|| Refusal(format!("{url} names no host")))?;
                let target = url.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
                (authority.clone(), target, Some(protocol), authority.port_u16())
            }
            (None, Some(host)) => (host.clone(), self.path.clone(), self.scheme.map(Protocol::from), None),
            (None, None) => return Err(Refusal("give a URL, or --host".to_owned())),
        };
        let (hosts, headers): (Vec<_>, Vec<_>) =
            self.headers.iter().cloned().partition(|(name, _)| name == http::header::HOST);
        if let Some((_, host)) = hosts.last() {
            let invalid = |error| Refusal(format!("the header Host is no host: {error}"));
            authority = Authority::try_from(host.as_bytes()).map_err(invalid)?;
        }
        if authority.as_str().contains('@') {
            return Err(Refusal(format!("{authority}: a host has no user")));
        }
        let question = Question {
            method: self.method.to_string(),
            authority: authority.to_string(),
            path: target.path().to_owned(),
            query: target.query().map(str::to_owned),
            headers,
        };
        Ok(Asked { question, protocol, url_port, listener: self.listener.clone() })
    }
}

impl Asked {
    /// Where it comes in, and what should be known of that. A port in a URL may be one under which a listener is reached from
    /// outside (a Service's, or a forwarded one): it counts only where a listener has it.
    pub(super) fn entrance<'a>(&'a self, gateway: Option<&'a str>, plan: &Plan) -> (Entrance<'a>, Option<String>) {
        let any = Entrance { gateway, protocol: self.protocol, ..Entrance::default() };
        let has = |port: u16| plan.ports.iter().any(|known| known.port == port);
        match (self.listener.as_deref(), self.url_port) {
            (Some(listener), _) => match listener.parse().ok().filter(|port| has(*port)) {
                Some(port) => (Entrance { port: Some(port), ..any }, None),
                None => (Entrance { listener: Some(listener), ..any }, None),
            },
            (None, Some(port)) if has(port) => (Entrance { port: Some(port), ..any }, None),
            (None, Some(port)) => (any, Some(format!("no listener has port {port}, so every port is looked at"))),
            (None, None) => (any, None),
        }
    }
}
