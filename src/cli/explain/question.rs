//! The request that is asked about, as the command line says it: one URL, or its parts.

use clap::{Args, ValueEnum};
use http::header::{HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Uri};
use postern_actors::plan::explain::{Entrance, Question};
use postern_actors::plan::{Plan, Port, Protocol};

use crate::cli::Refusal;

#[cfg(test)]
mod tests;

/// The request.
#[derive(Debug, Args)]
pub(super) struct QuestionArguments {
    /// The URL that the client asks for, in place of --scheme, --host and --path
    #[arg(value_name = "URL", conflicts_with_all = ["host", "path", "scheme"])]
    url: Option<Uri>,
    /// Its host, as the header Host has it
    #[arg(long, value_name = "HOST", value_parser = one_line)]
    host: Option<String>,
    /// Its path, with a query if it has one
    #[arg(long, value_name = "PATH", default_value = "/", value_parser = path)]
    path: String,
    /// Only where clients connect by HTTP, or by HTTPS
    #[arg(long, value_enum, value_name = "SCHEME")]
    scheme: Option<Scheme>,
    /// Its method
    #[arg(long, value_name = "METHOD", default_value = "GET")]
    method: Method,
    /// A header of it; repeatable
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The listener to which the client connects, by its name or its port in the Gateway
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

/// What can stand in a head at all; whether it may is for the parser of requests to say.
fn one_line(text: &str) -> Result<String, String> {
    if text.contains(['\r', '\n']) { Err("it has to be one line".into()) } else { Ok(text.trim().to_owned()) }
}

fn path(text: &str) -> Result<String, String> {
    let path = one_line(text)?;
    if path.starts_with('/') || path == "*" { Ok(path) } else { Err("it has to begin with a slash".into()) }
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
    pub(super) listener: Option<String>,
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
                if authority.as_str().contains('@') {
                    return Err(Refusal(format!("{authority}: give the host without a user")));
                }
                let target = url.path_and_query().map_or("/", PathAndQuery::as_str);
                (authority.to_string(), target, Some(protocol), authority.port_u16())
            }
            (None, Some(host)) => (host.clone(), self.path.as_str(), self.scheme.map(Protocol::from), None),
            (None, None) => {
                return Err(Refusal("give the URL that the client asks for, or its --host (and --path)".to_owned()));
            }
        };
        let (hosts, headers): (Vec<_>, Vec<_>) =
            self.headers.iter().cloned().partition(|(name, _)| name == http::header::HOST);
        if let Some((_, host)) = hosts.last() {
            authority = String::from_utf8_lossy(host.as_bytes()).into_owned();
        }
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query.to_owned())));
        let question = Question { method: self.method.to_string(), authority, path: path.to_owned(), query, headers };
        Ok(Asked { question, protocol, url_port, listener: self.listener.clone() })
    }
}

impl Asked {
    /// Where it comes in, and what should be known of that. A port in a URL may be one under which a listener is reached from
    /// outside (a Service's, or a forwarded one): it counts only where a listener has it.
    pub(super) fn entrance<'a>(&'a self, gateway: Option<&'a str>, plan: &Plan) -> (Entrance<'a>, Option<String>) {
        let any = Entrance { gateway, protocol: self.protocol, ..Entrance::default() };
        let of_gateway = |known: &Port| gateway.is_none_or(|gateway| gateway == &*known.gateway);
        let has = |port: u16| plan.ports.iter().any(|known| known.port == port && of_gateway(known));
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
